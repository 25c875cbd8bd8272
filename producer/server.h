/*
 * server.h - HTTP/1.1 in our loop, ours so that every request is answered in the API's form
 *
 * Total deadline per request (a client that sends a byte now and then is not
 * waited for), unambiguous framing, bounded bodies, capped connections, a stop
 * that loses nothing.  Everything runs on the loop's thread.
 *
 * Not a library's: libmicrohttpd 0.9.75 drops a folded header that is the last
 * one (a folded Content-Length or Transfer-Encoding makes the body the next
 * request), cuts header values and targets at a zero byte, and answers what it refuses
 * itself in HTML, some of it with two heads; none of it can be seen or changed from outside.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct server;
struct request_private;

/* One request; it lives until written() has returned. */
struct request {
	const char *method;
	const char *target; /* raw, as it came over the wire */
	char *body;         /* complete in body(); terminated; NULL: none came */
	size_t body_len;
	int64_t began; /* clock_mono() of the first byte */
	int status;    /* of the answer; 0: not answered yet */
	bool left;     /* the answer was handed to the network as a whole */
	void *user;    /* the handler's own */
	struct request_private *own;
};

struct server_handler {
	void (*head)(void *arg, struct request *r); /* all headers are here; may answer already */
	void (*body)(void *arg, struct request *r); /* not answered yet: answers now or later */
	void (*gone)(void *arg, struct request *r); /* answered or cut off, at last: frees r->user */
	/* The server's own refusals (framing, 408, 413) take the handler's words: a malloc'ed body. */
	char *(*words)(int status, const char *message);
	void *arg;
};

struct server_limits {
	int64_t deadline; /* us, whole request */
	unsigned connections;
	unsigned per_address; /* connections from one address, an IPv6 /64 counting as one; 0: no limit */
	size_t body, bodies;  /* bytes: of one request, of all together */
};

/* `listen` is host:port, port 0 a free one.  -EINVAL, -ENOMEM; else as bind(2) has it. */
int server_open(struct server **out, struct loop *loop, const char *listen,
                const struct server_limits *limits, const struct server_handler *h);
void server_close(struct server *s); /* NULL is fine; who still waits is cut off (gone() is called) */
int server_port(const struct server *s);

/* Takes no more connections, closes the idle ones, and each other after its answer. */
void server_drain(struct server *s);
size_t server_connections(const struct server *s);

/* NULL: no such header.  Borrowed. */
const char *request_header(const struct request *r, const char *name);
bool request_has_body(const struct request *r); /* one is declared, by length or as chunked */

/* Before request_answer(); more than 12 are dropped. */
void request_add(struct request *r, const char *name, const char *value);
/* Once.  `json` is taken (NULL: an empty answer). */
void request_answer(struct request *r, int status, char *json);
/* The same with a text that lives as long as the program: no connection keeps a copy, however slowly it reads.  Not to HEAD. */
void request_answer_shared(struct request *r, int status, const char *json);

#endif
