/*
 * offsets.h - which commands of one partition are in hand, and what may be committed
 *
 * The committed offset is the one below which everything is told: the oldest
 * command in hand, or the one after the newest.  Not the newest that is done:
 * those before it would be lost with us.
 */
#ifndef OFFSETS_H
#define OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct offsets {
	struct offset_entry {
		int64_t offset;
		bool done;
	} * ring;
	size_t size, first, count; /* size is a power of two */
	int64_t next;              /* one after the newest seen; -1: none seen */
};

void offsets_init(struct offsets *o);
void offsets_clear(struct offsets *o);
void offsets_add(struct offsets *o, int64_t offset); /* each higher than the one before */
/* Is it in hand, and not done? */
bool offsets_hold(const struct offsets *o, int64_t offset);
/* False: not in hand (the partition was given back meanwhile). */
bool offsets_done(struct offsets *o, int64_t offset);
/* Below this everything is told; -1: nothing was seen yet. */
int64_t offsets_told(const struct offsets *o);

#endif
