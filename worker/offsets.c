/* offsets.c - see offsets.h */
#include "offsets.h"

#include <stdlib.h>

#include "must.h"

void offsets_init(struct offsets *o)
{
	*o = (struct offsets){ .next = -1 };
}

void offsets_clear(struct offsets *o)
{
	free(o->ring);
	offsets_init(o);
}

static struct offset_entry *at(const struct offsets *o, size_t i)
{
	return &o->ring[(o->first + i) & (o->size - 1)];
}

static void grow(struct offsets *o)
{
	const size_t size = o->size ? o->size * 2 : 64;
	struct offset_entry *ring = must_calloc(size, sizeof(*ring));

	for (size_t i = 0; i < o->count; i++)
		ring[i] = *at(o, i);
	free(o->ring);
	o->ring = ring;
	o->size = size;
	o->first = 0;
}

void offsets_add(struct offsets *o, int64_t offset)
{
	if (o->count == o->size)
		grow(o);
	*at(o, o->count++) = (struct offset_entry){ .offset = offset };
	o->next = offset + 1;
}

static struct offset_entry *find(const struct offsets *o, int64_t offset)
{
	size_t low = 0, high = o->count;

	while (low < high) { /* offsets may have gaps, but they rise */
		const size_t middle = low + (high - low) / 2;

		if (at(o, middle)->offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low == o->count || at(o, low)->offset != offset ? NULL : at(o, low);
}

bool offsets_hold(const struct offsets *o, int64_t offset)
{
	const struct offset_entry *e = find(o, offset);

	return e && !e->done;
}

bool offsets_done(struct offsets *o, int64_t offset)
{
	struct offset_entry *e = find(o, offset);

	if (!e)
		return false;
	e->done = true;
	while (o->count && at(o, 0)->done) {
		o->first = (o->first + 1) & (o->size - 1);
		o->count--;
	}
	return true;
}

int64_t offsets_told(const struct offsets *o)
{
	return o->count ? at(o, 0)->offset : o->next;
}
