/*
 * plan.h - what a decision asks for: events to tell, acts to carry out
 *
 * A plan owns all that it holds.  Events stand in the order in which they will
 * be told; acts are asked of the carrier after the save, dials only after the
 * confirm.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"

enum act_kind { ACT_DIAL, ACT_HANG_UP, ACT_PLAY, ACT_STOP, ACT_BRIDGE, ACT_LEAVE };

struct act {
	enum act_kind kind;
	char *dial_id;
	char *address; /* DIAL */
	char *caller;  /* DIAL; NULL: none shown */
	char *play;    /* PLAY, STOP: the operation's id */
	char *uri;     /* PLAY */
	bool loop;     /* PLAY */
	int64_t since; /* PLAY: when it began for the others, us; 0: it begins now.  LEAVE: when the app left */
};

struct plan {
	struct call_event *events;
	size_t event_count;
	struct act *acts;
	size_t act_count;
	bool nothing;     /* nothing changes: no save, no act */
	const char *note; /* one word for the log why, static; NULL */
	bool started;     /* an operation was started: its start is to be saved after the acts */
	bool dials;       /* an ACT_DIAL is among the acts: this is a confirm */
	bool too_big;     /* what may follow from it would not fit */
};

/* Both return the new, zeroed entry. */
struct call_event *plan_add_event(struct plan *p);
struct act *plan_add_act(struct plan *p, enum act_kind kind, const char *dial_id);
void plan_clear(struct plan *p);

#endif
