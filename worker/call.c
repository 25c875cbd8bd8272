/* call.c - see call.h.  Commands first, then what legs do, then deadlines. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_events.h"
#include "digest.h"
#include "leg.h"
#include "must.h"
#include "result.h"

/* One decision on its way. */
struct decision {
	struct telling_of tell; /* plan, record, rules */
	struct plan *plan;
	struct call_record *rec;
	const struct call_rules *rules;
	const struct call_command *command; /* NULL: no command caused it */
};

bool call_exists(const struct call_record *rec)
{
	return rec->call_leg_id != NULL;
}

bool call_is_over(const struct call_record *rec)
{
	return rec->state == CALL_TERMINATED;
}

bool call_knows_command(const struct call_record *rec, const char *command_id)
{
	for (size_t i = 0; i < rec->command_ids_count; i++)
		if (!strcmp(rec->command_ids[i], command_id))
			return true;
	return false;
}

bool call_has_intent(const struct call_record *rec)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].state == LEG_INTENT)
			return true;
	return false;
}

static void nothing(struct decision *d, const char *note)
{
	d->plan->nothing = true;
	d->plan->note = note;
}

/* The oldest of 32 makes room: a repeat comes within seconds, or is older than command.ttl. */
static void remember_command(struct call_record *rec, const char *id)
{
	if (rec->command_ids_count == CALL_COMMANDS_KEPT) {
		free(rec->command_ids[0]);
		memmove(rec->command_ids, rec->command_ids + 1,
		        (CALL_COMMANDS_KEPT - 1) * sizeof(*rec->command_ids));
		rec->command_ids_count--;
	}
	rec->command_ids =
	        must_realloc(rec->command_ids, (rec->command_ids_count + 1) * sizeof(*rec->command_ids));
	rec->command_ids[rec->command_ids_count++] = must_strdup(id);
}

static size_t live_legs(const struct call_record *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->legs_count; i++)
		n += leg_is_live(&rec->legs[i]);
	return n;
}

/* ---- the end of a call ---- */

static void set_result(struct call_record *rec, enum outcome outcome)
{
	const struct result r = outcome_result(outcome);

	rec->outcome = outcome;
	rec->result_code = r.code;
	rec->result_subcode = r.subcode;
	free(rec->result_message);
	rec->result_message = must_strdup(r.message);
}

static void drop_operation(struct call_record *rec, size_t i)
{
	operation_clear(&rec->operations[i]);
	rec->operations_count--;
	memmove(&rec->operations[i], &rec->operations[i + 1],
	        (rec->operations_count - i) * sizeof(*rec->operations));
	if (!rec->operations_count) {
		free(rec->operations);
		rec->operations = NULL;
	}
}

/* An ended call keeps what is asked for later: state, outcome, result, times, last number. */
static void shrink(struct call_record *rec)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		leg_clear(&rec->legs[i]);
	free(rec->legs);
	rec->legs = NULL;
	rec->legs_count = 0;
	free(rec->subject);
	rec->subject = NULL;
	free(rec->callback_uri);
	rec->callback_uri = NULL;
	for (size_t i = 0; i < rec->command_ids_count; i++)
		free(rec->command_ids[i]);
	free(rec->command_ids);
	rec->command_ids = NULL;
	rec->command_ids_count = 0;
}

/* Results first, then the final event; nothing is told after it. */
static void end_call(struct decision *d, enum outcome outcome)
{
	struct call_record *rec = d->rec;

	while (rec->operations_count) {
		tell_play_result(&d->tell, &rec->operations[0], RESULT_CALL_ENDED, false);
		drop_operation(rec, 0);
	}
	rec->state = CALL_TERMINATED;
	rec->ended_at = d->rules->now;
	set_result(rec, outcome);
	tell_state(&d->tell, CALL_TERMINATED);
}

/* How a call came out all of whose legs have ended. */
static enum outcome outcome_of_call(const struct call_record *rec)
{
	if (rec->outcome != OUTCOME_NONE) /* known since it began to end */
		return rec->outcome;
	if (rec->established_at)
		return OUTCOME_COMPLETED;
	/* a leg whose fate nobody can know makes that the call's fate */
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].outcome == OUTCOME_UNKNOWN)
			return OUTCOME_UNKNOWN;
	return rec->legs_count ? rec->legs[0].outcome : OUTCOME_FAILED;
}

