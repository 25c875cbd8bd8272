/* call_participants.c - who comes into a call and who leaves it: invite, remove, the roster; see call_parts.h */
#include <string.h>

#include "call_parts.h"
#include "digest.h"
#include "must.h"
#include "participant.h"

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* ---- an invite's results: one for each who was invited ---- */

static struct operation *invite_of(struct call_record *rec, const struct leg *leg)
{
	for (size_t i = 0; i < rec->operations_count; i++)
		if (rec->operations[i].kind == OPERATION_INVITE &&
		    same(rec->operations[i].id, leg->command_id))
			return &rec->operations[i];
	return NULL;
}

/* Invited, and neither answered nor ended: a result is owed still. */
static bool is_owed(const struct operation *op, const struct leg *leg)
{
	return same(leg->command_id, op->id) && !leg->answered_at && leg_is_live(leg);
}

static void drop_if_settled(struct call_record *rec, const struct operation *op)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (is_owed(op, &rec->legs[i]))
			return;
	call_drop_operation(rec, (size_t)(op - rec->operations));
}

static void tell_settled(struct decision *d, const struct operation *op, const struct leg *leg)
{
	const bool came = leg->answered_at;

	tell_invite_result(&d->tell, op, &leg->identifier, came ? RESULT_OK : outcome_result(leg->outcome),
	                   came);
}

void call_invite_settled(struct decision *d, const struct leg *leg)
{
	struct operation *op = invite_of(d->rec, leg);

	if (!op || (leg->answered_at && !leg_is_live(leg))) /* whoever came has had his result */
		return;
	tell_settled(d, op, leg);
	drop_if_settled(d->rec, op);
}

void call_invite_ends(struct decision *d, const struct operation *op, struct result result)
{
	for (size_t i = 0; i < d->rec->legs_count; i++) {
		const struct leg *leg = &d->rec->legs[i];
		const bool unknown = leg->outcome == OUTCOME_UNKNOWN;

		if (is_owed(op, leg))
			tell_invite_result(&d->tell, op, &leg->identifier,
			                   unknown ? outcome_result(OUTCOME_UNKNOWN) : result, false);
	}
}

/* ---- invite ---- */

void call_refuse_invite(struct decision *d, struct result result)
{
	const struct call_command *c = d->command;
	const struct operation op = { .id = c->command_id,
		                      .context = c->operation_context,
		                      .callback_uri = c->callback_uri };

	for (size_t i = 0; i < c->invite->participants_count; i++)
		tell_invite_result(&d->tell, &op, &c->invite->participants[i], result, false);
}

static bool is_in_call(const struct call_record *rec, const struct identifier *whom)
{
	for (size_t i = 0; i < rec->legs_count; i++) {
		const struct leg *leg = &rec->legs[i];

		if (leg_is_live(leg) && leg->state != LEG_ENDING && leg->identifier.kind == whom->kind &&
		    same(leg->identifier.value, whom->value))
			return true;
	}
	return false;
}

/*
 * The legs and their announcement; once Kafka has that, the confirm dials them.
 * A second dial to who is in the call, or rings, would only find him busy.
 */
static void start_invite(struct decision *d)
{
	const struct call_command *c = d->command;
	struct call_record *rec = d->rec;
	struct operation *op = call_add_operation(d, OPERATION_INVITE);

	op->state = OPERATION_STARTED; /* its legs say how far it is */
	tell_dials(&d->tell, c);
	for (size_t i = 0; i < c->invite->participants_count; i++) {
		const struct identifier *whom = &c->invite->participants[i];
		struct leg *leg;

		if (is_in_call(rec, whom)) {
			tell_invite_result(&d->tell, op, whom, RESULT_IN_CALL, false);
			continue;
		}
		leg = call_add_leg(d, whom, i);
		leg->caller = must_strdup(c->invite->alternate_caller_id);
		if (!leg_is_live(leg))
			tell_settled(d, op, leg);
	}
	drop_if_settled(rec, op);
	d->plan->too_big = !call_roster_fits(rec);
}

