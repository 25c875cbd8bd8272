/*
 * exit_within.h - the process ends by then, whatever it waits for
 *
 * librdkafka's close and destroy wait for a broker that stands still, some of it
 * without any bound of its own.  Whoever asked a program to stop must not.
 */
#ifndef EXIT_WITHIN_H
#define EXIT_WITHIN_H

#include <stdint.h>

#define EXIT_CLOSE INT64_C(5000000) /* us; what closing may take, once all is handed over */

/*
 * Unless it has ended by itself, the process ends with `status` in `time` us from
 * now, and says so on stderr; the next call takes the place of this one.  Uses
 * SIGALRM, which nothing else does.
 */
void exit_within(int64_t time, int status);

#endif
