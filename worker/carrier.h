/*
 * carrier.h - what places dials: simulated phones now, SIP later
 *
 * Each function only asks; it cannot fail.  What happened comes back later, in
 * a turn of the loop of its own, as carrier events named by dial id.  All on the
 * loop's thread.  Strings are borrowed for the time of the call.
 *
 * A dial is made at most once for a dial id: asking twice in one process is
 * a fault of the caller's (the sim's ledger would show it).
 */
#ifndef CARRIER_H
#define CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"

enum carrier_event_kind {
	CARRIER_TRYING,
	CARRIER_RINGING,  /* a 18x */
	CARRIER_ANSWERED, /* a 2xx */
	CARRIER_DIGIT,
	CARRIER_PLAYED, /* a prompt came to its end, or failed; never after stop() */
	CARRIER_ENDED,  /* the last event of a dial: final answer, hang-up by either side */
};

struct carrier_event {
	enum carrier_event_kind kind;
	const char *dial_id;
	int64_t due;      /* us UTC at which it happened or was to happen; 0: not known */
	char digit;       /* DIGIT: 0-9 * # A-D F(lash) */
	const char *play; /* PLAYED: the id given to play() */
	enum { PLAYED_OK, PLAYED_BAD_FORMAT, PLAYED_DOWNLOAD_FAILED } played;
	int code;           /* ENDED: SIP code; 200: it had been answered and was then hung up */
	const char *reason; /* ENDED: the words beside the code */
};

typedef void carrier_event_fn(void *arg, const struct carrier_event *ev);

struct carrier;

struct carrier_dial {
	const char *dial_id; /* <callLegId>.<leg>.<n>: Call-ID and tags derive from it */
	const char *address; /* what address_of() made */
	const char *caller;  /* E.164 shown to the callee, or NULL */
};

struct carrier_play {
	const char *play, *uri;
	bool loop;
	int64_t started_at; /* us UTC */
};

struct carrier_ops {
	const char *name; /* "sim" */
	/* What is dialled for this identifier: *out is malloc'ed.  -EINVAL: this carrier can't reach such a one. */
	int (*address_of)(struct carrier *c, const struct identifier *id, char **out);
	void (*dial)(struct carrier *c, const struct carrier_dial *d);
	/* Listen to what is said before the answer (183). */
	void (*answer_early)(struct carrier *c, const char *dial_id);
	/*
	 * CANCEL, BYE, or a refusal of what rings: ENDED follows.  A dial that is
	 * unknown here is ended by the derived ids, as far as they reach; nothing follows.
	 */
	void (*hang_up)(struct carrier *c, const char *dial_id);
	/* To one leg.  `started_at` (us UTC) in the past: goes on where that puts it. */
	void (*play)(struct carrier *c, const char *dial_id, const char *play, const char *uri, bool loop,
	             int64_t started_at);
	void (*stop)(struct carrier *c, const char *dial_id, const char *play); /* nothing follows */
	/*
	 * After adopt(): these prompts and no others.  One that the leg does not hear
	 * yet is played to it from where its start puts it; the others are stopped, and
	 * nothing follows of them.
	 */
	void (*keep_plays)(struct carrier *c, const char *dial_id, const struct carrier_play *plays,
	                   size_t n);
	/* Connects the leg with the others of the bridge of that name; the bridge lives while it has legs. */
	void (*bridge)(struct carrier *c, const char *dial_id, const char *bridge);
	void (*unbridge)(struct carrier *c, const char *dial_id);
	/* The call's app left then (us UTC): the leg has only those of its bridge.  Twice is as once. */
	void (*leave)(struct carrier *c, const char *dial_id, int64_t since);
	void (*send_digits)(struct carrier *c, const char *dial_id, const char *digits);
	/*
	 * What a new owner needs to take the leg over: out->data is malloc'ed.  Also for
	 * a while after its end, if the carrier can: that may not be saved yet, and is
	 * told again to who adopts the leg.  -ENOENT: no such dial.
	 */
	int (*store)(struct carrier *c, const char *dial_id, struct bytes *out);
	/* Takes the leg over; ENDED follows if it can't be had.  A dial that is here already is left as it is. */
	void (*adopt)(struct carrier *c, const char *dial_id, const struct bytes *record);
	/* Another worker has the leg: drop it without a word to the phone; nothing follows. */
	void (*forget)(struct carrier *c, const char *dial_id);
	void (*close)(struct carrier *c);
};

struct carrier {
	const struct carrier_ops *ops;
};

struct loop;
struct settings;

/* Simulated phones: carrier_sim.c.  *out is ended with ops->close(). */
int carrier_sim_open(struct carrier **out, struct loop *loop, const struct settings *s, carrier_event_fn *fn,
                     void *arg);

#endif
