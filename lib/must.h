/*
 * must.h - memory that must be had
 *
 * A worker may die at any step and nothing is lost: that is what the step order
 * is for.  So out of memory ends the process with one line on stderr, instead of
 * adding a second, untested way out to every function.
 */
#ifndef MUST_H
#define MUST_H

#include <stddef.h>

void *must_calloc(size_t n, size_t size);
void *must_realloc(void *p, size_t size);
void *must_copy(const void *data, size_t len); /* NULL for len 0 */
char *must_strdup(const char *s);              /* NULL for NULL */
char *must_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
