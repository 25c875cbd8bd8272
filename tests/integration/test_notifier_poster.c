/* test_notifier_poster.c - POSTs through libcurl to a real server: what is followed, obeyed, refused, cut short */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <microhttpd.h>

#include "callback.h"
#include "clock.h"
#include "loop.h"
#include "poster.h"

#define TIMEOUT (300 * CLOCK_MS)

static struct MHD_Daemon *server;
static int requests, redirected;
static struct loop *loop;
static bool allowed; /* what the stand-in below says */

/* The list of networks has tests of its own; here it is whether it is asked. */
bool callback_address_allowed(const struct callback_rules *r, const struct sockaddr *sa)
{
	(void)r;
	(void)sa;
	return allowed;
}

static struct MHD_Response *response(const char *path, unsigned int *status)
{
	static char large[1024 * 1024];
	bool is_large = !strcmp(path, "/large");
	struct MHD_Response *r =
	        MHD_create_response_from_buffer(is_large ? sizeof(large) : 0, large, MHD_RESPMEM_PERSISTENT);

	*status = 200;
	if (!strcmp(path, "/elsewhere")) {
		*status = 307;
		MHD_add_response_header(r, "Location", "/target");
	} else if (!strcmp(path, "/later")) {
		*status = 429;
		MHD_add_response_header(r, "Retry-After", "7");
	}
	return r;
}

/* Runs on a thread of its own for each connection. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *len, void **con)
{
	struct MHD_Response *r;
	enum MHD_Result result;
	unsigned int status;

	(void)cls;
	(void)version;
	(void)method;
	(void)data;
	if (!*con) {
		*con = server;
		return MHD_YES;
	}
	if (*len) {
		*len = 0;
		return MHD_YES;
	}
	__atomic_add_fetch(&requests, 1, __ATOMIC_SEQ_CST);
	if (!strcmp(url, "/target"))
		__atomic_add_fetch(&redirected, 1, __ATOMIC_SEQ_CST);
	if (!strcmp(url, "/slow"))
		usleep(2 * TIMEOUT);
	r = response(url, &status);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static struct post_answer got;
static int got_count;

static void on_answer(void *arg, const struct post_answer *a)
{
	(void)arg;
	got = *a;
	got_count++;
}

static int port(void)
{
	return MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
}

static int post_to(struct poster *p, const char *host, int at, const char *path)
{
	char uri[128];
	const struct post post = { .uri = uri, .headers = { "webhook-id: 1" }, .body = "[]", .len = 2 };

	snprintf(uri, sizeof(uri), "http://%s:%d%s", host, at, path);
	return poster_send(p, &post, on_answer, NULL);
}

static void wait_answers(int n)
{
	int64_t until = clock_mono() + 10 * CLOCK_SEC;

	while (got_count < n && clock_mono() < until)
		loop_turn(loop, until);
	assert_int_equal(got_count, n);
}

static int set_up(void **state)
{
	struct poster *p;

	allowed = true;
	got_count = requests = redirected = 0;
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(poster_open(&p, loop, NULL, 2, TIMEOUT), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	poster_close(*state);
	loop_close(loop);
	return 0;
}

static void test_an_answer(void **state)
{
	assert_int_equal(post_to(*state, "127.0.0.1", port(), "/ok"), 0);
	assert_int_equal(got_count, 0); /* from a later turn */
	wait_answers(1);
	assert_int_equal(got.status, 200);
	assert_true(got.retry_after < 0);
	assert_null(got.error);
}

static void test_transfers_are_bounded(void **state)
{
	assert_int_equal(post_to(*state, "127.0.0.1", port(), "/ok"), 0);
	assert_int_equal(post_to(*state, "127.0.0.1", port(), "/ok"), 0);
	assert_true(poster_is_full(*state));
	assert_int_equal(post_to(*state, "127.0.0.1", port(), "/ok"), -EAGAIN);
	wait_answers(2);
	assert_false(poster_is_full(*state));
}

static void test_redirects_are_not_followed(void **state)
{
	post_to(*state, "127.0.0.1", port(), "/elsewhere");
	wait_answers(1);
	assert_int_equal(got.status, 307);
	assert_int_equal(redirected, 0);
}

static void test_retry_after(void **state)
{
	post_to(*state, "127.0.0.1", port(), "/later");
	wait_answers(1);
	assert_int_equal(got.status, 429);
	assert_int_equal(got.retry_after, 7 * CLOCK_SEC);
}

static void test_a_long_answer_is_cut_short_and_counts(void **state)
{
	post_to(*state, "127.0.0.1", port(), "/large");
	wait_answers(1);
	assert_int_equal(got.status, 200);
}

