/*
 * answer_by.h - until when an answer will surely have left: no webhook of the command goes out earlier
 *
 * Twice the 99.9th percentile, over the last 10 s, of the time from produce to
 * answer written; at least 10 ms, at most 1 s.  Answers that took longer all the
 * same are counted.
 */
#ifndef ANSWER_BY_H
#define ANSWER_BY_H

#include <stdint.h>

#define ANSWER_BY_SECONDS 10
#define ANSWER_BY_BUCKETS 96 /* a fourth of an octave each: 16 us to far beyond a second */

/* Zeroed is empty. */
struct answer_by {
	int64_t second[ANSWER_BY_SECONDS]; /* which one the slot holds */
	uint32_t counts[ANSWER_BY_SECONDS][ANSWER_BY_BUCKETS];
};

/* An answer was written `took` us after its produce; clock_mono() is `now`. */
void answer_by_note(struct answer_by *a, int64_t now, int64_t took);

/* How long to allow the next one, in us. */
int64_t answer_by_allow(const struct answer_by *a, int64_t now);

#endif
