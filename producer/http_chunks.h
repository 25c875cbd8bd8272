/*
 * http_chunks.h - a body in chunks (RFC 9112, section 7.1), as it comes
 *
 * Strict for the reason that http_head.h gives.  Extensions are passed over,
 * trailers are thrown away: neither can change what the head said.
 */
#ifndef HTTP_CHUNKS_H
#define HTTP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_head.h"

/* Zeroed is the beginning. */
struct http_chunks {
	int state;
	uint64_t left;   /* of the chunk */
	unsigned digits; /* of its size */
	unsigned line;   /* bytes of the size line, of all trailers */
	bool over;
};

/*
 * Takes some of `in` and says how much, never 0 of more than 0; -1: a fault.  *data, if not NULL, is the run of
 * the body's bytes among them.
 */
long http_chunks_take(struct http_chunks *c, const char *in, size_t len, const char **data, size_t *data_len,
                      struct http_fault *fault);

#endif
