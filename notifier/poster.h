/*
 * poster.h - POSTs over libcurl, many at once, on the program's loop
 *
 * HTTP/1.1 over kept connections, http and https only, no proxy from the
 * environment, no redirect followed; an address is checked when it is connected
 * to, after resolution.  Of an answer only status and Retry-After are kept; what
 * else comes is thrown away, and only so much of it is read.
 */
#ifndef POSTER_H
#define POSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct callback_rules;
struct loop;
struct poster;

/* At most `transfers` at once, each within `timeout` (us).  `rules` is borrowed. */
int poster_open(struct poster **out, struct loop *loop, const struct callback_rules *rules, size_t transfers,
                int64_t timeout);
/* NULL is fine; what is on its way is broken off, nobody is called. */
void poster_close(struct poster *p);

#define POST_HEADERS 5
struct post {
	const char *uri;
	const char *headers[POST_HEADERS]; /* "name: value"; NULL: none more.  Content-Type is set already */
	const void *body;
	size_t len;
};

struct post_answer {
	int status;          /* 0: none came */
	bool refused;        /* it resolves to addresses that may not be connected to, and to no other */
	int64_t retry_after; /* us; < 0: none */
	const char *error;   /* why none came: libcurl's words, which name no query; else NULL */
};

typedef void post_done_fn(void *arg, const struct post_answer *a);
/* All is copied.  fn is called once, from a later turn of the loop.  -EAGAIN: all transfers are taken. */
int poster_send(struct poster *p, const struct post *post, post_done_fn *fn, void *arg);
bool poster_is_full(const struct poster *p);

#endif
