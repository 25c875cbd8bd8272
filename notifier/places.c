/* places.c - see places.h */
#include "places.h"

#include <inttypes.h>
#include <stdlib.h>

#include "must.h"

static void drop(struct places *p)
{
	for (size_t i = 0; i < p->count; i++)
		progress_clear(&p->list[i].progress);
	free(p->list);
	p->list = NULL;
	p->count = 0;
}

void places_start(struct places *p, const rd_kafka_topic_partition_list_t *list)
{
	drop(p);
	p->assignment++;
	if (!list || !list->cnt)
		return;
	p->count = (size_t)list->cnt;
	p->list = must_calloc(p->count, sizeof(*p->list));
	for (size_t i = 0; i < p->count; i++) {
		p->list[i].partition = list->elems[i].partition;
		p->list[i].committed = -1;
		p->list[i].end = INT64_MAX;
		/* before the first record nothing is to be committed: where the beginning is we don't know */
		progress_start(&p->list[i].progress, -1);
	}
}

void places_clear(struct places *p)
{
	drop(p);
}

struct place *places_get(const struct places *p, int32_t partition)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].partition == partition)
			return &p->list[i];
	return NULL;
}

void places_end(struct places *p, int32_t partition, int64_t end)
{
	struct place *place = places_get(p, partition);

	if (place)
		place->end = end;
}

static rd_kafka_topic_partition_list_t *add(rd_kafka_topic_partition_list_t *list, const char *topic,
                                            const struct place *place, int64_t offset)
{
	if (!list)
		list = rd_kafka_topic_partition_list_new(16);
	rd_kafka_topic_partition_list_add(list, topic, place->partition)->offset = offset;
	return list;
}

rd_kafka_topic_partition_list_t *places_to_commit(struct places *p, const char *topic)
{
	rd_kafka_topic_partition_list_t *list = NULL;

	for (size_t i = 0; i < p->count; i++) {
		struct place *place = &p->list[i];
		int64_t low = progress_low(&place->progress);

		if (low < 0 || low == place->committed)
			continue;
		list = add(list, topic, place, low);
		place->committed = low;
	}
	return list;
}

void places_uncommitted(struct places *p, const rd_kafka_topic_partition_list_t *list)
{
	struct place *place;

	for (int i = 0; i < list->cnt; i++) {
		place = places_get(p, list->elems[i].partition);
		if (place)
			place->committed = -1;
	}
}

rd_kafka_topic_partition_list_t *places_running(const struct places *p, const char *topic)
{
	rd_kafka_topic_partition_list_t *list = NULL;

	for (size_t i = 0; i < p->count; i++)
		if (!p->list[i].stopped)
			list = add(list, topic, &p->list[i], RD_KAFKA_OFFSET_INVALID);
	return list;
}

void places_ready(const struct places *p, const char *topic, FILE *reasons)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->list[i].stopped)
			fprintf(reasons, "%s partition %" PRId32 " stands still: %s\n", topic,
			        p->list[i].partition, p->list[i].stopped);
}
