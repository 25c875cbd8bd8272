/*
 * driver.c - runs a fuzz target without libFuzzer: its corpus, then a fixed number of mutations
 *
 * For `make check`: any compiler, the same inputs each time, well under a second.  It
 * knows nothing of coverage and finds little that is new; what it is for is that
 * nothing found before comes back.  SEED and RUNS choose other mutations, and files
 * named as arguments are run instead of the corpus, without any.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
extern const long fuzz_runs __attribute__((weak));

enum {
	INPUT_MAX = 128 * 1024,
	FILES_MAX = 1000,
	WORDS_MAX = 512,
	WORD_MAX = 64,
	RUNS_DEFAULT = 10000,
	CHANGES_MAX = 6, /* of one input at a time */
};

struct input {
	uint8_t *data;
	size_t size;
};

static struct input files[FILES_MAX], words[WORDS_MAX];
static size_t file_count, word_count;
static const char *target; /* "body_create" */
static struct input now;   /* the one that runs */
static uint64_t chance;

/* ---- when it goes wrong ---- */

static char kept[256], said[600];

static void prepare_words(void)
{
	const char *folder = getenv("TMPDIR");

	snprintf(kept, sizeof(kept), "%.200s/fuzz_%.20s.%d", folder ? folder : "/tmp", target, (int)getpid());
	snprintf(said, sizeof(said), "# the input is in %s\n[  FAILED  ] fuzz_%.20s\n", kept, target);
}

/* The input is kept, and named: nothing else tells which of the mutations it was. */
static void keep_input(int signal_number)
{
	int fd = open(kept, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, now.data, now.size) == (ssize_t)now.size)
		(void)!write(STDOUT_FILENO, said, strlen(said));
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* A sanitizer's own handler says more than ours; it ends in abort() if it is told to. */
static void catch_signals(void)
{
	static const int numbers[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct sigaction old;

		sigaction(numbers[i], NULL, &old);
		if (old.sa_handler == SIG_DFL)
			signal(numbers[i], keep_input);
	}
}

/* ---- reading ---- */

static struct input read_file(const char *path)
{
	struct input in = { malloc(INPUT_MAX), 0 };
	FILE *f = fopen(path, "re");

	if (!f || !in.data) {
		perror(path);
		exit(2);
	}
	in.size = fread(in.data, 1, INPUT_MAX, f);
	fclose(f);
	return in;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their names, which is the same everywhere. */
static void read_corpus(const char *folder)
{
	static char *names[FILES_MAX];
	size_t n = 0;
	DIR *d = opendir(folder);

	if (!d) {
		perror(folder);
		exit(2);
	}
	for (struct dirent *e; (e = readdir(d)) && n < FILES_MAX;) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			names[n++] = strdup(path);
	}
	closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		files[file_count++] = read_file(names[i]);
		free(names[i]);
	}
}

static int hex_of(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c >= 'A' ? c - 'A' + 10 : c - '0';
}

/* libFuzzer's form: a line has a word between quotes, with \\ \" and \xAB in it. */
static void read_word(const char *line)
{
	const char *c = strchr(line, '"'), *end = strrchr(line, '"');
	struct input *w = &words[word_count];

	if (*line == '#' || !c || end == c || word_count == WORDS_MAX)
		return;
	w->data = malloc(WORD_MAX);
	for (c++; w->data && c < end && w->size < WORD_MAX; c++) {
		if (*c == '\\' && c[1] == 'x' && end - c > 3) {
			w->data[w->size++] = (uint8_t)(hex_of(c[2]) << 4 | hex_of(c[3]));
			c += 3;
		} else {
			c += *c == '\\';
			w->data[w->size++] = (uint8_t)*c;
		}
	}
	word_count++;
}

static void read_words(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		read_word(line);
	if (f)
		fclose(f);
}

/* ---- mutations ---- */

static size_t any(size_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return below ? (size_t)(chance % below) : 0;
}

/* `n` bytes of the input from `at` on give way to those of `from`. */
static void replace(struct input *in, size_t at, size_t n, const uint8_t *from, size_t size)
{
	if (in->size - n + size > INPUT_MAX)
		return;
	memmove(in->data + at + size, in->data + at + n, in->size - at - n);
	if (size)
		memcpy(in->data + at, from, size);
	in->size += size - n;
}

static void change(struct input *in)
{
	size_t at = any(in->size + 1), left = in->size - at;
	const struct input *other = &files[any(file_count)];
	const struct input *word = word_count ? &words[any(word_count)] : other;
	uint8_t byte = (uint8_t)any(256), copy[WORD_MAX];
	size_t n = any(left < WORD_MAX ? left + 1 : WORD_MAX), from = any(other->size + 1);

	switch (any(7)) {
	case 0:
		if (left)
			in->data[at] ^= (uint8_t)(1 << any(8));
		break;
	case 1:
		replace(in, at, left != 0, &byte, 1);
		break;
	case 2:
		replace(in, at, 0, &byte, 1);
		break;
	case 3:
		replace(in, at, n, NULL, 0);
		break;
	case 4: /* a part of itself, once more */
		memcpy(copy, in->data + at, n);
		replace(in, any(in->size + 1), 0, copy, n);
		break;
	case 5:
		replace(in, at, any(2) * (n < word->size ? n : word->size), word->data, word->size);
		break;
	default: /* the end of another */
		replace(in, at, left, other->data + from, other->size - from);
	}
}

/* In memory of exactly its size, so that ASan sees who reads on. */
static void run(const struct input *in)
{
	now.size = in->size;
	now.data = malloc(in->size ? in->size : 1);
	if (!now.data)
		exit(2);
	if (in->size)
		memcpy(now.data, in->data, in->size);
	LLVMFuzzerTestOneInput(now.data, now.size);
	free(now.data);
}

static void run_mutations(long runs)
{
	static uint8_t room[INPUT_MAX];

	for (long i = 0; i < runs; i++) {
		const struct input *seed = &files[any(file_count)];
		struct input in = { room, seed->size };

		memcpy(room, seed->data, seed->size);
		for (size_t n = 1 + any(CHANGES_MAX); n; n--)
			change(&in);
		run(&in);
	}
}

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static void free_all(struct input *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].data);
}

int main(int argc, char **argv)
{
	const char *name = basename(argv[0]);
	char path[256];
	long runs;

	target = strncmp(name, "fuzz_", 5) ? name : name + 5;
	chance = UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)number("SEED", 1) + 1) | 1;
	runs = argc > 1 ? 0 : number("RUNS", &fuzz_runs ? fuzz_runs : RUNS_DEFAULT);
	prepare_words();
	catch_signals();
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);

	printf("[ RUN      ] fuzz_%s\n", target);
	fflush(stdout);
	for (int i = 1; i < argc && file_count < FILES_MAX; i++)
		files[file_count++] = read_file(argv[i]);
	if (argc == 1) {
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", target);
		read_corpus(path);
		snprintf(path, sizeof(path), "tests/fuzz/dict/%s.dict", target);
		read_words(path);
	}
	if (!file_count) {
		printf("[  FAILED  ] fuzz_%s: no seeds\n", target);
		return 1;
	}
	for (size_t i = 0; i < file_count; i++)
		run(&files[i]);
	run_mutations(runs);
	printf("[       OK ] fuzz_%s: %zu inputs, %ld mutations\n", target, file_count, runs);
	free_all(files, file_count);
	free_all(words, word_count);
	return 0;
}
