/*
 * dump.c - callcast-dump: what stands on a topic, one JSON line a record
 *
 * usage: callcast-dump [--kafka ...] [--topic.prefix ...] commands | events | dead | webhooks-dead
 *        callcast-dump [...] drop      deletes the topics of that prefix, which must not be ""
 *
 * From the beginning to the end as it was when asked.  For tests: whole numbers are shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "clock.h"
#include "digest.h"
#include "kafka.h"
#include "participant.h"
#include "records.h"
#include "result.h"
#include "settings.h"

#define WAIT_MS 10000

static const char *const words[TOPICS] = { "commands", "events", "dead", "webhooks-dead" };
static const enum record_type types[TOPICS] = { RECORD_CALL_COMMAND, RECORD_CALL_EVENT, RECORD_DEAD_LETTER,
	                                        RECORD_DEAD_LETTER };

static void put(json_t *o, const char *name, json_t *value)
{
	json_object_set_new(o, name, value ? value : json_null());
}

static void put_text(json_t *o, const char *name, const char *text)
{
	put(o, name, text ? json_string(text) : NULL);
}

static void put_number(json_t *o, const char *name, int64_t n)
{
	put(o, name, json_integer(n));
}

/* ---- one record ---- */

/* {"rawId":"4:+1...", ...} as the events have it */
static json_t *identifiers_json(const struct identifier *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, identifier_json(&list[i]));
	return array;
}

static void put_bodies(json_t *o, const struct call_command *c)
{
	if (c->create) {
		put_text(o, "subject", c->create->subject);
		put(o, "targets", identifiers_json(c->create->targets, c->create->targets_count));
		put(o, "participantsUpdated", json_boolean(c->create->participants_updated));
		put(o, "dtmfReceived", json_boolean(c->create->dtmf_received));
	}
	if (c->play)
		put(o, "loop", json_boolean(c->play->loop));
	if (c->invite) {
		put(o, "participants",
		    identifiers_json(c->invite->participants, c->invite->participants_count));
		put_text(o, "alternateCallerId", c->invite->alternate_caller_id);
	}
	if (c->participant_id)
		put_text(o, "participantId", c->participant_id);
}

static void put_command(json_t *o, const struct call_command *c)
{
	put_text(o, "commandId", c->command_id);
	put_text(o, "callLegId", c->call_leg_id);
	put_text(o, "kind", command_kind_name(c->kind));
	put_text(o, "operationContext", c->operation_context);
	put_number(o, "acceptedAt", c->accepted_at);
	put_number(o, "answerBy", c->answer_by);
	put_text(o, "callbackUri", c->callback_uri);
	put_bodies(o, c);
}

static json_t *dial_json(const struct dial *d)
{
	json_t *o = json_object();

	put_text(o, "dial", d->dial_id);
	put_number(o, "leg", d->leg);
	put_text(o, "address", d->address);
	put_text(o, "caller", d->caller);
	put_text(o, "commandId", d->command_id);
	put_text(o, "participantId", d->participant_id);
	put(o, "identifier", identifier_json(&d->identifier));
	return o;
}

static json_t *leg_json(const struct leg_record *l)
{
	json_t *o = json_object();

	put_number(o, "leg", l->leg);
	put_text(o, "state", leg_state_name(l->state));
	return o;
}

