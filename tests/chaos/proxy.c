/*
 * proxy.c - callcast-proxy: TCP connections on 127.0.0.1 passed on, with faults on demand
 *
 * usage: callcast-proxy NAME=PORT:TARGET_PORT...
 *
 * Orders come on stdin, a line each, "NAME ORDER" (NAME may be "all"), and each
 * is answered by a line on stdout:
 *   pass        also "heal": as if it were not there
 *   delay MS    each byte arrives so much later, in both directions
 *   cut         all connections are reset, new ones refused
 *   stall       connections are taken and kept; nothing is passed on
 * Ends with stdin.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "must.h"

#define ROUTES_MAX 8
#define PAIRS_MAX  512           /* connections; more are refused */
#define CHUNK      16384         /* bytes read at once */
#define QUEUED_MAX (256 * CHUNK) /* bytes that wait in one direction; then nothing more is read */

enum mode { PASS, CUT, STALL };

struct route {
	char name[32];
	int port, target, listener;
	enum mode mode;
	int64_t delay; /* us */
};

struct chunk {
	struct chunk *next;
	int64_t due;
	size_t len, sent;
	char data[CHUNK];
};

/* What one end said, on its way to the other. */
struct lane {
	struct chunk *first, *last;
	size_t bytes;
	bool ended; /* nothing more is said */
	bool shut;  /* and the other end knows */
};

struct pair {
	struct route *route;
	int fd[2]; /* who came, whom we called */
	struct lane lane[2];
};

static struct route routes[ROUTES_MAX];
static size_t route_count;
static struct pair *pairs[PAIRS_MAX];
static size_t pair_count;

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return in;
}

