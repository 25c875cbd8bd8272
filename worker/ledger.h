/*
 * ledger.h - reads the end of calls.events: what the world was told, at a takeover
 *
 * One consumer without a group, for all partitions.  A reading goes from an
 * offset to the end that the partition had after the reading began: the first
 * end-of-partition that an own fetch reports.  On the loop's thread.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include <stdint.h>

struct ledger;
struct loop;
struct settings;

struct ledger_record {
	int64_t offset;
	const void *data; /* NULL: the end; offset is the one after the last record */
	size_t len;
};

/* -EIO instead of a record: it could not be read (logged); the reading is over, and may be begun again. */
typedef void ledger_fn(void *arg, int error, const struct ledger_record *r);

int ledger_open(struct ledger **out, struct loop *loop, const struct settings *s);
void ledger_close(struct ledger *l); /* NULL is fine; no reading is answered any more */

/*
 * From `offset` (-1: from the beginning of what is kept) to the end.  One
 * reading a partition at a time; a new one takes the place of the old, whose
 * function is then not called again.
 */
void ledger_read(struct ledger *l, int32_t partition, int64_t offset, ledger_fn *fn, void *arg);
void ledger_stop(struct ledger *l, int32_t partition);

#endif
