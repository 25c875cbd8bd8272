/*
 * call_parts.h - what the files of a decision share: call.c, call_commands.c, call_participants.c, call_legs.c, call_end.c
 */
#ifndef CALL_PARTS_H
#define CALL_PARTS_H

#include "call.h"
#include "call_events.h"
#include "leg.h"
#include "result.h"

/* One decision on its way. */
struct decision {
	struct telling_of tell; /* plan, record, rules */
	struct plan *plan;
	struct call_record *rec;
	const struct call_rules *rules;
	const struct call_command *command; /* NULL: no command caused it */
};

void decision_nothing(struct decision *d, const char *note); /* nothing changes: no save, no act */

/* call_commands.c */
void decide_command(struct decision *d, bool below_next);
void call_new_record(struct call_record *rec, const struct call_command *c, const struct call_rules *rules);
void call_remember_command(struct call_record *rec, const char *id);
/* The operation of this decision's command, play or invite, comes to nothing: its results say why. */
void call_refuse(struct decision *d, struct result result);
/* An intent, or ended where the carrier can't reach such a one; `index`: its place in the command. */
struct leg *call_add_leg(struct decision *d, const struct identifier *whom, size_t index);
bool call_has_room(const struct call_record *rec, const struct call_command *c); /* for one operation more */
struct operation *call_add_operation(struct decision *d, enum operation_kind kind);

/* call_participants.c: who comes and goes */
void decide_invite(struct decision *d);
void decide_remove(struct decision *d);
void call_refuse_invite(struct decision *d, struct result result);
/* One of an invite has answered, or will not any more: its result, where one is owed. */
void call_invite_settled(struct decision *d, const struct leg *leg);
/* What is owed of an invite whose call ends, with that result. */
void call_invite_ends(struct decision *d, const struct operation *op, struct result result);
/* Connects the leg with those who talk already, and lets it hear what they hear. */
void call_join(struct decision *d, const struct leg *leg);
/* Whether an event can name all who may talk one day. */
bool call_roster_fits(const struct call_record *rec);
/* Who is in the call has changed: told where the call goes on and somebody asked for it. */
void call_roster_changed(struct decision *d);

/* call_legs.c */
void decide_carrier(struct decision *d, const struct carrier_event *ev);
/* So that a stranger can take the leg over from here on. */
void call_keep_carrier_record(struct decision *d, struct leg *leg);

/* call_end.c: what commands, legs and deadlines have in common */
size_t call_live_legs(const struct call_record *rec);
size_t call_talking_legs(const struct call_record *rec);
bool call_goes_on(const struct call_record *rec);   /* somebody is in it, or rings, whom nobody hung up */
bool call_is_ending(const struct call_record *rec); /* all its legs are being hung up */
/* A leg that carries its end knows why; one that does not is told by its SIP code. */
void call_leg_ended(struct decision *d, struct leg *leg, int code, const char *reason);
/* Of the carrier, for this leg. */
void call_ask(struct decision *d, const struct leg *leg, enum leg_act act);
/* Starts the end of a leg, for that reason; `why` is what it will have come to. */
void call_wind_up(struct decision *d, struct leg *leg, enum leg_event ev, enum outcome why);
/* For all: Terminating where the app has not heard it yet, then every leg, then, when they are gone, the end. */
void call_hang_up_all(struct decision *d, enum outcome before_answer);
/*
 * The app hangs up and two or more talk on: Terminating and, as soon as all
 * others' ends are heard, its last event; of the rest only the ledger is told.
 */
void call_leave(struct decision *d);
void call_drop_operation(struct call_record *rec, size_t i);
/* Asked of every leg that talks, but the one of that dial (NULL: none). */
void call_stop_play(struct decision *d, const char *play, const char *but);
/* Results first, then the final event; nothing is told after it. */
void call_end(struct decision *d, enum outcome outcome);
void call_end_if_over(struct decision *d);

#endif
