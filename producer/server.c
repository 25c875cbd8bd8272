/* server.c - see server.h: who may connect, and for how long */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "listener.h"
#include "log.h"
#include "must.h"
#include "server_parts.h"
#include "table.h"

#define ACCEPTS_MAX 64 /* in one turn: then those that are here have theirs */
#define SOCKET_ROOM                                                                                          \
	(64 * 1024) /* of the kernel's for each way: it grows to megabytes for who sends and never reads */
#define LINGER CLOCK_SEC /* how long a client may take to read that it was refused */

union peer_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static void listen_again(struct server *s);

/* ---- turns ---- */

static void server_turn(void *arg)
{
	struct server *s = arg;
	struct connection *c = s->ready;

	s->ready = NULL;
	while (c) {
		struct connection *next = c->next_ready;

		c->ready = false;
		connection_turn(c);
		c = next;
	}
}

/* On the next turn, in the order in which they came. */
void server_ready(struct server *s, struct connection *c)
{
	if (c->ready)
		return;
	c->ready = true;
	c->next_ready = NULL;
	if (s->ready)
		s->ready_last->next_ready = c;
	else
		s->ready = c;
	s->ready_last = c;
	loop_timer_set(s->loop, &s->turn, clock_mono(), server_turn, s);
}

/* Each byte that comes changes nothing about the deadline. */
static void sweep(void *arg)
{
	struct server *s = arg;
	int64_t now = clock_mono(), limit;
	struct connection *next;

	for (struct connection *c = s->connections.next; c != &s->connections; c = next) {
		next = c->next;
		limit = s->limits.deadline;
		if (c->phase == PHASE_LINGER && limit > LINGER)
			limit = LINGER;
		if (c->phase != PHASE_WAIT && !c->ready && now - c->since >= limit)
			connection_late(c);
	}
	listen_again(s); /* descriptors may be free again */
	loop_timer_set(s->loop, &s->sweep, now + s->limits.deadline / 10 + CLOCK_MS, sweep, s);
}

/* ---- who connects ---- */

/* The address without its port; of IPv6 the network, in which one machine has as many as it likes. */
static void peer_name(char *out, size_t size, const union peer_address *from)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *bytes = from->v6.sin6_addr.s6_addr;
	size_t used = 0, n = 8;

	if (from->any.sa_family == AF_INET) {
		bytes = (const uint8_t *)&from->v4.sin_addr;
		n = 4;
	} else if (!memcmp(bytes, mapped, sizeof(mapped))) {
		bytes += sizeof(mapped);
		n = 4;
	}
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, size - used, "%02x", bytes[i]);
}

/* False: it has as many connections as it may. */
static bool peer_take(struct server *s, struct connection *c, const union peer_address *from)
{
	char name[sizeof(c->peer->name)];
	struct peer *p;

	if (!s->limits.per_address)
		return true;
	peer_name(name, sizeof(name), from);
	p = table_get(s->peers, name);
	if (!p) {
		p = must_calloc(1, sizeof(*p));
		snprintf(p->name, sizeof(p->name), "%s", name);
		if (table_put(s->peers, name, p) < 0)
			abort(); /* out of memory, see must.h */
	}
	if (p->connections >= s->limits.per_address)
		return false;
	p->connections++;
	c->peer = p;
	return true;
}

static void peer_give_back(struct server *s, struct peer *p)
{
	if (!p || --p->connections)
		return;
	table_remove(s->peers, p->name);
	free(p);
}

