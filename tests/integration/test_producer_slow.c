/* test_producer_slow.c - clients that are slow, silent or endless: each is ended in time, and the others don't notice */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "must.h"
#include "producer_raw.h"
#include "settings.h"

#define DEADLINE CLOCK_SEC
#define ENDED    (5 * CLOCK_SEC) /* by then, on a machine that has other things to do */
#define NOTICED  CLOCK_SEC       /* another's request would have taken so long */
#define IDLE     2000
#define SOME     100
#define SPARE    200 /* descriptors for all else */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY                                                                                               \
	(512 * 1024) /* KiB: 256 MiB of freed memory are kept there; the plain build has the real bound */
#else
#define MEMORY (16 * 1024)
#endif

static struct rig *rig;

static void deadline(struct settings *s)
{
	s->http_deadline = DEADLINE;
	s->redis_timeout = 5 * CLOCK_SEC; /* a busy machine's Redis is not what is measured here */
}

static void few(struct settings *s)
{
	s->http_deadline = DEADLINE;
	s->http_connections = 20;
	s->http_connections_address = 12;
}

static int open_rig(void **state, rig_settings_fn *fn)
{
	(void)state;
	rig = rig_open(fn);
	raw_open(rig);
	return 0;
}

static int setup(void **state)
{
	return open_rig(state, deadline);
}

static int setup_few(void **state)
{
	return open_rig(state, few);
}

static int teardown(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

/* ---- what is measured ---- */

/* How many KiB this process, the producer in it, has in memory. */
static long memory(void)
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Another client, who has done nothing wrong: how long it waits, in us. */
static int64_t another(void)
{
	int64_t before = clock_mono();
	char *text, *answer;
	size_t len;
	int fd = raw_dial(rig);

	text = raw_fill(RAW_ASK("GET", "/calls/$call"), &len);
	assert_true(raw_put(rig, fd, text, len));
	answer = raw_hear(rig, fd, 10 * CLOCK_SEC);
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	close(fd);
	free(text);
	free(answer);
	return clock_mono() - before;
}

static int64_t slowest(int times)
{
	int64_t most = 0;

	for (int i = 0; i < times; i++) {
		int64_t took = another();

		most = took > most ? took : most;
	}
	return most;
}

/* As many as may be: half of the descriptors are ours, half the producer's. */
static int descriptors_for(int wanted)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 2 * (rlim_t)wanted + SPARE)
		wanted = (int)(limit.rlim_cur - SPARE) / 2;
	return wanted;
}

/* Opens n and says `text` on each. */
static int *dial_many(int n, const char *text)
{
	int *fds = must_calloc((size_t)n, sizeof(*fds));

	for (int i = 0; i < n; i++) {
		fds[i] = raw_dial(rig);
		assert_true(fds[i] >= 0);
		if (i % 16 == 0)
			rig_turn(rig, 0); /* or the queue of those that connect is full */
		if (text)
			assert_true(raw_put(rig, fds[i], text, strlen(text)));
	}
	rig_turn(rig, 20 * CLOCK_MS);
	return fds;
}

static void close_many(int *fds, int n)
{
	for (int i = 0; i < n; i++)
		close(fds[i]);
	free(fds);
}

/* Turns until the producer has no connection left, and is otherwise well. */
static void until_ended(void)
{
	int64_t until = clock_mono() + ENDED;

	while (server_connections(rig->server) && clock_mono() < until)
		rig_turn(rig, CLOCK_MS);
	assert_int_equal(server_connections(rig->server), 0);
	assert_int_equal(rig->api.inflight, 0);
}

/* ---- clients ---- */

static void test_idle(void **state)
{
	int n = descriptors_for(IDLE), *fds;
	long before = memory(), more;
	int64_t alone = slowest(20), among;

	(void)state;
	fds = dial_many(n, NULL);
	among = slowest(20);
	more = memory() - before;
	printf("# %d idle connections: %ld KiB more, the slowest of 20 others %lld us (alone %lld us)\n", n,
	       more, (long long)among, (long long)alone);
	assert_true(server_connections(rig->server) >= (size_t)n);
	assert_true(among < NOTICED);
	assert_true(more < MEMORY / 4);
	until_ended();
	close_many(fds, n);
}

