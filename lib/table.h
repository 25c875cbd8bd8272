/*
 * table.h - a hash table: string to pointer
 *
 * Keys are copied, values are the caller's.  One thread at a time.  The hash is
 * keyed at random, so that no caller can aim many names at one slot.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

struct table;

/* 0 or -ENOMEM. */
int table_open(struct table **out);
void table_close(struct table *t); /* NULL is fine; frees no values */

/* NULL: no such key. */
void *table_get(const struct table *t, const char *key);
/* Replaces what was there; `value` is not NULL.  0, or -ENOMEM: nothing has changed. */
int table_put(struct table *t, const char *key, void *value);
/* Returns the value, or NULL: no such key.  Cannot fail. */
void *table_remove(struct table *t, const char *key);
size_t table_count(const struct table *t);

/*
 * Each entry once, in no order: *cursor starts at 0, NULL is the end.  The entry
 * just returned may be removed; adding a key in between spoils the walk.  *key
 * (NULL allowed) is borrowed until its entry is removed.
 */
void *table_next(const struct table *t, size_t *cursor, const char **key);

#endif
