/*
 * demo_api.h - Callcast's HTTP API, as a program that uses it speaks to it
 *
 * Signs each request (HMAC-SHA256), keeps at most API_AT_ONCE on their way, and
 * sends again what was not taken (no answer, 429, 5xx) with the same
 * Repeatability-Request-ID, so that nothing is carried out twice.
 */
#ifndef DEMO_API_H
#define DEMO_API_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define API_AT_ONCE 32
#define API_TRIES   6

struct api;

/* `access_key` is base64.  -EINVAL: the endpoint is no http://host:port, or the key no base64. */
int api_open(struct api **out, const char *endpoint, const char *access_key);
void api_close(struct api *a); /* NULL is fine; what is open is not answered any more */

/* status 0: no answer at all, `body` says why.  `body` is borrowed, NULL where the answer is no JSON. */
typedef void api_answer_fn(void *arg, int status, const json_t *body);

/* POST.  `body` is taken, NULL: none.  -ENOMEM. */
int api_post(struct api *a, const char *path, json_t *body, api_answer_fn *fn, void *arg);

/* Sends, receives and calls back; waits at most `wait_ms` for that, or for `fd` to become readable. */
void api_turn(struct api *a, int fd, int wait_ms);
/* How many requests had to be sent again. */
size_t api_repeats(const struct api *a);

#endif