static void put_event(json_t *o, const struct call_event *e)
{
	json_t *ids = json_array(), *dials = json_array(), *legs = json_array();

	for (size_t i = 0; i < e->command_ids_count; i++)
		json_array_append_new(ids, json_string(e->command_ids[i]));
	for (size_t i = 0; i < e->dials_count; i++)
		json_array_append_new(dials, dial_json(&e->dials[i]));
	for (size_t i = 0; i < e->legs_count; i++)
		json_array_append_new(legs, leg_json(&e->legs[i]));
	put_text(o, "callLegId", e->call_leg_id);
	put_number(o, "seq", e->seq);
	put_number(o, "number", e->number);
	put_text(o, "type", event_type_name(e->type));
	/* the API has no word of its own for it */
	put_text(o, "state", e->state == CALL_LEFT ? "left" : call_state_name(e->state));
	put(o, "final", json_boolean(e->final));
	put_text(o, "outcome", outcome_name(e->outcome));
	put_text(o, "epoch", e->epoch);
	put_text(o, "callbackUri", e->callback_uri);
	put_number(o, "answerBy", e->answer_by);
	put_number(o, "at", e->at);
	put(o, "data", json_loads(e->data ? e->data : "{}", 0, NULL));
	put(o, "commandIds", ids);
	put(o, "dials", dials);
	put(o, "legs", legs);
}

static void put_letter(json_t *o, const struct dead_letter *d)
{
	put_text(o, "reason", d->reason);
	put_text(o, "topic", d->topic);
	put_number(o, "from", d->partition);
	put_number(o, "fromOffset", d->offset);
	put_number(o, "attempts", d->attempts);
	if (d->answers_count) {
		put_number(o, "lastStatus", d->answers[d->answers_count - 1].status);
		put_text(o, "lastError", d->answers[d->answers_count - 1].error);
	}
}

static void put_value(json_t *o, enum record_type type, const rd_kafka_message_t *m)
{
	struct call_command command = { 0 };
	struct call_event event = { 0 };
	struct dead_letter letter = { 0 };
	void *record = type == RECORD_CALL_COMMAND ? (void *)&command
	               : type == RECORD_CALL_EVENT ? (void *)&event
	                                           : (void *)&letter;
	const char *why = NULL;

	if (record_decode(type, record, m->payload ? m->payload : "", m->len, &why) < 0) {
		put_text(o, "undecodable", why ? why : "a newer schema");
	} else if (type == RECORD_CALL_COMMAND) {
		put_command(o, &command);
	} else if (type == RECORD_CALL_EVENT) {
		put_event(o, &event);
	} else {
		put_letter(o, &letter);
	}
	call_command_clear(&command);
	call_event_clear(&event);
	dead_letter_clear(&letter);
}

static void show(enum record_type type, const rd_kafka_message_t *m)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	json_t *o = json_object();

	digest_sha256(digest, m->payload ? m->payload : "", m->len);
	hex_encode(hex, digest, sizeof(digest));
	put_number(o, "partition", m->partition);
	put_number(o, "offset", m->offset);
	put_number(o, "told", rd_kafka_message_timestamp(m, NULL)); /* ms, by its producer's clock */
	put_text(o, "sha256", hex);
	put_value(o, type, m);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

/* ---- a topic ---- */

static int failed(const char *what, rd_kafka_resp_err_t err)
{
	fprintf(stderr, "callcast-dump: %s: %s\n", what, rd_kafka_err2str(err));
	return -EIO;
}

/* Every partition that is not empty, from its beginning; *ends has where to stop. */
static int find_ends(rd_kafka_t *rk, const char *topic, rd_kafka_topic_partition_list_t *begins,
                     rd_kafka_topic_partition_list_t *ends)
{
	const int n = kafka_partitions(rk, topic, WAIT_MS * CLOCK_MS);
	rd_kafka_resp_err_t err;
	int64_t low, high;

	if (n < 0)
		return failed(topic, n == -ENOENT ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
		                                  : RD_KAFKA_RESP_ERR__TRANSPORT);
	for (int i = 0; i < n; i++) {
		err = rd_kafka_query_watermark_offsets(rk, topic, i, &low, &high, WAIT_MS);
		if (err)
			return failed(topic, err);
		if (low == high)
			continue;
		rd_kafka_topic_partition_list_add(begins, topic, i)->offset = low;
		rd_kafka_topic_partition_list_add(ends, topic, i)->offset = high;
	}
	return 0;
}

