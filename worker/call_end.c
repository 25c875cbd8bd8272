/* call_end.c - how legs and calls end; see call_parts.h */
#include <stdlib.h>
#include <string.h>

#include "call_parts.h"
#include "must.h"

size_t call_live_legs(const struct call_record *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->legs_count; i++)
		n += leg_is_live(&rec->legs[i]);
	return n;
}

size_t call_talking_legs(const struct call_record *rec)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->legs_count; i++)
		n += rec->legs[i].state == LEG_TALKING;
	return n;
}

bool call_goes_on(const struct call_record *rec)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (leg_is_live(&rec->legs[i]) && rec->legs[i].state != LEG_ENDING)
			return true;
	return false;
}

bool call_is_ending(const struct call_record *rec)
{
	return (rec->state == CALL_TERMINATING || rec->state == CALL_LEFT) && !call_goes_on(rec);
}

/* Somebody was hung up, or is given up, and his phone may ring until his end is heard. */
static bool may_still_ring(const struct call_record *rec)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].state == LEG_ENDING)
			return true;
	return false;
}

static void set_result(struct call_record *rec, enum outcome outcome)
{
	const struct result r = outcome_result(outcome);

	rec->outcome = outcome;
	rec->result_code = r.code;
	rec->result_subcode = r.subcode;
	free(rec->result_message);
	rec->result_message = must_strdup(r.message);
}

void call_drop_operation(struct call_record *rec, size_t i)
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

void call_stop_play(struct decision *d, const char *play, const char *but)
{
	for (size_t i = 0; i < d->rec->legs_count; i++) {
		const struct leg *leg = &d->rec->legs[i];

		if (leg->state == LEG_TALKING && (!but || strcmp(leg->dial_id, but)))
			plan_add_act(d->plan, ACT_STOP, leg->dial_id)->play = must_strdup(play);
	}
}

/* Each open operation gets its result, then the app its final event; it is told nothing after that. */
static void tell_end(struct decision *d, enum call_state state, enum outcome outcome)
{
	struct call_record *rec = d->rec;

	while (rec->operations_count) {
		const struct operation *op = &rec->operations[0];

		if (op->kind == OPERATION_INVITE)
			call_invite_ends(d, op, RESULT_CALL_ENDED);
		else
			tell_play_result(&d->tell, op, RESULT_CALL_ENDED, false);
		call_drop_operation(rec, 0);
	}
	rec->state = state;
	rec->ended_at = d->rules->now;
	set_result(rec, outcome);
	tell_state(&d->tell, state);
}

void call_end(struct decision *d, enum outcome outcome)
{
	if (d->rec->state == CALL_LEFT) { /* its app had its final event when it left */
		d->rec->state = CALL_TERMINATED;
		tell_all_gone(&d->tell);
		return;
	}
	tell_end(d, CALL_TERMINATED, outcome);
}

void call_leave(struct decision *d)
{
	struct call_record *rec = d->rec;

	rec->state = CALL_TERMINATING;
	tell_state(&d->tell, CALL_TERMINATING);
	for (size_t i = 0; i < rec->operations_count; i++)
		if (rec->operations[i].kind == OPERATION_PLAY)
			call_stop_play(d, rec->operations[i].id, NULL);
	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (leg->state == LEG_TALKING)
			plan_add_act(d->plan, ACT_LEAVE, leg->dial_id)->since = d->rules->now;
		else if (leg_is_live(leg) && leg->state != LEG_ENDING)
			call_wind_up(d, leg, LEG_HANG_UP, OUTCOME_CANCELLED);
	}
	call_end_if_over(d);
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

void call_end_if_over(struct decision *d)
{
	/* being left: nobody rings any more after the final event */
	if (d->rec->state == CALL_TERMINATING && call_talking_legs(d->rec) && !may_still_ring(d->rec))
		tell_end(d, CALL_LEFT, OUTCOME_COMPLETED);
	/* one alone has nobody to talk to */
	if (d->rec->state == CALL_LEFT && call_talking_legs(d->rec) == 1)
		call_hang_up_all(d, OUTCOME_COMPLETED);
	if (call_live_legs(d->rec) || call_is_over(d->rec))
		return;
	/* an established call says that it is ending, also where nothing is left to do */
	if (d->rec->state == CALL_ESTABLISHED) {
		d->rec->state = CALL_TERMINATING;
		tell_state(&d->tell, CALL_TERMINATING);
	}
	call_end(d, outcome_of_call(d->rec));
}

/* ---- legs ---- */

void call_leg_ended(struct decision *d, struct leg *leg, int code, const char *reason)
{
	if (leg->outcome == OUTCOME_NONE)
		leg->outcome = outcome_of_sip(code);
	leg->code = code;
	free(leg->reason);
	leg->reason = must_strdup(reason);
	leg->deadline = 0;
	call_invite_settled(d, leg);
}

/* The number that a callee is shown. */
static const char *caller_of(const struct call_record *rec, const struct leg *leg)
{
	if (leg->caller)
		return leg->caller;
	if (rec->source_alternate)
		return rec->source_alternate;
	return rec->source.kind == IDENTIFIER_PHONE ? rec->source.value : NULL;
}

void call_ask(struct decision *d, const struct leg *leg, enum leg_act act)
{
	struct act *a;

	if (act == LEG_ACT_HANG_UP) {
		plan_add_act(d->plan, ACT_HANG_UP, leg->dial_id);
	} else if (act == LEG_ACT_DIAL) {
		a = plan_add_act(d->plan, ACT_DIAL, leg->dial_id);
		a->address = must_strdup(leg->address);
		a->caller = must_strdup(caller_of(d->rec, leg));
		d->plan->dials = true;
	}
}

/* Starts the end of a leg, for that reason; `why` is what it will have come to. */
void call_wind_up(struct decision *d, struct leg *leg, enum leg_event ev, enum outcome why)
{
	enum leg_act act;

	if (!leg_move(leg, ev, &act))
		return;
	leg->hung_up = true;
	leg->outcome = why;
	leg->deadline = d->rules->now + d->rules->hangup_timeout;
	call_ask(d, leg, act);
	if (leg->state == LEG_ENDED)
		call_leg_ended(d, leg, 487, "never dialled");
}

/* For all: Terminating, then every leg, then, when they are gone, the end. */
void call_hang_up_all(struct decision *d, enum outcome before_answer)
{
	struct call_record *rec = d->rec;

	rec->outcome = rec->established_at ? OUTCOME_COMPLETED : before_answer;
	if (rec->state != CALL_LEFT && rec->state != CALL_TERMINATING) {
		rec->state = CALL_TERMINATING;
		tell_state(&d->tell, CALL_TERMINATING);
	}
	for (size_t i = 0; i < rec->legs_count; i++) {
		struct leg *leg = &rec->legs[i];

		if (leg_is_live(leg) && leg->state != LEG_ENDING)
			call_wind_up(d, leg, LEG_HANG_UP,
			             leg->answered_at ? OUTCOME_COMPLETED : before_answer);
		if (leg->outcome == OUTCOME_UNKNOWN && !rec->established_at)
			rec->outcome = OUTCOME_UNKNOWN;
	}
	if (!call_live_legs(rec))
		call_end(d, rec->outcome);
}
