/*
 * verdict.h - what an answer to a webhook means, and how long to wait for the next try
 *
 * The only place that decides; no socket and no clock is in it.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>
#include <stdint.h>

enum verdict {
	VERDICT_DELIVERED,
	VERDICT_RETRY,
	VERDICT_GIVE_UP, /* asking again would be answered alike */
	VERDICT_GONE,    /* 410: nothing is sent there any more */
};

/* `status` 0: no answer came.  `refused`: the address is one that may not be connected to. */
enum verdict verdict_of(int status, bool refused);

/*
 * After `tries` tries (1..): `first` doubled each time, at most `most`, give or
 * take a fifth as `dice` (any number) falls, so that what failed together does
 * not come back together.  A Retry-After (us; < 0: none) is obeyed exactly, up
 * to `most`.
 */
int64_t verdict_delay(int tries, int64_t first, int64_t most, int64_t retry_after, uint32_t dice);

#endif
