/* test_kafka.c - handles made by kafka_conf() at work on librdkafka's in-process mock cluster */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "clock.h"
#include "kafka.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "settings.h"

static rd_kafka_t *host; /* carries the mock cluster */
static rd_kafka_mock_cluster_t *cluster;
static struct settings *settings;
static struct loop *loop;
static char log_lines[16384];
static int log_pipe[2], real_stderr;

static int group_setup(void **state)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	(void)state;
	rd_kafka_conf_set(conf, "socket.nagle.disable", "true", why, sizeof(why));
	host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	cluster = rd_kafka_mock_cluster_new(host, 1);
	rd_kafka_mock_topic_create(cluster, "t.calls.commands", 3, 1);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(settings_default(&settings, WORKER), 0);
	free(settings->kafka);
	settings->kafka = must_strdup(rd_kafka_mock_cluster_bootstraps(cluster));
	free(settings->topic_prefix);
	settings->topic_prefix = must_strdup("t.");
	return loop_open(&loop);
}

static int teardown(void **state)
{
	(void)state;
	settings_free(settings);
	loop_close(loop);
	return 0;
}

static void add_pair(const char *name, const char *value)
{
	size_t n = settings->kafka_pair_count++;

	settings->kafka_pairs = must_realloc(settings->kafka_pairs, (n + 1) * sizeof(*settings->kafka_pairs));
	settings->kafka_pairs[n].name = must_strdup(name);
	settings->kafka_pairs[n].value = must_strdup(value);
}

static void assert_property(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char found[128] = "";
	size_t size = sizeof(found);

	assert_int_equal(rd_kafka_conf_get(conf, name, found, &size), RD_KAFKA_CONF_OK);
	if (strcmp(found, value) != 0)
		print_error("%s\n", name);
	assert_string_equal(found, value);
}

static rd_kafka_t *open_handle(enum kafka_use use, const char *group)
{
	bool producer = use == KAFKA_PRODUCER || use == KAFKA_TELLER;
	rd_kafka_conf_t *conf = kafka_conf(settings, use, group);
	rd_kafka_t *rk;
	char why[256];

	assert_non_null(conf);
	rk = rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!rk)
		print_error("%s\n", why);
	assert_non_null(rk);
	return rk;
}

static void test_topics_have_the_prefix(void **state)
{
	const char *name = kafka_topic(settings, TOPIC_COMMANDS);

	(void)state;
	assert_string_equal(name, "t.calls.commands");
	assert_string_equal(kafka_topic(settings, TOPIC_WEBHOOKS_DEAD), "t.webhooks.dead");
	settings->topic_prefix[0] = '\0';
	assert_string_equal(kafka_topic(settings, TOPIC_EVENTS), "calls.events");
	assert_string_equal(kafka_topic(settings, TOPIC_DEAD), "calls.dead");
	assert_string_equal(name, "t.calls.commands");
	assert_ptr_not_equal(kafka_topic(settings, TOPIC_COMMANDS), name);
}

static void test_a_producer_keeps_the_promises(void **state)
{
	rd_kafka_conf_t *conf = kafka_conf(settings, KAFKA_PRODUCER, NULL);

	(void)state;
	assert_property(conf, "enable.idempotence", "true");
	assert_property(conf, "acks", "-1");
	assert_property(conf, "message.timeout.ms", "3500");
	assert_property(conf, "linger.ms", "1");
	assert_property(conf, "socket.nagle.disable", "true");
	rd_kafka_conf_destroy(conf);
	conf = kafka_conf(settings, KAFKA_TELLER, NULL);
	assert_property(conf, "message.timeout.ms", "0");
	assert_property(conf, "enable.idempotence", "true");
	rd_kafka_conf_destroy(conf);
}

static void test_a_member_keeps_the_promises(void **state)
{
	rd_kafka_conf_t *conf = kafka_conf(settings, KAFKA_GROUP, "workers");

	(void)state;
	assert_property(conf, "group.id", "t.workers");
	assert_property(conf, "partition.assignment.strategy", "range");
	assert_property(conf, "session.timeout.ms", "6000");
	assert_property(conf, "heartbeat.interval.ms", "200");
	assert_property(conf, "enable.auto.commit", "false");
	assert_property(conf, "enable.auto.offset.store", "false");
	assert_property(conf, "auto.offset.reset", "error");
	assert_property(conf, "enable.partition.eof", "false");
	assert_property(conf, "fetch.wait.max.ms", "10");
	assert_property(conf, "socket.nagle.disable", "true");
	rd_kafka_conf_destroy(conf);
}

