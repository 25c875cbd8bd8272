/* call_view.h - a call as GET /calls/{id} answers it, for people: masked unless all is asked for */
#ifndef CALL_VIEW_H
#define CALL_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* `call` is borrowed, and may be whatever the API answered. */
void call_view_text(FILE *out, const json_t *call, bool full);
void call_view_json(FILE *out, const json_t *call, bool full);
/* One line: "established", or "terminated busy 486/560486". */
void call_view_outcome(FILE *out, const json_t *call);

#endif
