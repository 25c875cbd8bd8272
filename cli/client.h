/*
 * client.h - callcast as a client of the API: one command, tried until it is answered
 *
 * A command names itself (Repeatability-Request-ID), so that another try is not
 * another command.  Tried again: what was not answered, and 429, 502, 503, 504, as
 * Retry-After says, for api.timeout in all.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdint.h>

#include <jansson.h>

#define CLIENT_PATH 160 /* room for every path that the commands ask for */

struct client;
struct settings;

/* TOOL_DONE, or the exit status; the reason was said on stderr. */
int client_open(struct client **out, const struct settings *s);
void client_close(struct client *c); /* NULL is fine */

/*
 * TOOL_DONE with *answer, the caller's to decref, NULL where the API sends no
 * JSON; or the exit status, said on stderr, with *answer NULL.  `body` may be
 * NULL, it is borrowed.  _within: with another bound than api.timeout (us).
 */
int client_ask(struct client *c, const char *method, const char *path, const json_t *body, json_t **answer);
int client_ask_within(struct client *c, int64_t timeout, const char *method, const char *path,
                      const json_t *body, json_t **answer);

#endif
