/* show_json.c - see show_json.h */
#include "show_json.h"

#include <stdio.h>
#include <time.h>

#include "callback.h"
#include "clock.h"
#include "result.h"

const char *time_text(char out[TIME_SIZE], int64_t us)
{
	const time_t seconds = (time_t)(us / CLOCK_SEC);
	struct tm tm;
	size_t n;

	out[0] = '\0';
	if (us <= 0 || !gmtime_r(&seconds, &tm))
		return out;
	n = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIME_SIZE - n, ".%06dZ", (int)(us % CLOCK_SEC));
	return out;
}

const char *state_text(int state)
{
	return state == CALL_LEFT ? "left" : call_state_name(state);
}

const char *json_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

long long json_number(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

/* ---- what is not there is left out ---- */

static void put(json_t *o, const char *name, json_t *value)
{
	if (value)
		json_object_set_new(o, name, value);
}

static void put_text(json_t *o, const char *name, const char *value)
{
	if (value && *value)
		put(o, name, json_string(value));
}

static void put_time(json_t *o, const char *name, int64_t us)
{
	char text[TIME_SIZE];

	put_text(o, name, time_text(text, us));
}

static void put_number(json_t *o, const char *name, int64_t value)
{
	put(o, name, json_integer(value));
}

static void put_uri(json_t *o, const char *name, const char *uri)
{
	char masked[CALLBACK_URI_MAX + 8];

	if (uri && *uri)
		put_text(o, name, callback_masked(masked, sizeof(masked), uri));
}

static void put_outcome(json_t *o, int outcome)
{
	if (outcome != OUTCOME_NONE)
		put_text(o, "outcome", outcome_name(outcome));
}

static json_t *leg_json(const struct leg *l)
{
	json_t *o = json_object();

	put_number(o, "leg", l->number);
	put_text(o, "state", leg_state_name(l->state));
	put_text(o, "who", l->identifier.value);
	put_text(o, "participantId", l->participant_id);
	put_text(o, "dialId", l->dial_id);
	put_text(o, "carrier", l->carrier);
	put_text(o, "address", l->address);
	put_time(o, "dialledAt", l->dialled_at);
	put_time(o, "answeredAt", l->answered_at);
	put_time(o, "deadline", l->deadline);
	if (l->code)
		put_number(o, "code", l->code);
	put_text(o, "reason", l->reason);
	put_outcome(o, l->outcome);
	return o;
}

static json_t *operation_json(const struct operation *op)
{
	json_t *o = json_object();

	put_text(o, "operation", op->kind == OPERATION_PLAY ? "play" : "invite");
	put_text(o, "id", op->id);
	put_text(o, "state", op->state == OPERATION_STARTED ? "started" : "intent");
	put_text(o, "operationContext", op->context);
	put_uri(o, "audioFileUri", op->audio_file_uri); /* its query may be what opens the file */
	put_time(o, "startedAt", op->started_at);
	return o;
}

static json_t *result_json(const struct call_record *r)
{
	json_t *o;

	if (r->outcome == OUTCOME_NONE)
		return NULL;
	o = json_object();
	put_number(o, "code", r->result_code);
	put_number(o, "subcode", r->result_subcode);
	put_text(o, "message", r->result_message);
	return o;
}

json_t *record_json(const struct call_record *r)
{
	json_t *o = json_object(), *legs = json_array(), *operations = json_array();

	for (size_t i = 0; i < r->legs_count; i++)
		json_array_append_new(legs, leg_json(&r->legs[i]));
	for (size_t i = 0; i < r->operations_count; i++)
		json_array_append_new(operations, operation_json(&r->operations[i]));

	put_text(o, "state", state_text(r->state));
	put_outcome(o, r->outcome);
	put(o, "resultInfo", result_json(r));
	put_text(o, "tenant", r->tenant);
	put_text(o, "source", r->source.value);
	put_text(o, "subject", r->subject);
	put_uri(o, "callbackUri", r->callback_uri);
	put_text(o, "operationContext", r->operation_context);
	put_time(o, "createdAt", r->created_at);
	put_time(o, "establishedAt", r->established_at);
	put_time(o, "endedAt", r->ended_at);
	put_time(o, "deadline", r->deadline);
	put_time(o, "endsBy", r->ends_by);
	put_number(o, "nextSeq", r->next_seq);
	put_number(o, "nextNumber", r->next_number);
	put_text(o, "campaignId", r->campaign_id);
	put(o, "legs", legs);
	put(o, "operations", operations);
	return o;
}

json_t *event_json(const struct call_event *e, int64_t offset)
{
	json_t *o = json_object(), *dials = json_array();

	put_number(o, "seq", e->seq);
	put_number(o, "number", e->number);
	put_text(o, "type", event_type_name(e->type));
	put_time(o, "at", e->at);
	put_number(o, "offset", offset);
	put_number(o, "version", e->version);
	put_text(o, "epoch", e->epoch);
	put(o, "data", json_loads(e->data ? e->data : "{}", 0, NULL));
	for (size_t i = 0; i < e->dials_count; i++) {
		json_t *dial = json_object();

		put_text(dial, "dialId", e->dials[i].dial_id);
		put_text(dial, "who", e->dials[i].identifier.value);
		put_text(dial, "address", e->dials[i].address);
		json_array_append_new(dials, dial);
	}
	put(o, "dials", dials);
	if (e->final)
		put(o, "final", json_true());
	put_outcome(o, e->outcome);
	put_uri(o, "callbackUri", e->callback_uri);
	return o;
}
