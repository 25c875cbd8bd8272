/* server.c - see server.h.  The library suspends a connection while its request waits for an answer. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "clock.h"
#include "framing.h"
#include "listener.h"
#include "loop.h"

#define HEADERS_MAX  12
#define MEMORY_LIMIT (16 * 1024)   /* a connection's, in the library: headers of 8 KiB and more fit */
#define DISCARD_MAX  (1024 * 1024) /* of a body already refused; then the connection is cut */

struct connection {
	struct connection *next, *prev;
	struct request *request; /* NULL: none has begun */
	int fd;
	int64_t since; /* of the request's first line, or of the last answer */
	bool waiting;  /* for us: no deadline of the client's */
};

struct request_private {
	struct server *server;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct MHD_Response *response;
	struct {
		char *name, *value;
	} headers[HEADERS_MAX];
	size_t header_count;
	size_t capacity, seen; /* of the body */
	int refused;           /* the body: status to answer when it is over */
	bool started, suspended, queued;
};

struct server {
	struct loop *loop;
	struct server_handler handler;
	struct server_limits limits;
	struct MHD_Daemon *daemon;
	int epoll_fd, port;
	bool draining, running;
	bool full; /* as many connections as there may be, after the last turn */
	struct loop_timer turn, sweep;
	struct connection connections; /* a ring; this is its head */
	size_t connection_count, body_bytes;
};

/* ---- turns ---- */

static void server_turn(void *arg);

static void on_events(void *arg, uint32_t events)
{
	(void)events;
	server_turn(arg);
}

static void turn_soon(struct server *s)
{
	if (!s->running)
		loop_timer_set(s->loop, &s->turn, clock_mono(), server_turn, s);
}

/* Not entered twice: an answer given from within a handler is sent by the turn that is running. */
static void server_turn(void *arg)
{
	struct server *s = arg;
	bool was_full = s->full;
	MHD_UNSIGNED_LONG_LONG wait;

	s->running = true;
	MHD_run(s->daemon);
	s->running = false;
	s->full = s->connection_count >= s->limits.connections;
	loop_timer_clear(s->loop, &s->turn);
	if (was_full && !s->full)
		turn_soon(
		        s); /* the library listens again on its next turn, and nothing else would bring that */
	else if (MHD_get_timeout(s->daemon, &wait) == MHD_YES && wait < 60000)
		loop_timer_set(s->loop, &s->turn, clock_mono() + (int64_t)wait * CLOCK_MS, server_turn, s);
}

/* The library's own time-out begins anew with each byte; this one does not. */
static void sweep(void *arg)
{
	struct server *s = arg;
	int64_t now = clock_mono();

	for (struct connection *c = s->connections.next; c != &s->connections; c = c->next) {
		if (!c->waiting && now - c->since >= s->limits.deadline)
			shutdown(c->fd, SHUT_RDWR);
	}
	loop_timer_set(s->loop, &s->sweep, now + s->limits.deadline / 10 + CLOCK_MS, sweep, s);
}

/* ---- answers ---- */

static enum MHD_Result queue_answer(struct request *r)
{
	struct request_private *own = r->own;
	struct server *s = own->server;
	enum MHD_Result result;

	if (s->draining)
		MHD_add_response_header(own->response, "Connection", "close");
	own->queued = true;
	result = MHD_queue_response(own->mhd, (unsigned)r->status, own->response);
	MHD_destroy_response(own->response);
	own->response = NULL;
	/* from here on it is the client who may be slow */
	own->connection->waiting = false;
	own->connection->since = clock_mono();
	return result;
}

void request_add(struct request *r, const char *name, const char *value)
{
	struct request_private *own = r->own;
	size_t i = own->header_count;

	if (i == HEADERS_MAX)
		return;
	own->headers[i].name = strdup(name);
	own->headers[i].value = strdup(value);
	own->header_count++;
}

