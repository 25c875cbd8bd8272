/* test_redis.c - lib/redis against a private redis-server that is stopped, killed and restarted */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "redis.h"
#include "redis_server.h"

#define TIMEOUT  (400 * CLOCK_MS)
#define PATIENCE (20 * CLOCK_SEC)

static struct redis_server *server;
static struct loop *loop;
static struct redis *redis;
static unsigned int ups, downs;
static size_t open_at_down;
static unsigned int answered, with_reply, in_order;
static char last[256];

static void on_up(void *arg)
{
	(void)arg;
	ups++;
}

static void on_down(void *arg)
{
	(void)arg;
	downs++;
	open_at_down = redis_open_requests(redis);
}

static const struct redis_handler handler = { .up = on_up, .down = on_down };

/* arg is the number of the request */
static void on_reply(void *arg, const redisReply *reply)
{
	if ((uintptr_t)arg == answered)
		in_order++;
	answered++;
	if (reply)
		with_reply++;
	if (reply && reply->str)
		snprintf(last, sizeof(last), "%s", reply->str);
}

static void turn_until(const unsigned int *counter, unsigned int value)
{
	int64_t end = clock_mono() + PATIENCE;

	while (*counter < value && clock_mono() < end)
		loop_turn(loop, end);
	assert_true(*counter >= value);
}

static void open_redis(bool aof)
{
	ups = downs = answered = with_reply = in_order = 0;
	open_at_down = 99;
	server = redis_server_start(aof);
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(redis_open(&redis, loop, redis_server_address(server), TIMEOUT, &handler), 0);
}

static int setup(void **state)
{
	(void)state;
	open_redis(false);
	return 0;
}