static void end_if_all_over(struct decision *d)
{
	if (live_legs(d->rec))
		return;
	/* an established call says that it is ending, also where nothing is left to do */
	if (d->rec->state == CALL_ESTABLISHED)
		tell_state(&d->tell, CALL_TERMINATING);
	end_call(d, outcome_of_call(d->rec));
}

/* ---- legs ---- */

/* A leg that carries its end knows why; one that does not is told by its SIP code. */
static void leg_ended(struct leg *leg, int code, const char *reason)
{
	if (leg->outcome == OUTCOME_NONE)
		leg->outcome = outcome_of_sip(code);
	leg->code = code;
	free(leg->reason);
	leg->reason = must_strdup(reason);
	leg->deadline = 0;
}

static void ask(struct decision *d, const struct leg *leg, enum leg_act act)
{
	struct act *a;

	if (act == LEG_ACT_HANG_UP) {
		plan_add_act(d->plan, ACT_HANG_UP, leg->dial_id);
	} else if (act == LEG_ACT_DIAL) {
		a = plan_add_act(d->plan, ACT_DIAL, leg->dial_id);
		a->address = must_strdup(leg->address);
		a->caller = must_strdup(d->rec->source_alternate                  ? d->rec->source_alternate
		                        : d->rec->source.kind == IDENTIFIER_PHONE ? d->rec->source.value
		                                                                  : NULL);
		d->plan->dials = true;
	}
}

/* Starts the end of a leg, for that reason; `why` is what it will have come to. */
static void wind_up(struct decision *d, struct leg *leg, enum leg_event ev, enum outcome why)
{
	enum leg_act act;

	if (!leg_move(leg, ev, &act))
		return;
	leg->hung_up = true;
	leg->outcome = why;
	leg->deadline = leg->state == LEG_ENDED ? 0 : d->rules->now + d->rules->hangup_timeout;
	ask(d, leg, act);
}

/* For all: Terminating, then every leg, then, when they are gone, the end. */
static void hang_up_all(struct decision *d, enum outcome before_answer)
{
	struct call_record *rec = d->rec;

	rec->outcome = rec->established_at ? OUTCOME_COMPLETED : before_answer;
	rec->state = CALL_TERMINATING;
	tell_state(&d->tell, CALL_TERMINATING);
	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (leg_is_live(leg) && leg->state != LEG_ENDING)
			wind_up(d, leg, LEG_HANG_UP, leg->answered_at ? OUTCOME_COMPLETED : before_answer);
		if (leg->outcome == OUTCOME_UNKNOWN && !rec->established_at)
			rec->outcome = OUTCOME_UNKNOWN;
	}
	if (!live_legs(rec))
		end_call(d, rec->outcome);
}

/* ---- commands ---- */

static void copy_identifier(struct identifier *out, const struct identifier *in)
{
	out->kind = in->kind;
	out->value = must_strdup(in->value);
}

static void new_record(struct call_record *rec, const struct call_command *c, const struct call_rules *rules)
{
	const struct create_body *b = c->create;

	rec->call_leg_id = must_strdup(c->call_leg_id);
	rec->tenant = must_strdup(c->tenant);
	rec->api = c->api;
	rec->state = CALL_ESTABLISHING;
	rec->callback_uri = must_strdup(c->callback_uri);
	rec->operation_context = must_strdup(c->operation_context);
	copy_identifier(&rec->source, &b->source);
	rec->source_alternate = must_strdup(b->source_alternate);
	rec->subject = must_strdup(b->subject);
	rec->participants_updated = b->participants_updated;
	rec->dtmf_received = b->dtmf_received;
	rec->next_seq = 1;
	rec->next_number = 1;
	rec->answer_by = c->answer_by;
	rec->created_at = rules->now;
	rec->ends_by = rules->now + rules->call_max;
	rec->campaign_id = must_strdup(c->campaign_id);
	rec->contact_id = must_strdup(c->contact_id);
	rec->attempt = c->attempt;
	rec->body_hash.data = must_copy(c->body_hash.data, c->body_hash.len);
	rec->body_hash.len = c->body_hash.len;
	rec->traceparent = must_strdup(c->traceparent);
}

