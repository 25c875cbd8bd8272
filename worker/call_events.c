/* call_events.c - see call_events.h */
#include "call_events.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "must.h"
#include "participant.h"

/* Takes `data`.  `to_app` false: the ledger only, no number. */
static struct call_event *add(struct telling_of *t, enum event_type type, json_t *data, bool to_app)
{
	struct call_event *e = plan_add_event(t->plan);
	struct call_record *rec = t->rec;

	e->call_leg_id = must_strdup(rec->call_leg_id);
	e->tenant = must_strdup(rec->tenant);
	e->api = rec->api;
	e->seq = rec->next_seq++;
	e->version = t->version;
	e->number = to_app ? rec->next_number++ : 0;
	e->type = type;
	e->data = json_dumps(data, JSON_COMPACT);
	json_decref(data);
	if (!e->data)
		e->data = must_strdup("{}");
	e->callback_uri = must_strdup(rec->callback_uri);
	e->answer_by = rec->answer_by;
	e->at = t->rules->now;
	e->traceparent = must_strdup(t->traceparent ? t->traceparent : rec->traceparent);
	e->epoch = must_strdup(t->rules->epoch);
	return e;
}

static json_t *result_json(struct result r)
{
	return json_pack("{s:i, s:i, s:s}", "code", (int)r.code, "subcode", (int)r.subcode, "message",
	                 r.message ? r.message : "");
}

void tell_state(struct telling_of *t, int state)
{
	struct call_record *rec = t->rec;
	const bool over = state == CALL_TERMINATED || state == CALL_LEFT;
	struct call_event *e;
	json_t *data;

	data = json_pack("{s:s, s:s, s:n}", "callLegId", rec->call_leg_id, "callState",
	                 call_state_name(over ? CALL_TERMINATED : state), "conversationId");
	if (over) {
		const struct result r = { rec->result_code, rec->result_subcode, rec->result_message };

		json_object_set_new(data, "outcome", json_string(outcome_name(rec->outcome)));
		json_object_set_new(data, "resultInfo", result_json(r));
	}
	e = add(t, EVENT_CALL_STATE, data, true);
	e->state = state;
	e->operation_context = must_strdup(rec->operation_context);
	e->final = over;
	e->outcome = over ? rec->outcome : OUTCOME_NONE;
}

/* The API's word for a digit; NULL: none. */
static const char *tone_of(char digit)
{
	static const struct {
		char digit;
		const char *tone;
	} tones[] = {
		{ '0', "tone0" }, { '1', "tone1" }, { '2', "tone2" }, { '3', "tone3" }, { '4', "tone4" },
		{ '5', "tone5" }, { '6', "tone6" }, { '7', "tone7" }, { '8', "tone8" }, { '9', "tone9" },
		{ '*', "star" },  { '#', "pound" }, { 'A', "a" },     { 'B', "b" },     { 'C', "c" },
		{ 'D', "d" },     { 'F', "flash" },
	};

	for (size_t i = 0; i < sizeof(tones) / sizeof(*tones); i++)
		if (tones[i].digit == digit)
			return tones[i].tone;
	return NULL;
}

void tell_digit(struct telling_of *t, char digit)
{
	const char *tone = tone_of(digit);
	struct call_event *e;
	json_t *data;

	if (!tone)
		return;
	t->rec->tones++;
	data = json_pack("{s:s, s:{s:I, s:s}}", "callLegId", t->rec->call_leg_id, "toneInfo", "sequenceId",
	                 (json_int_t)t->rec->tones, "tone", tone);
	e = add(t, EVENT_DTMF, data, t->rec->dtmf_received);
	e->state = t->rec->state;
}

static void of_operation(struct telling_of *t, struct call_event *e, const struct operation *op)
{
	e->state = t->rec->state;
	e->operation_context = must_strdup(op->context);
	if (op->callback_uri) {
		free(e->callback_uri);
		e->callback_uri = must_strdup(op->callback_uri);
	}
}

void tell_play_result(struct telling_of *t, const struct operation *op, struct result result, bool completed)
{
	json_t *data;

	data = json_pack("{s:s, s:s?, s:s, s:o}", "callLegId", t->rec->call_leg_id, "operationContext",
	                 op->context, "status", completed ? "completed" : "failed", "resultInfo",
	                 result_json(result));
	of_operation(t, add(t, EVENT_PLAY_RESULT, data, true), op);
}

void tell_invite_result(struct telling_of *t, const struct operation *op, const struct identifier *whom,
                        struct result result, bool completed)
{
	json_t *data;

