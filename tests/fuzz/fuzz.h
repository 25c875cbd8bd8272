/*
 * fuzz.h - what the fuzzers share: one program for each decoder of bytes that come from outside
 *
 * A target is one file fuzz_<name>.c with LLVMFuzzerTestOneInput(): it gives the
 * input to the real function and says with HOLDS() what must be true of the
 * result.  The same file is linked with driver.c (`make check`: its corpus, and
 * a fixed number of seeded mutations, any compiler) and with libFuzzer
 * (`make fuzz`).  Seeds are in corpus/<name>/, words to mutate with in dict/<name>.dict.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* always 0 */
int LLVMFuzzerInitialize(int *argc, char ***argv);            /* a target may do without */
/* Mutations in `make check`, where that many as driver.c has would take seconds; a target may do without. */
extern const long fuzz_runs;

/* Ends the process, and so makes the input a finding. */
#define HOLDS(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
void fuzz_broken(const char *file, int line, const char *what) __attribute__((noreturn));

/* A terminated copy in memory of exactly its size, so that ASan sees who reads on. */
char *fuzz_text(const void *data, size_t size);

/* An input of several texts: one a line.  A line "-" is none (NULL), as is one that is not there. */
struct fuzz_lines {
	const uint8_t *at, *end;
};
struct fuzz_lines fuzz_lines(const uint8_t *data, size_t size);
char *fuzz_line(struct fuzz_lines *l);
/* The same, but never NULL: "" instead. */
char *fuzz_line_text(struct fuzz_lines *l);
/* What stands behind the lines that were taken. */
size_t fuzz_rest(const struct fuzz_lines *l, const uint8_t **data);

/* No control character, neither of ASCII nor of C1 in UTF-8. */
bool fuzz_no_control(const char *text);
/* Besides that no space, and not empty. */
bool fuzz_visible(const char *text);
bool fuzz_is_e164(const char *text);
/* What a refusal says: one printable line that is not empty. */
bool fuzz_names_something(const char *why);

/* A file that exists in memory only, for a reader that wants a path; its mode is 0600. */
struct fuzz_file {
	int fd;
	char path[32];
};
void fuzz_file_open(struct fuzz_file *f, const void *data, size_t size);
void fuzz_file_close(struct fuzz_file *f);

#endif
