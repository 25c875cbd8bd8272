/*
 * step_parts.h - what the files of a step share: step.c, step_read.c, step_fail.c
 */
#ifndef STEP_PARTS_H
#define STEP_PARTS_H

#include "worker.h"

/* step.c */
typedef void decide_fn(struct plan *, struct call_record *, const struct input *, const struct call_rules *,
                       int64_t);
struct step *step_decide(struct call *c, struct queued *q, decide_fn *decide);
void step_ask(struct step *s);
/* From here on it is what happened.  Ends with call_run(): the call may be gone afterwards. */
void step_saved(struct step *s);
/* It changes nothing; takes q. */
void step_ignored(struct call *c, struct queued *q, const char *note);
/* The step comes to nothing: what its confirm was to take out of the outbox waits for the next one. */
void step_confirm_back(struct step *s);
/* Nothing to dial any more: what the confirm would take out of the outbox is cleared like the rest. */
void step_confirm_is_ordinary(struct call *c);

/* step_read.c */
void call_read(struct call *c);

/* step_fail.c; after each the call may be gone */
void step_stale(struct step *s);  /* Redis has another version: it is read, and the input comes again */
void step_failed(struct step *s); /* Redis answered FAILED */
/* What Redis has of the call means nothing to anybody: neither does what comes for it. */
void call_unreadable(struct call *c, const char *why);

#endif
