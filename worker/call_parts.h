/*
 * call_parts.h - what the files of a decision share: call.c, call_commands.c, call_legs.c, call_end.c
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
void call_refuse_play(struct decision *d, struct result result);

/* call_legs.c */
void decide_carrier(struct decision *d, const struct carrier_event *ev);
/* So that a stranger can take the leg over from here on. */
void call_keep_carrier_record(struct decision *d, struct leg *leg);

/* call_end.c: what commands, legs and deadlines have in common */
size_t call_live_legs(const struct call_record *rec);
/* A leg that carries its end knows why; one that does not is told by its SIP code. */
void call_leg_ended(struct leg *leg, int code, const char *reason);
/* Of the carrier, for this leg. */
void call_ask(struct decision *d, const struct leg *leg, enum leg_act act);
/* Starts the end of a leg, for that reason; `why` is what it will have come to. */
void call_wind_up(struct decision *d, struct leg *leg, enum leg_event ev, enum outcome why);
/* For all: Terminating, then every leg, then, when they are gone, the end. */
void call_hang_up_all(struct decision *d, enum outcome before_answer);
void call_drop_operation(struct call_record *rec, size_t i);
/* Asked of every leg that talks, but the one of that dial (NULL: none). */
void call_stop_play(struct decision *d, const char *play, const char *but);
/* Results first, then the final event; nothing is told after it. */
void call_end(struct decision *d, enum outcome outcome);
void call_end_if_over(struct decision *d);

#endif
