/*
 * connection.c - see server_parts.h: from phase to phase
 *
 * A connection is read only while its request is not complete: what a client sends
 * ahead waits in the kernel, so a connection costs HTTP_HEAD_MAX at most besides its body,
 * and nothing while it is idle.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "must.h"
#include "server_parts.h"

#define STEPS_MAX  64            /* of one connection in one turn: then others have theirs */
#define THROWN_MAX (1024 * 1024) /* bytes read after the last answer; then the connection is cut */

enum next {
	NEXT_STEP,  /* go on at once */
	NEXT_READ,  /* when there is more to read */
	NEXT_WRITE, /* when the network takes more */
	NEXT_ASKED, /* when the handler has answered */
	NEXT_CLOSE,
};

/* ---- reading ---- */

static enum next read_more(struct connection *c)
{
	ssize_t n;

	if (!c->in)
		c->in = must_calloc(1, HTTP_HEAD_MAX);
	n = recv(c->fd, c->in + c->in_len, HTTP_HEAD_MAX - c->in_len, 0);
	if (n > 0) {
		if (!c->in_len && c->phase == PHASE_HEAD)
			c->since = clock_mono();
		c->in_len += (size_t)n;
		return NEXT_STEP;
	}
	if (n < 0 && errno == EINTR)
		return NEXT_STEP;
	if (n < 0 && errno == EAGAIN) {
		if (!c->in_len) {
			free(c->in); /* who waits costs nothing */
			c->in = NULL;
		}
		return NEXT_READ;
	}
	return NEXT_CLOSE;
}

static void drop(struct connection *c, size_t n)
{
	memmove(c->in, c->in + n, c->in_len - n);
	c->in_len -= n;
	c->seen = 0;
}

/* ---- the head ---- */

/* Answers what can be answered without the body. */
static void begin(struct request *r)
{
	struct request_private *own = r->own;
	struct server *s = own->connection->server;

	own->closes = own->head.closes;
	own->left = own->head.length;
	if (own->head.length > s->limits.body) {
		request_refuse(r, 413, "body: too large");
		return;
	}
	s->handler.head(s->handler.arg, r);
	/*
	 * A stranger's body is not taken at all.  Others' is read to its end
	 * and thrown away, so that the connection can go on.
	 */
	if (r->status && request_has_body(r) && (r->status == 401 || own->head.expects))
		own->closes = true;
}

