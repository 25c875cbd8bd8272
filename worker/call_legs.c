/* call_legs.c - what a leg's events do to its call; see call_parts.h */
#include <stdlib.h>
#include <string.h>

#include "call_parts.h"
#include "must.h"

static struct leg *leg_by_dial(struct call_record *rec, const char *dial_id)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (rec->legs[i].dial_id && !strcmp(rec->legs[i].dial_id, dial_id))
			return &rec->legs[i];
	return NULL;
}

/* So that a stranger can take the leg over from here on. */
void call_keep_carrier_record(struct decision *d, struct leg *leg)
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
	call_keep_carrier_record(d, leg);
	call_join(d, leg);
	if (rec->state == CALL_ESTABLISHING) {
		rec->state = CALL_ESTABLISHED;
		rec->established_at = d->rules->now;
		tell_state(&d->tell, CALL_ESTABLISHED);
	} else {
		tell_leg(&d->tell, leg, "answered");
	}
	call_invite_settled(d, leg);
	call_roster_changed(d);
}

static void decide_progress(struct decision *d, struct leg *leg, enum leg_event ev)
{
	const int before = leg->state;
	enum leg_act act;

	if (!leg_move(leg, ev, &act)) {
		decision_nothing(d, "too-late");
		return;
	}
	call_ask(d, leg, act);
	if (ev == LEG_RANG)
		leg->heard_ringing = true;
	if (leg->state == LEG_TALKING) {
		leg_answered(d, leg);
		return;
	}
	if (leg->state == LEG_RINGING) /* as far as it came: a stranger goes on from there */
		call_keep_carrier_record(d, leg);
	if (before == LEG_GO) {
		/* counted from here: what came before was the way to the phone, or Redis standing still */
		leg->deadline = d->rules->now + d->rules->ring_timeout;
		tell_leg(&d->tell, leg, leg_event_name(ev));
	}
}

static void decide_over(struct decision *d, struct leg *leg, const struct carrier_event *ev)
{
	const bool was_in = leg->state == LEG_TALKING;
	enum leg_act act;

	if (!leg_move(leg, LEG_OVER, &act)) {
		decision_nothing(d, "too-late");
		return;
	}
	free(leg->carrier_record.data);
	leg->carrier_record = (struct bytes){ 0 };
	if (call_live_legs(d->rec))
		tell_leg(&d->tell, leg, "over");
	call_leg_ended(d, leg, ev->code, ev->reason);
	if (was_in)
		call_roster_changed(d);
	call_end_if_over(d);
}

static void decide_digit(struct decision *d, struct leg *leg, char digit)
{
	if (leg->state != LEG_TALKING || d->rec->state != CALL_ESTABLISHED) {
		decision_nothing(d, "too-late");
		return;
	}
	call_keep_carrier_record(d, leg);
	tell_digit(&d->tell, digit);
	if (!d->plan->event_count)
		decision_nothing(d, "no-such-digit");
}

/* The first leg's word counts: the others play the same prompt at the same time. */
static void decide_played(struct decision *d, struct leg *leg, const struct carrier_event *ev)
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
		call_stop_play(d, ev->play, ev->dial_id);
		call_drop_operation(rec, i);
		call_keep_carrier_record(d, leg);
		return;
	}
	decision_nothing(d, "no-such-operation");
}

void decide_carrier(struct decision *d, const struct carrier_event *ev)
{
	struct leg *leg = call_exists(d->rec) ? leg_by_dial(d->rec, ev->dial_id) : NULL;

	if (!leg) {
		decision_nothing(d, "no-such-leg");
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
		decide_played(d, leg, ev);
		break;
	case CARRIER_ENDED:
		decide_over(d, leg, ev);
		break;
	}
}