static void add_leg(struct decision *d, const struct identifier *target)
{
	struct call_record *rec = d->rec;
	struct carrier *carrier = d->rules->carrier;
	char participant[UUID_SIZE], index[12];
	struct leg *leg;

	rec->legs = must_realloc(rec->legs, (rec->legs_count + 1) * sizeof(*rec->legs));
	leg = &rec->legs[rec->legs_count++];
	*leg = (struct leg){ .number = (int32_t)rec->legs_count, .state = LEG_INTENT, .tries = 1 };
	snprintf(index, sizeof(index), "%d", leg->number - 1);
	uuid_derive(participant, "participant", d->command->command_id, index);
	leg->participant_id = must_strdup(participant);
	copy_identifier(&leg->identifier, target);
	leg->command_id = must_strdup(d->command->command_id);
	leg->carrier = must_strdup(carrier->ops->name);
	leg->dial_id = must_printf("%s.%d.%d", rec->call_leg_id, leg->number, leg->tries);
	if (carrier->ops->address_of(carrier, target, &leg->address) < 0) {
		leg->state = LEG_ENDED;
		leg_ended(leg, 404, "this carrier can't reach such an identifier");
	}
}

static void decide_create(struct decision *d, bool below_next)
{
	const struct call_command *c = d->command;

	if (call_exists(d->rec)) {
		nothing(d, "repeated");
		return;
	}
	if (c->expires_at && c->expires_at <= d->rules->now) {
		if (below_next) { /* told and forgotten long ago */
			nothing(d, "expired-and-told");
			return;
		}
		new_record(d->rec, c, d->rules);
		remember_command(d->rec, c->command_id);
		end_call(d, OUTCOME_EXPIRED);
		return;
	}
	new_record(d->rec, c, d->rules);
	remember_command(d->rec, c->command_id);
	for (size_t i = 0; i < c->create->targets_count; i++)
		add_leg(d, &c->create->targets[i]);
	/* with its dials: no record more, and the ledger knows of them before the phones do */
	tell_state(&d->tell, CALL_ESTABLISHING);
	end_if_all_over(d);
}

static void decide_hangup(struct decision *d)
{
	if (d->rec->state == CALL_TERMINATING) {
		nothing(d, "ending-already");
		return;
	}
	hang_up_all(d, OUTCOME_CANCELLED);
}

static bool room_for(const struct call_record *rec, const struct call_command *c)
{
	size_t contexts = c->operation_context ? strlen(c->operation_context) : 0;

	for (size_t i = 0; i < rec->operations_count; i++)
		contexts += rec->operations[i].context ? strlen(rec->operations[i].context) : 0;
	return rec->operations_count < CALL_OPERATIONS_MAX && contexts <= CALL_CONTEXTS_MAX;
}

static void refuse_play(struct decision *d, struct result result)
{
	const struct call_command *c = d->command;
	const struct operation op = { .id = c->command_id,
		                      .context = c->operation_context,
		                      .callback_uri = c->callback_uri };

	tell_play_result(&d->tell, &op, result, false);
}

/* Saved as an intent, then asked for, then saved as started: a new owner can tell the two apart. */
static void start_play(struct decision *d)
{
	const struct call_command *c = d->command;
	struct call_record *rec = d->rec;
	struct operation *op;

	rec->operations =
	        must_realloc(rec->operations, (rec->operations_count + 1) * sizeof(*rec->operations));
	op = &rec->operations[rec->operations_count++];
	*op = (struct operation){
		.id = must_strdup(c->command_id),
		.kind = OPERATION_PLAY,
		.state = OPERATION_INTENT,
		.context = must_strdup(c->operation_context),
		.callback_uri = must_strdup(c->callback_uri),
		.audio_file_uri = must_strdup(c->play->audio_file_uri),
		.loop = c->play->loop,
		.started_at = d->rules->now,
	};
	for (size_t i = 0; i < rec->legs_count; i++) {
		struct act *a;

		if (rec->legs[i].state != LEG_TALKING)
			continue;
		a = plan_add_act(d->plan, ACT_PLAY, rec->legs[i].dial_id);
		a->play = must_strdup(op->id);
		a->uri = must_strdup(op->audio_file_uri);
		a->loop = op->loop;
	}
	d->plan->started = true;
	tell_taken(&d->tell, c);
}

