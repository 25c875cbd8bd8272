/*
 * events.h - calls.events for one who looks on: partitions read from an offset, in no group
 *
 * Complaints go to stderr; functions return 0 or a negative errno.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "callid.h"
#include "kafka.h"
#include "records.h"

#define EVENTS_WAIT_MS 10000 /* what a broker may take for an answer */

struct settings;

struct events {
	rd_kafka_t *rk;
	const char *topic;
	int partitions;
	int64_t until; /* clock_mono(); 0: no end */
};

/* No question to the broker is waited for later than `until`. */
int events_open(struct events *e, const struct settings *s, int64_t until);
void events_close(struct events *e);

/* A little before the id was made, us since 1970; 0: it does not say when. */
int64_t events_since(const struct callid *id);

/*
 * [*from, *end) of what is kept; with `since` (us since 1970, 0: all) *from is the
 * first record of that time or later, where the broker knows times at all.
 */
int events_range(const struct events *e, int32_t partition, int64_t since, int64_t *from, int64_t *end);

/* Begins to read them, each from its offset. */
int events_assign(const struct events *e, const int32_t *partitions, const int64_t *from, int n);

/* Is it of that call, by its key? */
bool events_is_of(const rd_kafka_message_t *msg, const char *call_leg_id);
/* 0: *out is filled, call_event_clear() it. */
int events_decode(const struct events *e, const rd_kafka_message_t *msg, struct call_event *out);

/* Says that the broker did not answer, or what it did; -EAGAIN. */
int events_fault(const struct events *e, rd_kafka_resp_err_t err);

#endif