void request_answer(struct request *r, int status, char *json)
{
	struct request_private *own = r->own;

	own->response =
	        MHD_create_response_from_buffer(json ? strlen(json) : 0, json ? json : (char *)"",
	                                        json ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!own->response) {
		free(json);
		abort(); /* out of memory for a few hundred bytes */
	}
	if (json)
		MHD_add_response_header(own->response, "Content-Type", "application/json");
	for (size_t i = 0; i < own->header_count; i++) {
		if (own->headers[i].name && own->headers[i].value)
			MHD_add_response_header(own->response, own->headers[i].name, own->headers[i].value);
	}
	r->status = status;
	if (own->suspended) {
		own->suspended = false;
		MHD_resume_connection(own->mhd);
		turn_soon(own->server);
	}
}

static void refuse(struct request *r, int status, const char *message)
{
	const struct server_handler *h = &r->own->server->handler;

	request_add(r, "Connection", "close");
	request_answer(r, status, h->words(status, message));
}

/* ---- the library's callbacks ---- */

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
	struct server *s = arg;
	struct connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = calloc(1, sizeof(*c));
		*context = c;
		if (!c)
			return;
		c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->since = clock_mono();
		c->next = s->connections.next;
		c->prev = &s->connections;
		c->next->prev = c;
		s->connections.next = c;
		s->connection_count++;
	} else if (c) {
		c->prev->next = c->next;
		c->next->prev = c->prev;
		free(c);
		*context = NULL;
		s->connection_count--;
	}
}

/* The first thing heard of a request, and the only place where the target is still raw. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct connection *c =
	        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct request *r = calloc(1, sizeof(*r));
	struct request_private *own = calloc(1, sizeof(*own));

	if (!r || !own || !c) {
		free(r);
		free(own);
		return NULL;
	}
	c->since = clock_mono();
	c->request = r;
	own->server = arg;
	own->mhd = mhd;
	own->connection = c;
	r->own = own;
	r->began = c->since;
	r->target = strdup(target);
	return r;
}

static void on_over(void *arg, struct MHD_Connection *mhd, void **context,
                    enum MHD_RequestTerminationCode code)
{
	struct server *s = arg;
	struct request *r = *context;
	struct request_private *own;

	(void)mhd;
	if (!r)
		return;
	own = r->own;
	r->left = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
	if (own->started)
		s->handler.gone(s->handler.arg, r);
	own->connection->waiting = false;
	own->connection->request = NULL;
	own->connection->since = clock_mono();
	s->body_bytes -= own->capacity;
	if (own->response)
		MHD_destroy_response(own->response);
	for (size_t i = 0; i < own->header_count; i++) {
		free(own->headers[i].name);
		free(own->headers[i].value);
	}
	free(own);
	free(r->target);
	free(r->body);
	free(r);
	*context = NULL;
}

/* Answers what can be answered without the body; true: it has to go out at once. */
static bool begin(struct request *r)
{
	struct request_private *own = r->own;
	struct server *s = own->server;
	const char *fault = framing_fault(own->mhd);
	const char *length = request_header(r, "Content-Length");

	own->started = true;
	if (fault) {
		refuse(r, 400, fault);
		return true;
	}
	if (length && strtoull(length, NULL, 10) > s->limits.body) {
		refuse(r, 413, "body: too large");
		return true;
	}
	s->handler.head(s->handler.arg, r);
	if (!r->status)
		return false;
	/*
	 * A stranger's body is not read at all.  Others' is read and thrown
	 * away: cutting the connection under a client that still writes may
	 * cost it our answer.
	 */
	return request_has_body(r) && (r->status == 401 || request_header(r, "Expect"));
}

static enum MHD_Result take(struct request *r, const char *data, size_t len)
{
	struct request_private *own = r->own;
	struct server *s = own->server;

	own->seen += len;
	if (own->seen > DISCARD_MAX)
		return MHD_NO;
	if (r->status || own->refused)
		return MHD_YES;
	if (own->seen > s->limits.body) {
		own->refused = 413;
	} else if (own->seen + 1 > own->capacity) {
		size_t more = own->seen + 1 + own->seen / 2;
		char *body = s->body_bytes - own->capacity + more > s->limits.bodies ? NULL
		                                                                     : realloc(r->body, more);

		if (!body) {
			own->refused = 503;
			return MHD_YES;
		}
		s->body_bytes += more - own->capacity;
		own->capacity = more;
		r->body = body;
	}
	if (!own->refused) {
		memcpy(r->body + r->body_len, data, len);
		r->body_len += len;
		r->body[r->body_len] = '\0';
	}
	return MHD_YES;
}