/* One connection after the other: takes a request, answers with one of these by turns, closes. */
static const struct {
	const char *text;
	int status; /* 0: such an answer is none; -1: what it is, is libcurl's to say */
} raw_answers[] = {
	{ "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n", 200 },
	{ "HTTP/1.1 200 OK\r\n folded: line\r\nContent-Length: 0\r\n\r\n", -1 },
	{ "HTTP/1.1 000 x\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", 0 },
	{ "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410 },
	{ "HTTP/22222 222222222\r\nContent-Length: 0\r\n\r\n", 0 },
};
#define RAW_ANSWERS (sizeof(raw_answers) / sizeof(raw_answers[0]))
#define RAW_ROUNDS  25

static void *answer_raw(void *arg)
{
	int listener = *(int *)arg;

	for (int i = 0; i < RAW_ROUNDS; i++) {
		int fd = accept(listener, NULL, NULL);
		const char *text_out;
		char text[2048];
		size_t have = 0;
		ssize_t n;

		while ((have < 2 || memcmp(text + have - 2, "[]", 2) != 0) &&
		       (n = read(fd, text + have, sizeof(text) - have)) > 0)
			have += (size_t)n;
		text_out = raw_answers[i % RAW_ANSWERS].text;
		(void)!write(fd, text_out, strlen(text_out));
		close(fd);
	}
	return NULL;
}

/* With a handle that was used before, libcurl 7.88 appends a folded line to a header of the answer before, which is freed. */
static void test_odd_answers(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(a);
	pthread_t thread;

	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_raw, &listener), 0);
	for (int i = 0; i < RAW_ROUNDS; i++) {
		assert_int_equal(post_to(*state, "127.0.0.1", ntohs(a.sin_port), "/"), 0);
		wait_answers(i + 1);
		if (raw_answers[i % RAW_ANSWERS].status >= 0)
			assert_int_equal(got.status, raw_answers[i % RAW_ANSWERS].status);
		assert_int_equal(got.retry_after, -1);
		assert_true(!got.status == (got.error != NULL));
	}
	pthread_join(thread, NULL);
	close(listener);
}

static void test_no_answer_in_time(void **state)
{
	post_to(*state, "127.0.0.1", port(), "/slow");
	wait_answers(1);
	assert_int_equal(got.status, 0);
	assert_non_null(got.error);
	assert_false(got.refused);
}

static void test_nobody_there(void **state)
{
	post_to(*state, "127.0.0.1", 1, "/ok");
	wait_answers(1);
	assert_int_equal(got.status, 0);
	assert_false(got.refused);
}

static void test_addresses_are_asked_about(void **state)
{
	allowed = false;
	post_to(*state, "localhost", port(), "/ok");
	wait_answers(1);
	assert_int_equal(got.status, 0);
	assert_true(got.refused);
	assert_int_equal(requests, 0);
}

static void test_the_environments_proxy_is_not_used(void **state)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	post_to(*state, "127.0.0.1", port(), "/ok");
	wait_answers(1);
	unsetenv("http_proxy");
	assert_int_equal(got.status, 200);
}

static void test_other_schemes_are_refused(void **state)
{
	const struct post post = { .uri = "file:///etc/hostname", .body = "[]", .len = 2 };

	assert_int_equal(poster_send(*state, &post, on_answer, NULL), 0);
	wait_answers(1);
	assert_int_equal(got.status, 0);
	assert_string_equal(got.error, "Unsupported protocol");
}

static void test_closing_breaks_off(void **state)
{
	post_to(*state, "127.0.0.1", port(), "/slow");
	loop_turn(loop, clock_mono() + 20 * CLOCK_MS);
	assert_int_equal(got_count, 0); /* and never: tear_down() closes it now */
}

static int start_server(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)state;
	server = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL,
	                          NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_END);
	return server ? 0 : -1;
}

static int stop_server(void **state)
{
	(void)state;
	MHD_stop_daemon(server);
	return 0;
}

int main(void)
{
#define STORY(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(test_an_answer),
		STORY(test_transfers_are_bounded),
		STORY(test_redirects_are_not_followed),
		STORY(test_retry_after),
		STORY(test_a_long_answer_is_cut_short_and_counts),
		STORY(test_odd_answers),
		STORY(test_no_answer_in_time),
		STORY(test_nobody_there),
		STORY(test_addresses_are_asked_about),
		STORY(test_the_environments_proxy_is_not_used),
		STORY(test_other_schemes_are_refused),
		STORY(test_closing_breaks_off),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