static void decide_play(struct decision *d)
{
	const struct call_record *rec = d->rec;

	if (rec->state == CALL_ESTABLISHING)
		refuse_play(d, RESULT_NOT_ESTABLISHED);
	else if (rec->state != CALL_ESTABLISHED)
		refuse_play(d, RESULT_CALL_ENDED);
	else if (!room_for(rec, d->command))
		refuse_play(d, RESULT_TOO_MUCH);
	else
		start_play(d);
}

static void decide_command(struct decision *d, bool below_next)
{
	const struct call_command *c = d->command;
	struct call_record *rec = d->rec;

	if (c->kind == COMMAND_CREATE) {
		decide_create(d, below_next);
		return;
	}
	if (!call_exists(rec)) {
		nothing(d, "no-such-call");
		return;
	}
	if (call_is_over(rec)) { /* nothing is told after the final event */
		nothing(d, "call-is-over");
		return;
	}
	if (call_knows_command(rec, c->command_id)) {
		nothing(d, "repeated");
		return;
	}
	if (c->answer_by > rec->answer_by)
		rec->answer_by = c->answer_by;
	switch (c->kind) {
	case COMMAND_HANGUP:
	case COMMAND_DELETE:
		decide_hangup(d);
		break;
	case COMMAND_PLAY:
		decide_play(d);
		break;
	default: /* of a newer producer */
		nothing(d, "not-known-here");
		return;
	}
	if (!call_is_over(rec) && !d->plan->nothing)
		remember_command(rec, c->command_id);
}

/* ---- what legs do ---- */

static struct leg *leg_by_dial(struct call_record *rec, const char *dial_id)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].dial_id && !strcmp(rec->legs[i].dial_id, dial_id))
			return &rec->legs[i];
	return NULL;
}

/* So that a stranger can take the leg over from here on. */
static void keep_carrier_record(struct decision *d, struct leg *leg)
{
	struct carrier *c = d->rules->carrier;
	struct bytes b = { 0 };

	if (c->ops->store(c, leg->dial_id, &b) < 0)
		return;
	free(leg->carrier_record.data);
	leg->carrier_record = b;
}

static void leg_answered(struct decision *d, struct leg *leg)
{
	struct call_record *rec = d->rec;

	leg->answered_at = d->rules->now;
	leg->deadline = 0;
	keep_carrier_record(d, leg);
	if (rec->legs_count > 1)
		plan_add_act(d->plan, ACT_BRIDGE, leg->dial_id);
	if (rec->state == CALL_ESTABLISHING) {
		rec->state = CALL_ESTABLISHED;
		rec->established_at = d->rules->now;
		tell_state(&d->tell, CALL_ESTABLISHED);
	} else {
		tell_leg(&d->tell, leg, "answered");
	}
}

static void decide_progress(struct decision *d, struct leg *leg, enum leg_event ev)
{
	const int before = leg->state;
	enum leg_act act;

	if (!leg_move(leg, ev, &act)) {
		nothing(d, "too-late");
		return;
	}
	ask(d, leg, act);
	if (ev == LEG_RANG)
		leg->heard_ringing = true;
	if (leg->state == LEG_TALKING) {
		leg_answered(d, leg);
	} else if (before == LEG_GO) {
		keep_carrier_record(d, leg);
		tell_leg(&d->tell, leg, leg_event_name(ev));
	}
}

static void decide_over(struct decision *d, struct leg *leg, const struct carrier_event *ev)
{
	enum leg_act act;

	if (!leg_move(leg, LEG_OVER, &act)) {
		nothing(d, "too-late");
		return;
	}
	leg_ended(leg, ev->code, ev->reason);
	free(leg->carrier_record.data);
	leg->carrier_record = (struct bytes){ 0 };
	if (live_legs(d->rec))
		tell_leg(&d->tell, leg, "over");
	else
		end_if_all_over(d);
}

static void decide_digit(struct decision *d, struct leg *leg, char digit)
{
	if (leg->state != LEG_TALKING || d->rec->state != CALL_ESTABLISHED) {
		nothing(d, "too-late");
		return;
	}
	keep_carrier_record(d, leg);
	tell_digit(&d->tell, digit);
	if (!d->plan->event_count)
		nothing(d, "no-such-digit");
}