static enum MHD_Result finish(struct request *r)
{
	struct request_private *own = r->own;
	struct server *s = own->server;

	if (!r->status && own->refused == 413) {
		refuse(r, 413, "body: too large");
	} else if (!r->status && own->refused) {
		request_add(r, "Retry-After", "1");
		refuse(r, own->refused, "too much at once: not accepted, try again");
	} else if (!r->status) {
		own->connection->waiting = true;
		s->handler.body(s->handler.arg, r);
	}
	if (r->status)
		return queue_answer(r);
	own->suspended = true;
	MHD_suspend_connection(own->mhd);
	return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *data, size_t *len, void **context)
{
	struct request *r = *context;
	enum MHD_Result result;

	(void)arg;
	(void)mhd;
	(void)url;
	(void)version;
	if (!r || !r->target)
		return MHD_NO;
	if (!r->method) {
		r->method = method;
		return begin(r) ? queue_answer(r) : MHD_YES;
	}
	if (r->own->queued)
		return MHD_YES;
	if (*len) {
		result = take(r, data, *len);
		*len = 0;
		return result;
	}
	return r->status ? queue_answer(r) : finish(r);
}

/* ---- what handlers ask ---- */

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->own->mhd, MHD_HEADER_KIND, name);
}

bool request_has_body(const struct request *r)
{
	const char *length = request_header(r, "Content-Length");

	return (length && strtoull(length, NULL, 10)) || request_header(r, "Transfer-Encoding");
}

/* ---- opening and closing ---- */

static int start(struct server *s, int fd)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;

	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
	                             MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED,
	                             on_over, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	                             MHD_OPTION_CONNECTION_LIMIT, s->limits.connections,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_LIMIT,
	                             MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!s->daemon)
		return -ENOMEM;
	s->epoll_fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return loop_watch(s->loop, s->epoll_fd, EPOLLIN, on_events, s);
}

int server_open(struct server **out, struct loop *loop, const char *listen,
                const struct server_limits *limits, const struct server_handler *h)
{
	struct server *s = calloc(1, sizeof(*s));
	int fd, r;

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->limits = *limits;
	s->handler = *h;
	s->epoll_fd = -1;
	s->connections.next = s->connections.prev = &s->connections;

	fd = listener_open(listen, &s->port);
	if (fd < 0) {
		free(s);
		return fd;
	}
	r = start(s, fd);
	if (r < 0) {
		if (!s->daemon)
			close(fd);
		server_close(s);
		return r;
	}
	sweep(s);
	turn_soon(s);
	*out = s;
	return 0;
}

/* The library refuses to stop while a connection is suspended. */
static void cut_off(struct server *s)
{
	for (struct connection *c = s->connections.next; c != &s->connections; c = c->next) {
		if (c->request && c->request->own->suspended)
			request_answer(c->request, 503, s->handler.words(503, "stopping"));
	}
	MHD_run(s->daemon);
}

void server_close(struct server *s)
{
	if (!s)
		return;
	if (s->epoll_fd >= 0)
		loop_unwatch(s->loop, s->epoll_fd);
	if (s->daemon) {
		cut_off(s);
		MHD_stop_daemon(s->daemon);
	}
	/* last: an answer to one that was cut off asks for a turn */
	loop_timer_clear(s->loop, &s->sweep);
	loop_timer_clear(s->loop, &s->turn);
	free(s);
}

int server_port(const struct server *s)
{
	return s->port;
}

void server_drain(struct server *s)
{
	int fd;

	if (s->draining)
		return;
	s->draining = true;
	fd = MHD_quiesce_daemon(s->daemon);
	if (fd >= 0)
		close(fd);
	/* reading ends; what has been asked is still answered */
	for (struct connection *c = s->connections.next; c != &s->connections; c = c->next) {
		if (!c->request)
			shutdown(c->fd, SHUT_RD);
	}
	turn_soon(s);
}

size_t server_connections(const struct server *s)
{
	return s->connection_count;
}
