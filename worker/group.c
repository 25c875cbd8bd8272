/* group.c - see group.h */
#include "group.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "settings.h"

/* A member that never polls is taken for stuck, also when there is nothing to read. */
#define POLL_EVERY     CLOCK_SEC
#define BATCH          200  /* messages a turn, so that Redis and timers get theirs */
#define LOOKUP_WAIT_MS 3000 /* for committed offsets, while nothing is owned anyway */

struct group {
	struct loop *loop;
	const struct settings *settings;
	rd_kafka_t *kafka;
	struct kafka_wake *wake;   /* messages and rebalances */
	rd_kafka_queue_t *answers; /* of commits */
	struct kafka_wake *answers_wake;
	rd_kafka_topic_partition_list_t *commits;  /* gathered, not yet sent */
	rd_kafka_topic_partition_list_t *pending;  /* an assignment whose offsets are not known yet */
	rd_kafka_topic_partition_list_t *assigned; /* with the offsets at which we began; NULL */
	struct loop_timer retry, poll;
	bool member, revoking, closing;
	struct group_handler handler;
};

static struct metric rebalances_total = METRIC_COUNTER_INIT("callcast_rebalances_total", NULL,
                                                            "Assignments received from the consumer group");
static struct metric commits_failed_total = METRIC_COUNTER_INIT(
        "callcast_commits_failed_total", NULL, "Commits that the coordinator refused or did not answer");

/* ---- assignments ---- */

/* A partition that was never committed begins at its beginning; with auto.offset.reset=error nobody guesses for us. */
static int look_up(struct group *g, rd_kafka_topic_partition_list_t *parts)
{
	rd_kafka_resp_err_t e = rd_kafka_committed(g->kafka, parts, LOOKUP_WAIT_MS);
	int64_t low, high;

	if (e)
		return -EAGAIN;
	for (int i = 0; i < parts->cnt; i++) {
		if (parts->elems[i].err)
			return -EAGAIN;
		if (parts->elems[i].offset >= 0)
			continue;
		if (rd_kafka_query_watermark_offsets(g->kafka, parts->elems[i].topic,
		                                     parts->elems[i].partition, &low, &high, LOOKUP_WAIT_MS))
			return -EAGAIN;
		parts->elems[i].offset = low; /* a number: it can be committed when the group is asked */
	}
	return 0;
}

static void drop_assigned(struct group *g)
{
	if (g->assigned)
		rd_kafka_topic_partition_list_destroy(g->assigned);
	g->assigned = NULL;
}

static void assign(void *arg)
{
	struct group *g = arg;
	rd_kafka_topic_partition_list_t *parts = g->pending;
	int32_t *numbers;

	if (look_up(g, parts) < 0) {
		log_warn("group.lookup partitions=%d reason=no-answer", parts->cnt);
		loop_timer_set(g->loop, &g->retry, clock_mono() + CLOCK_SEC, assign, g);
		return;
	}
	g->pending = NULL;
	drop_assigned(g);
	g->assigned = parts;
	rd_kafka_assign(g->kafka, parts);
	numbers = must_calloc((size_t)parts->cnt + 1, sizeof(*numbers));
	for (int i = 0; i < parts->cnt; i++)
		numbers[i] = parts->elems[i].partition;
	g->member = true;
	metric_add(&rebalances_total, 1);
	log_info("group.assigned partitions=%d", parts->cnt);
	g->handler.assigned(g->handler.arg, numbers, (size_t)parts->cnt);
	free(numbers);
}

static void drop_pending(struct group *g)
{
	loop_timer_clear(g->loop, &g->retry);
	if (g->pending)
		rd_kafka_topic_partition_list_destroy(g->pending);
	g->pending = NULL;
}

