/* intake.c - see intake.h.  places.h has the partitions; here is what the group and the broker say. */
#include "intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "places.h"
#include "settings.h"

#define COMMIT_EVERY (200 * CLOCK_MS)
#define HANDOVER     CLOCK_SEC
#define LOOKUP_MS    2000 /* committed offsets and ends, asked at an assignment */
#define LOOKUP_AGAIN (500 * CLOCK_MS)
#define PROBE_EVERY  CLOCK_SEC /* is the broker back? */
#define PROBE_MS     50
#define TURN_RECORDS 500 /* then others have a turn of the loop */

static struct metric read_total =
        METRIC_COUNTER_INIT("callcast_events_read_total", NULL, "Records of calls.events read");
static struct metric rebalances =
        METRIC_COUNTER_INIT("callcast_rebalances_total", NULL, "Assignments of partitions");

struct intake {
	struct loop *loop;
	const struct settings *settings;
	struct intake_reader reader;
	const char *topic;
	rd_kafka_t *rk;
	struct kafka_wake *wake;
	struct places places;
	bool assigned, revoking, leaving, held, away;
	rd_kafka_topic_partition_list_t *offered; /* assigned by the group, start offsets not looked up yet */
	struct loop_timer commit_timer, revoke_timer, lookup_timer, probe_timer;
};

/* ---- commits ---- */

static void commit(struct intake *in)
{
	rd_kafka_topic_partition_list_t *list = places_to_commit(&in->places, in->topic);
	rd_kafka_resp_err_t err;

	if (!list)
		return;
	/* its answer comes to on_commit(); what follows on this connection stands behind it */
	err = rd_kafka_commit(in->rk, list, 1);
	if (err) {
		log_warn("offsets.uncommitted error=%s", rd_kafka_err2name(err));
		places_uncommitted(&in->places, list);
	}
	rd_kafka_topic_partition_list_destroy(list);
}

static void serve(void *arg);

static void commit_due(void *arg)
{
	struct intake *in = arg;

	serve(in); /* a member that never polls is taken for stuck, also when there is nothing to read */
	if (in->assigned && !in->revoking)
		commit(in);
	loop_timer_set(in->loop, &in->commit_timer, clock_mono() + COMMIT_EVERY, commit_due, in);
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
                      void *opaque)
{
	struct intake *in = opaque;

	(void)rk;
	if (!err || err == RD_KAFKA_RESP_ERR__NO_OFFSET)
		return;
	log_warn("offsets.uncommitted error=%s", rd_kafka_err2name(err));
	if (list)
		places_uncommitted(&in->places, list);
}

/* ---- an assignment ---- */

static void lookup_due(void *arg);

/* Fills in where each partition starts.  Blocks for at most LOOKUP_MS. */
static bool look_up_starts(struct intake *in, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_resp_err_t err;

	err = rd_kafka_committed(in->rk, list, LOOKUP_MS);
	for (int i = 0; !err && i < list->cnt; i++) {
		err = list->elems[i].err;
		/* with auto.offset.reset=error a new group would never start by itself */
		if (list->elems[i].offset < 0)
			list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
	}
	if (err)
		log_warn("offsets.unknown error=%s", rd_kafka_err2name(err));
	return !err;
}

/* Where each partition ends now: below, another process may have delivered.  Unknown: it may have all. */
static void look_up_ends(struct intake *in, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(list);
	rd_kafka_resp_err_t err;

	for (int i = 0; i < ends->cnt; i++)
		ends->elems[i].offset = RD_KAFKA_OFFSET_END;
	err = rd_kafka_offsets_for_times(in->rk, ends, LOOKUP_MS);
	for (int i = 0; i < ends->cnt; i++) {
		bool known = !err && !ends->elems[i].err && ends->elems[i].offset >= 0;

		places_end(&in->places, ends->elems[i].partition, known ? ends->elems[i].offset : INT64_MAX);
	}
	rd_kafka_topic_partition_list_destroy(ends);
}

