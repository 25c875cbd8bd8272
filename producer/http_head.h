/*
 * http_head.h - the head of a request, its line and its headers, by the letter of RFC 9112
 *
 * A proxy in front and this server must agree where a request ends and what it
 * says.  So nothing is repaired that the RFC allows a server to repair: bare
 * LF, folded headers, spaces before a colon, control characters and headers
 * that stand twice are refused, for there are readers who see them otherwise.
 *
 * Pure: bytes in, a head or a fault out.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX    (16 * 1024) /* bytes, request line and all headers */
#define HTTP_HEADERS_MAX 128

struct http_header {
	const char *name, *value;
};

struct http_head {
	const char *method, *target;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t count;
	bool chunked;
	bool closes;     /* the client asks no more on this connection */
	bool expects;    /* 100-continue */
	uint64_t length; /* of the body; UINT64_MAX: too large to count */
};

/* What to answer; the message names the part, and holds nothing that came. */
struct http_fault {
	int status;
	char message[80];
};

/*
 * How long the head at the beginning of `text` is, its empty line included; 0:
 * not complete yet, call again with more; -1: a fault.  *seen remembers where to go on,
 * 0 for a new head.
 */
long http_head_find(const char *text, size_t len, size_t *seen, struct http_fault *fault);

/* Takes a complete head apart, in place: `text` must live as long as *out.  0 or -1. */
int http_head_parse(struct http_head *out, char *text, size_t len, struct http_fault *fault);

/* NULL: no such header. */
const char *http_head_value(const struct http_head *h, const char *name);

/* Sets the fault; always -1. */
int http_fault(struct http_fault *f, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
