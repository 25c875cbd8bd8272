/* test_producer_faults.c - the producer when Kafka fails, when there is too much, and when clients misbehave */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"
#include "clock.h"
#include "log.h"
#include "must.h"
#include "partitions.h"
#include "producer_rig.h"
#include "settings.h"

#define CREATE                                                                                               \
	"{\"targets\":[{\"phoneNumber\":{\"value\":\"+46701234500\"}}],\"callbackUri\":\"https://"           \
	"app.example/cb\"}"

static struct rig *rig;

static int open_small(void **state, rig_settings_fn *fn)
{
	(void)state;
	rig = rig_open(fn);
	return 0;
}

static void tight(struct settings *s)
{
	s->http_inflight = 2;
	s->http_deadline = 300 * CLOCK_MS;
	s->http_connections = 20;
}

static void slow_rate(struct settings *s)
{
	s->http_rate = 2;
}

static int setup(void **state)
{
	return open_small(state, NULL);
}

static int setup_tight(void **state)
{
	return open_small(state, tight);
}

static int setup_rate(void **state)
{
	return open_small(state, slow_rate);
}

static int teardown(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

static const char *code(const struct reply *r)
{
	const char *word = json_string_value(json_object_get(r->json, "code"));

	return word ? word : "";
}

static struct rig_request *begin_create(void)
{
	return rig_begin(rig, "POST", "/calls", NULL, CREATE);
}

static void expect(struct rig_request *q, long status)
{
	struct reply r = rig_wait(rig, q);

	if (r.status != status)
		fail_msg("%ld %s, not %ld", r.status, r.text, status);
	reply_clear(&r);
}

/* ---- Kafka ---- */

/* Never a 2xx, within 5 s, and the call may or may not ring: the answer says which. */
static void test_broker_away(void **state)
{
	int64_t before;
	struct reply r;

	(void)state;
	expect(begin_create(), 200);
	rd_kafka_mock_broker_set_down(rig->mock, 1);
	before = clock_mono();
	r = rig_wait(rig, begin_create());
	assert_int_equal(r.status, 503);
	assert_true(clock_mono() - before < 5 * CLOCK_SEC);
	assert_true(!strcmp(code(&r), "notAccepted") || !strcmp(code(&r), "unknown"));
	assert_non_null(strstr(r.headers, "Retry-After: 1"));
	reply_clear(&r);
	rd_kafka_mock_broker_set_up(rig->mock, 1);
	expect(begin_create(), 200);
}

/* The answer waits for the acknowledgement. */
static void test_answer_waits_for_kafka(void **state)
{
	int64_t before = clock_mono();

	(void)state;
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 300);
	expect(begin_create(), 200);
	assert_true(clock_mono() - before >= 300 * CLOCK_MS);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
}

static void test_retried_by_the_library(void **state)
{
	int64_t before = rig_all_records(rig);

	(void)state;
	rd_kafka_mock_push_request_errors(rig->mock, 0 /* Produce */, 2,
	                                  RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
	                                  RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	expect(begin_create(), 200);
	assert_int_equal(rig_all_records(rig), before + 1);
}

static void wait_open_commands(size_t n)
{
	int64_t until = clock_mono() + 5 * CLOCK_SEC;

	while (accept_open_commands(rig->api.accept) < n && clock_mono() < until) {
		struct reply r = rig_ask(rig, "GET", "/nothing", NULL, NULL);

		reply_clear(&r);
	}
	assert_int_equal(accept_open_commands(rig->api.accept), n);
}

/* A dead producer: what it had goes to the next one, and is answered once each. */
static void test_fatal_error(void **state)
{
	struct rig_request *q[3];
	char why[64];

	(void)state;
	expect(begin_create(), 200);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 200);
	for (int i = 0; i < 3; i++)
		q[i] = begin_create();
	wait_open_commands(3);
	rd_kafka_test_fatal_error(accept_kafka(rig->api.accept),
	                          RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "asked for");
	for (int i = 0; i < 3; i++)
		expect(q[i], 200);
	/* another one, though perhaps at the same address */
	assert_int_equal(rd_kafka_fatal_error(accept_kafka(rig->api.accept), why, sizeof(why)), 0);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
	expect(begin_create(), 200);
	assert_int_equal(accept_open_commands(rig->api.accept), 0);
}