static void take(struct intake *in)
{
	rd_kafka_topic_partition_list_t *list = in->offered;
	rd_kafka_resp_err_t err;

	if (!look_up_starts(in, list)) {
		loop_timer_set(in->loop, &in->lookup_timer, clock_mono() + LOOKUP_AGAIN, lookup_due, in);
		return;
	}
	in->offered = NULL;
	places_start(&in->places, list);
	look_up_ends(in, list);
	in->reader.assigned(in->reader.arg);
	err = rd_kafka_assign(in->rk, list);
	if (err)
		log_error("partitions.refused error=%s", rd_kafka_err2name(err));
	else
		log_info("partitions.assigned count=%d", list->cnt);
	in->assigned = !err;
	if (in->held)
		rd_kafka_pause_partitions(in->rk, list);
	metric_add(&rebalances, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

static void lookup_due(void *arg)
{
	struct intake *in = arg;

	if (in->offered)
		take(in);
}

static void forget_offer(struct intake *in)
{
	if (in->offered)
		rd_kafka_topic_partition_list_destroy(in->offered);
	in->offered = NULL;
	loop_timer_clear(in->loop, &in->lookup_timer);
}

/* ---- a revoke ---- */

static void give_back(struct intake *in)
{
	loop_timer_clear(in->loop, &in->revoke_timer);
	in->revoking = false;
	/* lost ones are somebody else's already */
	if (in->assigned && !rd_kafka_assignment_lost(in->rk))
		commit(in);
	in->assigned = false;
	places_start(&in->places, NULL);
	rd_kafka_assign(in->rk, NULL);
	log_info("partitions.revoked");
}

static void revoke_due(void *arg)
{
	give_back(arg);
}

static void revoke(struct intake *in)
{
	forget_offer(in);
	in->reader.revoked(in->reader.arg);
	if (rd_kafka_assignment_lost(in->rk) || !in->assigned || !in->reader.busy(in->reader.arg)) {
		give_back(in);
		return;
	}
	in->revoking = true;
	loop_timer_set(in->loop, &in->revoke_timer, clock_mono() + HANDOVER, revoke_due, in);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list,
                         void *opaque)
{
	struct intake *in = opaque;

	(void)rk;
	if (err != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		revoke(in);
		return;
	}
	forget_offer(in);
	in->offered = rd_kafka_topic_partition_list_copy(list);
	take(in);
}

/* ---- records and errors ---- */

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);

/* Nothing tells that a broker is back: ask, for a moment, while none is. */
static void probe(void *arg)
{
	struct intake *in = arg;
	const struct rd_kafka_metadata *md;

	if (!rd_kafka_metadata(in->rk, 0, NULL, &md, PROBE_MS)) {
		rd_kafka_metadata_destroy(md);
		in->away = false;
		log_info("kafka.back");
		return;
	}
	loop_timer_set(in->loop, &in->probe_timer, clock_mono() + PROBE_EVERY, probe, in);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct intake *in = opaque;

	(void)rk;
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		log_warn("kafka.failed error=%s reason=\"%s\"", rd_kafka_err2name((rd_kafka_resp_err_t)code),
		         reason);
		return;
	}
	if (in->away)
		return;
	in->away = true;
	log_warn("kafka.away");
	loop_timer_set(in->loop, &in->probe_timer, clock_mono() + PROBE_EVERY, probe, in);
}

static void take_error(struct intake *in, const rd_kafka_message_t *m)
{
	switch (m->err) {
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		log_error("offset.lost topic=%s partition=%" PRId32
		          ": records before they were delivered are gone; set the group's offset to go on",
		          in->topic, m->partition);
		intake_stop_partition(in, m->partition, "its committed offset is out of range");
		break;
	default:
		log_warn("consumer.failed error=%s reason=\"%s\"", rd_kafka_err2name(m->err),
		         rd_kafka_message_errstr(m));
	}
}

static void take_record(struct intake *in, const rd_kafka_message_t *m)
{
	struct place *place = places_get(&in->places, m->partition);
	struct intake_record r = {
		.ticket = { m->partition, m->offset, in->places.assignment },
		.key = m->key,
		.key_len = m->key_len,
		.value = m->payload,
		.value_len = m->len,
	};

	if (!place || place->stopped || in->revoking || in->leaving)
		return; /* fetched before we said so; it will be read again */
	if (progress_open(&place->progress, m->offset) < 0)
		return;
	r.old = m->offset < place->end;
	metric_add(&read_total, 1);
	in->reader.record(in->reader.arg, &r);
}

static void serve(void *arg)
{
	struct intake *in = arg;
	rd_kafka_message_t *m;

	for (int i = 0; i < TURN_RECORDS; i++) {
		m = rd_kafka_consumer_poll(in->rk, 0);
		if (!m)
			return;
		if (m->err)
			take_error(in, m);
		else
			take_record(in, m);
		rd_kafka_message_destroy(m);
	}
	kafka_wake_again(in->wake);
}

/* ---- what the header promises ---- */

