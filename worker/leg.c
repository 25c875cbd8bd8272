/* leg.c - see leg.h */
#include "leg.h"

#include <stddef.h>

/* The whole life of a leg.  A cell that is not here cannot happen, or is too late. */
static const struct move {
	bool known;
	enum leg_state next;
	enum leg_act act;
} moves[LEG_STATES][LEG_EVENTS] = {
	[LEG_INTENT][LEG_CONFIRMED] = { true, LEG_GO, LEG_ACT_DIAL },
	[LEG_INTENT][LEG_HANG_UP] = { true, LEG_ENDED, LEG_ACT_NONE }, /* surely not dialled */
	[LEG_INTENT][LEG_LOST] = { true, LEG_ENDING, LEG_ACT_NONE }, /* saved in another Redis: not so sure */

	[LEG_GO][LEG_TRYING] = { true, LEG_RINGING, LEG_ACT_NONE },
	[LEG_GO][LEG_RANG] = { true, LEG_RINGING, LEG_ACT_NONE },
	[LEG_GO][LEG_ANSWERED] = { true, LEG_TALKING, LEG_ACT_NONE },
	[LEG_GO][LEG_OVER] = { true, LEG_ENDED, LEG_ACT_NONE },
	[LEG_GO][LEG_HANG_UP] = { true, LEG_ENDING, LEG_ACT_HANG_UP },
	[LEG_GO][LEG_LATE] = { true, LEG_ENDING, LEG_ACT_HANG_UP },
	/* hung up only after dial.bound: until then its old owner may still dial */
	[LEG_GO][LEG_LOST] = { true, LEG_ENDING, LEG_ACT_NONE },

	/* it ended when the carrier's record of it could not be had any more, and its end was not heard */
	[LEG_RINGING][LEG_LOST] = { true, LEG_ENDING, LEG_ACT_NONE },
	[LEG_TALKING][LEG_LOST] = { true, LEG_ENDING, LEG_ACT_NONE },

	[LEG_RINGING][LEG_RANG] = { true, LEG_RINGING, LEG_ACT_NONE },
	[LEG_RINGING][LEG_ANSWERED] = { true, LEG_TALKING, LEG_ACT_NONE },
	[LEG_RINGING][LEG_OVER] = { true, LEG_ENDED, LEG_ACT_NONE },
	[LEG_RINGING][LEG_HANG_UP] = { true, LEG_ENDING, LEG_ACT_HANG_UP },
	[LEG_RINGING][LEG_LATE] = { true, LEG_ENDING, LEG_ACT_HANG_UP },

	[LEG_TALKING][LEG_OVER] = { true, LEG_ENDED, LEG_ACT_NONE },
	[LEG_TALKING][LEG_HANG_UP] = { true, LEG_ENDING, LEG_ACT_HANG_UP },

	/* the answer crosses our CANCEL on the wire; then only BYE ends it */
	[LEG_ENDING][LEG_ANSWERED] = { true, LEG_ENDING, LEG_ACT_HANG_UP },
	[LEG_ENDING][LEG_OVER] = { true, LEG_ENDED, LEG_ACT_NONE },
	/* nobody told us that it ended: once more, and no longer waited for */
	[LEG_ENDING][LEG_LATE] = { true, LEG_ENDED, LEG_ACT_HANG_UP },
};

bool leg_move(struct leg *leg, enum leg_event ev, enum leg_act *act)
{
	const struct move *m = &moves[leg->state][ev];

	*act = LEG_ACT_NONE;
	if (!m->known)
		return false;
	leg->state = m->next;
	*act = m->act;
	return true;
}

bool leg_is_live(const struct leg *leg)
{
	return leg->state != LEG_ENDED;
}

const char *leg_event_name(enum leg_event ev)
{
	static const char *const names[LEG_EVENTS] = {
		[LEG_CONFIRMED] = "confirmed", [LEG_TRYING] = "trying", [LEG_RANG] = "rang",
		[LEG_ANSWERED] = "answered",   [LEG_OVER] = "over",     [LEG_HANG_UP] = "hang-up",
		[LEG_LATE] = "late",           [LEG_LOST] = "lost",
	};

	return names[ev];
}
