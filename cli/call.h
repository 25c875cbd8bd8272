/* call.h - what goes from the command line into a request about a call */
#ifndef CALL_H
#define CALL_H

#include <jansson.h>

struct line;

/* Puts the option's value there, if it was given. */
void call_put_option(json_t *body, const char *field, const struct line *l, const char *option);
/* {"value": number}, likewise. */
void call_put_number(json_t *body, const char *field, const struct line *l, const char *option);

#endif
