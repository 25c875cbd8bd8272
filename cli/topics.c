/*
 * topics.c - callcast topics create
 *
 * Makes the topics that are missing and changes none that is there: a call's
 * partition is in its id, so partitions are nobody's to move.
 */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kafka.h"
#include "settings.h"

#define WAIT_MS       10000
#define REPLICAS_MOST 3

/* How long a topic's records are kept.  A replay reaches as far back as the events do. */
static const char *const retention_ms[TOPICS] = {
	[TOPIC_COMMANDS] = "604800000",       /* 7 days */
	[TOPIC_EVENTS] = "604800000",         /* at least as long as the commands */
	[TOPIC_DEAD] = "2592000000",          /* 30 days */
	[TOPIC_WEBHOOKS_DEAD] = "2592000000", /* 30 days */
};

struct topics {
	const char *name[TOPICS];
	int partitions[TOPICS]; /* 0: missing */
	int brokers;
};

/* Of all topics: asking for one by name would make it, on some brokers. */
static int look(rd_kafka_t *rk, struct topics *t)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t err;

	err = rd_kafka_metadata(rk, 1, NULL, &md, WAIT_MS);
	if (err) {
		fprintf(stderr, "callcast: the broker did not answer: %s\n", rd_kafka_err2str(err));
		return -EAGAIN;
	}
	t->brokers = md->broker_cnt;
	for (int i = 0; i < TOPICS; i++) {
		t->partitions[i] = 0;
		for (int j = 0; j < md->topic_cnt; j++)
			if (!strcmp(md->topics[j].topic, t->name[i]))
				t->partitions[i] = md->topics[j].partition_cnt;
	}
	rd_kafka_metadata_destroy(md);
	return 0;
}

static rd_kafka_NewTopic_t *new_topic(const struct topics *t, int i, int partitions)
{
	const int replicas = t->brokers < REPLICAS_MOST ? t->brokers : REPLICAS_MOST;
	rd_kafka_NewTopic_t *new;
	char why[256];

	new = rd_kafka_NewTopic_new(t->name[i], partitions, replicas, why, sizeof(why));
	if (!new) {
		fprintf(stderr, "callcast: %s: %s\n", t->name[i], why);
		return NULL;
	}
	rd_kafka_NewTopic_set_config(new, "retention.ms", retention_ms[i]);
	rd_kafka_NewTopic_set_config(new, "cleanup.policy", "delete");
	/* an acknowledged record must survive the loss of one broker */
	if (replicas > 1)
		rd_kafka_NewTopic_set_config(new, "min.insync.replicas", "2");
	return new;
}

static int read_results(rd_kafka_event_t *ev)
{
	const rd_kafka_topic_result_t **results;
	size_t n;
	int r = 0;

	if (rd_kafka_event_error(ev)) {
		fprintf(stderr, "callcast: topics were not created: %s\n", rd_kafka_event_error_string(ev));
		return -EIO;
	}
	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
	for (size_t i = 0; i < n; i++) {
		const rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);

		/* somebody else was faster: look() will see how it was made */
		if (!err || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			continue;
		fprintf(stderr, "callcast: %s: %s\n", rd_kafka_topic_result_name(results[i]),
		        rd_kafka_topic_result_error_string(results[i]));
		r = -EIO;
	}
	return r;
}