	data = json_pack("{s:s, s:s?, s:s, s:o, s:[o]}", "callLegId", t->rec->call_leg_id, "operationContext",
	                 op->context, "status", completed ? "completed" : "failed", "resultInfo",
	                 result_json(result), "participants", identifier_json(whom));
	of_operation(t, add(t, EVENT_INVITE_RESULT, data, true), op);
}

void tell_participants(struct telling_of *t)
{
	struct call_event *e;

	e = add(t, EVENT_PARTICIPANTS,
	        json_pack("{s:s, s:o}", "callLegId", t->rec->call_leg_id, "participants",
	                  participants_json(t->rec)),
	        true);
	e->state = t->rec->state;
}

/* ---- for the ledger only ---- */

static void tell_command(struct telling_of *t, enum event_type type, const struct call_command *c)
{
	struct call_event *e;

	e = add(t, type,
	        json_pack("{s:s, s:s, s:s, s:s*}", "callLegId", t->rec->call_leg_id, "command",
	                  command_kind_name(c->kind), "commandId", c->command_id, "participantId",
	                  c->participant_id),
	        false);
	e->state = t->rec->state;
}

void tell_taken(struct telling_of *t, const struct call_command *c)
{
	tell_command(t, EVENT_SNAPSHOT, c);
}

void tell_dials(struct telling_of *t, const struct call_command *c)
{
	tell_command(t, EVENT_DIAL, c);
}

void tell_all_gone(struct telling_of *t)
{
	struct call_event *e;

	e = add(t, EVENT_CALL_STATE,
	        json_pack("{s:s, s:s, s:n}", "callLegId", t->rec->call_leg_id, "callState",
	                  call_state_name(CALL_TERMINATED), "conversationId"),
	        false);
	e->state = CALL_TERMINATED;
}

void tell_leg(struct telling_of *t, const struct leg *leg, const char *what)
{
	struct call_event *e;

	e = add(t, EVENT_LEG,
	        json_pack("{s:s, s:i, s:s, s:s?}", "callLegId", t->rec->call_leg_id, "leg", (int)leg->number,
	                  "what", what, "dialId", leg->dial_id),
	        false);
	e->state = t->rec->state;
	e->legs = must_calloc(1, sizeof(*e->legs));
	e->legs_count = 1;
	e->legs[0].leg = leg->number;
	e->legs[0].state = leg->state;
	e->legs[0].carrier_record.data = must_copy(leg->carrier_record.data, leg->carrier_record.len);
	e->legs[0].carrier_record.len = leg->carrier_record.len;
}

/* Dials that this command intends: a rebuild must know them before a phone does. */
static void add_dials(struct call_event *e, const struct call_record *rec, const char *command_id)
{
	for (size_t i = 0; i < rec->legs_count; i++) {
		const struct leg *leg = &rec->legs[i];
		struct dial *d;

		if (leg->state != LEG_INTENT || !leg->command_id || strcmp(leg->command_id, command_id) != 0)
			continue;
		e->dials = must_realloc(e->dials, (e->dials_count + 1) * sizeof(*e->dials));
		d = &e->dials[e->dials_count++];
		*d = (struct dial){
			.dial_id = must_strdup(leg->dial_id),
			.leg = leg->number,
			.participant_id = must_strdup(leg->participant_id),
			.identifier = { leg->identifier.kind, must_strdup(leg->identifier.value) },
			.command_id = must_strdup(leg->command_id),
			.carrier = must_strdup(leg->carrier),
			.address = must_strdup(leg->address),
			.caller = must_strdup(leg->caller),
		};
	}
}

static void add_operations(struct call_event *e, const struct call_record *rec)
{
	if (!rec->operations_count)
		return;
	e->operations = must_calloc(rec->operations_count, sizeof(*e->operations));
	e->operations_count = rec->operations_count;
	for (size_t i = 0; i < rec->operations_count; i++) {
		const struct operation *from = &rec->operations[i];
		struct operation *to = &e->operations[i];

		*to = *from;
		to->id = must_strdup(from->id);
		to->context = must_strdup(from->context);
		to->callback_uri = must_strdup(from->callback_uri);
		to->audio_file_uri = must_strdup(from->audio_file_uri);
	}
}

void tell_finish(struct telling_of *t, const char *command_id)
{
	struct call_event *first, *last;

	if (!t->plan->event_count)
		return;
	first = &t->plan->events[0];
	last = &t->plan->events[t->plan->event_count - 1];
	if (command_id) {
		first->command_ids = must_calloc(1, sizeof(*first->command_ids));
		first->command_ids[0] = must_strdup(command_id);
		first->command_ids_count = 1;
		add_dials(first, t->rec, command_id);
	}
	last->deadline = t->rec->deadline;
	last->ends_by = t->rec->ends_by;
	add_operations(last, t->rec);
}