void decide_invite(struct decision *d)
{
	const struct call_command *c = d->command;
	const struct call_record *rec = d->rec;

	if (c->expires_at && c->expires_at <= d->rules->now)
		call_refuse_invite(d, outcome_result(OUTCOME_EXPIRED));
	else if (rec->state == CALL_ESTABLISHING)
		call_refuse_invite(d, RESULT_NOT_ESTABLISHED);
	else if (rec->state != CALL_ESTABLISHED || !call_goes_on(rec))
		call_refuse_invite(d, RESULT_CALL_ENDED);
	else if (!call_has_room(rec, c) ||
	         rec->legs_count + c->invite->participants_count > CALL_PARTICIPANTS_MAX)
		call_refuse_invite(d, RESULT_TOO_MUCH);
	else
		start_invite(d);
}

/* ---- remove ---- */

static struct leg *leg_of_participant(struct call_record *rec, const char *participant_id)
{
	for (size_t i = 0; i < rec->legs_count; i++)
		if (same(rec->legs[i].participant_id, participant_id))
			return &rec->legs[i];
	return NULL;
}

/* Whoever is not there any more, or is on his way out, is removed already. */
void decide_remove(struct decision *d)
{
	struct leg *leg = leg_of_participant(d->rec, d->command->participant_id);
	const bool ends = d->rec->state != CALL_ESTABLISHING && d->rec->state != CALL_ESTABLISHED;
	bool was_in;

	if (ends || !leg || !leg_is_live(leg) || leg->state == LEG_ENDING) {
		decision_nothing(d, "no-such-participant");
		return;
	}
	was_in = leg->state == LEG_TALKING;
	tell_taken(&d->tell, d->command);
	call_wind_up(d, leg, LEG_HANG_UP, was_in ? OUTCOME_COMPLETED : OUTCOME_CANCELLED);
	if (was_in)
		call_roster_changed(d);
	call_end_if_over(d);
}

/* ---- the roster ---- */

static void hear(struct decision *d, const struct leg *leg, const struct operation *op)
{
	struct act *a = plan_add_act(d->plan, ACT_PLAY, leg->dial_id);

	a->play = must_strdup(op->id);
	a->uri = must_strdup(op->audio_file_uri);
	a->loop = op->loop;
	a->since = op->started_at;
}

void call_join(struct decision *d, const struct leg *leg)
{
	struct call_record *rec = d->rec;
	const size_t talking = call_talking_legs(rec); /* with the new one */

	for (size_t i = 0; talking >= 2 && i < rec->legs_count; i++)
		/* the first was alone until the second came */
		if (rec->legs[i].state == LEG_TALKING && (talking == 2 || &rec->legs[i] == leg))
			plan_add_act(d->plan, ACT_BRIDGE, rec->legs[i].dial_id);
	for (size_t i = 0; i < rec->operations_count; i++)
		if (rec->operations[i].kind == OPERATION_PLAY)
			hear(d, leg, &rec->operations[i]);
}

/* In an event, beside its list of participants. */
#define EVENT_REST 4096

bool call_roster_fits(const struct call_record *rec)
{
	size_t size = 0;

	for (size_t i = 0; rec->participants_updated && i < rec->legs_count; i++) {
		json_t *one = identifier_json(&rec->legs[i].identifier);

		if (leg_is_live(&rec->legs[i]))
			size += json_dumpb(one, NULL, 0, JSON_COMPACT) +
			        sizeof("{identifier:,participantId:,isMuted:false},") + UUID_SIZE + 8;
		json_decref(one);
	}
	return size <= CALL_EVENT_MAX - EVENT_REST;
}

void call_roster_changed(struct decision *d)
{
	if (d->rec->participants_updated && d->rec->state == CALL_ESTABLISHED && call_goes_on(d->rec))
		tell_participants(&d->tell);
}
