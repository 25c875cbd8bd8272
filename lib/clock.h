/*
 * clock.h - what time it is
 *
 * Times are signed microseconds.  Tests link their own two functions, so that
 * they set the time instead of waiting for it.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_MS  INT64_C(1000)
#define CLOCK_SEC INT64_C(1000000)

int64_t clock_utc(void);  /* since 1970, as the machine believes */
int64_t clock_mono(void); /* since some moment; never goes back */

#endif
