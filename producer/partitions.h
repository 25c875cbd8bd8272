/*
 * partitions.h - how many partitions calls.commands and calls.events have
 *
 * Asking for metadata blocks, so a thread of its own asks: every second until
 * it is known and right, every 10 s after, so that partitions added later are
 * used without a restart.  The functions may be called from any thread.
 */
#ifndef PARTITIONS_H
#define PARTITIONS_H

#include <stdint.h>

struct partitions;
struct settings;

#define PARTITIONS_AGAIN (INT64_C(10) * 1000000)

int partitions_open(struct partitions **out, const struct settings *s);
void partitions_close(struct partitions *p); /* NULL is fine; waits up to a second */

/* How many calls.commands has; 0: not known yet, or calls.events has fewer. */
int32_t partitions_commands(const struct partitions *p);
/* NULL: ready.  Else why not; lives for ever. */
const char *partitions_fault(const struct partitions *p);

#endif
