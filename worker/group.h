/*
 * group.h - our place in the consumer group of calls.commands
 *
 * With `range` every rebalance takes all partitions from everyone and hands them
 * out anew.  A revoke is answered in our own time: the loop goes on while the
 * steps in hand are finished, then group_release() gives the partitions back.
 * Commits go out only between an assignment and its release.  On the loop's
 * thread.
 */
#ifndef GROUP_H
#define GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kafka.h"

struct group;
struct loop;
struct settings;

struct group_handler {
	/* These are ours from now on; commands arrive from the committed offset. */
	void (*assigned)(void *arg, const int32_t *partitions, size_t n);
	/*
	 * Everything is to be given back: finish what is in hand, then group_release().
	 * `lost`: it belongs to others already, there is nothing to commit.
	 */
	void (*revoked)(void *arg, bool lost);
	/* One command; `m` is borrowed. */
	void (*message)(void *arg, const rd_kafka_message_t *m);
	/* The partition's next offset is out of range: an alarm, not a guess. */
	void (*out_of_range)(void *arg, int32_t partition);
	void *arg;
};

int group_open(struct group **out, struct loop *loop, const struct settings *s,
               const struct group_handler *h);
/* Leaves the group (its partitions were released before) and waits for that, a few ms on a live broker. */
void group_close(struct group *g); /* NULL is fine */

void group_release(struct group *g);         /* after revoked() */
bool group_is_member(const struct group *g); /* between assigned() and revoked() */

/* Commits: `next` is the offset after the last one that is told.  Sent with the next group_flush(). */
void group_commit(struct group *g, int32_t partition, int64_t next);
void group_flush(struct group *g);

enum group_word {
	GROUP_MEMBER, /* the coordinator took our commit: the partition is ours */
	GROUP_LEFT,   /* it did not: an assignment or a revoke is on its way */
	GROUP_SILENT, /* it did not answer: ask again */
};
typedef void group_word_fn(void *arg, int32_t partition, enum group_word word);
/* Asks by committing `next` (-1: where we began to read) once more. */
void group_ask(struct group *g, int32_t partition, int64_t next, group_word_fn *fn, void *arg);

/* Reads the partition again from `offset` on; what was fetched beyond is dropped. */
void group_seek(struct group *g, int32_t partition, int64_t offset);
void group_pause(struct group *g, int32_t partition, bool pause);

#endif
