/*
 * call_events.h - events of a call, as call.c tells them: numbered, with their JSON data
 */
#ifndef CALL_EVENTS_H
#define CALL_EVENTS_H

#include "call.h"
#include "result.h"

/* What every event of one decision shares. */
struct telling_of {
	struct plan *plan;
	struct call_record *rec;
	const struct call_rules *rules;
	int64_t version;
	const char *traceparent; /* the command's that causes them, else the call's; borrowed */
};

/* terminated, or left, which is the same to the app: with outcome and result; the final event */
void tell_state(struct telling_of *t, int state);
void tell_digit(struct telling_of *t, char digit);
void tell_play_result(struct telling_of *t, const struct operation *op, struct result result, bool completed);
/* Of one participant of the invite `op`. */
void tell_invite_result(struct telling_of *t, const struct operation *op, const struct identifier *whom,
                        struct result result, bool completed);
void tell_participants(struct telling_of *t); /* who is in the call now */
/* Ledger only: dials are announced; which, tell_finish() adds. */
void tell_dials(struct telling_of *t, const struct call_command *c);
/* Ledger only: the last who talked on after the app had left is gone. */
void tell_all_gone(struct telling_of *t);
/* Ledger only: a command was taken into account that tells the app nothing yet. */
void tell_taken(struct telling_of *t, const struct call_command *c);
/* Ledger only: the leg's own record, with what it did. */
void tell_leg(struct telling_of *t, const struct leg *leg, const char *what);

/*
 * Once all events of a decision are there: puts what a rebuild needs on them,
 * command and its dials on the first, deadlines and open operations on the last.
 */
void tell_finish(struct telling_of *t, const char *command_id);

#endif
