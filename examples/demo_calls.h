/*
 * demo_calls.h - the script of each call: tell of the outage, take a digit, hang up
 *
 * create, wait for `established`, play the prompt, wait for a digit, hang up, wait
 * for `terminated`.  Driven by webhooks; nothing is remembered but struct call.
 */
#ifndef DEMO_CALLS_H
#define DEMO_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "demo_contacts.h"

enum step { STEP_WAITING, STEP_ASKED, STEP_RINGING, STEP_TALKING, STEP_HANGING_UP, STEP_ENDED, STEPS };

struct call {
	const struct contact *contact;
	struct calls *calls;
	enum step step;
	char id[64];         /* callLegId */
	int64_t last_number; /* of the newest event */
	bool answered;
	char tone[8];       /* the first digit's: "1", "star"; "" none yet */
	char outcome[24];   /* of the final event, or "refused": the API did not take the call */
	int64_t hang_up_at; /* clock_mono(); 0: not yet known */
};

struct calls {
	struct call *list;
	size_t count;
	size_t steps[STEPS]; /* how many calls stand at each */
	struct api *api;
	struct hook *hook;
	/* webhooks that were signed and well formed */
	size_t in_order, repeated, out_of_order;
	/* requests that were refused though nothing was wrong with them; the last one's words */
	size_t refused;
	char refusal[200];
};

struct hook_event;

/* `count` calls: the contacts, from the first again when there are fewer.  -ENOMEM. */
int calls_open(struct calls *c, const struct contacts *contacts, size_t count);
void calls_close(struct calls *c);
/* Asks for all of them: the API takes them as fast as it can.  -ENOMEM. */
int calls_start(struct calls *c);
/* hook_event_fn; arg is the struct calls */
void calls_event(void *arg, const struct hook_event *ev);
/* Hangs up where nobody pressed anything in time. */
void calls_turn(struct calls *c);

#endif
