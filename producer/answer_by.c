/* answer_by.c - see answer_by.h */
#include "answer_by.h"

#include <string.h>

#include "clock.h"

#define AT_LEAST (10 * CLOCK_MS)
#define AT_MOST  (1000 * CLOCK_MS)

/* Bucket i holds what is at most bound_of(i): a fourth of an octave each, from 16 us. */
static int64_t bound_of(int i)
{
	return (INT64_C(4) + i % 4) << (i / 4 + 2);
}

static int bucket_of(int64_t took)
{
	int i = 0;

	while (i < ANSWER_BY_BUCKETS - 1 && bound_of(i) < took)
		i++;
	return i;
}

void answer_by_note(struct answer_by *a, int64_t now, int64_t took)
{
	int64_t second = now / CLOCK_SEC;
	int slot = (int)(second % ANSWER_BY_SECONDS);

	if (a->second[slot] != second) {
		a->second[slot] = second;
		memset(a->counts[slot], 0, sizeof(a->counts[slot]));
	}
	a->counts[slot][bucket_of(took)]++;
}

int64_t answer_by_allow(const struct answer_by *a, int64_t now)
{
	uint64_t sums[ANSWER_BY_BUCKETS] = { 0 }, all = 0, above = 0;
	int64_t second = now / CLOCK_SEC, allow;
	int i;

	for (int slot = 0; slot < ANSWER_BY_SECONDS; slot++) {
		if (a->second[slot] <= second - ANSWER_BY_SECONDS)
			continue;
		for (i = 0; i < ANSWER_BY_BUCKETS; i++) {
			sums[i] += a->counts[slot][i];
			all += a->counts[slot][i];
		}
	}
	if (!all)
		return AT_LEAST;

	/* down from the slowest, while no more than a thousandth lies above */
	for (i = ANSWER_BY_BUCKETS - 1; i > 0; i--) {
		above += sums[i];
		if (above * 1000 > all)
			break;
	}
	allow = 2 * bound_of(i);
	if (allow < AT_LEAST)
		return AT_LEAST;
	return allow < AT_MOST ? allow : AT_MOST;
}
