/*
 * server_parts.h - for server.c, connection.c and request.c only
 *
 * server.c accepts, counts and closes; connection.c takes one connection from
 * phase to phase; request.c holds one request and makes its answer.
 */
#ifndef SERVER_PARTS_H
#define SERVER_PARTS_H

#include "http_chunks.h"
#include "http_head.h"
#include "loop.h"
#include "server.h"

struct table;

#define HEADERS_MAX 12

enum phase {
	PHASE_HEAD, /* between requests, or in the middle of a head */
	PHASE_BODY, /* the head is taken */
	PHASE_WAIT, /* for the handler's answer: no deadline of the client's */
	PHASE_SEND, /* the answer goes out */
	PHASE_LINGER, /* ours is said; what still comes is thrown away, or closing would cost the client our answer */
	PHASES,
};

struct peer {
	unsigned connections;
	char name[48]; /* its address, the key in server.peers */
};

struct connection {
	struct connection *next, *prev; /* a ring */
	struct connection *next_ready;
	struct server *server;
	struct peer *peer; /* NULL: not counted */
	struct request *request;
	enum phase phase;
	int fd;
	unsigned watching; /* EPOLLIN or EPOLLOUT */
	bool ready, turning;
	int64_t since; /* of the request's first byte, or of the last answer */
	char *in;      /* not taken yet, HTTP_HEAD_MAX; NULL: nothing */
	size_t in_len, seen;
	char *out;
	size_t out_len, out_sent; /* sent: of `out` and of the request's shared body after it */
	size_t thrown;            /* away, in PHASE_LINGER */
};

struct request_private {
	struct connection *connection;
	char *text; /* of the head */
	struct http_head head;
	struct http_chunks chunks;
	uint64_t left;      /* of a body with a length */
	char *json;         /* the answer's */
	const char *shared; /* in place of json, borrowed; sent after what request_bytes() made */
	struct {
		char *name, *value;
	} headers[HEADERS_MAX];
	size_t header_count;
	size_t capacity; /* of the body */
	bool closes;     /* this connection, after the answer */
	bool cut;        /* without lingering */
};

struct server {
	struct loop *loop;
	struct server_handler handler;
	struct server_limits limits;
	int fd, port; /* listening; -1: no more */
	bool draining;
	bool listening; /* fd is watched */
	struct loop_timer turn, sweep;
	struct connection connections;         /* a ring; this is its head */
	struct connection *ready, *ready_last; /* have something to do on the next turn */
	struct table *peers;
	size_t connection_count, body_bytes;
};

/* ---- server.c ---- */

void server_ready(struct server *s, struct connection *c);
void server_forget(struct server *s, struct connection *c); /* it is closed */

/* ---- connection.c ---- */

/* Goes on as far as it can; `c` may be gone afterwards. */
void connection_turn(struct connection *c);
void connection_close(struct connection *c);
/* The client took too long. */
void connection_late(struct connection *c);

/* ---- request.c ---- */

struct request *request_new(struct connection *c);
void request_over(struct request *r, bool left);                         /* tells the handler, frees */
void request_refuse(struct request *r, int status, const char *message); /* and closes */
/* More of the body.  Not kept, once the request is answered. */
void request_take(struct request *r, const char *data, size_t len);
/* The whole answer, head and body, but for a shared one; malloc'ed. */
char *request_bytes(const struct request *r, size_t *len);

#endif