/* The second producer surely did not write it; of the first, which died with it in hand, nobody knows. */
static void test_fatal_error_then_away(void **state)
{
	struct rig_request *q;
	struct reply r;

	(void)state;
	expect(begin_create(), 200);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 500);
	q = begin_create();
	wait_open_commands(1);
	rig_turn(rig, 20 * CLOCK_MS);
	rd_kafka_mock_broker_set_down(rig->mock, 1);
	rd_kafka_test_fatal_error(accept_kafka(rig->api.accept),
	                          RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "asked for");
	r = rig_wait(rig, q);
	assert_int_equal(r.status, 503);
	assert_string_equal(code(&r), "unknown");
	reply_clear(&r);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
	rd_kafka_mock_broker_set_up(rig->mock, 1);
	expect(begin_create(), 200);
}

/* Waits until the look-up says that; "": nothing is wrong. */
static void expect_fault(struct partitions *p, const char *words)
{
	int64_t until = clock_mono() + 5 * CLOCK_SEC;
	const char *fault = partitions_fault(p);

	while ((*words ? !fault || !strstr(fault, words) : fault != NULL) && clock_mono() < until) {
		usleep(2000); /* the look-up is on a thread of its own */
		fault = partitions_fault(p);
	}
	if (*words ? !fault || !strstr(fault, words) : fault != NULL)
		fail_msg("\"%s\", not \"%s\"", fault ? fault : "", words);
}

/* Topics that do not fit are said, and no call is made for them; once they fit, it goes on. */
static void test_partitions_do_not_fit(void **state)
{
	char *prefix = rig->settings->topic_prefix;
	struct partitions *p;

	(void)state;
	rig->settings->topic_prefix = (char *)"x.";
	rd_kafka_mock_topic_create(rig->mock, "x.calls.commands", 4, 1);
	log_threshold = LOG_ERROR + 1; /* it says so there too */
	assert_int_equal(partitions_open(&p, rig->settings), 0);
	rig->settings->topic_prefix = prefix;
	expect_fault(p, "calls.events is missing");
	assert_int_equal(partitions_commands(p), 0);
	rd_kafka_mock_topic_create(rig->mock, "x.calls.events", 4, 1);
	expect_fault(p, "");
	assert_int_equal(partitions_commands(p), 4);
	partitions_close(p);

	rig->settings->topic_prefix = (char *)"y.";
	rd_kafka_mock_topic_create(rig->mock, "y.calls.commands", 4, 1);
	rd_kafka_mock_topic_create(rig->mock, "y.calls.events", 3, 1);
	assert_int_equal(partitions_open(&p, rig->settings), 0);
	rig->settings->topic_prefix = prefix;
	expect_fault(p, "fewer partitions");
	assert_int_equal(partitions_commands(p), 0);
	partitions_close(p);
	log_threshold = LOG_ERROR;
}

/* ---- too much ---- */

static void test_inflight_is_capped(void **state)
{
	struct rig_request *q[6];
	int done = 0, refused = 0;

	(void)state;
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 400);
	for (int i = 0; i < 6; i++)
		q[i] = begin_create();
	for (int i = 0; i < 6; i++) {
		struct reply r = rig_wait(rig, q[i]);

		done += r.status == 200;
		refused += r.status == 503 && !strcmp(code(&r), "notAccepted") &&
		           strstr(r.headers, "Retry-After: 1");
		reply_clear(&r);
	}
	assert_int_equal(done, 2);
	assert_int_equal(refused, 4);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
	expect(begin_create(), 200);
}

