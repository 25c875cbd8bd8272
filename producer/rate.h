/*
 * rate.h - how many requests a second a tenant may make: one bucket each, a second deep
 */
#ifndef RATE_H
#define RATE_H

#include <stdint.h>

struct rate;

/* `per_second` 0: no limit. */
int rate_open(struct rate **out, int64_t per_second);
void rate_close(struct rate *r); /* NULL is fine */

/* 0: go on.  Else how many us until the next one fits (clock_mono() is `now`). */
int64_t rate_take(struct rate *r, const char *tenant, int64_t now);

#endif
