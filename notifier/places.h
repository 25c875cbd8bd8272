/*
 * places.h - the partitions that are ours, and how far each is finished
 *
 * Numbers every assignment, so that what belongs to an earlier one is told apart.
 */
#ifndef PLACES_H
#define PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <librdkafka/rdkafka.h>

#include "progress.h"

struct place {
	int32_t partition;
	struct progress progress;
	int64_t committed;   /* < 0: nothing by us */
	int64_t end;         /* of the partition, when it came to us */
	const char *stopped; /* why it is read no further; NULL: it is read */
};

struct places {
	uint64_t assignment; /* 1.. */
	struct place *list;
	size_t count;
};

/* A new assignment; NULL or empty: we have none. */
void places_start(struct places *p, const rd_kafka_topic_partition_list_t *list);
void places_clear(struct places *p);

struct place *places_get(const struct places *p, int32_t partition); /* NULL: not ours */
void places_end(struct places *p, int32_t partition, int64_t end);

/* What can be committed and is not yet, noted as committed; the caller destroys it.  NULL: nothing. */
rd_kafka_topic_partition_list_t *places_to_commit(struct places *p, const char *topic);
/* It failed: it is to be committed again. */
void places_uncommitted(struct places *p, const rd_kafka_topic_partition_list_t *list);

/* Those that are read; the caller destroys it.  NULL: none. */
rd_kafka_topic_partition_list_t *places_running(const struct places *p, const char *topic);

void places_ready(const struct places *p, const char *topic, FILE *reasons);

#endif
