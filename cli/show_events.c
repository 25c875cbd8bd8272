/* show_events.c - see show_events.h */
#include "show_events.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "kafka.h"
#include "settings.h"

#define WAIT_MS 10000
#define EARLIER INT64_C(3600) /* s; clocks that are wrong by less than that lose nothing */

struct reading {
	rd_kafka_t *rk;
	const char *topic, *call_leg_id;
	int32_t partition;
	int64_t from, end, seq; /* seq: the highest shown */
	events_fn *fn;
	void *arg;
};

static int no_answer(rd_kafka_resp_err_t err)
{
	fprintf(stderr, "callcast: calls.events: %s\n", rd_kafka_err2str(err));
	return -EAGAIN;
}

/* Where to begin.  A broker that knows no times answers with the end: then from the beginning. */
static int64_t offset_at(const struct reading *r, int64_t seconds, int64_t begin)
{
	rd_kafka_topic_partition_list_t *list;
	int64_t offset = begin;

	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, r->topic, r->partition)->offset = (seconds - EARLIER) * 1000;
	if (rd_kafka_offsets_for_times(r->rk, list, WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
	    !list->elems[0].err && list->elems[0].offset > begin)
		offset = list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return offset;
}

static int find_range(struct reading *r, uint32_t seconds)
{
	rd_kafka_resp_err_t err;
	int partitions;

	partitions = kafka_partitions(r->rk, r->topic, WAIT_MS * CLOCK_MS);
	if (partitions == -ENOENT)
		return no_answer(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	if (partitions < 0)
		return no_answer(RD_KAFKA_RESP_ERR__TRANSPORT);
	if (r->partition >= partitions) {
		fprintf(stderr, "callcast: the call's partition is %d, but %s has only %d\n",
		        (int)r->partition, r->topic, partitions);
		return -EINVAL;
	}
	err = rd_kafka_query_watermark_offsets(r->rk, r->topic, r->partition, &r->from, &r->end, WAIT_MS);
	if (err)
		return no_answer(err);
	if (seconds)
		r->from = offset_at(r, seconds, r->from);
	return 0;
}

static void take(struct reading *r, const rd_kafka_message_t *msg)
{
	struct call_event e = { 0 };
	const char *why;
	int err;

	if (msg->key_len != CALLID_LEN || memcmp(msg->key, r->call_leg_id, CALLID_LEN) != 0)
		return;
	err = record_decode(RECORD_CALL_EVENT, &e, msg->payload, msg->len, &why);
	if (err < 0) {
		fprintf(stderr, "callcast: %s[%d]@%lld: %s\n", r->topic, (int)r->partition,
		        (long long)msg->offset, err == -ENOTSUP ? "written by a newer program" : why);
		return;
	}
	if (e.seq > r->seq) {
		r->seq = e.seq;
		r->fn(r->arg, &e, msg->offset);
	}
	call_event_clear(&e);
}

static int read_range(struct reading *r)
{
	rd_kafka_message_t *msg;
	bool over = r->from >= r->end;
	int err = 0;

	while (!over && err == 0) {
		msg = rd_kafka_consumer_poll(r->rk, WAIT_MS);
		if (!msg) {
			err = no_answer(RD_KAFKA_RESP_ERR__TIMED_OUT);
			break;
		}
		if (!msg->err) {
			take(r, msg);
			over = msg->offset + 1 >= r->end;
		} else if (msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
			over = true;
		} else if (msg->err != RD_KAFKA_RESP_ERR__TRANSPORT) {
			err = no_answer(msg->err);
		}
		rd_kafka_message_destroy(msg);
	}
	return err;
}

static int assign(const struct reading *r)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t err;

	rd_kafka_poll_set_consumer(r->rk);
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, r->topic, r->partition)->offset = r->from;
	err = rd_kafka_assign(r->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return err ? no_answer(err) : 0;
}

int events_read(const struct settings *s, const struct callid *id, const char *call_leg_id, events_fn *fn,
                void *arg)
{
	struct reading r = {
		.topic = kafka_topic(s, TOPIC_EVENTS),
		.call_leg_id = call_leg_id,
		.partition = id->partition,
		.fn = fn,
		.arg = arg,
	};
	rd_kafka_conf_t *conf;
	char why[256];
	int err;

	conf = kafka_conf(s, KAFKA_READER, NULL);
	if (!conf)
		return -EINVAL;
	r.rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!r.rk) {
		rd_kafka_conf_destroy(conf);
		fprintf(stderr, "callcast: %s\n", why);
		return -EINVAL;
	}
	err = find_range(&r, id->seconds);
	if (err == 0 && r.from < r.end)
		err = assign(&r);
	if (err == 0)
		err = read_range(&r);
	rd_kafka_consumer_close(r.rk);
	rd_kafka_destroy(r.rk);
	return err;
}