/* What begins at `begins` and is not at its end yet is what is left to read. */
static int read_all(rd_kafka_t *rk, const char *topic, enum record_type type,
                    rd_kafka_topic_partition_list_t *ends)
{
	rd_kafka_topic_partition_t *end;
	int r = 0;

	while (ends->cnt && r == 0) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, WAIT_MS);

		if (!m)
			return failed(topic, RD_KAFKA_RESP_ERR__TIMED_OUT);
		end = rd_kafka_topic_partition_list_find(ends, topic, m->partition);
		if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
			rd_kafka_topic_partition_list_del(ends, topic, m->partition);
		} else if (m->err) {
			if (m->err != RD_KAFKA_RESP_ERR__TRANSPORT)
				r = failed(topic, m->err);
		} else if (end) {
			show(type, m);
			if (m->offset + 1 >= end->offset)
				rd_kafka_topic_partition_list_del(ends, topic, m->partition);
		}
		rd_kafka_message_destroy(m);
	}
	return r;
}

static int dump(rd_kafka_t *rk, const char *topic, enum record_type type)
{
	rd_kafka_topic_partition_list_t *begins = rd_kafka_topic_partition_list_new(8);
	rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(8);
	rd_kafka_resp_err_t err;
	int r;

	rd_kafka_poll_set_consumer(rk);
	r = find_ends(rk, topic, begins, ends);
	if (r == 0) {
		err = rd_kafka_assign(rk, begins);
		r = err ? failed(topic, err) : read_all(rk, topic, type, ends);
	}
	rd_kafka_topic_partition_list_destroy(begins);
	rd_kafka_topic_partition_list_destroy(ends);
	return r;
}

/* ---- drop ---- */

static int drop(rd_kafka_t *rk, const struct settings *s)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_DeleteTopic_t *topics[TOPICS];
	rd_kafka_event_t *ev;
	int r = -EIO;

	for (int i = 0; i < TOPICS; i++)
		topics[i] = rd_kafka_DeleteTopic_new(kafka_topic(s, (enum kafka_topic)i));
	rd_kafka_DeleteTopics(rk, topics, TOPICS, NULL, queue);
	ev = rd_kafka_queue_poll(queue, WAIT_MS);
	if (ev) {
		r = rd_kafka_event_error(ev) ? failed("drop", rd_kafka_event_error(ev)) : 0;
		rd_kafka_event_destroy(ev);
	}
	rd_kafka_DeleteTopic_destroy_array(topics, TOPICS);
	rd_kafka_queue_destroy(queue);
	return r;
}

/* ---- */

static int run(const struct settings *s, const char *word)
{
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_READER, NULL);
	char why[256];
	rd_kafka_t *rk;
	int r = -EINVAL;

	if (!conf)
		return -EINVAL;
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!rk) {
		rd_kafka_conf_destroy(conf);
		fprintf(stderr, "callcast-dump: %s\n", why);
		return -EINVAL;
	}
	if (!strcmp(word, "drop") && *s->topic_prefix)
		r = drop(rk, s);
	for (int i = 0; i < TOPICS; i++)
		if (!strcmp(word, words[i]))
			r = dump(rk, kafka_topic(s, (enum kafka_topic)i), types[i]);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return r;
}

int main(int argc, char **argv)
{
	struct settings *s = NULL;
	char why[256];
	int rest = 0, r;

	r = settings_load(&s, TOOL, argc, argv, &rest);
	if (r)
		return r > 0 ? 0 : 2;
	if (rest != argc - 1) {
		fprintf(stderr,
		        "usage: callcast-dump [--name value]... commands|events|dead|webhooks-dead|drop\n");
		settings_free(s);
		return 2;
	}
	r = records_open(s->schema_write, s->schema_registry, why, sizeof(why));
	if (r < 0)
		fprintf(stderr, "callcast-dump: schemas: %s\n", why);
	else
		r = run(s, argv[rest]);
	records_close();
	settings_free(s);
	return r < 0 ? 1 : 0;
}