/* The first leg's word counts: the others play the same prompt at the same time. */
static void decide_played(struct decision *d, const struct carrier_event *ev)
{
	static const struct result *const results[] = {
		[PLAYED_OK] = &RESULT_OK,
		[PLAYED_BAD_FORMAT] = &RESULT_BAD_FORMAT,
		[PLAYED_DOWNLOAD_FAILED] = &RESULT_DOWNLOAD_FAILED,
	};
	struct call_record *rec = d->rec;

	for (size_t i = 0; i < rec->operations_count; i++) {
		if (rec->operations[i].kind != OPERATION_PLAY || strcmp(rec->operations[i].id, ev->play))
			continue;
		tell_play_result(&d->tell, &rec->operations[i], *results[ev->played],
		                 ev->played == PLAYED_OK);
		for (size_t k = 0; k < rec->legs_count; k++)
			if (rec->legs[k].state == LEG_TALKING && strcmp(rec->legs[k].dial_id, ev->dial_id))
				plan_add_act(d->plan, ACT_STOP, rec->legs[k].dial_id)->play =
				        must_strdup(ev->play);
		drop_operation(rec, i);
		return;
	}
	nothing(d, "no-such-operation");
}

static void decide_carrier(struct decision *d, const struct carrier_event *ev)
{
	struct leg *leg = call_exists(d->rec) ? leg_by_dial(d->rec, ev->dial_id) : NULL;

	if (!leg) {
		nothing(d, "no-such-leg");
		return;
	}
	switch (ev->kind) {
	case CARRIER_TRYING:
		decide_progress(d, leg, LEG_TRYING);
		break;
	case CARRIER_RINGING:
		decide_progress(d, leg, LEG_RANG);
		break;
	case CARRIER_ANSWERED:
		decide_progress(d, leg, LEG_ANSWERED);
		break;
	case CARRIER_DIGIT:
		decide_digit(d, leg, ev->digit);
		break;
	case CARRIER_PLAYED:
		decide_played(d, ev);
		break;
	case CARRIER_ENDED:
		decide_over(d, leg, ev);
		break;
	}
}

/* ---- confirm, start, deadline, takeover ---- */

/* Kafka has the record that announces the dials: from INTENT to GO, and then they ring. */
static void decide_confirm(struct decision *d)
{
	struct call_record *rec = d->rec;
	enum leg_act act;

	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (!leg_move(leg, LEG_CONFIRMED, &act))
			continue;
		leg->dialled_at = d->rules->now;
		leg->deadline = d->rules->now + d->rules->ring_timeout;
		ask(d, leg, act);
	}
	if (!d->plan->act_count)
		nothing(d, "no-intent"); /* hung up meanwhile */
}

static void decide_started(struct decision *d)
{
	struct call_record *rec = d->rec;
	bool any = false;

	for (size_t i = 0; i < rec->operations_count; i++) {
		if (rec->operations[i].state == OPERATION_INTENT) {
			rec->operations[i].state = OPERATION_STARTED;
			any = true;
		}
	}
	for (size_t i = 0; any && i < rec->legs_count; i++)
		if (rec->legs[i].state == LEG_TALKING)
			keep_carrier_record(d, &rec->legs[i]);
	if (!any)
		nothing(d, "all-started");
}

static void leg_late(struct decision *d, struct leg *leg)
{
	const bool ending = leg->state == LEG_ENDING;
	enum leg_act act;

	if (!ending) { /* the ring timeout; a phone that never rang could not be reached */
		wind_up(d, leg, LEG_LATE, leg->heard_ringing ? OUTCOME_NO_ANSWER : OUTCOME_UNREACHABLE);
		return;
	}
	if (leg_move(leg, LEG_LATE, &act)) {
		ask(d, leg, act);
		leg_ended(leg, leg->outcome == OUTCOME_UNKNOWN ? 0 : 487, "no word of its end");
	}
}

static void decide_deadline(struct decision *d)
{
	struct call_record *rec = d->rec;

	if (!call_exists(rec) || call_is_over(rec)) {
		nothing(d, "over");
		return;
	}
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].deadline && rec->legs[i].deadline <= d->rules->now)
			leg_late(d, &rec->legs[i]);
	if (rec->state != CALL_TERMINATING && rec->ends_by <= d->rules->now)
		hang_up_all(d, OUTCOME_NO_ANSWER);
	else if (!live_legs(rec))
		end_if_all_over(d);
	else if (!d->plan->act_count && !d->plan->event_count)
		nothing(d, "nothing-due");
}