/* From rd_kafka_consumer_poll(), on the loop's thread.  librdkafka waits until we assign or unassign, however late. */
static void rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *parts,
                       void *opaque)
{
	struct group *g = opaque;

	drop_pending(g);
	if (g->closing) { /* handed over already; the close waits for this */
		rd_kafka_assign(rk, NULL);
		return;
	}
	if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		g->pending = rd_kafka_topic_partition_list_copy(parts);
		assign(g);
		return;
	}
	if (err != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		log_warn("group.rebalance error=%s", rd_kafka_err2name(err));
	g->revoking = true;
	if (!g->member) { /* it was never told */
		group_release(g);
		return;
	}
	log_info("group.revoked partitions=%d lost=%d", parts->cnt, rd_kafka_assignment_lost(rk));
	g->handler.revoked(g->handler.arg, rd_kafka_assignment_lost(rk));
}

void group_release(struct group *g)
{
	if (!g->revoking)
		return;
	group_flush(g);
	g->revoking = false;
	g->member = false;
	rd_kafka_assign(g->kafka, NULL);
}

bool group_is_member(const struct group *g)
{
	return g->member && !g->revoking;
}

/* ---- messages ---- */

static void take(struct group *g, rd_kafka_message_t *m)
{
	if (!m->err) {
		if (g->member && !g->revoking)
			g->handler.message(g->handler.arg, m);
	} else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
	           m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
		log_error("commands.out_of_range partition=%d error=\"%s\"", m->partition,
		          rd_kafka_message_errstr(m));
		g->handler.out_of_range(g->handler.arg, m->partition);
	} else {
		log_warn("group.error partition=%d error=\"%s\"", m->partition, rd_kafka_message_errstr(m));
	}
}

static void serve(void *arg)
{
	struct group *g = arg;
	rd_kafka_message_t *m;
	int n;

	for (n = 0; n < BATCH && (m = rd_kafka_consumer_poll(g->kafka, 0)); n++) {
		take(g, m);
		rd_kafka_message_destroy(m);
	}
	if (n == BATCH)
		kafka_wake_again(g->wake);
}

static void poll_anyway(void *arg)
{
	struct group *g = arg;

	serve(g);
	loop_timer_set(g->loop, &g->poll, clock_mono() + POLL_EVERY, poll_anyway, g);
}

static void serve_answers(void *arg)
{
	struct group *g = arg;

	/* answers are given to the callback of the commit, never returned */
	for (int i = 0; i < BATCH && rd_kafka_queue_poll_callback(g->answers, 0) > 0; i++)
		;
}

void group_pause(struct group *g, int32_t partition, bool pause)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_topic_partition_list_add(list, kafka_topic(g->settings, TOPIC_COMMANDS), partition);
	if (pause)
		rd_kafka_pause_partitions(g->kafka, list);
	else
		rd_kafka_resume_partitions(g->kafka, list);
	rd_kafka_topic_partition_list_destroy(list);
}

void group_seek(struct group *g, int32_t partition, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_error_t *e;

	rd_kafka_topic_partition_list_add(list, kafka_topic(g->settings, TOPIC_COMMANDS), partition)->offset =
	        offset;
	e = rd_kafka_seek_partitions(g->kafka, list, 0);
	if (e) {
		log_error("group.seek partition=%d error=\"%s\"", partition, rd_kafka_error_string(e));
		rd_kafka_error_destroy(e);
	}
	rd_kafka_topic_partition_list_destroy(list);
}

/* ---- commits ---- */

static void committed(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *offsets,
                      void *opaque)
{
	(void)rk, (void)offsets, (void)opaque;
	if (!err || err == RD_KAFKA_RESP_ERR__NO_OFFSET || err == RD_KAFKA_RESP_ERR__DESTROY)
		return;
	/* the commands come again, and their ids are known */
	metric_add(&commits_failed_total, 1);
	log_warn("group.commit error=%s", rd_kafka_err2name(err));
}

void group_commit(struct group *g, int32_t partition, int64_t next)
{
	const char *topic = kafka_topic(g->settings, TOPIC_COMMANDS);
	rd_kafka_topic_partition_t *tp = rd_kafka_topic_partition_list_find(g->commits, topic, partition);

	if (!tp)
		tp = rd_kafka_topic_partition_list_add(g->commits, topic, partition);
	tp->offset = next;
}

void group_flush(struct group *g)
{
	if (!g->commits->cnt)
		return;
	if (g->member)
		rd_kafka_commit_queue(g->kafka, g->commits, g->answers, committed, g);
	rd_kafka_topic_partition_list_destroy(g->commits);
	g->commits = rd_kafka_topic_partition_list_new(8);
}