/* Everything logged between these two is in log_lines afterwards. */
static void log_begin(void)
{
	assert_int_equal(pipe(log_pipe), 0);
	real_stderr = dup(STDERR_FILENO);
	dup2(log_pipe[1], STDERR_FILENO);
}

static void log_end(void)
{
	ssize_t n;

	log_info("test.end");
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(log_pipe[1]);
	n = read(log_pipe[0], log_lines, sizeof(log_lines) - 1);
	close(log_pipe[0]);
	log_lines[n > 0 ? n : 0] = '\0';
}

static void test_pairs_go_where_they_apply(void **state)
{
	rd_kafka_conf_t *conf;

	(void)state;
	add_pair("linger.ms", "7");
	add_pair("fetch.wait.max.ms", "3");
	add_pair("client.id", "me");
	conf = kafka_conf(settings, KAFKA_TELLER, NULL);
	assert_property(conf, "linger.ms", "7");
	assert_property(conf, "fetch.wait.max.ms", "500");
	assert_property(conf, "client.id", "me");
	rd_kafka_conf_destroy(conf);
	conf = kafka_conf(settings, KAFKA_READER, NULL);
	assert_property(conf, "linger.ms", "5");
	assert_property(conf, "fetch.wait.max.ms", "3");
	assert_property(conf, "client.id", "me");
	rd_kafka_conf_destroy(conf);
	add_pair("fetch.wait.max", "3");
	log_begin();
	assert_null(kafka_conf(settings, KAFKA_GROUP, "workers"));
	log_end();
	assert_non_null(strstr(log_lines, "error kafka.misconfigured property=fetch.wait.max"));
}

static void test_no_handle_warns_about_its_properties(void **state)
{
	static const enum kafka_use uses[] = { KAFKA_PRODUCER, KAFKA_TELLER, KAFKA_GROUP, KAFKA_READER };

	(void)state;
	add_pair("linger.ms", "7");
	add_pair("fetch.wait.max.ms", "3");
	log_begin();
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		rd_kafka_destroy(open_handle(uses[i], "workers"));
	log_end();
	assert_null(strstr(log_lines, "CONFWARN"));
	assert_null(strstr(log_lines, "kafka.log"));
}

static void test_a_broker_that_is_away_is_a_warning_of_ours(void **state)
{
	rd_kafka_t *rk;

	(void)state;
	strcpy(settings->kafka, "127.0.0.1:1");
	log_begin();
	rk = open_handle(KAFKA_PRODUCER, NULL);
	assert_int_equal(kafka_partitions(rk, "t.calls.commands", 300 * CLOCK_MS), -EAGAIN);
	rd_kafka_destroy(rk);
	log_end();
	assert_non_null(strstr(log_lines, " warn kafka.log client=rdkafka#producer-"));
	assert_non_null(strstr(log_lines, " fac=FAIL msg=\""));
	assert_null(strstr(log_lines, " error "));
}

static void test_partitions_are_counted(void **state)
{
	rd_kafka_t *rk = open_handle(KAFKA_PRODUCER, NULL);

	(void)state;
	assert_int_equal(kafka_partitions(rk, "t.calls.commands", 5 * CLOCK_SEC), 3);
	/* twice: asking must not have made it */
	assert_int_equal(kafka_partitions(rk, "t.calls.nothing", 5 * CLOCK_SEC), -ENOENT);
	assert_int_equal(kafka_partitions(rk, "t.calls.nothing", 5 * CLOCK_SEC), -ENOENT);
	rd_kafka_destroy(rk);
}

/* ---- waking the loop ---- */

struct served {
	rd_kafka_t *rk;
	struct kafka_wake *wake;
	unsigned int reports;
};

static void serve(void *arg)
{
	rd_kafka_poll(((struct served *)arg)->rk, 0);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
	(void)rk;
	assert_int_equal(m->err, RD_KAFKA_RESP_ERR_NO_ERROR);
	((struct served *)arg)->reports++;
}

