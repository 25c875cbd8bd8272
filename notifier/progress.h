/*
 * progress.h - how far a partition is finished, while its records finish in any order
 *
 * Records are opened in the order of their offsets and closed in any order; the
 * offset to commit is the lowest one still open.  Offsets may have holes.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	struct progress_entry *entries; /* a ring, oldest first */
	size_t size, first, count;
	int64_t next; /* to commit when nothing is open; < 0: not known yet */
};

void progress_start(struct progress *p, int64_t next); /* empties it */
void progress_clear(struct progress *p);

/* -EINVAL: not above the one before. */
int progress_open(struct progress *p, int64_t offset);
void progress_close(struct progress *p, int64_t offset); /* unknown or closed before: fine */

/* The offset to commit; < 0: not known. */
int64_t progress_low(const struct progress *p);

#endif