static void take_in(struct server *s, int fd, const union peer_address *from)
{
	struct connection *c = must_calloc(1, sizeof(*c));
	int one = 1, room = SOCKET_ROOM;

	c->server = s;
	c->fd = fd;
	if (!peer_take(s, c, from)) {
		close(fd);
		free(c);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	c->since = clock_mono();
	c->next = s->connections.next;
	c->prev = &s->connections;
	c->next->prev = c;
	s->connections.next = c;
	s->connection_count++;
	connection_turn(c); /* the request may be here already */
}

/* One of those that wait in the kernel.  -EAGAIN: nobody does. */
static int take_next(struct server *s)
{
	union peer_address from = { .room = { 0 } };
	socklen_t size = sizeof(from);
	int fd = accept4(s->fd, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		take_in(s, fd, &from);
	else if (errno != EINTR && errno != ECONNABORTED)
		return -errno;
	return 0;
}

static void on_connect(void *arg, uint32_t events)
{
	struct server *s = arg;
	int r = 0;

	(void)events;
	for (int i = 0; i < ACCEPTS_MAX && !r && s->connection_count < s->limits.connections; i++)
		r = take_next(s);
	if (r < 0 && r != -EAGAIN)
		log_warn("http.accept_failed error=\"%s\"", strerror(-r));
	if (s->connection_count < s->limits.connections && (!r || r == -EAGAIN))
		return;
	/* the others wait in the kernel, until one that is here goes or the next sweep */
	loop_unwatch(s->loop, s->fd);
	s->listening = false;
}

static void listen_again(struct server *s)
{
	if (s->fd < 0 || s->listening || s->connection_count >= s->limits.connections)
		return;
	s->listening = loop_watch(s->loop, s->fd, EPOLLIN, on_connect, s) == 0;
}

void server_forget(struct server *s, struct connection *c)
{
	struct connection *before = NULL;

	for (struct connection *at = s->ready; c->ready && at; before = at, at = at->next_ready) {
		if (at != c)
			continue;
		*(before ? &before->next_ready : &s->ready) = c->next_ready;
		if (s->ready_last == c)
			s->ready_last = before;
		break;
	}
	c->prev->next = c->next;
	c->next->prev = c->prev;
	s->connection_count--;
	peer_give_back(s, c->peer);
	listen_again(s);
}

/* ---- opening and closing ---- */

int server_open(struct server **out, struct loop *loop, const char *listen,
                const struct server_limits *limits, const struct server_handler *h)
{
	struct server *s = must_calloc(1, sizeof(*s));
	int r;

	s->loop = loop;
	s->limits = *limits;
	s->handler = *h;
	s->connections.next = s->connections.prev = &s->connections;
	s->fd = listener_open(listen, &s->port);
	r = s->fd < 0 ? s->fd : table_open(&s->peers);
	if (!r)
		r = loop_watch(loop, s->fd, EPOLLIN, on_connect, s);
	if (r < 0) {
		server_close(s);
		return r;
	}
	s->listening = true;
	sweep(s);
	*out = s;
	return 0;
}

static void stop_listening(struct server *s)
{
	if (s->fd < 0)
		return;
	loop_unwatch(s->loop, s->fd);
	close(s->fd);
	s->fd = -1;
}

void server_close(struct server *s)
{
	struct connection *next;

	if (!s)
		return;
	stop_listening(s);
	s->draining = true;
	/* what was answered just now still goes out, and who waits hears that it is over */
	for (struct connection *c = s->connections.next; c != &s->connections; c = next) {
		next = c->next;
		if (c->phase == PHASE_WAIT && !c->request->status) {
			request_add(c->request, "Retry-After", "1");
			request_refuse(c->request, 503, "stopping");
		}
		if (c->phase == PHASE_WAIT)
			connection_turn(c);
	}
	while (s->connections.next != &s->connections)
		connection_close(s->connections.next);
	loop_timer_clear(s->loop, &s->sweep);
	loop_timer_clear(s->loop, &s->turn);
	table_close(s->peers);
	free(s);
}

int server_port(const struct server *s)
{
	return s->port;
}

void server_drain(struct server *s)
{
	struct connection *next;

	if (s->draining)
		return;
	s->draining = true;
	stop_listening(s);
	/* what has been asked is still answered; who has nothing to ask goes */
	for (struct connection *c = s->connections.next; c != &s->connections; c = next) {
		next = c->next;
		if (c->phase == PHASE_HEAD)
			connection_turn(c);
	}
}

size_t server_connections(const struct server *s)
{
	return s->connection_count;
}
