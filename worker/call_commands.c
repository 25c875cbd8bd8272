/* call_commands.c - what commands do to a call; see call_parts.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_parts.h"
#include "digest.h"
#include "must.h"

/* The oldest of 32 makes room: a repeat comes within seconds, or is older than command.ttl. */
void call_remember_command(struct call_record *rec, const char *id)
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

static void copy_identifier(struct identifier *out, const struct identifier *in)
{
	out->kind = in->kind;
	out->value = must_strdup(in->value);
}

void call_new_record(struct call_record *rec, const struct call_command *c, const struct call_rules *rules)
{
	static const struct create_body none;
	const struct create_body *b = c->create ? c->create : &none; /* one that is set aside may lack it */

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

struct leg *call_add_leg(struct decision *d, const struct identifier *whom, size_t index)
{
	struct call_record *rec = d->rec;
	struct carrier *carrier = d->rules->carrier;
	char participant[UUID_SIZE], place[12];
	struct leg *leg;

	rec->legs = must_realloc(rec->legs, (rec->legs_count + 1) * sizeof(*rec->legs));
	leg = &rec->legs[rec->legs_count++];
	*leg = (struct leg){ .number = (int32_t)rec->legs_count, .state = LEG_INTENT, .tries = 1 };
	snprintf(place, sizeof(place), "%zu", index);
	uuid_derive(participant, "participant", d->command->command_id, place);
	leg->participant_id = must_strdup(participant);
	copy_identifier(&leg->identifier, whom);
	leg->command_id = must_strdup(d->command->command_id);
	leg->carrier = must_strdup(carrier->ops->name);
	leg->dial_id = must_printf("%s.%d.%d", rec->call_leg_id, leg->number, leg->tries);
	if (carrier->ops->address_of(carrier, whom, &leg->address) < 0) {
		leg->state = LEG_ENDED;
		leg->outcome = OUTCOME_NO_SUCH_NUMBER;
		leg->code = 404;
		leg->reason = must_strdup("this carrier can't reach such an identifier");
	}
	return leg;
}

static void decide_create(struct decision *d, bool below_next)
{
	const struct call_command *c = d->command;

	if (call_exists(d->rec)) {
		const struct bytes *was = &d->rec->body_hash, *is = &c->body_hash;
		const bool same = was->len == is->len && (!is->len || !memcmp(was->data, is->data, is->len));

		/* the first counts, whatever the second says */
		decision_nothing(d, same ? "repeated" : "repeated-with-another-body");
		return;
	}
	if (c->expires_at && c->expires_at <= d->rules->now) {
		if (below_next) { /* told and forgotten long ago */
			decision_nothing(d, "expired-and-told");
			return;
		}
		call_new_record(d->rec, c, d->rules);
		call_remember_command(d->rec, c->command_id);
		call_end(d, OUTCOME_EXPIRED);
		return;
	}
	call_new_record(d->rec, c, d->rules);
	call_remember_command(d->rec, c->command_id);
	for (size_t i = 0; i < c->create->targets_count; i++)
		call_add_leg(d, &c->create->targets[i], i);
	d->plan->too_big = !call_roster_fits(d->rec);
	/* with its dials: no record more, and the ledger knows of them before the phones do */
	tell_state(&d->tell, CALL_ESTABLISHING);
	call_end_if_over(d);
}

/* The app leaves, and takes a call with it in which nobody could talk on; DELETE takes every call. */
static void decide_hangup(struct decision *d)
{
	const bool all = d->command->kind == COMMAND_DELETE;
	const int state = d->rec->state;

	if (call_is_ending(d->rec) || (state == CALL_TERMINATING && !all)) {
		decision_nothing(d, "ending-already");
		return;
	}
	if (state == CALL_LEFT || state == CALL_TERMINATING)
		tell_taken(&d->tell, d->command);
	if (state == CALL_ESTABLISHED && !all && call_talking_legs(d->rec) >= 2)
		call_leave(d);
	else
		call_hang_up_all(d, OUTCOME_CANCELLED);
}

bool call_has_room(const struct call_record *rec, const struct call_command *c)
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

void call_refuse(struct decision *d, struct result result)
{
	if (d->command->kind == COMMAND_INVITE)
		call_refuse_invite(d, result);
	else
		refuse_play(d, result);
}

struct operation *call_add_operation(struct decision *d, enum operation_kind kind)
{
	const struct call_command *c = d->command;
	struct call_record *rec = d->rec;
	struct operation *op;

	rec->operations =
	        must_realloc(rec->operations, (rec->operations_count + 1) * sizeof(*rec->operations));
	op = &rec->operations[rec->operations_count++];
	*op = (struct operation){
		.id = must_strdup(c->command_id),
		.kind = kind,
		.state = OPERATION_INTENT,
		.context = must_strdup(c->operation_context),
		.callback_uri = must_strdup(c->callback_uri),
		.started_at = d->rules->now,
	};
	return op;
}

/* Saved as an intent, then asked for, then saved as started: a new owner can tell the two apart. */
static void start_play(struct decision *d)
{
	const struct call_command *c = d->command;
	struct call_record *rec = d->rec;
	struct operation *op = call_add_operation(d, OPERATION_PLAY);

	op->audio_file_uri = must_strdup(c->play->audio_file_uri);
	op->loop = c->play->loop;
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
	else if (!call_has_room(rec, d->command))
		refuse_play(d, RESULT_TOO_MUCH);
	else
		start_play(d);
}

/* Each open prompt ends as completed, with the code that says why: the API's own way, which its clients rely on. */
static void decide_cancel(struct decision *d)
{
	struct call_record *rec = d->rec;

	if (rec->state != CALL_ESTABLISHED) {
		decision_nothing(d, "not-established");
		return;
	}
	tell_taken(&d->tell, d->command);
	for (size_t i = 0; i < rec->operations_count;) {
		if (rec->operations[i].kind == OPERATION_PLAY) {
			call_stop_play(d, rec->operations[i].id, NULL);
			tell_play_result(&d->tell, &rec->operations[i], RESULT_CANCELLED, true);
			call_drop_operation(rec, i);
		} else {
			i++;
		}
	}
}

void decide_command(struct decision *d, bool below_next)
{
	const struct call_command *c = d->command;
	struct call_record *rec = d->rec;

	if (c->kind == COMMAND_CREATE) {
		decide_create(d, below_next);
		return;
	}
	if (!call_exists(rec)) {
		decision_nothing(d, "no-such-call");
		return;
	}
	/* nothing is told after the final event; who is left of it may still be hung up */
	if (call_is_over(rec) || (rec->state == CALL_LEFT && c->kind != COMMAND_DELETE)) {
		decision_nothing(d, "call-is-over");
		return;
	}
	if (call_knows_command(rec, c->command_id)) {
		decision_nothing(d, "repeated");
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
	case COMMAND_CANCEL:
		decide_cancel(d);
		break;
	case COMMAND_INVITE:
		decide_invite(d);
		break;
	case COMMAND_REMOVE:
		decide_remove(d);
		break;
	default: /* of a newer producer */
		decision_nothing(d, "not-known-here");
		return;
	}
	if (!call_is_over(rec) && !d->plan->nothing)
		call_remember_command(rec, c->command_id);
}
