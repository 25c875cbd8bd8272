/*
 * show_json.h - records as JSON, for show: names as in the schemas, times in RFC 3339
 *
 * The queries of addresses (callbacks, prompts) are secrets and are masked in all of it.
 */
#ifndef SHOW_JSON_H
#define SHOW_JSON_H

#include <jansson.h>

#include "records.h"

#define TIME_SIZE 32
/* "2026-11-22T08:00:00.123456Z"; "" for 0.  Returns out. */
const char *time_text(char out[TIME_SIZE], int64_t us);

/* "left" too, for which the API has no word of its own: whose app has gone while others talk on. */
const char *state_text(int state);

/* Both are the caller's to decref. */
json_t *record_json(const struct call_record *r);
json_t *event_json(const struct call_event *e, int64_t offset);

/* Of an object, or of anything else: "" and 0 where there is none of that name and kind.  The text is borrowed. */
const char *json_text(const json_t *o, const char *name);
long long json_number(const json_t *o, const char *name);

#endif