static void open_served(struct served *s)
{
	rd_kafka_conf_t *conf = kafka_conf(settings, KAFKA_PRODUCER, NULL);
	char why[256];

	*s = (struct served){ 0 };
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_opaque(conf, s);
	s->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	assert_non_null(s->rk);
}

static void produce(rd_kafka_t *rk, int partition)
{
	assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("t.calls.commands"),
	                                   RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_VALUE("x", 1),
	                                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
	                 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void turn_until(const unsigned int *counter, unsigned int value)
{
	int64_t end = clock_mono() + 20 * CLOCK_SEC;

	while (*counter < value && clock_mono() < end)
		loop_turn(loop, end);
	assert_true(*counter >= value);
}

static void test_reports_wake_the_loop(void **state)
{
	struct served s;

	(void)state;
	open_served(&s);
	assert_int_equal(kafka_wake_open(&s.wake, loop, rd_kafka_queue_get_main(s.rk), serve, &s), 0);
	for (int i = 0; i < 5; i++)
		produce(s.rk, i % 3);
	turn_until(&s.reports, 5);
	produce(s.rk, 0);
	turn_until(&s.reports, 6);
	kafka_wake_close(s.wake);
	rd_kafka_destroy(s.rk);
	kafka_wake_close(NULL);
}

static void test_what_stood_in_the_queue_before_wakes_too(void **state)
{
	struct served s;
	rd_kafka_queue_t *queue;

	(void)state;
	open_served(&s);
	queue = rd_kafka_queue_get_main(s.rk);
	produce(s.rk, 0);
	for (int i = 0; i < 10000 && rd_kafka_queue_length(queue) == 0; i++)
		usleep(1000);
	assert_int_equal(kafka_wake_open(&s.wake, loop, queue, serve, &s), 0);
	turn_until(&s.reports, 1);
	kafka_wake_close(s.wake);
	rd_kafka_destroy(s.rk);
}

struct reading {
	rd_kafka_t *rk;
	struct kafka_wake *wake;
	unsigned int messages, ends;
};

/* One message a turn, to see that the rest is not forgotten. */
static void read_one(void *arg)
{
	struct reading *r = arg;
	rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, 0);

	if (!m)
		return;
	if (!m->err)
		r->messages++;
	else if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		r->ends++;
	rd_kafka_message_destroy(m);
	kafka_wake_again(r->wake);
}

static void test_a_reader_reads_from_where_it_is_told_to_the_end(void **state)
{
	rd_kafka_t *producer = open_handle(KAFKA_TELLER, NULL);
	rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
	struct reading r = { 0 };

	(void)state;
	for (int i = 0; i < 4; i++)
		produce(producer, 2);
	assert_int_equal(rd_kafka_flush(producer, 10000), 0);
	rd_kafka_destroy(producer);
	r.rk = open_handle(KAFKA_READER, NULL);
	rd_kafka_poll_set_consumer(r.rk);
	assert_int_equal(kafka_wake_open(&r.wake, loop, rd_kafka_queue_get_consumer(r.rk), read_one, &r), 0);
	rd_kafka_topic_partition_list_add(parts, "t.calls.commands", 2)->offset = 1;
	assert_int_equal(rd_kafka_assign(r.rk, parts), RD_KAFKA_RESP_ERR_NO_ERROR);
	turn_until(&r.ends, 1);
	assert_true(r.messages >= 3);
	rd_kafka_topic_partition_list_destroy(parts);
	kafka_wake_close(r.wake);
	rd_kafka_consumer_close(r.rk);
	rd_kafka_destroy(r.rk);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_topics_have_the_prefix),
		TEST(test_a_producer_keeps_the_promises),
		TEST(test_a_member_keeps_the_promises),
		TEST(test_pairs_go_where_they_apply),
		TEST(test_no_handle_warns_about_its_properties),
		TEST(test_a_broker_that_is_away_is_a_warning_of_ours),
		TEST(test_partitions_are_counted),
		TEST(test_reports_wake_the_loop),
		TEST(test_what_stood_in_the_queue_before_wakes_too),
		TEST(test_a_reader_reads_from_where_it_is_told_to_the_end),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