static void test_rate(void **state)
{
	struct rig_request *q[6];
	int refused = 0;

	(void)state;
	for (int i = 0; i < 6; i++)
		q[i] = begin_create();
	for (int i = 0; i < 6; i++) {
		struct reply r = rig_wait(rig, q[i]);

		refused += r.status == 429 && strstr(r.headers, "Retry-After: 1");
		reply_clear(&r);
	}
	assert_int_equal(refused, 4);
}

/* ---- clients ---- */

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)server_port(rig->server)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		assert_int_equal(errno, EINPROGRESS);
	rig_turn(rig, 2 * CLOCK_MS);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until `want` stands in it, or the other side closes (*closed), or `wait` is over. */
static char *hear(int fd, const char *want, int64_t wait, bool *closed)
{
	int64_t until = clock_mono() + wait;
	char *text = must_calloc(1, 8192);
	size_t used = 0;

	*closed = false;
	while (clock_mono() < until && !*closed && (!want || !strstr(text, want))) {
		ssize_t n = recv(fd, text + used, 8191 - used, 0);

		if (n > 0)
			used += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			*closed = true;
		rig_turn(rig, CLOCK_MS);
	}
	return text;
}

#define HEAD "POST /calls HTTP/1.1\r\nAuthorization: Bearer rig-bearer\r\nContent-Type: application/json\r\n"

static void test_ambiguous_framing(void **state)
{
	static const char *const requests[] = {
		HEAD "Host: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		HEAD "Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		HEAD "Host: a\r\nContent-Length : 2\r\n\r\n{}",
		HEAD "Host: a\r\nContent-Length: +2\r\n\r\n{}",
		HEAD "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		HEAD "Host: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}",
		HEAD "Content-Length: 2\r\n\r\n{}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		int fd = dial();
		bool closed;
		char *text;

		put(fd, requests[i]);
		text = hear(fd, NULL, 2 * CLOCK_SEC, &closed);
		if (strncmp(text, "HTTP/1.1 400 ", 13) || !closed)
			fail_msg("request %zu: closed %d, %s", i, closed, text);
		free(text);
		close(fd);
	}
}

/* A byte now and then does not keep a connection: head, body and silence have one deadline. */
static void trickle(const char *start)
{
	int64_t before = clock_mono();
	int fd = dial();
	bool closed = false;

	put(fd, start);
	while (!closed && clock_mono() < before + 3 * CLOCK_SEC) {
		free(hear(fd, NULL, 50 * CLOCK_MS, &closed));
		if (!closed)
			send(fd, "x", 1, MSG_NOSIGNAL);
	}
	assert_true(closed);
	assert_true(clock_mono() - before < CLOCK_SEC);
	close(fd);
}

static void test_deadline(void **state)
{
	bool closed;
	int fd;

	(void)state;
	trickle("POST /calls HTTP/1.1\r\nHost: a\r\nX: ");
	trickle(HEAD "Host: a\r\nContent-Length: 2000\r\n\r\n{");
	fd = dial();
	free(hear(fd, NULL, CLOCK_SEC, &closed));
	assert_true(closed);
	close(fd);
	/* one that waits for us has all the time it needs */
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 600);
	expect(begin_create(), 200);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
}

/* A stranger hears 401 before he has sent his body. */
static void test_401_before_the_body(void **state)
{
	int fd = dial();
	bool closed;
	char *text;

	(void)state;
	put(fd, "POST /calls HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
	        "60000\r\n\r\n");
	text = hear(fd, NULL, 200 * CLOCK_MS, &closed);
	assert_memory_equal(text, "HTTP/1.1 401 ", 13);
	assert_true(closed);
	free(text);
	close(fd);
}

