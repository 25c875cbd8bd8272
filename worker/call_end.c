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

/* Results first, then the final event; nothing is told after it. */
void call_end(struct decision *d, enum outcome outcome)
{
	struct call_record *rec = d->rec;

	while (rec->operations_count) {
		tell_play_result(&d->tell, &rec->operations[0], RESULT_CALL_ENDED, false);
		call_drop_operation(rec, 0);
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

void call_end_if_over(struct decision *d)
{
	if (call_live_legs(d->rec))
		return;
	/* an established call says that it is ending, also where nothing is left to do */
	if (d->rec->state == CALL_ESTABLISHED)
		tell_state(&d->tell, CALL_TERMINATING);
	call_end(d, outcome_of_call(d->rec));
}

/* ---- legs ---- */

/* A leg that carries its end knows why; one that does not is told by its SIP code. */
void call_leg_ended(struct leg *leg, int code, const char *reason)
{
	if (leg->outcome == OUTCOME_NONE)
		leg->outcome = outcome_of_sip(code);
	leg->code = code;
	free(leg->reason);
	leg->reason = must_strdup(reason);
	leg->deadline = 0;
}

void call_ask(struct decision *d, const struct leg *leg, enum leg_act act)
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
void call_wind_up(struct decision *d, struct leg *leg, enum leg_event ev, enum outcome why)
{
	enum leg_act act;

	if (!leg_move(leg, ev, &act))
		return;
	leg->hung_up = true;
	leg->outcome = why;
	leg->deadline = leg->state == LEG_ENDED ? 0 : d->rules->now + d->rules->hangup_timeout;
	call_ask(d, leg, act);
}

/* For all: Terminating, then every leg, then, when they are gone, the end. */
void call_hang_up_all(struct decision *d, enum outcome before_answer)
{
	struct call_record *rec = d->rec;

	rec->outcome = rec->established_at ? OUTCOME_COMPLETED : before_answer;
	rec->state = CALL_TERMINATING;
	tell_state(&d->tell, CALL_TERMINATING);
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
