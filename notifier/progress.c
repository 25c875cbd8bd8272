/* progress.c - see progress.h */
#include "progress.h"

#include <errno.h>
#include <stdlib.h>

#include "must.h"

struct progress_entry {
	int64_t offset;
	bool closed;
};

static struct progress_entry *at(const struct progress *p, size_t i)
{
	return &p->entries[(p->first + i) % p->size];
}

void progress_start(struct progress *p, int64_t next)
{
	p->first = p->count = 0;
	p->next = next;
}

void progress_clear(struct progress *p)
{
	free(p->entries);
	*p = (struct progress){ .next = -1 };
}

static void grow(struct progress *p)
{
	size_t size = p->size ? p->size * 2 : 64;
	struct progress_entry *entries;

	entries = must_calloc(size, sizeof(*entries));
	for (size_t i = 0; i < p->count; i++)
		entries[i] = *at(p, i);
	free(p->entries);
	p->entries = entries;
	p->size = size;
	p->first = 0;
}

int progress_open(struct progress *p, int64_t offset)
{
	if (offset < p->next)
		return -EINVAL;
	if (p->count == p->size)
		grow(p);
	p->count++;
	*at(p, p->count - 1) = (struct progress_entry){ .offset = offset };
	p->next = offset + 1;
	return 0;
}

void progress_close(struct progress *p, int64_t offset)
{
	size_t low = 0, high = p->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (at(p, mid)->offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == p->count || at(p, low)->offset != offset)
		return;
	at(p, low)->closed = true;
	while (p->count && at(p, 0)->closed) {
		p->first = (p->first + 1) % p->size;
		p->count--;
	}
}

int64_t progress_low(const struct progress *p)
{
	return p->count ? at(p, 0)->offset : p->next;
}
