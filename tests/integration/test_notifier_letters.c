/* test_notifier_letters.c - dead letters are never given up: broker errors, a fatal error, a copy that is too large */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "clock.h"
#include "letters.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "settings.h"

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static struct settings *settings;
static struct loop *loop;
static struct letters *letters;
static int done[4];

static void on_done(void *arg)
{
	++*(int *)arg;
}

static void send_letter(int i, size_t len)
{
	char *bytes = must_calloc(1, len);
	struct dead_letter letter = { .key = { (char *)(uintptr_t) "key", 3 },
		                      .value = { bytes, len },
		                      .reason = (char *)(uintptr_t) "because",
		                      .topic = (char *)(uintptr_t) "calls.events",
		                      .partition = 2,
		                      .offset = 7 };

	letters_send(letters, TOPIC_WEBHOOKS_DEAD, &letter, on_done, &done[i]);
	free(bytes);
}

static void wait_done(int i)
{
	int64_t until = clock_mono() + 15 * CLOCK_SEC;

	while (!done[i] && clock_mono() < until)
		loop_turn(loop, until);
	assert_int_equal(done[i], 1);
}

static void test_acknowledged_once(void **state)
{
	(void)state;
	send_letter(0, 10);
	assert_int_equal(done[0], 0);
	wait_done(0);
	assert_int_equal(letters_open_count(letters), 0);
}

static void test_a_fatal_error_loses_none(void **state)
{
	char text[256] = { 0 };
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	rd_kafka_mock_broker_set_down(cluster, 1);
	send_letter(1, 10);
	rd_kafka_test_fatal_error(letters_handle(letters), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
	                          "a test");
	send_letter(2, 10);
	loop_turn(loop, clock_mono() + 50 * CLOCK_MS);
	letters_ready(letters, f);
	fclose(f);
	rd_kafka_mock_broker_set_up(cluster, 1);
	wait_done(1);
	wait_done(2);
	assert_int_equal(letters_open_count(letters), 0);
	assert_int_equal(rd_kafka_fatal_error(letters_handle(letters), NULL, 0), 0); /* a new one */
}

static void test_a_copy_that_is_too_large_is_left_out(void **state)
{
	(void)state;
	send_letter(3, 990000); /* with a letter around it, more than a broker takes */
	wait_done(3);
}

static int set_up(void **state)
{
	char why[256];

	(void)state;
	log_threshold = LOG_ERROR;
	assert_int_equal(records_open("", "", why, sizeof(why)), 0);
	owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
	cluster = rd_kafka_mock_cluster_new(owner, 1);
	assert_int_equal(rd_kafka_mock_topic_create(cluster, "webhooks.dead", 4, 1), 0);
	assert_int_equal(settings_default(&settings, NOTIFIER), 0);
	free(settings->kafka);
	settings->kafka = must_strdup(rd_kafka_mock_cluster_bootstraps(cluster));
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(letters_open(&letters, loop, settings), 0);
	letters_partitions(letters, TOPIC_WEBHOOKS_DEAD, 4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	letters_close(letters);
	loop_close(loop);
	settings_free(settings);
	records_close();
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(owner);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledged_once),
		cmocka_unit_test(test_a_fatal_error_loses_none),
		cmocka_unit_test(test_a_copy_that_is_too_large_is_left_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
