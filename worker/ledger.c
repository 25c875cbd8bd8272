/* ledger.c - see ledger.h */
#include "ledger.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "kafka.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "settings.h"

/* A reading that hears nothing for so long is given up; the takeover asks again. */
#define SILENCE (10 * CLOCK_SEC)
#define BATCH   200

struct reading {
	struct ledger *ledger;
	int32_t partition;
	ledger_fn *fn; /* NULL: none under way */
	void *arg;
	int64_t next; /* offset after the last record */
	struct loop_timer silence;
};

struct ledger {
	struct loop *loop;
	rd_kafka_t *kafka;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	struct kafka_wake *wake;
	struct reading **readings; /* by partition */
	size_t size;
};

static struct reading *reading_of(struct ledger *l, int32_t partition)
{
	const size_t p = (size_t)partition;

	if (p >= l->size) {
		l->readings = must_realloc(l->readings, (p + 1) * sizeof(struct reading *));
		for (size_t i = l->size; i <= p; i++)
			l->readings[i] = NULL;
		l->size = p + 1;
	}
	if (!l->readings[p]) {
		l->readings[p] = must_calloc(1, sizeof(struct reading));
		l->readings[p]->ledger = l;
		l->readings[p]->partition = partition;
	}
	return l->readings[p];
}

static void end_reading(struct reading *r)
{
	if (!r->fn)
		return;
	loop_timer_clear(r->ledger->loop, &r->silence);
	rd_kafka_consume_stop(r->ledger->topic, r->partition);
	r->fn = NULL;
}

static void fail(struct reading *r)
{
	ledger_fn *fn = r->fn;
	void *arg = r->arg;

	end_reading(r);
	fn(arg, -EIO, NULL);
}

static void gone_silent(void *arg)
{
	struct reading *r = arg;

	log_warn("ledger.silent partition=%d", r->partition);
	fail(r);
}

static void take(struct ledger *l, const rd_kafka_message_t *m)
{
	struct reading *r = reading_of(l, m->partition);
	struct ledger_record record = { .offset = m->offset, .data = m->payload, .len = m->len };
	ledger_fn *fn = r->fn;
	void *arg = r->arg;

	if (!fn) /* of a reading that was stopped */
		return;
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		record.data = NULL;
		record.len = 0;
		end_reading(r);
		fn(arg, 0, &record);
	} else if (m->err) {
		log_error("ledger.failed partition=%d error=\"%s\"", m->partition,
		          rd_kafka_message_errstr(m));
		fail(r);
	} else {
		loop_timer_set(l->loop, &r->silence, clock_mono() + SILENCE, gone_silent, r);
		if (!record.data)
			record.data = "";
		fn(arg, 0, &record);
	}
}

static void serve(void *arg)
{
	struct ledger *l = arg;
	rd_kafka_message_t *m;
	int n;

	rd_kafka_poll(l->kafka, 0);
	for (n = 0; n < BATCH && (m = rd_kafka_consume_queue(l->queue, 0)); n++) {
		take(l, m);
		rd_kafka_message_destroy(m);
	}
	if (n == BATCH)
		kafka_wake_again(l->wake);
}

int ledger_open(struct ledger **out, struct loop *loop, const struct settings *s)
{
	struct ledger *l = must_calloc(1, sizeof(*l));
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_READER, NULL);
	char why[512];

	l->loop = loop;
	if (!conf)
		goto fail;
	l->kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!l->kafka) {
		log_error("ledger.open reason=\"%s\"", why);
		rd_kafka_conf_destroy(conf);
		goto fail;
	}
	l->topic = rd_kafka_topic_new(l->kafka, kafka_topic(s, TOPIC_EVENTS), NULL);
	l->queue = rd_kafka_queue_new(l->kafka);
	if (!l->topic || kafka_wake_open(&l->wake, loop, l->queue, serve, l) < 0)
		goto fail;
	*out = l;
	return 0;

fail:
	ledger_close(l);
	return -EINVAL;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->size; i++) {
		if (l->readings[i])
			end_reading(l->readings[i]);
		free(l->readings[i]);
	}
	free(l->readings);
	if (l->wake)
		kafka_wake_close(l->wake); /* has the queue's reference */
	else if (l->queue)
		rd_kafka_queue_destroy(l->queue);
	if (l->topic)
		rd_kafka_topic_destroy(l->topic);
	if (l->kafka)
		rd_kafka_destroy(l->kafka);
	free(l);
}

void ledger_read(struct ledger *l, int32_t partition, int64_t offset, ledger_fn *fn, void *arg)
{
	struct reading *r = reading_of(l, partition);

	end_reading(r);
	r->fn = fn;
	r->arg = arg;
	r->next = offset;
	loop_timer_set(l->loop, &r->silence, clock_mono() + SILENCE, gone_silent, r);
	if (rd_kafka_consume_start_queue(l->topic, partition, offset < 0 ? RD_KAFKA_OFFSET_BEGINNING : offset,
	                                 l->queue))
		log_error("ledger.failed partition=%d error=\"%s\"", partition,
		          rd_kafka_err2str(rd_kafka_last_error()));
}

void ledger_stop(struct ledger *l, int32_t partition)
{
	end_reading(reading_of(l, partition));
}
