/*
 * leg.h - the life of a leg, from intent to end: a table of states
 *
 * No socket, thread or clock is in it.  leg_move() is the only place that
 * changes a leg's state; a new one begins as INTENT, or as ENDED where no carrier
 * can reach it.
 */
#ifndef LEG_H
#define LEG_H

#include <stdbool.h>

#include "records.h"

/* What happens to a leg. */
enum leg_event {
	LEG_CONFIRMED, /* the ledger knows of the dial: it may ring now */
	LEG_TRYING,    /* the carrier has it */
	LEG_RANG,      /* 18x */
	LEG_ANSWERED,  /* 2xx */
	LEG_OVER,      /* final answer, or the phone hung up */
	LEG_HANG_UP,   /* we want out */
	LEG_LATE,      /* its deadline passed */
	LEG_LOST,      /* its owner is gone, and nobody can know whether the phone rang */
	LEG_EVENTS,
};

/* What is then asked of the carrier. */
enum leg_act { LEG_ACT_NONE, LEG_ACT_DIAL, LEG_ACT_HANG_UP };

/* False: the event means nothing in this state; the leg is as it was. */
bool leg_move(struct leg *leg, enum leg_event ev, enum leg_act *act);

bool leg_is_live(const struct leg *leg); /* not ended */
const char *leg_event_name(enum leg_event ev);

#endif
