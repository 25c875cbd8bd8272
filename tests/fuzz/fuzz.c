/* fuzz.c - see fuzz.h */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

char *fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* ---- lines ---- */

struct fuzz_lines fuzz_lines(const uint8_t *data, size_t size)
{
	return (struct fuzz_lines){ data, data + size };
}

char *fuzz_line(struct fuzz_lines *l)
{
	size_t left = (size_t)(l->end - l->at);
	const uint8_t *at = l->at, *end = left ? memchr(at, '\n', left) : NULL;
	size_t len = end ? (size_t)(end - at) : left;

	l->at += len + (end != NULL);
	if (!left || (len == 1 && *at == '-'))
		return NULL;
	return fuzz_text(at, len);
}

char *fuzz_line_text(struct fuzz_lines *l)
{
	char *text = fuzz_line(l);

	return text ? text : fuzz_text("", 0);
}

size_t fuzz_rest(const struct fuzz_lines *l, const uint8_t **data)
{
	*data = l->at;
	return (size_t)(l->end - l->at);
}

/* ---- what must hold of texts ---- */

bool fuzz_no_control(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	for (; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			return false;
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			return false;
	}
	return true;
}

bool fuzz_visible(const char *text)
{
	return *text && fuzz_no_control(text) && !strchr(text, ' ');
}

bool fuzz_is_e164(const char *text)
{
	size_t len = strlen(text);

	return len >= 3 && len <= 16 && text[0] == '+' && text[1] >= '1' && text[1] <= '9' &&
	       strspn(text + 1, "0123456789") == len - 1;
}

bool fuzz_names_something(const char *why)
{
	return why && *why && fuzz_no_control(why);
}

/* ---- files ---- */

void fuzz_file_open(struct fuzz_file *f, const void *data, size_t size)
{
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (f->fd < 0 || fchmod(f->fd, 0600) < 0 || write(f->fd, data, size) != (ssize_t)size) {
		perror("memfd_create");
		_exit(2); /* no finding */
	}
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

void fuzz_file_close(struct fuzz_file *f)
{
	close(f->fd);
}
