/* call_view.h - what the API calls people and calls, for people: numbers are masked unless all is asked for */
#ifndef CALL_VIEW_H
#define CALL_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/*
 * Whom a word of the command line means, as the API's identifier: "+46701740605" is
 * a phoneNumber; "8:acs:..." and "user:alice" are a communicationUser; else it is
 * a rawId.  The caller's to decref.  Whether it is any good the API says.
 */
json_t *who_json(const char *text);
/* The number, user id or raw id of one, borrowed and as it is; "" where it has none. */
const char *who_text(const json_t *identifier);

/* A call as GET /calls/{id} answers it.  `call` is borrowed, and may be whatever the API answered. */
void call_view_text(FILE *out, const json_t *call, bool full);
void call_view_json(FILE *out, const json_t *call, bool full);
/* One line: "established", or "terminated busy 486/560486". */
void call_view_outcome(FILE *out, const json_t *call);

#endif