static void test_keep_alive(void **state)
{
	static const char request[] = HEAD "Host: a\r\nContent-Length: 2\r\n\r\n{}";
	int fd = dial();
	bool closed;

	(void)state;
	for (int i = 0; i < 5; i++) {
		char *text;

		put(fd, request);
		text = hear(fd, "missing", CLOCK_SEC, &closed);
		assert_memory_equal(text, "HTTP/1.1 400 ", 13);
		assert_false(closed);
		free(text);
	}
	close(fd);
}

static void test_connections_are_capped(void **state)
{
	int fds[30];

	(void)state;
	for (int i = 0; i < 30; i++)
		fds[i] = dial();
	rig_turn(rig, 20 * CLOCK_MS);
	assert_int_equal(server_connections(rig->server), 20);
	for (int i = 0; i < 30; i++)
		close(fds[i]);
	rig_turn(rig, 50 * CLOCK_MS);
	expect(begin_create(), 200);
}

/* What was asked is answered; who has nothing to ask goes; nobody new comes in. */
static void test_drain(void **state)
{
	struct rig_request *q;
	struct reply r;
	bool closed;
	int idle = dial(), late;

	(void)state;
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 300);
	q = begin_create();
	wait_open_commands(1);
	server_drain(rig->server);
	free(hear(idle, NULL, CLOCK_SEC, &closed));
	assert_true(closed);
	close(idle);
	late = dial();
	assert_true(send(late, "x", 1, MSG_NOSIGNAL) < 0);
	close(late);
	r = rig_wait(rig, q);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.headers, "Connection: close"));
	reply_clear(&r);
	rig_turn(rig, 20 * CLOCK_MS);
	assert_int_equal(server_connections(rig->server), 0);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
}

/* A client that hangs up while Kafka is asked costs nothing but itself. */
static void test_client_gone(void **state)
{
	int64_t before = rig_all_records(rig);
	int fd = dial();
	char *request = must_printf(HEAD "Host: a\r\nContent-Length: %zu\r\n\r\n%s", strlen(CREATE), CREATE);

	(void)state;
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 100);
	put(fd, request);
	rig_turn(rig, 20 * CLOCK_MS);
	assert_int_equal(rig->api.inflight, 1);
	close(fd);
	for (int i = 0; i < 500 && rig->api.inflight; i++)
		rig_turn(rig, 10 * CLOCK_MS);
	assert_int_equal(rig->api.inflight, 0);
	rig_turn(rig, 20 * CLOCK_MS);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
	assert_int_equal(rig_all_records(rig), before + 1);
	free(request);
}

/* Closed in the middle of everything: nothing is left behind (a sanitizer looks). */
static void test_closed_while_waiting(void **state)
{
	int fd = dial();
	char *request = must_printf(HEAD "Host: a\r\nContent-Length: %zu\r\n\r\n%s", strlen(CREATE), CREATE);

	(void)state;
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 1000);
	put(fd, request);
	rig_turn(rig, 50 * CLOCK_MS);
	assert_int_equal(accept_open_commands(rig->api.accept), 1);
	close(fd);
	free(request);
}

int main(void)
{
	/* one producer for all that leave it as it was */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broker_away),
		cmocka_unit_test(test_answer_waits_for_kafka),
		cmocka_unit_test(test_retried_by_the_library),
		cmocka_unit_test(test_fatal_error),
		cmocka_unit_test(test_fatal_error_then_away),
		cmocka_unit_test(test_partitions_do_not_fit),
		cmocka_unit_test(test_ambiguous_framing),
		cmocka_unit_test(test_401_before_the_body),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_client_gone),
		cmocka_unit_test(test_drain),
	};
	const struct CMUnitTest tight_tests[] = {
		cmocka_unit_test(test_inflight_is_capped),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_connections_are_capped),
		cmocka_unit_test(test_closed_while_waiting),
	};
	const struct CMUnitTest rate_tests[] = {
		cmocka_unit_test(test_rate),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);

	failed += cmocka_run_group_tests(tight_tests, setup_tight, teardown);
	return failed + cmocka_run_group_tests(rate_tests, setup_rate, teardown);
}