/*
 * What an owner who is gone left behind.  A leg whose dial may have been made
 * waits for dial.bound, so that whoever confirmed it can no longer dial, is hung
 * up by its derived ids and ends as unknown.  An intent of this same Redis was
 * surely not dialled: it waits for its confirm as if it were ours.
 */
static void decide_taken(struct decision *d)
{
	struct call_record *rec = d->rec;
	const bool same_redis = rec->redis_run && !strcmp(rec->redis_run, d->rules->redis_run);
	enum leg_act act;
	bool changed = false;

	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (leg->state != LEG_GO && !(leg->state == LEG_INTENT && !same_redis))
			continue;
		if (!leg_move(leg, LEG_LOST, &act))
			continue;
		leg->hung_up = true;
		leg->outcome = OUTCOME_UNKNOWN;
		leg->deadline = d->rules->now + d->rules->dial_bound;
		changed = true;
	}
	for (size_t i = 0; i < rec->operations_count;) {
		if (rec->operations[i].state == OPERATION_INTENT) {
			tell_play_result(&d->tell, &rec->operations[i], RESULT_PLAY_FAILED, false);
			drop_operation(rec, i);
			changed = true;
		} else {
			i++;
		}
	}
	if (!changed)
		nothing(d, "as-it-was");
}

/* ---- the whole ---- */

static void set_deadline(struct call_record *rec)
{
	rec->deadline = 0;
	if (call_is_over(rec))
		return;
	if (rec->state != CALL_TERMINATING)
		rec->deadline = rec->ends_by;
	for (size_t i = 0; i < rec->legs_count; i++) {
		const int64_t at = rec->legs[i].deadline;

		if (at && leg_is_live(&rec->legs[i]) && (!rec->deadline || at < rec->deadline))
			rec->deadline = at;
	}
}

static void finish(struct decision *d)
{
	struct call_record *rec = d->rec;

	set_deadline(rec);
	tell_finish(&d->tell, d->command ? d->command->command_id : NULL);
	free(rec->redis_run);
	rec->redis_run = must_strdup(d->rules->redis_run);
	if (call_is_over(rec))
		shrink(rec);
}

static struct decision decision_of(struct plan *plan, struct call_record *rec, const struct input *in,
                                   const struct call_rules *rules, int64_t version)
{
	const struct call_command *c = in->kind == INPUT_COMMAND ? in->command : NULL;

	return (struct decision){
		.tell = { plan, rec, rules, version, c ? c->traceparent : NULL },
		.plan = plan,
		.rec = rec,
		.rules = rules,
		.command = c,
	};
}

void call_decide(struct plan *plan, struct call_record *rec, const struct input *in,
                 const struct call_rules *rules, int64_t version)
{
	struct decision d = decision_of(plan, rec, in, rules, version);

	switch (in->kind) {
	case INPUT_COMMAND:
		decide_command(&d, in->below_next);
		break;
	case INPUT_CARRIER:
		decide_carrier(&d, in->carrier);
		break;
	case INPUT_CONFIRM:
		decide_confirm(&d);
		break;
	case INPUT_DEADLINE:
		decide_deadline(&d);
		break;
	case INPUT_STARTED:
		decide_started(&d);
		break;
	case INPUT_TAKEN:
		decide_taken(&d);
		break;
	}
	if (!plan->nothing)
		finish(&d);
}

void call_decide_too_big(struct plan *plan, struct call_record *rec, const struct input *in,
                         const struct call_rules *rules, int64_t version)
{
	struct decision d = decision_of(plan, rec, in, rules, version);

	if (d.command && d.command->kind == COMMAND_CREATE) {
		new_record(rec, d.command, rules);
		end_call(&d, OUTCOME_FAILED);
	} else if (d.command && d.command->kind == COMMAND_PLAY) {
		/* neither its id nor its context stays: they are what would not fit */
		refuse_play(&d, RESULT_TOO_MUCH);
	} else {
		nothing(&d, "too-big");
		return;
	}
	finish(&d);
}
