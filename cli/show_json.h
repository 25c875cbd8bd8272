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

/* A copy of `v`, the caller's, with the phone numbers in its strings masked: "4:+46701234567" is "4:+46*******67". */
json_t *json_masked(const json_t *v);
/* A copy, the caller's, with control characters in its strings as '?': for a terminal, where JSON does not escape them. */
json_t *json_printable(const json_t *v);

#endif