static int create(rd_kafka_t *rk, rd_kafka_NewTopic_t **new, size_t n)
{
	rd_kafka_AdminOptions_t *options;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *ev;
	char why[256];
	int r;

	options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_AdminOptions_set_request_timeout(options, WAIT_MS, why, sizeof(why));
	queue = rd_kafka_queue_new(rk);
	rd_kafka_CreateTopics(rk, new, n, options, queue);
	ev = rd_kafka_queue_poll(queue, WAIT_MS + 2000);
	if (ev) {
		r = read_results(ev);
		rd_kafka_event_destroy(ev);
	} else {
		fprintf(stderr, "callcast: topics were not created: no answer\n");
		r = -EAGAIN;
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	if (r < 0)
		fprintf(stderr, "callcast: a callcast-broker can't create topics: start it with --topics\n");
	return r;
}

/* All four have as many partitions as calls.commands: a record goes to its call's partition in each. */
static int create_missing(rd_kafka_t *rk, const struct topics *t, int partitions)
{
	rd_kafka_NewTopic_t *new[TOPICS];
	size_t n = 0;
	int r = 0;

	for (int i = 0; i < TOPICS && r == 0; i++) {
		if (t->partitions[i])
			continue;
		new[n] = new_topic(t, i, partitions);
		if (new[n])
			n++;
		else
			r = -EINVAL;
	}
	if (r == 0 && n)
		r = create(rk, new, n);
	rd_kafka_NewTopic_destroy_array(new, n);
	return r;
}

/* A topic that was made a moment ago may take another to be known. */
static int look_again(rd_kafka_t *rk, struct topics *t)
{
	const int64_t until = clock_mono() + WAIT_MS * CLOCK_MS;
	int missing, r;

	do {
		r = look(rk, t);
		missing = 0;
		for (int i = 0; i < TOPICS; i++)
			missing += t->partitions[i] == 0;
		if (r < 0 || !missing)
			return r;
		rd_kafka_poll(rk, 100);
	} while (clock_mono() < until);
	fprintf(stderr, "callcast: %d topics were created, but are not listed\n", missing);
	return -EAGAIN;
}

static int check(const struct settings *s, const struct topics *t)
{
	const int commands = t->partitions[TOPIC_COMMANDS];
	int r = 0;

	for (int i = 0; i < TOPICS; i++) {
		if (i == TOPIC_COMMANDS || t->partitions[i] >= commands)
			continue;
		fprintf(stderr,
		        "callcast: %s has %d partitions, %s %d: a call's records go to partition p of each, "
		        "so add partitions to %s\n",
		        t->name[i], t->partitions[i], t->name[TOPIC_COMMANDS], commands, t->name[i]);
		r = -EINVAL;
	}
	if (commands != s->commands_partitions)
		fprintf(stderr,
		        "callcast: %s has %d partitions and keeps them; "
		        "the setting commands.partitions says %lld\n",
		        t->name[TOPIC_COMMANDS], commands, (long long)s->commands_partitions);
	return r;
}

static int create_and_check(rd_kafka_t *rk, const struct settings *s)
{
	struct topics before = { 0 }, now;
	int partitions, r;

	for (int i = 0; i < TOPICS; i++)
		before.name[i] = kafka_topic(s, (enum kafka_topic)i);
	r = look(rk, &before);
	if (r < 0)
		return r;
	partitions = before.partitions[TOPIC_COMMANDS];
	if (!partitions)
		partitions = (int)s->commands_partitions;
	r = create_missing(rk, &before, partitions);
	if (r < 0)
		return r;
	now = before;
	r = look_again(rk, &now);
	if (r < 0)
		return r;
	for (int i = 0; i < TOPICS; i++)
		printf("%-24s %4d partitions   %s\n", now.name[i], now.partitions[i],
		       before.partitions[i] ? "there already" : "created");
	return check(s, &now);
}

int tool_topics_create(const struct settings *s, const struct line *l)
{
	rd_kafka_conf_t *conf;
	rd_kafka_t *rk;
	char why[256];
	int r;

	(void)l;
	conf = kafka_conf(s, KAFKA_PRODUCER, NULL);
	if (!conf)
		return TOOL_FAILED;
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk) {
		rd_kafka_conf_destroy(conf);
		fprintf(stderr, "callcast: %s\n", why);
		return TOOL_FAILED;
	}
	r = create_and_check(rk, s);
	rd_kafka_destroy(rk);
	return r < 0 ? TOOL_FAILED : TOOL_DONE;
}
