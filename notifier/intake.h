/*
 * intake.h - the group member that reads calls.events, and how far it is finished
 *
 * Every record read is given to its reader once, and is finished by
 * intake_done(), in any order; the offset committed is the lowest one not
 * finished.  A partition starts at its committed offset, one without a
 * committed offset at its beginning.  An offset that the broker does not have
 * any more is an alarm, not a guess: the partition stands still until a person
 * has looked.
 *
 * A rebalance takes everything away.  The reader is told (revoked), drops what
 * it has not begun, and gets HANDOVER to finish what is on its way, so that the
 * next owner finds it finished; then the offsets are committed and the partitions
 * given back.  All on the loop's thread.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "kafka.h"

struct intake;

/* Where a record came from.  One of an earlier assignment is out of date: finishing it does nothing. */
struct intake_ticket {
	int32_t partition;
	int64_t offset;
	uint64_t assignment;
};

struct intake_record {
	struct intake_ticket ticket;
	const void *key, *value; /* borrowed for the time of the call */
	size_t key_len, value_len;
	bool old; /* it was there before the partition came to us: another process may have finished it */
};

struct intake_reader {
	void (*record)(void *arg, const struct intake_record *r);
	/* A new assignment begins; records come again from the committed offsets. */
	void (*assigned)(void *arg);
	/* The partitions are gone. */
	void (*revoked)(void *arg);
	/* Is something on its way that is worth waiting for, for a moment? */
	bool (*busy)(void *arg);
	void *arg;
};

int intake_open(struct intake **out, struct loop *loop, const struct settings *s,
                const struct intake_reader *reader);
void intake_close(struct intake *in); /* NULL is fine; does not leave the group: intake_leave() does */

/* Joins the group.  0, or a negative errno; the reason is logged. */
int intake_start(struct intake *in);

void intake_done(struct intake *in, const struct intake_ticket *t);
/* Is it of the present assignment? */
bool intake_is_current(const struct intake *in, const struct intake_ticket *t);
/* Reads no more until intake_hold(in, false). */
void intake_hold(struct intake *in, bool hold);
/* This partition is read no further, in this assignment; `why` (lives on) is said by /readyz. */
void intake_stop_partition(struct intake *in, int32_t partition, const char *why);

/* Commits, gives everything back, leaves the group; intake_has_left() says when that is done. */
void intake_leave(struct intake *in);
bool intake_has_left(struct intake *in);

/* Why not ready, one reason a line. */
void intake_ready(struct intake *in, FILE *reasons);

rd_kafka_t *intake_handle(struct intake *in); /* for questions about topics */

#endif
