/* show.c - callcast show <callLegId>: one call, from Redis and from Kafka, readable */
#include "tool.h"

#include <errno.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>
#include <jansson.h>

#include "address.h"
#include "callid.h"
#include "clock.h"
#include "events.h"
#include "line.h"
#include "mask.h"
#include "records.h"
#include "settings.h"
#include "show_json.h"

#define STAMPS 32 /* characters before the record: version and stamp of the last step, in hexadecimal */

/* ---- Redis ---- */

static redisContext *connect_redis(const struct settings *s)
{
	const struct timeval patience = { .tv_sec = s->redis_timeout / CLOCK_SEC,
		                          .tv_usec = s->redis_timeout % CLOCK_SEC };
	char host[ADDRESS_HOST_SIZE];
	redisContext *redis;
	int port;

	if (address_split(s->redis, host, &port) < 0)
		return NULL;
	redis = redisConnectWithTimeout(host, port, patience);
	if (!redis || redis->err || redisSetTimeout(redis, patience) != REDIS_OK) {
		fprintf(stderr, "callcast: Redis at %s: %s\n", s->redis, redis ? redis->errstr : "no memory");
		if (redis)
			redisFree(redis);
		return NULL;
	}
	return redis;
}

static int parse_record(json_t **out, const char *data, size_t len)
{
	struct call_record record = { 0 };
	const char *why = "shorter than its version";
	char version[17] = "";
	int r = -EBADMSG;

	if (len > STAMPS)
		r = record_decode(RECORD_CALL_RECORD, &record, data + STAMPS, len - STAMPS, &why);
	if (r < 0) {
		fprintf(stderr, "callcast: the record in Redis: %s\n",
		        r == -ENOTSUP ? "written by a newer program" : why);
		return r;
	}
	memcpy(version, data, 16);
	*out = record_json(&record);
	json_object_set_new(*out, "version", json_integer((json_int_t)strtoull(version, NULL, 16)));
	call_record_clear(&record);
	return 0;
}

/* 0 with *out NULL: no record. */
static int load_record(json_t **out, const struct settings *s, int32_t partition, const char *call_leg_id)
{
	redisContext *redis;
	redisReply *reply;
	int r = 0;

	*out = NULL;
	redis = connect_redis(s);
	if (!redis)
		return -EAGAIN;
	reply = redisCommand(redis, "GET {%d}:call:%s", (int)partition, call_leg_id);
	if (reply && reply->type == REDIS_REPLY_STRING) {
		r = parse_record(out, reply->str, reply->len);
	} else if (!reply || reply->type != REDIS_REPLY_NIL) {
		fprintf(stderr, "callcast: Redis at %s: %s\n", s->redis, reply ? reply->str : redis->errstr);
		r = -EAGAIN;
	}
	freeReplyObject(reply);
	redisFree(redis);
	return r;
}

/* ---- Kafka ---- */

struct reading {
	struct events events;
	const char *call_leg_id;
	int64_t end, seq; /* seq: the highest taken */
	json_t *list;
};

static void take(struct reading *r, const rd_kafka_message_t *msg)
{
	struct call_event e;

	if (!events_is_of(msg, r->call_leg_id) || events_decode(&r->events, msg, &e) < 0)
		return;
	if (e.seq > r->seq) {
		r->seq = e.seq;
		json_array_append_new(r->list, event_json(&e, msg->offset));
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

/*
 * 0, or a negative errno, said on stderr; *list has then what was read.  From a
 * little before the id was made to the partition's end, as far as it was when
 * asked; each seq once: the first record counts.
 */
static int read_events(json_t *list, const struct settings *s, const struct callid *id,
                       const char *call_leg_id)
{
	struct reading r = { .call_leg_id = call_leg_id, .list = list };
	int64_t from;
	int err;

	err = events_open(&r.events, s, 0);
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

/* ---- for people ---- */

static void print_text(const json_t *o, const char *name, const char *label)
{
	if (*json_text(o, name))
		printf("  %-12s %s\n", label, json_text(o, name));
}

static void print_record(const json_t *record)
{
	const json_t *result = json_object_get(record, "resultInfo"), *leg;
	size_t i;

	print_text(record, "state", "state");
	print_text(record, "outcome", "outcome");
	if (result)
		printf("  %-12s %lld/%lld %s\n", "result", json_number(result, "code"),
		       json_number(result, "subcode"), json_text(result, "message"));
	print_text(record, "tenant", "tenant");
	print_text(record, "source", "source");
	print_text(record, "subject", "subject");
	print_text(record, "callbackUri", "callbacks to");
	print_text(record, "createdAt", "created");
	print_text(record, "establishedAt", "established");
	print_text(record, "endedAt", "ended");
	print_text(record, "deadline", "next step by");
	json_array_foreach(json_object_get(record, "legs"), i, leg)
	        printf("  leg %-8lld %s  %s %s  dial %s\n", json_number(leg, "leg"), json_text(leg, "who"),
	               json_text(leg, "state"), json_text(leg, "outcome"), json_text(leg, "dialId"));
}

static void print_event(const json_t *e)
{
	const long long number = json_number(e, "number");
	char *data = json_dumps(json_object_get(e, "data"), JSON_COMPACT);
	char webhook[24] = "-"; /* the ledger's own: no webhook */

	if (number)
		snprintf(webhook, sizeof(webhook), "%lld", number);
	printf("  %3lld  %7s  %s  %-20s %s\n", json_number(e, "seq"), webhook, json_text(e, "at"),
	       json_text(e, "type"), data ? data : "");
	free(data);
}

static void print_call(const json_t *call)
{
	const json_t *record = json_object_get(call, "record"), *events = json_object_get(call, "events"), *e;
	size_t i;

	printf("call %s\n", json_text(call, "callLegId"));
	printf("  %-12s %lld\n", "partition", json_number(call, "partition"));
	if (json_is_object(record))
		print_record(record);
	else
		puts("  no record in Redis");
	printf("\nevents on calls.events: %zu\n", json_array_size(events));
	if (json_array_size(events))
		puts("  seq  webhook  at");
	json_array_foreach(events, i, e) print_event(e);
}

/* ---- the command ---- */

static void print_all(const struct line *l, json_t *call)
{
	json_t *masked = line_has(l, "full") ? json_incref(call) : json_masked(call), *printable;

	if (line_has(l, "json")) {
		json_dumpf(masked, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printable = json_printable(masked);
		print_call(printable);
		json_decref(printable);
	}
	json_decref(masked);
}

int tool_show(const struct settings *s, const struct line *l)
{
	const char *call_leg_id = l->arguments[0];
	json_t *call, *record, *events;
	struct callid id;
	int r, in_redis;

	if (line_callid(&id, l) < 0)
		return TOOL_USAGE;
	events = json_array();
	in_redis = load_record(&record, s, id.partition, call_leg_id);
	r = read_events(events, s, &id, call_leg_id);
	call = json_pack("{s:s, s:i, s:o, s:o}", "callLegId", call_leg_id, "partition", (int)id.partition,
	                 "record", record ? record : json_null(), "events", events);
	/* half of the answer is better than none */
	if (record || json_array_size(events))
		print_all(l, call);
	else if (r == 0 && in_redis == 0)
		fprintf(stderr, "callcast: no trace of this call, neither in Redis nor in Kafka\n");

	if (r < 0 || in_redis < 0)
		r = TOOL_FAILED;
	else
		r = record || json_array_size(events) ? TOOL_DONE : TOOL_NO_CALL;
	json_decref(call);
	return r;
}
