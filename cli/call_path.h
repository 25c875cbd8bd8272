/* call_path.h - what the call commands share: a call's path, how an answer is printed */
#ifndef CALL_PATH_H
#define CALL_PATH_H

#include <jansson.h>

#include "client.h"

struct line;
struct settings;

/*
 * "/calls/<callLegId><behind>", the id being the line's first argument.  TOOL_DONE,
 * or TOOL_USAGE: not an id, said on stderr; nobody is asked then.
 */
int call_path(char out[CLIENT_PATH], const struct line *l, const char *behind);

/* One command to the call of the line; `body` is taken.  As client_ask(). */
int call_command(const struct settings *s, const struct line *l, const char *method, const char *behind,
                 json_t *body, json_t **answer);

/* For what the API answers without a body: nothing, or {"callLegId", "status": "accepted"} with --json. */
void call_print_accepted(const struct line *l);

/* Puts the option's value there, if it was given. */
void call_put_option(json_t *body, const char *field, const struct line *l, const char *option);
/* {"value": number}, likewise. */
void call_put_number(json_t *body, const char *field, const struct line *l, const char *option);

#endif
