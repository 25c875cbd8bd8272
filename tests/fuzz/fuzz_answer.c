/*
 * fuzz_answer.c - what an endpoint answers to a webhook, status and Retry-After: notifier/poster.c, and libcurl under it
 *
 * The input is the answer, byte for byte; the endpoint closes after it.  It is the other end of a pair of
 * sockets: socket() and connect() below stand in for the C library's, so that no port is used up.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "callback.h"
#include "clock.h"
#include "loop.h"
#include "poster.h"
#include "verdict.h"

#define BODY     "{}"
#define PATIENCE (5 * CLOCK_SEC) /* the poster's own is shorter */

static struct loop *loop;
static struct poster *poster;

static struct {
	const uint8_t *data;
	size_t size;
	char asked[2048]; /* the request, as far as it came */
	size_t have;
	int done;
	int endpoint; /* its end; 0: none */
} now;

/* ---- the endpoint ---- */

static void hang_up(void)
{
	if (!now.endpoint)
		return;
	loop_unwatch(loop, now.endpoint);
	close(now.endpoint);
	now.endpoint = 0;
}

static void on_request(void *arg, uint32_t events)
{
	ssize_t n = recv(now.endpoint, now.asked + now.have, sizeof(now.asked) - now.have, MSG_DONTWAIT);

	(void)arg;
	(void)events;
	if (n > 0)
		now.have += (size_t)n;
	if (n > 0 && (now.have < 2 || memcmp(now.asked + now.have - 2, BODY, 2) != 0))
		return;
	if (n > 0 && now.size)
		(void)!send(now.endpoint, now.data, now.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	hang_up();
}

int socket(int domain, int type, int protocol)
{
	int pair[2];

	if (domain != AF_INET || !(type & SOCK_STREAM))
		return (int)syscall(SYS_socket, domain, type, protocol);
	hang_up();
	if (socketpair(AF_UNIX, type, 0, pair) < 0)
		return -1;
	now.endpoint = pair[1];
	now.have = 0;
	loop_watch(loop, pair[1], EPOLLIN, on_request, NULL);
	return pair[0];
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	(void)fd;
	(void)address;
	(void)len;
	return 0;
}

/* ---- who asks ---- */

static void on_answer(void *arg, const struct post_answer *a)
{
	(void)arg;
	now.done++;
	HOLDS((!a->status || a->status >= 100) && a->status <= 999 && !a->refused);
	HOLDS(a->status ? !a->error : fuzz_names_something(a->error));
	HOLDS(a->retry_after == -1 ||
	      (a->retry_after >= CLOCK_SEC && a->retry_after <= 86400 * CLOCK_SEC && a->status));
	HOLDS(verdict_of(a->status, a->refused) != VERDICT_DELIVERED || a->status / 100 == 2);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct callback_rules *rules;
	char why[64];

	(void)argc;
	(void)argv;
	HOLDS(callback_rules_open(&rules, "", why, sizeof(why)) == 0);
	HOLDS(loop_open(&loop) == 0 && poster_open(&poster, loop, rules, 1, 2 * CLOCK_SEC) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct post post = { .uri = "http://8.8.8.8/hook", .body = BODY, .len = 2 };
	int64_t until = clock_mono() + PATIENCE;

	now.data = data;
	now.size = size;
	now.done = 0;
	HOLDS(poster_send(poster, &post, on_answer, NULL) == 0 && poster_is_full(poster));
	while (!now.done && clock_mono() < until)
		loop_turn(loop, until);
	HOLDS(now.done == 1 && !poster_is_full(poster));
	hang_up();
	return 0;
}