int intake_open(struct intake **out, struct loop *loop, const struct settings *s,
                const struct intake_reader *reader)
{
	rd_kafka_conf_t *conf;
	struct intake *in;
	char why[256];

	conf = kafka_conf(s, KAFKA_GROUP, "notifier");
	if (!conf)
		return -EINVAL;
	in = must_calloc(1, sizeof(*in));
	in->loop = loop;
	in->settings = s;
	in->reader = *reader;
	in->topic = kafka_topic(s, TOPIC_EVENTS);
	rd_kafka_conf_set_opaque(conf, in);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
	rd_kafka_conf_set_error_cb(conf, on_error);
	in->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!in->rk) {
		log_error("consumer.failed reason=\"%s\"", why);
		rd_kafka_conf_destroy(conf);
		free(in);
		return -EINVAL;
	}
	rd_kafka_poll_set_consumer(in->rk);
	metric_register(&read_total);
	metric_register(&rebalances);
	*out = in;
	return 0;
}

void intake_close(struct intake *in)
{
	if (!in)
		return;
	kafka_wake_close(in->wake);
	forget_offer(in);
	rd_kafka_destroy_flags(in->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	loop_timer_clear(in->loop, &in->commit_timer);
	loop_timer_clear(in->loop, &in->revoke_timer);
	loop_timer_clear(in->loop, &in->probe_timer);
	places_clear(&in->places);
	free(in);
}

int intake_start(struct intake *in)
{
	rd_kafka_topic_partition_list_t *topics;
	rd_kafka_resp_err_t err;
	int r;

	r = kafka_wake_open(&in->wake, in->loop, rd_kafka_queue_get_consumer(in->rk), serve, in);
	if (r < 0)
		return r;
	topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, in->topic, RD_KAFKA_PARTITION_UA);
	err = rd_kafka_subscribe(in->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (err) {
		log_error("consumer.failed error=%s", rd_kafka_err2name(err));
		return -EINVAL;
	}
	commit_due(in);
	return 0;
}

bool intake_is_current(const struct intake *in, const struct intake_ticket *t)
{
	return t->assignment == in->places.assignment;
}

void intake_done(struct intake *in, const struct intake_ticket *t)
{
	struct place *place;

	if (!intake_is_current(in, t))
		return;
	place = places_get(&in->places, t->partition);
	if (place)
		progress_close(&place->progress, t->offset);
	/* not from within our caller, who has more to do before it is idle */
	if (in->revoking)
		loop_timer_set(in->loop, &in->revoke_timer,
		               in->reader.busy(in->reader.arg) ? in->revoke_timer.due : clock_mono(),
		               revoke_due, in);
}

void intake_hold(struct intake *in, bool hold)
{
	rd_kafka_topic_partition_list_t *list;

	if (hold == in->held)
		return;
	in->held = hold;
	list = places_running(&in->places, in->topic);
	if (!list)
		return;
	if (hold)
		rd_kafka_pause_partitions(in->rk, list);
	else
		rd_kafka_resume_partitions(in->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

void intake_stop_partition(struct intake *in, int32_t partition, const char *why)
{
	rd_kafka_topic_partition_list_t *list;
	struct place *place = places_get(&in->places, partition);

	if (!place || place->stopped)
		return;
	place->stopped = why;
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, in->topic, partition);
	rd_kafka_pause_partitions(in->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

void intake_leave(struct intake *in)
{
	rd_kafka_error_t *error;
	rd_kafka_queue_t *queue;

	in->leaving = true;
	loop_timer_clear(in->loop, &in->commit_timer);
	if (in->assigned)
		commit(in);
	/* revokes what we have through on_rebalance(), and says nothing when it is done */
	queue = rd_kafka_queue_get_consumer(in->rk);
	error = rd_kafka_consumer_close_queue(in->rk, queue);
	rd_kafka_queue_destroy(queue);
	if (error) {
		log_warn("consumer.failed reason=\"%s\"", rd_kafka_error_string(error));
		rd_kafka_error_destroy(error);
	}
	serve(in);
}

bool intake_has_left(struct intake *in)
{
	serve(in);
	return rd_kafka_consumer_closed(in->rk);
}

void intake_ready(struct intake *in, FILE *reasons)
{
	if (in->away)
		fputs("kafka is away\n", reasons);
	if (in->leaving)
		fputs("leaving the group\n", reasons);
	else if (in->offered)
		fputs("the group's offsets can't be read\n", reasons);
	else if (!in->assigned)
		fputs("no assignment yet\n", reasons);
	places_ready(&in->places, in->topic, reasons);
}

rd_kafka_t *intake_handle(struct intake *in)
{
	return in->rk;
}
