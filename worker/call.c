/* call.c - see call.h.  Commands are in call_commands.c, what legs do in call_legs.c, how all ends in call_end.c. */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "call_parts.h"
#include "must.h"

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
	/* what made a phone ring is remembered as long as the call: it is not done twice, however late it comes again */
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].command_id && !strcmp(rec->legs[i].command_id, command_id))
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

bool call_has_unheard(const struct call_record *rec)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].state == LEG_GO)
			return true;
	return false;
}

void decision_nothing(struct decision *d, const char *note)
{
	d->plan->nothing = true;
	d->plan->note = note;
}

/* ---- confirm, start, deadline, takeover ---- */

/* Kafka has the record that announces the dials: from INTENT to GO, and then they ring. */
static void decide_confirm(struct decision *d, int32_t announced)
{
	struct call_record *rec = d->rec;
	enum leg_act act;

	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (leg->number > announced || !leg_move(leg, LEG_CONFIRMED, &act))
			continue;
		leg->dialled_at = d->rules->now;
		leg->deadline = d->rules->now + d->rules->ring_timeout;
		call_ask(d, leg, act);
	}
	if (!d->plan->act_count)
		decision_nothing(d, "no-intent"); /* hung up meanwhile */
}

/* A confirm that Redis carried out late has its legs' deadlines from before that. */
static void decide_dialled(struct decision *d)
{
	bool any = false;

	for (size_t i = 0; i < d->rec->legs_count; i++) {
		struct leg *leg = &d->rec->legs[i];

		if (leg->state != LEG_GO)
			continue;
		leg->dialled_at = d->rules->now;
		leg->deadline = d->rules->now + d->rules->ring_timeout;
		any = true;
	}
	if (!any)
		decision_nothing(d, "heard-already");
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
			call_keep_carrier_record(d, &rec->legs[i]);
	if (!any)
		decision_nothing(d, "all-started");
}

static void leg_late(struct decision *d, struct leg *leg)
{
	const bool ending = leg->state == LEG_ENDING;
	enum leg_act act;

	if (!ending) { /* the ring timeout; a phone that never rang could not be reached */
		call_wind_up(d, leg, LEG_LATE, leg->heard_ringing ? OUTCOME_NO_ANSWER : OUTCOME_UNREACHABLE);
		return;
	}
	if (leg_move(leg, LEG_LATE, &act)) {
		call_ask(d, leg, act);
		call_leg_ended(d, leg, leg->outcome == OUTCOME_UNKNOWN ? 0 : 487, "no word of its end");
	}
}

/* Kafka may have been away for all of the call's time: then nobody was asked for an answer. */
static bool was_dialled(const struct call_record *rec)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].dialled_at)
			return true;
	return false;
}

static void decide_deadline(struct decision *d)
{
	struct call_record *rec = d->rec;

	if (!call_exists(rec) || call_is_over(rec)) {
		decision_nothing(d, "over");
		return;
	}
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].deadline && rec->legs[i].deadline <= d->rules->now)
			leg_late(d, &rec->legs[i]);
	if (!call_is_ending(rec) && rec->ends_by <= d->rules->now)
		call_hang_up_all(d, was_dialled(rec) ? OUTCOME_NO_ANSWER : OUTCOME_EXPIRED);
	else
		call_end_if_over(d);
	if (!d->plan->act_count && !d->plan->event_count)
		decision_nothing(d, "nothing-due");
}

/* Nothing that a new owner could go on from: it may have been dialled, or ended when only its beginning was saved. */
static bool is_lost(const struct leg *leg, bool same_redis)
{
	if (leg->carrier_record.len)
		return false;
	return leg->state == LEG_GO || leg->state == LEG_RINGING || leg->state == LEG_TALKING ||
	       (leg->state == LEG_INTENT && !same_redis);
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

		if (!is_lost(leg, same_redis) || !leg_move(leg, LEG_LOST, &act))
			continue;
		leg->hung_up = true;
		leg->outcome = leg->answered_at ? OUTCOME_COMPLETED : OUTCOME_UNKNOWN;
		leg->deadline = d->rules->now + d->rules->dial_bound;
		changed = true;
	}
	for (size_t i = 0; i < rec->operations_count;) {
		if (rec->operations[i].state == OPERATION_INTENT) {
			tell_play_result(&d->tell, &rec->operations[i], RESULT_PLAY_FAILED, false);
			call_drop_operation(rec, i);
			changed = true;
		} else {
			i++;
		}
	}
	if (!changed)
		decision_nothing(d, "as-it-was");
}

