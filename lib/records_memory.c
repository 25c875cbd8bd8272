/* records_memory.c - clearing and copying records: walks over the tables */
#include "records_parts.h"

#include <errno.h>
#include <stdlib.h>

static void clear_list(const struct field *f, void *array, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (f->kind == FIELD_TEXTS)
			free(((char **)array)[i]);
		else
			table_clear(f->table, (char *)array + i * f->table->size);
	}
	free(array);
}

static void clear_field(const struct field *f, char *at)
{
	void *p;

	switch (f->kind) {
	case FIELD_TEXT:
		free(pointer_at(at + f->offset));
		break;
	case FIELD_BLOB:
		free(((struct bytes *)(at + f->offset))->data);
		break;
	case FIELD_PART:
		table_clear(f->table, at + f->offset);
		break;
	case FIELD_OPTIONAL:
		p = pointer_at(at + f->offset);
		if (p)
			table_clear(f->table, p);
		free(p);
		break;
	case FIELD_LIST:
	case FIELD_TEXTS:
		clear_list(f, pointer_at(at + f->offset), *(size_t *)(at + f->count_offset));
		break;
	case FIELD_INT32:
	case FIELD_INT64:
	case FIELD_FLAG:
	case FIELD_WORD:
		break;
	}
}

void table_clear(const struct table *t, void *at)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		clear_field(&t->fields[i], at);
	memset(at, 0, t->size);
}

static int copy_list(const struct field *f, char *to, const char *from)
{
	size_t count = *(const size_t *)(from + f->count_offset), i;
	size_t size = f->kind == FIELD_TEXTS ? sizeof(char *) : f->table->size;
	const char *source = pointer_at(from + f->offset);
	char *array;
	int r = 0;

	if (!count)
		return 0;
	array = calloc(count, size);
	if (!array)
		return -ENOMEM;

	/* all of it belongs to the copy from here on, so that a failure below is cleared with it */
	set_pointer(to + f->offset, array);
	*(size_t *)(to + f->count_offset) = count;
	for (i = 0; i < count && r == 0; i++) {
		if (f->kind == FIELD_LIST) {
			r = table_copy(f->table, array + i * size, source + i * size);
			continue;
		}
		if (!((char *const *)source)[i])
			continue;
		((char **)array)[i] = strdup(((char *const *)source)[i]);
		if (!((char **)array)[i])
			r = -ENOMEM;
	}
	return r;
}

/* What `to` holds of this field is zero before. */
static int copy_pointer(const struct field *f, char *to, const char *from)
{
	const struct bytes *blob = (const struct bytes *)(from + f->offset);
	void *source = pointer_at(from + f->offset);
	void *copy;

	if (!source)
		return 0;
	if (f->kind == FIELD_TEXT)
		copy = strdup(source);
	else if (f->kind == FIELD_BLOB)
		copy = malloc(blob->len ? blob->len : 1);
	else
		copy = calloc(1, f->table->size);
	if (!copy)
		return -ENOMEM;

	set_pointer(to + f->offset, copy);
	if (f->kind == FIELD_BLOB) {
		memcpy(copy, blob->data, blob->len);
		((struct bytes *)(to + f->offset))->len = blob->len;
	}
	return f->kind == FIELD_OPTIONAL ? table_copy(f->table, copy, source) : 0;
}

static int copy_field(const struct field *f, char *to, const char *from)
{
	switch (f->kind) {
	case FIELD_INT32:
		*(int32_t *)(to + f->offset) = *(const int32_t *)(from + f->offset);
		return 0;
	case FIELD_INT64:
		*(int64_t *)(to + f->offset) = *(const int64_t *)(from + f->offset);
		return 0;
	case FIELD_FLAG:
		*(bool *)(to + f->offset) = *(const bool *)(from + f->offset);
		return 0;
	case FIELD_WORD:
		*(int *)(to + f->offset) = *(const int *)(from + f->offset);
		return 0;
	case FIELD_PART:
		return table_copy(f->table, to + f->offset, from + f->offset);
	case FIELD_LIST:
	case FIELD_TEXTS:
		return copy_list(f, to, from);
	case FIELD_TEXT:
	case FIELD_BLOB:
	case FIELD_OPTIONAL:
		break;
	}
	return copy_pointer(f, to, from);
}

int table_copy(const struct table *t, void *to, const void *from)
{
	size_t i;
	int r;

	memset(to, 0, t->size);
	for (i = 0; i < t->count; i++) {
		r = copy_field(&t->fields[i], to, from);
		if (r < 0) {
			table_clear(t, to);
			return r;
		}
	}
	return 0;
}

void call_command_clear(struct call_command *c)
{
	table_clear(record_tables[RECORD_CALL_COMMAND], c);
}

void call_event_clear(struct call_event *e)
{
	table_clear(record_tables[RECORD_CALL_EVENT], e);
}

void call_record_clear(struct call_record *r)
{
	table_clear(record_tables[RECORD_CALL_RECORD], r);
}

void dead_letter_clear(struct dead_letter *d)
{
	table_clear(record_tables[RECORD_DEAD_LETTER], d);
}

void leg_clear(struct leg *l)
{
	table_clear(&leg_table, l);
}

void operation_clear(struct operation *o)
{
	table_clear(&operation_table, o);
}

void identifier_clear(struct identifier *i)
{
	table_clear(&identifier_table, i);
}

int call_record_copy(struct call_record *out, const struct call_record *r)
{
	return table_copy(record_tables[RECORD_CALL_RECORD], out, r);
}
