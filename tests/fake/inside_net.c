/* inside_net.c - see inside_net.h */
#include "inside_net.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "loop.h"

#define ANSWERS_MAX 8
#define REQUEST_MAX 8192 /* of one; the posters' are far smaller */

struct visitor {
	enum place place;
	int fd;
	struct visitor *next;
	size_t len;
	char request[REQUEST_MAX + 1];
};

static struct loop *loop;
static int listeners[PLACES];
static uint16_t ports[PLACES]; /* network order */
static struct inside_net_seen seen[PLACES];
static struct visitor *visitors;
static char head[4096];
static char last[INET6_ADDRSTRLEN];

static pthread_mutex_t resolver = PTHREAD_MUTEX_INITIALIZER;
static char answers[512];
static int lookups;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* ---- the places ---- */

static void leave(struct visitor *v)
{
	struct visitor **at = &visitors;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	loop_unwatch(loop, v->fd);
	close(v->fd);
	free(v);
}

/* A whole request: its head, and as much as Content-Length says. */
static bool is_whole(const struct visitor *v)
{
	const char *body = strstr(v->request, "\r\n\r\n"), *length;

	if (!body)
		return false;
	length = strcasestr(v->request, "\r\nContent-Length:");
	return v->len >= (size_t)(body + 4 - v->request) + (length ? strtoul(length + 17, NULL, 10) : 0);
}

static void on_visitor(void *arg, uint32_t events)
{
	struct visitor *v = arg;
	ssize_t n = read(v->fd, v->request + v->len, REQUEST_MAX - v->len);

	(void)events;
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			leave(v);
		return;
	}
	v->len += (size_t)n;
	v->request[v->len] = '\0';
	if (!is_whole(v))
		return;
	v->len = 0;
	seen[v->place].requests++;
	if (dprintf(v->fd, "%s\r\n\r\n", head) < 0 || strstr(head, "Connection: close"))
		leave(v);
}

static void accept_all(enum place place)
{
	struct visitor *v;
	int fd;

	while ((fd = accept4(listeners[place], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		seen[place].accepts++;
		v = calloc(1, sizeof(*v));
		need(v, "calloc");
		v->place = place;
		v->fd = fd;
		v->next = visitors;
		visitors = v;
		need(loop_watch(loop, fd, EPOLLIN, on_visitor, v) == 0, "loop_watch");
	}
}

static void on_listener(void *arg, uint32_t events)
{
	(void)events;
	accept_all((enum place)((int *)arg - listeners));
}

static void listen_at(enum place place)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	need(fd >= 0, "socket");
	need(bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0, "bind");
	need(listen(fd, 16) == 0, "listen");
	need(getsockname(fd, (struct sockaddr *)&in, &len) == 0, "getsockname");
	listeners[place] = fd;
	ports[place] = in.sin_port;
	need(loop_watch(loop, fd, EPOLLIN, on_listener, &listeners[place]) == 0, "loop_watch");
}

void inside_net_open(struct loop *on)
{
	loop = on;
	for (enum place place = 0; place < PLACES; place++)
		listen_at(place);
	inside_net_answers(NULL);
	inside_net_say("HTTP/1.1 200 OK\r\nContent-Length: 0");
	inside_net_forget();
}

void inside_net_close(void)
{
	while (visitors)
		leave(visitors);
	for (enum place place = 0; place < PLACES; place++) {
		loop_unwatch(loop, listeners[place]);
		close(listeners[place]);
	}
}

void inside_net_say(const char *text)
{
	need(snprintf(head, sizeof(head), "%s", text) < (int)sizeof(head), "inside_net_say");
}

struct inside_net_seen inside_net_seen(enum place place)
{
	accept_all(place); /* who waits at the door was let through as well */
	return seen[place];
}

const char *inside_net_last(void)
{
	return last;
}

void inside_net_forget(void)
{
	for (enum place place = 0; place < PLACES; place++)
		accept_all(place);
	memset(seen, 0, sizeof(seen));
	last[0] = '\0';
	pthread_mutex_lock(&resolver);
	lookups = 0;
	pthread_mutex_unlock(&resolver);
}

/* ---- the resolver ---- */

void inside_net_answers(const char *addresses)
{
	pthread_mutex_lock(&resolver);
	need(snprintf(answers, sizeof(answers), "%s", addresses ? addresses : "") < (int)sizeof(answers),
	     "inside_net_answers");
	pthread_mutex_unlock(&resolver);
}

int inside_net_lookups(void)
{
	int n;

	pthread_mutex_lock(&resolver);
	n = lookups;
	pthread_mutex_unlock(&resolver);
	return n;
}

struct answer {
	struct addrinfo info;
	struct sockaddr_storage address;
};

/* Appends what `text` is an address of; false: of nothing, or not of the family that is asked for. */
static bool append(struct addrinfo **list, const char *text, uint16_t port, int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port };
	bool is_v4 = inet_aton(text, &v4.sin_addr);
	struct answer *a;

	if (!is_v4 && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		return false;
	if (family != AF_UNSPEC && family != (is_v4 ? AF_INET : AF_INET6))
		return false;
	a = calloc(1, sizeof(*a));
	need(a, "calloc");
	memcpy(&a->address, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof(v4) : sizeof(v6));
	a->info.ai_family = is_v4 ? AF_INET : AF_INET6;
	a->info.ai_socktype = SOCK_STREAM;
	a->info.ai_protocol = IPPROTO_TCP;
	a->info.ai_addr = (struct sockaddr *)&a->address;
	a->info.ai_addrlen = is_v4 ? sizeof(v4) : sizeof(v6);
	while (*list)
		list = &(*list)->ai_next;
	*list = &a->info;
	return true;
}

int inside_net_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                           struct addrinfo **out)
{
	uint16_t port = htons((uint16_t)(service ? atoi(service) : 0));
	int family = hints ? hints->ai_family : AF_UNSPEC;
	char name[512], known[sizeof(answers)], *word, *rest = known;
	size_t len = (size_t)snprintf(name, sizeof(name), "%s", node);

	*out = NULL;
	pthread_mutex_lock(&resolver);
	lookups++;
	memcpy(known, answers, sizeof(known));
	pthread_mutex_unlock(&resolver);

	while (len && len < sizeof(name) && name[len - 1] == '.')
		name[--len] = '\0';
	if (append(out, name, port, family))
		return 0;
	for (int i = 0; i < ANSWERS_MAX && (word = strsep(&rest, " ")); i++)
		append(out, word, port, family);
	return *out ? 0 : EAI_NONAME;
}

void inside_net_freeaddrinfo(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;

		free(list); /* the first member of its struct answer */
		list = next;
	}
}

/* ---- connections ---- */

static enum place place_of(const char *address)
{
	if (!strcmp(address, NET_APP) || !strcmp(address, NET_APP6))
		return PLACE_APP;
	return strcmp(address, NET_PROXY) == 0 ? PLACE_PROXY : PLACE_INSIDE;
}

int inside_net_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	enum place place;

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, last,
		          sizeof(last));
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, last,
		          sizeof(last));
	else
		return (int)syscall(SYS_connect, fd, sa, len);

	if (!strcmp(last, NET_DEAD)) {
		errno = ECONNREFUSED;
		return -1;
	}
	place = place_of(last);
	seen[place].connects++;
	v4.sin_port = v6.sin6_port = ports[place];
	if (sa->sa_family == AF_INET)
		return (int)syscall(SYS_connect, fd, &v4, sizeof(v4));
	/* an IPv6 socket reaches the same listener by the mapped address */
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr);
	return (int)syscall(SYS_connect, fd, &v6, sizeof(v6));
}
