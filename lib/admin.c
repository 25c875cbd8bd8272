/* admin.c - see admin.h.  libmicrohttpd's epoll descriptor is watched by our loop; it has no thread of its own. */
#include "admin.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "address.h"
#include "clock.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"

#define CONNECTIONS   32U          /* a scraper, a probe or two, a person */
#define IDLE_SECONDS  10U          /* for one that says nothing */
#define REQUEST_BYTES (16U * 1024) /* per connection, header and all */

struct admin {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	int listener; /* the library closes it once it has it */
	int epoll;
	int port;
	unsigned int connections; /* after the last run */
	struct loop_timer timer;  /* the library's next idle time-out */
	admin_ready_fn *ready;
	void *arg;
};

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *type, char *body,
                              size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!r) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned int status, const char *text)
{
	return answer(c, status, "text/plain; charset=utf-8", must_strdup(text), strlen(text));
}

static enum MHD_Result answer_metrics(struct MHD_Connection *c)
{
	char *body;
	size_t len;
	FILE *f = open_memstream(&body, &len);

	if (!f)
		return MHD_NO;
	metrics_write(f);
	fclose(f);
	return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", body, len);
}

static enum MHD_Result answer_ready(const struct admin *a, struct MHD_Connection *c)
{
	char *reasons;
	size_t len;
	FILE *f = open_memstream(&reasons, &len);

	if (!f)
		return MHD_NO;
	if (a->ready)
		a->ready(a->arg, f);
	fclose(f);
	if (len)
		return answer(c, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", reasons, len);
	free(reasons);
	return answer_text(c, MHD_HTTP_OK, "ready\n");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
	const struct admin *a = arg;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (!strcmp(path, "/metrics"))
		return answer_metrics(c);
	if (!strcmp(path, "/healthz"))
		return answer_text(c, MHD_HTTP_OK, "ok\n");
	if (!strcmp(path, "/readyz"))
		return answer_ready(a, c);
	return answer_text(c, MHD_HTTP_NOT_FOUND, "only /metrics, /healthz and /readyz\n");
}

/* ---- the library in our loop ---- */

static void run(void *arg)
{
	struct admin *a = arg;
	MHD_UNSIGNED_LONG_LONG ms;
	unsigned int connections;

	MHD_run(a->daemon);
	connections = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
	/*
	 * At its limit the library stops listening, and begins again only in its
	 * next run: there must be one after connections ended.
	 */
	if (connections < a->connections)
		ms = 0;
	else if (MHD_get_timeout(a->daemon, &ms) != MHD_YES)
		ms = IDLE_SECONDS * 1000;
	a->connections = connections;
	loop_timer_set(a->loop, &a->timer, clock_mono() + (int64_t)ms * CLOCK_MS, run, a);
}

static void on_event(void *arg, uint32_t events)
{
	(void)events;
	run(arg);
}

/* ---- open and close ---- */

static int bind_to(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	int on = 1, r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, (int)CONNECTIONS) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int listen_on(const char *text)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV },
	                *found;
	char host[ADDRESS_HOST_SIZE], service[8];
	int port, r;

	if (address_split(text, host, &port) < 0)
		return -EINVAL;
	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return -EINVAL;
	r = bind_to(found);
	freeaddrinfo(found);
	return r;
}

static int start_daemon(struct admin *a)
{
	const union MHD_DaemonInfo *info;

	a->daemon = MHD_start_daemon(
	        MHD_USE_EPOLL, 0, NULL, NULL, on_request, a, MHD_OPTION_LISTEN_SOCKET, a->listener,
	        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES, MHD_OPTION_END);
	if (!a->daemon)
		return -ENOMEM;
	a->listener = -1;
	info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -ENOTSUP;
	a->epoll = info->epoll_fd;
	return loop_watch(a->loop, a->epoll, EPOLLIN, on_event, a);
}

static int port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char service[8];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    getnameinfo((struct sockaddr *)&ss, len, NULL, 0, service, sizeof(service), NI_NUMERICSERV) != 0)
		return 0;
	return atoi(service);
}

int admin_open(struct admin **out, struct loop *loop, const char *listen, admin_ready_fn *ready, void *arg)
{
	struct admin *a = must_calloc(1, sizeof(*a));
	int r;

	a->loop = loop;
	a->ready = ready;
	a->arg = arg;
	a->epoll = -1;
	r = a->listener = listen_on(listen);
	if (r >= 0) {
		a->port = port_of(a->listener);
		r = start_daemon(a);
	}
	if (r < 0) {
		admin_close(a);
		return r;
	}
	*out = a;
	return 0;
}

void admin_close(struct admin *a)
{
	if (!a)
		return;
	loop_timer_clear(a->loop, &a->timer);
	loop_unwatch(a->loop, a->epoll);
	if (a->daemon)
		MHD_stop_daemon(a->daemon);
	if (a->listener >= 0)
		close(a->listener);
	free(a);
}

int admin_port(const struct admin *a)
{
	return a->port;
}