static int new_socket(void)
{
	const int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

static int route_listen(struct route *r)
{
	const struct sockaddr_in in = loopback(r->port);

	if (r->listener >= 0)
		return 0;
	r->listener = new_socket();
	if (r->listener < 0 || bind(r->listener, (const struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(r->listener, 64) < 0) {
		fprintf(stderr, "callcast-proxy: %s: port %d: %s\n", r->name, r->port, strerror(errno));
		return -errno;
	}
	return 0;
}

/* ---- connections ---- */

static void no_delay(int fd)
{
	const int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void pair_open(struct route *r, int fd)
{
	const struct sockaddr_in in = loopback(r->target);
	struct pair *p;
	const int other = new_socket();

	if (other < 0 || pair_count == PAIRS_MAX ||
	    (connect(other, (const struct sockaddr *)&in, sizeof(in)) < 0 && errno != EINPROGRESS)) {
		close(fd);
		if (other >= 0)
			close(other);
		return;
	}
	no_delay(fd);
	no_delay(other);
	p = must_calloc(1, sizeof(*p));
	*p = (struct pair){ .route = r, .fd = { fd, other } };
	pairs[pair_count++] = p;
}

static void lane_clear(struct lane *l)
{
	for (struct chunk *c = l->first, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	*l = (struct lane){ 0 };
}

static bool is_over(const struct pair *p)
{
	return p->lane[0].shut && p->lane[1].shut;
}

/* One that is not over is reset: both ends shall notice at once. */
static void pair_close(size_t i)
{
	const struct linger reset = { 1, 0 };
	struct pair *p = pairs[i];

	for (int k = 0; k < 2; k++) {
		if (!is_over(p))
			setsockopt(p->fd[k], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(p->fd[k]);
	}
	lane_clear(&p->lane[0]);
	lane_clear(&p->lane[1]);
	free(p);
	pairs[i] = pairs[--pair_count];
}

/* False: the connection is over. */
static bool lane_read(struct pair *p, int k)
{
	struct lane *l = &p->lane[k];
	struct chunk *c = must_calloc(1, sizeof(*c));
	const ssize_t n = recv(p->fd[k], c->data, sizeof(c->data), 0);

	if (n <= 0) {
		free(c);
		l->ended = n == 0;
		return n == 0 || errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
	}
	c->len = (size_t)n;
	c->due = clock_mono() + p->route->delay;
	if (l->last)
		l->last->next = c;
	else
		l->first = c;
	l->last = c;
	l->bytes += c->len;
	return true;
}

static bool lane_write(struct pair *p, int k, int64_t now)
{
	struct lane *l = &p->lane[k];
	struct chunk *c;
	ssize_t n;

	while ((c = l->first) && c->due <= now) {
		n = send(p->fd[!k], c->data + c->sent, c->len - c->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
		c->sent += (size_t)n;
		l->bytes -= (size_t)n;
		if (c->sent < c->len)
			return true;
		l->first = c->next;
		if (!l->first)
			l->last = NULL;
		free(c);
	}
	if (l->ended && !l->shut) {
		shutdown(p->fd[!k], SHUT_WR);
		l->shut = true;
	}
	return true;
}

static bool pair_serve(struct pair *p, const struct pollfd *polls, int64_t now)
{
	if (p->route->mode == STALL)
		return true;
	for (int k = 0; k < 2; k++) {
		if (p->lane[k].ended)
			continue;
		if ((polls[k].revents & (POLLERR | POLLNVAL)) ||
		    ((polls[k].revents & (POLLIN | POLLHUP)) && !lane_read(p, k)))
			return false;
	}
	return lane_write(p, 0, now) && lane_write(p, 1, now) && !is_over(p);
}

/* ---- orders ---- */

static void cut(const struct route *r)
{
	for (size_t i = pair_count; i-- > 0;)
		if (pairs[i]->route == r)
			pair_close(i);
}

static bool order(struct route *r, const char *what, long ms)
{
	if (!strcmp(what, "pass") || !strcmp(what, "heal")) {
		r->mode = PASS;
		r->delay = 0;
	} else if (!strcmp(what, "delay") && ms >= 0) {
		r->mode = PASS;
		r->delay = ms * CLOCK_MS;
	} else if (!strcmp(what, "stall")) {
		r->mode = STALL;
	} else if (!strcmp(what, "cut")) {
		r->mode = CUT;
		if (r->listener >= 0)
			close(r->listener);
		r->listener = -1;
		cut(r);
	} else {
		return false;
	}
	return r->mode == CUT || route_listen(r) == 0;
}

static void obey(const char *line)
{
	char name[32] = "", what[16] = "";
	long ms = -1;
	bool good = sscanf(line, "%31s %15s %ld", name, what, &ms) >= 2, known = false;

	for (size_t i = 0; good && i < route_count; i++) {
		if (strcmp(name, "all") != 0 && strcmp(name, routes[i].name) != 0)
			continue;
		known = true;
		good = order(&routes[i], what, ms);
	}
	puts(good && known ? "done" : "what?");
	fflush(stdout);
}

/* False: stdin has ended. */
static bool read_orders(void)
{
	static char text[512];
	static size_t len;
	char *end;
	const ssize_t n = read(STDIN_FILENO, text + len, sizeof(text) - 1 - len);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	len += (size_t)n;
	text[len] = '\0';
	while ((end = strchr(text, '\n'))) {
		*end = '\0';
		obey(text);
		len -= (size_t)(end + 1 - text);
		memmove(text, end + 1, len + 1);
	}
	return len < sizeof(text) - 1;
}

/* ---- the loop ---- */

/* Until when nothing can happen by itself; ms for poll(). */
static int patience(int64_t now)
{
	int64_t wait = CLOCK_SEC;

	for (size_t i = 0; i < pair_count; i++) {
		for (int k = 0; k < 2; k++) {
			const struct chunk *c = pairs[i]->lane[k].first;

			if (c && c->due > now && c->due - now < wait && pairs[i]->route->mode == PASS)
				wait = c->due - now;
		}
	}
	return (int)((wait + CLOCK_MS - 1) / CLOCK_MS);
}

static short interest(const struct pair *p, int k, int64_t now)
{
	const struct lane *in = &p->lane[k], *out = &p->lane[!k];
	short events = 0;

	if (p->route->mode == STALL)
		return 0;
	if (!in->ended && in->bytes < QUEUED_MAX)
		events |= POLLIN;
	if (out->first && out->first->due <= now)
		events |= POLLOUT;
	return events;
}

/* A descriptor with nothing to wait for is left out: a reset would wake poll() again and again. */
static size_t prepare(struct pollfd *polls, int64_t now)
{
	size_t n = 0;

	polls[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	for (size_t i = 0; i < route_count; i++)
		polls[n++] = (struct pollfd){ routes[i].listener, POLLIN, 0 };
	for (size_t i = 0; i < pair_count; i++) {
		for (int k = 0; k < 2; k++) {
			const short events = interest(pairs[i], k, now);

			polls[n++] = (struct pollfd){ events ? pairs[i]->fd[k] : -1, events, 0 };
		}
	}
	return n;
}

static void run(void)
{
	static struct pollfd polls[1 + ROUTES_MAX + 2 * PAIRS_MAX];

	for (;;) {
		int64_t now = clock_mono();
		const size_t n = prepare(polls, now), before = pair_count;

		if (poll(polls, n, patience(now)) < 0 && errno != EINTR)
			return;
		now = clock_mono();
		for (size_t i = before; i-- > 0;)
			if (!pair_serve(pairs[i], &polls[1 + route_count + 2 * i], now))
				pair_close(i);
		for (size_t i = 0; i < route_count; i++) {
			int fd;

			if (!(polls[1 + i].revents & POLLIN) || routes[i].listener < 0)
				continue;
			fd = accept4(routes[i].listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd >= 0)
				pair_open(&routes[i], fd);
		}
		if ((polls[0].revents & (POLLIN | POLLHUP)) && !read_orders())
			return;
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct route *r = &routes[route_count];

		if (route_count == ROUTES_MAX ||
		    sscanf(argv[i], "%31[^=]=%d:%d", r->name, &r->port, &r->target) != 3) {
			fprintf(stderr, "usage: callcast-proxy NAME=PORT:TARGET_PORT... (at most %d)\n",
			        ROUTES_MAX);
			return 2;
		}
		r->listener = -1;
		if (route_listen(r) < 0)
			return 1;
		route_count++;
	}
	puts("ready");
	fflush(stdout);
	run();
	while (pair_count)
		pair_close(0);
	return 0;
}