/*
 * Handed over: a leg that was dialled and of which nothing was heard yet would
 * be one that may have been dialled, to the next owner.  With its record it can
 * be adopted.
 */
static void decide_leaving(struct decision *d)
{
	struct call_record *rec = d->rec;
	bool any = false;

	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (leg->state != LEG_GO || leg->carrier_record.len)
			continue;
		call_keep_carrier_record(d, leg);
		any |= leg->carrier_record.len > 0;
	}
	if (!any)
		decision_nothing(d, "all-stored");
}

/* A create that can't be carried out ends the call before it began; else all of it ends, whatever its legs do. */
static void decide_dead(struct decision *d)
{
	struct call_record *rec = d->rec;

	if (d->command ? call_exists(rec) : !call_exists(rec) || call_is_over(rec)) {
		decision_nothing(d, "known");
		return;
	}
	if (d->command)
		call_new_record(rec, d->command, d->rules);
	for (size_t i = 0; i < rec->legs_count; i++)
		call_wind_up(d, &rec->legs[i], LEG_HANG_UP, OUTCOME_FAILED);
	call_end(d, OUTCOME_FAILED);
}

/* ---- the whole ---- */

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

static void set_deadline(struct call_record *rec)
{
	rec->deadline = 0;
	if (call_is_over(rec))
		return;
	if (!call_is_ending(rec))
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
	const struct call_command *c =
	        in->kind == INPUT_COMMAND || in->kind == INPUT_DEAD ? in->command : NULL;

	return (struct decision){
		.tell = { plan, rec, rules, version, c ? c->traceparent : NULL },
		.plan = plan,
		.rec = rec,
		.rules = rules,
		.command = c,
	};
}

/* Whoever decides it, and when: it may be told unsaved, by two owners in turn, and must have the same bytes. */
static const struct call_rules *rules_of_the_dead(struct call_rules *own, const struct call_rules *rules,
                                                  const struct call_command *create)
{
	*own = *rules;
	own->now = create->accepted_at;
	own->epoch = "";
	own->call_max = 0; /* it stands in the event, and is a setting */
	return own;
}

void call_decide(struct plan *plan, struct call_record *rec, const struct input *in,
                 const struct call_rules *rules, int64_t version)
{
	const bool dead = in->kind == INPUT_DEAD && in->command;
	struct call_rules own;
	struct decision d = decision_of(plan, rec, in,
	                                dead ? rules_of_the_dead(&own, rules, in->command) : rules, version);

	switch (in->kind) {
	case INPUT_COMMAND:
		decide_command(&d, in->below_next);
		break;
	case INPUT_CARRIER:
		decide_carrier(&d, in->carrier);
		break;
	case INPUT_CONFIRM:
		decide_confirm(&d, in->announced);
		break;
	case INPUT_DIALLED:
		decide_dialled(&d);
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
	case INPUT_LEAVING:
		decide_leaving(&d);
		break;
	case INPUT_DEAD:
		decide_dead(&d);
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
		call_new_record(rec, d.command, rules);
		call_end(&d, OUTCOME_FAILED);
	} else if (d.command && (d.command->kind == COMMAND_PLAY || d.command->kind == COMMAND_INVITE)) {
		call_refuse(&d, RESULT_TOO_MUCH);
		call_remember_command(rec, d.command->command_id);
	} else {
		decision_nothing(&d, "too-big");
		return;
	}
	finish(&d);
}