struct question {
	struct group *group;
	int32_t partition;
	group_word_fn *fn;
	void *arg;
};

static void asked(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *offsets,
                  void *opaque)
{
	struct question *q = opaque;
	enum group_word word = GROUP_MEMBER;

	(void)rk, (void)offsets;
	switch (err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		word = group_is_member(q->group) ? GROUP_MEMBER : GROUP_LEFT;
		break;
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
	case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
		word = GROUP_LEFT;
		break;
	default:
		word = GROUP_SILENT;
	}
	if (err != RD_KAFKA_RESP_ERR__DESTROY)
		q->fn(q->arg, q->partition, word);
	free(q);
}

void group_ask(struct group *g, int32_t partition, int64_t next, group_word_fn *fn, void *arg)
{
	const char *topic = kafka_topic(g->settings, TOPIC_COMMANDS);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	struct question *q = must_calloc(1, sizeof(*q));
	const rd_kafka_topic_partition_t *began =
	        g->assigned ? rd_kafka_topic_partition_list_find(g->assigned, topic, partition) : NULL;

	*q = (struct question){ g, partition, fn, arg };
	if (next < 0 && began)
		next = began->offset;
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = next < 0 ? 0 : next;
	if (rd_kafka_commit_queue(g->kafka, list, g->answers, asked, q))
		free(q); /* the handle is being closed */
	rd_kafka_topic_partition_list_destroy(list);
}

/* ---- open, close ---- */

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	(void)rk, (void)opaque;
	log_debug("group.error error=%s reason=\"%s\"", rd_kafka_err2name(err), reason);
}

static int subscribe(struct group *g)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_resp_err_t e;

	rd_kafka_topic_partition_list_add(topics, kafka_topic(g->settings, TOPIC_COMMANDS),
	                                  RD_KAFKA_PARTITION_UA);
	e = rd_kafka_subscribe(g->kafka, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (e)
		log_error("group.subscribe error=%s", rd_kafka_err2name(e));
	return e ? -EINVAL : 0;
}

int group_open(struct group **out, struct loop *loop, const struct settings *s, const struct group_handler *h)
{
	struct group *g = must_calloc(1, sizeof(*g));
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_GROUP, "worker");
	char why[512];

	g->loop = loop;
	g->settings = s;
	g->handler = *h;
	g->commits = rd_kafka_topic_partition_list_new(8);
	metric_register(&rebalances_total);
	metric_register(&commits_failed_total);
	if (!conf)
		goto fail;
	rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_opaque(conf, g);
	g->kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!g->kafka) {
		log_error("group.open reason=\"%s\"", why);
		rd_kafka_conf_destroy(conf);
		goto fail;
	}
	rd_kafka_poll_set_consumer(g->kafka);
	g->answers = rd_kafka_queue_new(g->kafka);
	if (kafka_wake_open(&g->answers_wake, loop, g->answers, serve_answers, g) < 0 ||
	    kafka_wake_open(&g->wake, loop, rd_kafka_queue_get_consumer(g->kafka), serve, g) < 0)
		goto fail;
	if (subscribe(g) < 0)
		goto fail;
	poll_anyway(g);
	*out = g;
	return 0;

fail:
	group_close(g);
	return -EINVAL;
}

void group_close(struct group *g)
{
	if (!g)
		return;
	g->closing = true;
	drop_pending(g);
	if (g->revoking) /* the close waits for the answer to it, however long */
		rd_kafka_assign(g->kafka, NULL);
	loop_timer_clear(g->loop, &g->poll);
	kafka_wake_close(g->wake);
	if (g->kafka)
		rd_kafka_consumer_close(g->kafka);
	if (g->answers_wake)
		kafka_wake_close(g->answers_wake);
	else if (g->answers)
		rd_kafka_queue_destroy(g->answers);
	if (g->kafka)
		rd_kafka_destroy(g->kafka);
	rd_kafka_topic_partition_list_destroy(g->commits);
	drop_assigned(g);
	free(g);
}
