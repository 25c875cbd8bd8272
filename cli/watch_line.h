/* watch_line.h - one event of a call as a line for people */
#ifndef WATCH_LINE_H
#define WATCH_LINE_H

#include <stdio.h>

#include <jansson.h>

#include "records.h"

/* event_json() and whose it is: "callLegId", "state" (the call's, after it).  The caller's to decref. */
json_t *watch_event_json(const struct call_event *e, int64_t offset);

/* "<time> <callLegId> <number, or - for the ledger's own> <what>".  `event` as above; what it holds is printed as it is. */
void watch_line(FILE *out, const json_t *event);

#endif
