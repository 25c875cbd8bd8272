/* records_encode.c - a struct to Avro's binary form, by a plan */
#include "records_parts.h"

#include <errno.h>
#include <stdlib.h>

enum { VARINT_MAX = 10 };

static int encode_record(struct sink *s, const struct plan *p, const char *record);

/* No bound of its own: what is written is about as long as what the caller holds in memory. */
static bool reserve(struct sink *s, size_t len)
{
	size_t room = s->room;
	uint8_t *data;

	if (s->failed)
		return false;
	if (len <= s->room - s->len)
		return true;

	if (!room)
		room = 512; /* most commands and events fit */
	while (room - s->len < len) {
		if (room > SIZE_MAX / 2) {
			s->failed = true;
			return false;
		}
		room *= 2;
	}
	data = realloc(s->data, room);
	if (!data) {
		s->failed = true;
		return false;
	}
	s->data = data;
	s->room = room;
	return true;
}

void sink_put(struct sink *s, const void *data, size_t len)
{
	if (!len || !reserve(s, len))
		return;
	memcpy(s->data + s->len, data, len);
	s->len += len;
}

static void put_long(struct sink *s, int64_t value)
{
	uint64_t v = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0); /* zigzag */

	if (!reserve(s, VARINT_MAX))
		return;
	while (v > 0x7f) {
		s->data[s->len++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	s->data[s->len++] = (uint8_t)v;
}

static void put_bytes(struct sink *s, const void *data, size_t len)
{
	put_long(s, (int64_t)len);
	sink_put(s, data, len);
}

static void put_text(struct sink *s, const char *text)
{
	put_bytes(s, text, text ? strlen(text) : 0);
}

/* One block and the end mark. */
static int put_list(struct sink *s, const struct plan_step *step, const char *record)
{
	const struct field *f = step->field;
	const char *array = pointer_at(record + f->offset);
	size_t count, i;
	int r;

	memcpy(&count, record + f->count_offset, sizeof(count));
	if (count)
		put_long(s, (int64_t)count);
	for (i = 0; i < count; i++) {
		if (f->kind == FIELD_TEXTS) {
			put_text(s, pointer_at(array + i * sizeof(char *)));
			continue;
		}
		r = encode_record(s, step->plan, array + i * f->table->size);
		if (r < 0)
			return r;
	}
	put_long(s, 0);
	return 0;
}

static int put_word(struct sink *s, const struct plan_step *step, int number)
{
	if (number < 0 || number >= step->numbers || step->to_symbol[number] < 0)
		return -EINVAL;
	put_long(s, step->to_symbol[number]);
	return 0;
}

static int put_number(struct sink *s, const struct plan_step *step, int64_t number)
{
	if (step->type->kind == TYPE_INT && (number < INT32_MIN || number > INT32_MAX))
		return -EINVAL; /* an older schema, pinned, knows the field as an int */
	put_long(s, number);
	return 0;
}

/* The branch of a union with null.  False: it is null, and that is all. */
static bool put_branch(struct sink *s, const struct plan_step *step, const char *at)
{
	bool null;

	if (step->null_branch < 0)
		return true;
	null = !pointer_at(at); /* only texts and optional records can be null */
	put_long(s, null ? step->null_branch : 1 - step->null_branch);
	return !null;
}

static int put_field(struct sink *s, const struct plan_step *step, const char *record)
{
	const struct field *f = step->field;
	const char *at = record + f->offset;
	struct bytes blob;

	if (!put_branch(s, step, at))
		return 0;

	switch (f->kind) {
	case FIELD_TEXT:
		put_text(s, pointer_at(at));
		return 0;
	case FIELD_INT32:
		put_long(s, *(const int32_t *)at);
		return 0;
	case FIELD_INT64:
		return put_number(s, step, *(const int64_t *)at);
	case FIELD_FLAG:
		sink_put(s, *(const bool *)at ? "\1" : "\0", 1);
		return 0;
	case FIELD_WORD:
		return put_word(s, step, *(const int *)at);
	case FIELD_BLOB:
		memcpy(&blob, at, sizeof(blob));
		put_bytes(s, blob.data, blob.len);
		return 0;
	case FIELD_PART:
		return encode_record(s, step->plan, at);
	case FIELD_OPTIONAL:
		return encode_record(s, step->plan, pointer_at(at));
	case FIELD_LIST:
	case FIELD_TEXTS:
		break;
	}
	return put_list(s, step, record);
}

static int encode_record(struct sink *s, const struct plan *p, const char *record)
{
	size_t i;
	int r;

	for (i = 0; i < p->count; i++) {
		r = put_field(s, &p->steps[i], record);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_encode(const struct plan *p, const void *record, struct sink *out)
{
	int r;

	r = encode_record(out, p, record);
	if (r < 0)
		return r;
	return out->failed ? -ENOMEM : 0;
}