static int setup_aof(void **state)
{
	(void)state;
	open_redis(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	redis_close(redis);
	redis = NULL;
	loop_close(loop);
	redis_server_free(server);
	server = NULL;
	return 0;
}

static void ask(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		redis_words(redis, on_reply, (void *)(uintptr_t)i, "PING", NULL);
}

static void test_answers_come_in_order(void **state)
{
	const char *argv[] = { "SET", "key", "a\0b" };
	const size_t lengths[] = { 3, 3, 3 };

	(void)state;
	turn_until(&ups, 1);
	assert_true(redis_is_up(redis));
	assert_int_equal(strlen(redis_run_id(redis)), REDIS_RUN_SIZE - 1);
	redis_command(redis, on_reply, (void *)0, 3, argv, lengths);
	redis_words(redis, on_reply, (void *)1, "STRLEN", "key", NULL);
	redis_words(redis, on_reply, (void *)2, "ECHO", "hello", NULL);
	assert_int_equal(answered, 0);
	assert_int_equal(redis_open_requests(redis), 3);
	turn_until(&answered, 3);
	assert_int_equal(in_order, 3);
	assert_int_equal(with_reply, 3);
	assert_string_equal(last, "hello");
	assert_string_equal(redis_server_ask(server, "STRLEN key"), "3");
}

static void test_many_in_flight(void **state)
{
	(void)state;
	turn_until(&ups, 1);
	ask(20000);
	turn_until(&answered, 20000);
	assert_int_equal(in_order, 20000);
	assert_int_equal(with_reply, 20000);
}

static void test_while_down_the_answer_is_none_from_a_later_turn(void **state)
{
	(void)state;
	ask(3);
	assert_int_equal(answered, 0);
	turn_until(&answered, 3);
	assert_int_equal(in_order, 3);
	assert_int_equal(with_reply, 0);
	assert_int_equal(downs, 0); /* it was never up */
	turn_until(&ups, 1);
}

static void test_a_redis_that_hangs_is_down_after_the_timeout(void **state)
{
	int64_t start;

	(void)state;
	turn_until(&ups, 1);
	redis_server_pause(server);
	start = clock_mono();
	ask(2);
	turn_until(&downs, 1);
	assert_true(clock_mono() - start >= TIMEOUT);
	assert_int_equal(answered, 2);
	assert_int_equal(in_order, 2);
	assert_int_equal(with_reply, 0);
	assert_int_equal(open_at_down, 0);
	assert_false(redis_is_up(redis));
	redis_server_resume(server);
	turn_until(&ups, 2);
	answered = in_order = 0;
	ask(1);
	turn_until(&with_reply, 1);
}

/* Each answer asks again, while the connection goes away under it. */
static void ask_again(void *arg, const redisReply *reply)
{
	unsigned int *left = arg;

	answered++;
	if (reply)
		with_reply++;
	if (*left) {
		(*left)--;
		redis_words(redis, ask_again, left, "PING", NULL);
	}
}

static void test_a_killed_redis_is_found_again_with_another_run_id(void **state)
{
	char before[REDIS_RUN_SIZE];
	unsigned int left = 50;

	(void)state;
	turn_until(&ups, 1);
	strcpy(before, redis_run_id(redis));
	redis_server_kill(server);
	for (int i = 0; i < 10; i++)
		redis_words(redis, ask_again, &left, "PING", NULL);
	turn_until(&downs, 1);
	assert_string_equal(redis_run_id(redis), before);
	turn_until(&answered, 60);
	assert_int_equal(with_reply, 0);
	assert_int_equal(redis_open_requests(redis), 0);
	redis_server_restart(server);
	turn_until(&ups, 2);
	assert_string_not_equal(redis_run_id(redis), before);
}

static void test_a_restart_keeps_data_with_aof(void **state)
{
	(void)state;
	turn_until(&ups, 1);
	redis_words(redis, on_reply, (void *)0, "SET", "key", "kept", NULL);
	turn_until(&with_reply, 1);
	redis_server_restart(server);
	turn_until(&ups, 2);
	redis_words(redis, on_reply, (void *)1, "GET", "key", NULL);
	turn_until(&with_reply, 2);
	assert_string_equal(last, "kept");
}

static void close_it(void *arg, const redisReply *reply)
{
	(void)arg;
	(void)reply;
	answered++;
	redis_close(redis);
	redis = NULL;
}

static void test_close_answers_what_is_open_without_the_handler(void **state)
{
	(void)state;
	turn_until(&ups, 1);
	ask(5);
	redis_close(redis);
	redis = NULL;
	assert_int_equal(answered, 5);
	assert_int_equal(in_order, 5);
	assert_int_equal(downs, 0);
}

static void test_close_from_within_an_answer(void **state)
{
	(void)state;
	turn_until(&ups, 1);
	redis_words(redis, close_it, NULL, "PING", NULL);
	redis_words(redis, on_reply, (void *)1, "PING", NULL);
	turn_until(&answered, 1);
	assert_int_equal(answered, 2);
	assert_int_equal(in_order, 1);
	assert_null(redis);
}

static void test_close_from_within_no_answer(void **state)
{
	(void)state;
	redis_words(redis, close_it, NULL, "PING", NULL);
	redis_words(redis, on_reply, (void *)1, "PING", NULL);
	turn_until(&answered, 1);
	assert_int_equal(answered, 2);
	assert_null(redis);
}

static void test_an_address_must_be_one(void **state)
{
	struct redis *other = NULL;

	(void)state;
	assert_int_equal(redis_open(&other, loop, "localhost", TIMEOUT, NULL), -EINVAL);
	assert_int_equal(redis_open(&other, loop, "127.0.0.1:0", TIMEOUT, NULL), -EINVAL);
	assert_int_equal(redis_open(&other, loop, "127.0.0.1:65536", TIMEOUT, NULL), -EINVAL);
	assert_int_equal(redis_open(&other, loop, "::1:6379", TIMEOUT, NULL), -EINVAL);
	assert_null(other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_answers_come_in_order),
		TEST(test_many_in_flight),
		TEST(test_while_down_the_answer_is_none_from_a_later_turn),
		TEST(test_a_redis_that_hangs_is_down_after_the_timeout),
		TEST(test_a_killed_redis_is_found_again_with_another_run_id),
		cmocka_unit_test_setup_teardown(test_a_restart_keeps_data_with_aof, setup_aof, teardown),
		TEST(test_close_answers_what_is_open_without_the_handler),
		TEST(test_close_from_within_an_answer),
		TEST(test_close_from_within_no_answer),
		TEST(test_an_address_must_be_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
