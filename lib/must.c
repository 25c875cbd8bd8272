/* must.c - see must.h */
#include "must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static void *checked(void *p)
{
	if (!p) {
		log_error("memory.exhausted");
		abort();
	}
	return p;
}

void *must_calloc(size_t n, size_t size)
{
	return checked(calloc(n, size));
}

void *must_realloc(void *p, size_t size)
{
	return checked(realloc(p, size));
}

void *must_copy(const void *data, size_t len)
{
	return len ? memcpy(checked(malloc(len)), data, len) : NULL;
}

char *must_strdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *must_printf(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	return checked(n < 0 ? NULL : out);
}
