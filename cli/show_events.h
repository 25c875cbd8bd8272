/* show_events.h - a call's events, read from its partition of calls.events */
#ifndef SHOW_EVENTS_H
#define SHOW_EVENTS_H

#include <stdint.h>

#include "callid.h"
#include "records.h"

struct settings;

/* A little before the id was made, us since 1970; 0: it does not say when. */
int64_t events_since(const struct callid *id);

/* In the topic's order, each seq once: the first record counts. */
typedef void events_fn(void *arg, const struct call_event *e, int64_t offset);

/*
 * 0, or a negative errno, said on stderr.  From a little before the id was made
 * to the partition's end, as far as it was when asked.
 */
int events_read(const struct settings *s, const struct callid *id, const char *call_leg_id, events_fn *fn,
                void *arg);

#endif
