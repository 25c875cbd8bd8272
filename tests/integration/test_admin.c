/* test_admin.c - the admin port, asked over loopback by plain sockets in the same loop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "loop.h"
#include "metrics.h"

static struct loop *loop;
static struct admin *admin;
static const char *reasons;

static void tell(void *arg, FILE *out)
{
	assert_ptr_equal(arg, &reasons);
	fputs(reasons, out);
}

static int setup(void **state)
{
	(void)state;
	reasons = "";
	assert_int_equal(loop_open(&loop), 0);
	return admin_open(&admin, loop, "127.0.0.1:0", tell, &reasons);
}

static int teardown(void **state)
{
	(void)state;
	admin_close(admin);
	loop_close(loop);
	return 0;
}

static char answer[65536];
static size_t answer_len;
static int done;

static void on_readable(void *arg, uint32_t events)
{
	int fd = *(int *)arg;
	ssize_t n = read(fd, answer + answer_len, sizeof(answer) - 1 - answer_len);

	(void)events;
	if (n > 0)
		answer_len += (size_t)n;
	else
		done = 1;
	answer[answer_len] = '\0';
}

static int connect_admin(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                   .sin_port = htons((uint16_t)admin_port(admin)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static int send_request(const char *method, const char *path)
{
	char request[256];
	int fd = connect_admin(), n;

	n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	             method, path);
	assert_int_equal(write(fd, request, (size_t)n), n);
	return fd;
}

static void read_answer(int fd)
{
	int64_t end = clock_mono() + 10 * CLOCK_SEC;

	done = 0;
	answer_len = 0;
	loop_watch(loop, fd, EPOLLIN, on_readable, &fd);
	while (!done && clock_mono() < end)
		loop_turn(loop, end);
	assert_true(done);
	loop_unwatch(loop, fd);
	close(fd);
}

static const char *ask(const char *method, const char *path)
{
	read_answer(send_request(method, path));
	return answer;
}

static struct metric asked = METRIC_COUNTER_INIT("callcast_asked_total", NULL, "Asked.");

static void test_metrics(void **state)
{
	(void)state;
	metric_add(&asked, 7);
	ask("GET", "/metrics");
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(answer, "\ncallcast_asked_total 7\n"));
}

static void test_health(void **state)
{
	(void)state;
	assert_non_null(strstr(ask("GET", "/healthz"), "\r\n\r\nok\n"));
}

static void test_ready_or_why_not(void **state)
{
	(void)state;
	ask("GET", "/readyz");
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(answer, "\r\n\r\nready\n"));
	reasons = "redis: away\nkafka: away\n";
	ask("GET", "/readyz");
	assert_non_null(strstr(answer, "HTTP/1.1 503 "));
	assert_non_null(strstr(answer, "\r\n\r\nredis: away\nkafka: away\n"));
}

static void test_only_what_is_there(void **state)
{
	(void)state;
	assert_non_null(strstr(ask("GET", "/"), "HTTP/1.1 404 "));
	assert_non_null(strstr(ask("GET", "/metrics/"), "HTTP/1.1 404 "));
	assert_non_null(strstr(ask("POST", "/metrics"), "HTTP/1.1 405 "));
	assert_non_null(strstr(answer, "Allow: GET, HEAD\r\n"));
	ask("HEAD", "/healthz");
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_null(strstr(answer, "\r\n\r\nok"));
}

/* More connections than are taken, which say nothing; when they are gone the port answers again. */
static void test_silent_connections_are_bounded(void **state)
{
	enum { N = 60 };
	int fds[N], late;
	char byte;

	(void)state;
	for (int i = 0; i < N; i++) {
		fds[i] = connect_admin();
		loop_turn(loop, clock_mono());
	}
	late = send_request("GET", "/healthz");
	for (int i = 0; i < 100; i++)
		loop_turn(loop, clock_mono());
	assert_int_equal(recv(late, &byte, 1, MSG_DONTWAIT), -1);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	read_answer(late);
	assert_non_null(strstr(answer, "\r\n\r\nok\n"));
}

static void test_faults_at_open(void **state)
{
	struct admin *other = NULL;
	char taken[32];

	(void)state;
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", admin_port(admin));
	assert_int_equal(admin_open(&other, loop, taken, tell, &reasons), -EADDRINUSE);
	assert_int_equal(admin_open(&other, loop, "127.0.0.1", tell, &reasons), -EINVAL);
	assert_int_equal(admin_open(&other, loop, "999.0.0.1:80", tell, &reasons), -EINVAL);
	assert_null(other);
	admin_close(NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_metrics),
		TEST(test_health),
		TEST(test_ready_or_why_not),
		TEST(test_only_what_is_there),
		TEST(test_silent_connections_are_bounded),
		TEST(test_faults_at_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
