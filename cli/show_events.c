/* show_events.c - see show_events.h */
#include "show_events.h"

#include <stdbool.h>

#include "clock.h"
#include "events.h"

#define EARLIER INT64_C(3600) /* s; clocks that are wrong by less than that lose nothing */

struct reading {
	struct events events;
	const char *call_leg_id;
	int64_t end, seq; /* seq: the highest shown */
	events_fn *fn;
	void *arg;
};

static void take(struct reading *r, const rd_kafka_message_t *msg)
{
	struct call_event e;

	if (!events_is_of(msg, r->call_leg_id) || events_decode(&r->events, msg, &e) < 0)
		return;
	if (e.seq > r->seq) {
		r->seq = e.seq;
		r->fn(r->arg, &e, msg->offset);
	}
	call_event_clear(&e);
}

static int read_to_end(struct reading *r)
{
	bool over = false;
	int err = 0;

	while (!over && err == 0) {
		rd_kafka_message_t *msg = rd_kafka_consumer_poll(r->events.rk, EVENTS_WAIT_MS);

		if (!msg)
			return events_fault(&r->events, RD_KAFKA_RESP_ERR__TIMED_OUT);
		if (!msg->err) {
			take(r, msg);
			over = msg->offset + 1 >= r->end;
		} else if (msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
			over = true;
		} else if (msg->err != RD_KAFKA_RESP_ERR__TRANSPORT) {
			err = events_fault(&r->events, msg->err);
		}
		rd_kafka_message_destroy(msg);
	}
	return err;
}

int64_t events_since(const struct callid *id)
{
	return id->seconds > EARLIER ? (id->seconds - EARLIER) * CLOCK_SEC : 0;
}

int events_read(const struct settings *s, const struct callid *id, const char *call_leg_id, events_fn *fn,
                void *arg)
{
	struct reading r = { .call_leg_id = call_leg_id, .fn = fn, .arg = arg };
	int64_t from;
	int err;

	err = events_open(&r.events, s);
	if (err == 0)
		err = events_range(&r.events, id->partition, events_since(id), &from, &r.end);
	if (err == 0 && from < r.end) {
		err = events_assign(&r.events, &id->partition, &from, 1);
		if (err == 0)
			err = read_to_end(&r);
	}
	events_close(&r.events);
	return err;
}
