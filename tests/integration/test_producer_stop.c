/* test_producer_stop.c - who still waits when the server closes hears that it is over, and may come again */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "clock.h"
#include "producer_raw.h"
#include "producer_rig.h"
#include "server.h"

static size_t asked, gone;

static void on_head(void *arg, struct request *r)
{
	(void)arg;
	(void)r;
}

/* As if Kafka said nothing. */
static void on_body(void *arg, struct request *r)
{
	(void)arg;
	(void)r;
	asked++;
}

static void on_gone(void *arg, struct request *r)
{
	(void)arg;
	(void)r;
	gone++;
}

static void test_who_waits_is_told(void **state)
{
	static const char request[] = "GET /calls HTTP/1.1\r\nHost: a\r\n\r\n";
	const struct server_handler handler = {
		.head = on_head, .body = on_body, .gone = on_gone, .words = answer_words
	};
	const struct server_limits limits = {
		.deadline = CLOCK_SEC, .connections = 8, .body = 1024, .bodies = 1024
	};
	struct rig *rig = rig_open(NULL);
	struct server *own = rig->server;
	char answer[1024] = "";
	int fd;

	(void)state;
	assert_int_equal(server_open(&rig->server, rig->loop, "127.0.0.1:0", &limits, &handler), 0);
	fd = raw_dial(rig);
	assert_true(raw_put(rig, fd, request, strlen(request)));
	for (int i = 0; i < 100 && !asked; i++)
		rig_turn(rig, 10 * CLOCK_MS);
	assert_int_equal(asked, 1);
	server_close(rig->server);
	rig->server = own;
	assert_int_equal(gone, 1);

	assert_true(recv(fd, answer, sizeof(answer) - 1, 0) > 0);
	assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
	assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(answer, "{\"code\":\"notAccepted\""));
	close(fd);
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_who_waits_is_told) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