static void go_on(struct connection *c)
{
	static const char more[] = "HTTP/1.1 100 Continue\r\n\r\n";
	ssize_t n;

	/* nothing else is on its way; a client that is not told waits a moment, and sends all the same */
	n = send(c->fd, more, sizeof(more) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n;
}

static enum next start(struct connection *c, size_t len)
{
	struct request *r = request_new(c);
	struct request_private *own = r->own;
	struct http_fault fault;

	own->text = must_copy(c->in, len);
	drop(c, len);
	if (http_head_parse(&own->head, own->text, len, &fault) < 0) {
		request_refuse(r, fault.status, fault.message);
	} else {
		r->method = own->head.method;
		r->target = own->head.target;
		begin(r);
	}
	c->phase = PHASE_SEND;
	if ((!r->status || !own->closes) && request_has_body(r)) {
		c->phase = PHASE_BODY;
		if (own->head.expects && !c->in_len && !r->status)
			go_on(c);
	} else if (!r->status) {
		c->phase = PHASE_WAIT;
		c->server->handler.body(c->server->handler.arg, r);
	}
	return NEXT_STEP;
}

/* An old habit of clients, before a request (RFC 9112, section 2.2). */
static void skip_empty_lines(struct connection *c)
{
	size_t n = 0;

	while (n + 2 <= c->in_len && !memcmp(c->in + n, "\r\n", 2))
		n += 2;
	if (n)
		drop(c, n);
}

static enum next step_head(struct connection *c)
{
	struct http_fault fault;
	long len;

	skip_empty_lines(c);
	len = http_head_find(c->in, c->in_len, &c->seen, &fault);
	if (len > 0)
		return start(c, (size_t)len);
	if (!len) {
		enum next next = read_more(c);

		return next == NEXT_READ && c->server->draining && !c->in_len ? NEXT_CLOSE : next;
	}
	request_refuse(request_new(c), fault.status, fault.message);
	c->phase = PHASE_SEND;
	return NEXT_STEP;
}

/* ---- the body ---- */

static void complete(struct connection *c)
{
	struct request *r = c->request;

	c->phase = PHASE_WAIT;
	if (!r->status)
		c->server->handler.body(c->server->handler.arg, r);
}

/* What is there of it, however small its chunks are.  own->left counts all that came. */
static void take_chunks(struct connection *c)
{
	struct request *r = c->request;
	struct request_private *own = r->own;
	struct http_fault fault;
	const char *data;
	size_t at = 0, len;
	long n = 1;

	while (at < c->in_len && n > 0 && !own->chunks.over) {
		n = http_chunks_take(&own->chunks, c->in + at, c->in_len - at, &data, &len, &fault);
		if (n > 0 && data)
			request_take(r, data, len);
		at += n > 0 ? (size_t)n : 0;
	}
	own->left += at;
	if (n > 0 && own->left > THROWN_MAX)
		n = http_fault(&fault, 413, "body: too large, with its chunks' sizes");
	if (n < 0) {
		own->closes = true; /* its end is not known */
		if (!r->status)
			request_refuse(r, fault.status, fault.message);
	}
	drop(c, at);
}

static enum next step_chunks(struct connection *c)
{
	struct request_private *own = c->request->own;

	take_chunks(c);
	if (own->chunks.over)
		complete(c);
	else if (c->request->status && own->closes)
		c->phase = PHASE_SEND;
	return NEXT_STEP;
}

static enum next step_body(struct connection *c)
{
	struct request_private *own = c->request->own;
	size_t n;

	if (!c->in_len)
		return read_more(c);
	if (own->head.chunked)
		return step_chunks(c);
	n = c->in_len < own->left ? c->in_len : (size_t)own->left;
	request_take(c->request, c->in, n);
	drop(c, n);
	own->left -= n;
	if (!own->left)
		complete(c);
	else if (c->request->status && own->closes)
		c->phase = PHASE_SEND;
	return NEXT_STEP;
}

static enum next step_wait(struct connection *c)
{
	if (!c->request->status)
		return NEXT_ASKED;
	c->phase = PHASE_SEND;
	return NEXT_STEP;
}

/* ---- the answer ---- */

/* It is with the network: on to the next request, or to the end. */
static enum next sent(struct connection *c)
{
	bool closes = c->request->own->closes, cut = c->request->own->cut;

	free(c->out);
	c->out = NULL;
	request_over(c->request, true);
	c->since = clock_mono();
	c->phase = PHASE_HEAD;
	if (!closes)
		return NEXT_STEP;
	shutdown(c->fd, SHUT_WR);
	c->phase = PHASE_LINGER;
	return cut ? NEXT_CLOSE : NEXT_STEP;
}

/* What is left to send: head and body, or after them the body that is shared. */
static const char *to_send(const struct connection *c, size_t *len)
{
	const char *shared = c->request->own->shared;

	*len = c->out_len - c->out_sent;
	if (c->out_sent < c->out_len || !shared)
		return c->out + c->out_sent;
	shared += c->out_sent - c->out_len;
	*len = strlen(shared);
	return shared;
}

static enum next step_send(struct connection *c)
{
	const char *from;
	size_t len;
	ssize_t n;

	if (!c->out) {
		if (c->server->draining)
			c->request->own->closes = true;
		c->out = request_bytes(c->request, &c->out_len);
		c->out_sent = 0;
		c->since = clock_mono(); /* from here on it is the client who may be slow */
	}
	from = to_send(c, &len);
	n = send(c->fd, from, len, MSG_NOSIGNAL);
	if (n < 0 && errno == EINTR)
		return NEXT_STEP;
	if (n < 0)
		return errno == EAGAIN ? NEXT_WRITE : NEXT_CLOSE;
	c->out_sent += (size_t)n;
	to_send(c, &len);
	return len ? NEXT_STEP : sent(c);
}

static enum next step_linger(struct connection *c)
{
	static char scratch[16 * 1024];
	ssize_t n = recv(c->fd, scratch, sizeof(scratch), 0);

	if (n > 0)
		c->thrown += (size_t)n;
	if (n > 0 && c->thrown <= THROWN_MAX)
		return NEXT_STEP;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? NEXT_READ : NEXT_CLOSE;
}

/* ---- turns ---- */

static enum next (*const steps[PHASES])(struct connection *c) = {
	[PHASE_HEAD] = step_head, [PHASE_BODY] = step_body,     [PHASE_WAIT] = step_wait,
	[PHASE_SEND] = step_send, [PHASE_LINGER] = step_linger,
};

static void on_event(void *arg, uint32_t events)
{
	struct connection *c = arg;

	(void)events;
	if (c->phase == PHASE_WAIT) {
		/* he sends ahead, or is gone: either can wait until the answer is there */
		loop_unwatch(c->server->loop, c->fd);
		c->watching = 0;
		return;
	}
	connection_turn(c);
}

static void watch(struct connection *c, unsigned events)
{
	if (c->watching == events)
		return;
	if (loop_watch(c->server->loop, c->fd, events, on_event, c) < 0)
		abort(); /* out of memory in the kernel */
	c->watching = events;
}

void connection_turn(struct connection *c)
{
	enum next next = NEXT_STEP;

	c->turning = true;
	for (int i = 0; i < STEPS_MAX && next == NEXT_STEP; i++)
		next = steps[c->phase](c);
	c->turning = false;
	if (next == NEXT_CLOSE)
		connection_close(c);
	else if (next == NEXT_STEP)
		server_ready(c->server, c);
	else if (next != NEXT_ASKED)
		watch(c, next == NEXT_WRITE ? EPOLLOUT : EPOLLIN);
}

void connection_close(struct connection *c)
{
	if (c->request)
		request_over(c->request, false);
	loop_unwatch(c->server->loop, c->fd);
	close(c->fd);
	server_forget(c->server, c);
	free(c->in);
	free(c->out);
	free(c);
}

void connection_late(struct connection *c)
{
	struct request *r = c->request;

	if (c->phase == PHASE_HEAD && c->in_len)
		r = request_new(c);
	else if (c->phase != PHASE_BODY || r->status)
		r = NULL;
	if (!r) {
		connection_close(c);
		return;
	}
	c->phase = PHASE_SEND;
	r->own->cut = true;
	c->turning = true;
	request_refuse(r, 408, "the request did not come to its end in time");
	c->turning = false;
	connection_turn(c);
}
