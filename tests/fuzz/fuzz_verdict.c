/*
 * fuzz_verdict.c - what an answer to a webhook means, and when the next try is: notifier/verdict.c
 *
 * An input is numbers: status, tries, dice, Retry-After, the first and the longest delay, 8 bytes each at most.
 */
#include "fuzz.h"

#include <string.h>

#include "clock.h"
#include "verdict.h"

static int64_t take(const uint8_t **data, size_t *size, size_t bytes)
{
	int64_t n = 0;

	for (; bytes && *size; bytes--, (*size)--)
		n = (int64_t)((uint64_t)n << 8 | *(*data)++);
	return n;
}

static void check_verdict(int status)
{
	enum verdict v = verdict_of(status, false);

	HOLDS((v == VERDICT_DELIVERED) == (status / 100 == 2));
	HOLDS((v == VERDICT_GONE) == (status == 410));
	/* what is the server's fault, or was not heard at all, is tried again */
	HOLDS(v == VERDICT_RETRY || (status && status < 500));
	HOLDS(verdict_of(status, true) == VERDICT_GIVE_UP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int status = (int)(take(&data, &size, 2) % 1000), tries = 1 + (int)(take(&data, &size, 1) % 100);
	uint32_t dice = (uint32_t)take(&data, &size, 4);
	int64_t after = take(&data, &size, 8), delay;
	/* webhook.retry and webhook.retry.max, within the bounds of their settings */
	int64_t first = CLOCK_MS + (int64_t)((uint64_t)take(&data, &size, 8) % (3600 * CLOCK_SEC));
	int64_t most = first + (int64_t)((uint64_t)take(&data, &size, 8) % (20 * 3600 * CLOCK_SEC));

	check_verdict(status);
	delay = verdict_delay(tries, first, most, after, dice);
	HOLDS(delay >= 0 && delay <= most);
	if (after >= 0)
		HOLDS(delay == (after < most ? after : most));
	else
		HOLDS(delay >= first - first / 5 - 1 || delay == most);
	return 0;
}
