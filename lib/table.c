/*
 * table.c - see table.h.  Open addressing, linear probing; a removed entry leaves
 * a tombstone, so that nothing moves while somebody walks the table.
 */
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct entry {
	uint64_t hash;
	void *value;
	char key[];
};

struct table {
	struct entry **slots;
	size_t size;  /* a power of two */
	size_t used;  /* entries and tombstones: a quarter of the slots stays free, where probes end */
	size_t count; /* entries */
	uint64_t seed;
};

static struct entry tombstone;

/* FNV-1a over a random start, then mixed, because the low bits choose the slot. */
static uint64_t hash_of(const struct table *t, const char *key)
{
	uint64_t h = t->seed;

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

/* The slot of the key, or `size`. */
static size_t find(const struct table *t, const char *key, uint64_t hash)
{
	size_t i;

	for (i = hash & (t->size - 1); t->slots[i]; i = (i + 1) & (t->size - 1))
		if (t->slots[i] != &tombstone && t->slots[i]->hash == hash && !strcmp(t->slots[i]->key, key))
			return i;
	return t->size;
}

static void place(struct table *t, struct entry *e)
{
	size_t i = e->hash & (t->size - 1);

	while (t->slots[i])
		i = (i + 1) & (t->size - 1);
	t->slots[i] = e;
	t->used++;
}

/* Room for one more: twice the slots, or the same number without the tombstones. */
static int make_room(struct table *t)
{
	struct entry **old = t->slots;
	size_t i, n = t->size;

	if (t->used + 1 <= n / 4 * 3)
		return 0;
	if (t->count >= n / 2)
		t->size = 2 * n;
	t->slots = calloc(t->size, sizeof(struct entry *));
	if (!t->slots) {
		t->slots = old;
		t->size = n;
		return -ENOMEM;
	}
	t->used = 0;
	for (i = 0; i < n; i++)
		if (old[i] && old[i] != &tombstone)
			place(t, old[i]);
	free(old);
	return 0;
}

int table_open(struct table **out)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->size = 16;
	t->slots = calloc(t->size, sizeof(struct entry *));
	if (!t->slots) {
		free(t);
		return -ENOMEM;
	}
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != sizeof(t->seed))
		t->seed = (uintptr_t)t; /* early at boot; better than none */
	*out = t;
	return 0;
}

void table_close(struct table *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->size; i++)
		if (t->slots[i] != &tombstone)
			free(t->slots[i]);
	free(t->slots);
	free(t);
}

void *table_get(const struct table *t, const char *key)
{
	size_t i = find(t, key, hash_of(t, key));

	return i < t->size ? t->slots[i]->value : NULL;
}

int table_put(struct table *t, const char *key, void *value)
{
	uint64_t hash = hash_of(t, key);
	size_t i = find(t, key, hash), len = strlen(key) + 1;
	struct entry *e;

	if (i < t->size) {
		t->slots[i]->value = value;
		return 0;
	}
	e = malloc(sizeof(*e) + len);
	if (!e || make_room(t) < 0) {
		free(e);
		return -ENOMEM;
	}
	e->hash = hash;
	e->value = value;
	memcpy(e->key, key, len);
	place(t, e);
	t->count++;
	return 0;
}

void *table_remove(struct table *t, const char *key)
{
	size_t i = find(t, key, hash_of(t, key));
	void *value;

	if (i == t->size)
		return NULL;
	value = t->slots[i]->value;
	free(t->slots[i]);
	t->slots[i] = &tombstone;
	t->count--;
	return value;
}

size_t table_count(const struct table *t)
{
	return t->count;
}

void *table_next(const struct table *t, size_t *cursor, const char **key)
{
	while (*cursor < t->size) {
		const struct entry *e = t->slots[(*cursor)++];

		if (!e || e == &tombstone)
			continue;
		if (key)
			*key = e->key;
		return e->value;
	}
	return NULL;
}
