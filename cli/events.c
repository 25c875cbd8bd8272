/* events.c - see events.h */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "callid.h"
#include "clock.h"
#include "settings.h"

#define EARLIER INT64_C(3600) /* s; clocks that are wrong by less than that lose nothing */

int events_fault(const struct events *e, rd_kafka_resp_err_t err)
{
	fprintf(stderr, "callcast: %s: %s\n", e->topic, rd_kafka_err2str(err));
	return -EAGAIN;
}

/* How long the broker may take now. */
static int patience_ms(const struct events *e)
{
	const int64_t left = (e->until - clock_mono()) / CLOCK_MS;

	if (!e->until || left > EVENTS_WAIT_MS)
		return EVENTS_WAIT_MS;
	return left > 0 ? (int)left : 1;
}

int events_open(struct events *e, const struct settings *s, int64_t until)
{
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_READER, NULL);
	char why[256];

	*e = (struct events){ .topic = kafka_topic(s, TOPIC_EVENTS), .until = until };
	if (!conf)
		return -EINVAL;
	e->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!e->rk) {
		rd_kafka_conf_destroy(conf);
		fprintf(stderr, "callcast: %s\n", why);
		return -EINVAL;
	}
	e->partitions = kafka_partitions(e->rk, e->topic, patience_ms(e) * CLOCK_MS);
	if (e->partitions > 0)
		return 0;
	return events_fault(e, e->partitions == -ENOENT ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
	                                                : RD_KAFKA_RESP_ERR__TRANSPORT);
}

void events_close(struct events *e)
{
	if (!e->rk)
		return;
	rd_kafka_consumer_close(e->rk);
	rd_kafka_destroy(e->rk);
	e->rk = NULL;
}

int64_t events_since(const struct callid *id)
{
	return id->seconds > EARLIER ? (id->seconds - EARLIER) * CLOCK_SEC : 0;
}

/* < 0: no such record, or a broker that knows no times. */
static int64_t offset_at(const struct events *e, int32_t partition, int64_t ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	int64_t offset = -1;

	rd_kafka_topic_partition_list_add(list, e->topic, partition)->offset = ms;
	if (!rd_kafka_offsets_for_times(e->rk, list, patience_ms(e)) && !list->elems[0].err)
		offset = list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return offset;
}

int events_range(const struct events *e, int32_t partition, int64_t since, int64_t *from, int64_t *end)
{
	rd_kafka_resp_err_t err;
	int64_t offset;

	if (partition >= e->partitions) {
		fprintf(stderr, "callcast: the call's partition is %d, but %s has only %d\n", (int)partition,
		        e->topic, e->partitions);
		return -EINVAL;
	}
	err = rd_kafka_query_watermark_offsets(e->rk, e->topic, partition, from, end, patience_ms(e));
	if (err)
		return events_fault(e, err);
	if (!since || *from >= *end)
		return 0;
	offset = offset_at(e, partition, since / CLOCK_MS);
	if (offset > *from)
		*from = offset;
	else if (offset < 0 && offset_at(e, partition, 1) >= 0) /* it knows times: there is none so late */
		*from = *end;
	return 0;
}

int events_assign(const struct events *e, const int32_t *partitions, const int64_t *from, int n)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
	rd_kafka_resp_err_t err;

	rd_kafka_poll_set_consumer(e->rk);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, e->topic, partitions[i])->offset = from[i];
	err = rd_kafka_assign(e->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return err ? events_fault(e, err) : 0;
}

bool events_is_of(const rd_kafka_message_t *msg, const char *call_leg_id)
{
	return msg->key_len == CALLID_LEN && !memcmp(msg->key, call_leg_id, CALLID_LEN);
}

int events_decode(const struct events *e, const rd_kafka_message_t *msg, struct call_event *out)
{
	const char *why;
	int r;

	*out = (struct call_event){ 0 };
	r = record_decode(RECORD_CALL_EVENT, out, msg->payload, msg->len, &why);
	if (r < 0)
		fprintf(stderr, "callcast: %s[%d]@%lld: %s\n", e->topic, (int)msg->partition,
		        (long long)msg->offset, r == -ENOTSUP ? "written by a newer program" : why);
	return r;
}