/* A byte now and then keeps nobody alive, wherever in its request it is. */
static void trickle(const char *beginning, const char *more)
{
	int64_t began = clock_mono();
	long before = memory();
	int *fds = dial_many(SOME, beginning);

	while (server_connections(rig->server) && clock_mono() < began + ENDED) {
		for (int i = 0; i < SOME; i++)
			send(fds[i], more, 1, MSG_NOSIGNAL);
		assert_true(another() < NOTICED);
		rig_turn(rig, 20 * CLOCK_MS);
	}
	assert_int_equal(server_connections(rig->server), 0);
	assert_true(memory() - before < MEMORY);
	for (int i = 0; i < SOME; i++) {
		char text[64] = "";

		assert_true(recv(fds[i], text, sizeof(text) - 1, 0) > 0);
		assert_memory_equal(text, "HTTP/1.1 408 ", 13);
	}
	close_many(fds, SOME);
}

static void test_slow_heads(void **state)
{
	(void)state;
	trickle("G", "E");
	trickle("GET /calls HTTP/1.1\r\nA: ", "x");
}

static void test_slow_bodies(void **state)
{
	(void)state;
	trickle("POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON "Content-Length: 60000\r\n\r\n{", " ");
	trickle("POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON
	        "Transfer-Encoding: chunked\r\n\r\nffff\r\n",
	        " ");
}

/* As fast as the network takes it, for ever. */
static void pour(const char *beginning, const char *unit)
{
	int64_t began = clock_mono();
	long before = memory(), most = 0;
	int *fds = dial_many(SOME, beginning);
	size_t len;
	char *more = raw_fill(unit, &len);

	while (server_connections(rig->server) && clock_mono() < began + ENDED) {
		for (int i = 0; i < SOME; i++)
			send(fds[i], more, len, MSG_NOSIGNAL);
		assert_true(another() < NOTICED);
		rig_turn(rig, CLOCK_MS);
		most = memory() - before > most ? memory() - before : most;
	}
	assert_int_equal(server_connections(rig->server), 0);
	assert_true(most < MEMORY);
	free(more);
	close_many(fds, SOME);
}

static void test_endless(void **state)
{
	(void)state;
	pour("POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON "Transfer-Encoding: chunked\r\n\r\n",
	     "400\r\n$(1024 x)\r\n");
	pour("POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON "Transfer-Encoding: chunked\r\n\r\n",
	     "$(1000 1\r\nx\r\n)");
	pour("POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON "Transfer-Encoding: chunked\r\n\r\n1;",
	     "$(4000 x)");
	pour("POST /nothing HTTP/1.1\r\n" RAW_HOST RAW_AUTH "Transfer-Encoding: chunked\r\n\r\n",
	     "400\r\n$(1024 x)\r\n");
	pour("POST /calls HTTP/1.1\r\n" RAW_HOST "Transfer-Encoding: chunked\r\n\r\n",
	     "400\r\n$(1024 x)\r\n");
	pour("POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH "Content-Length: 9999999999\r\n\r\n", "$(4000 x)");
	pour("GET /calls HTTP/1.1\r\n", "$(500 A: b\r\n)");
	pour("GET /", "$(4000 a)");
}

/* They ask and ask, and take no answer. */
static void test_deaf(void **state)
{
	int64_t began = clock_mono();
	long before = memory(), most = 0;
	int *fds = dial_many(SOME, NULL), small = 2048;
	size_t len;
	char *more = raw_fill("$(50 GET /nothing HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n)", &len);

	(void)state;
	for (int i = 0; i < SOME; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	while (server_connections(rig->server) && clock_mono() < began + 2 * ENDED) {
		for (int i = 0; i < SOME; i++)
			send(fds[i], more, len, MSG_NOSIGNAL);
		assert_true(another() < NOTICED);
		rig_turn(rig, CLOCK_MS);
		most = memory() - before > most ? memory() - before : most;
	}
	assert_int_equal(server_connections(rig->server), 0);
	assert_true(most < MEMORY);
	free(more);
	close_many(fds, SOME);
}

/* ---- bounds ---- */

/* One address has so many and no more, and gets back what it gives back. */
static void test_per_address(void **state)
{
	int *fds = dial_many(12, NULL), more = raw_dial(rig);

	(void)state;
	assert_true(raw_closed(rig, more, CLOCK_SEC / 2));
	close(more);
	assert_int_equal(server_connections(rig->server), 12);
	close(fds[5]);
	rig_turn(rig, 20 * CLOCK_MS);
	assert_true(another() < NOTICED);
	fds[5] = raw_dial(rig);
	until_ended();
	close_many(fds, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),        cmocka_unit_test(test_slow_heads),
		cmocka_unit_test(test_slow_bodies), cmocka_unit_test(test_endless),
		cmocka_unit_test(test_deaf),
	};
	const struct CMUnitTest few_tests[] = {
		cmocka_unit_test(test_per_address),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);

	return failed + cmocka_run_group_tests(few_tests, setup_few, teardown);
}
