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

void tell_state(struct telling_of *t, int state); /* terminated: with outcome and result; the final event */
void tell_digit(struct telling_of *t, char digit);
void tell_play_result(struct telling_of *t, const struct operation *op, struct result result, bool completed);
/* Ledger only: a command was taken into account that tells the app nothing yet. */
void tell_taken(struct telling_of *t, const struct call_command *c);
/* Ledger only: the leg's own record, with what it did. */
void tell_leg(struct telling_of *t, const struct leg *leg, const char *what);

/*
 * Once all events of a decision are there: puts what a rebuild needs on them,
 * command and dials on the first, deadlines and open operations on the last.
 */
void tell_finish(struct telling_of *t, const char *command_id);

#endif
