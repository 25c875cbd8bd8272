/*
 * records_decode.c - Avro's binary form to a struct, by a plan
 *
 * The bytes are anybody's: every length is checked against what is left before
 * anything is allocated, and an array can't claim more items than the rest
 * could hold at their least size.  So a record costs memory in proportion to
 * its bytes, and time too.
 */
#include "records_parts.h"

#include <errno.h>
#include <stdlib.h>

struct source {
	const uint8_t *at, *end;
	const char *why;
};

static int decode_record(struct source *s, const struct plan *p, char *record);

static int bad(struct source *s, const char *why)
{
	s->why = why;
	return -EBADMSG;
}

static size_t left(const struct source *s)
{
	return (size_t)(s->end - s->at);
}

static int get_long(struct source *s, int64_t *out)
{
	uint64_t v = 0;
	int shift;

	for (shift = 0; shift < 70; shift += 7) {
		uint8_t b;

		if (s->at == s->end)
			return bad(s, "the bytes end within a number");
		b = *s->at++;
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*out = (int64_t)(v >> 1 ^ -(v & 1));
			return 0;
		}
	}
	return bad(s, "a number has more than 64 bits");
}

static int get_int(struct source *s, int32_t *out)
{
	int64_t v;
	int r;

	r = get_long(s, &v);
	if (r < 0)
		return r;
	if (v < INT32_MIN || v > INT32_MAX)
		return bad(s, "an int has more than 32 bits");
	*out = (int32_t)v;
	return 0;
}

/* A number from 0 to count - 1: a branch or a symbol. */
static int get_index(struct source *s, size_t count, size_t *out)
{
	int64_t v;
	int r;

	r = get_long(s, &v);
	if (r < 0)
		return r;
	if (v < 0 || (uint64_t)v >= count)
		return bad(s, "a branch or symbol is not in the schema");
	*out = (size_t)v;
	return 0;
}

static int get_flag(struct source *s, bool *out)
{
	if (s->at == s->end)
		return bad(s, "the bytes end within a field");
	if (*s->at > 1)
		return bad(s, "a boolean is neither 0 nor 1");
	*out = *s->at++ != 0;
	return 0;
}

/* Borrowed from the source. */
static int get_bytes(struct source *s, const uint8_t **data, size_t *len)
{
	int64_t v;
	int r;

	r = get_long(s, &v);
	if (r < 0)
		return r;
	if (v < 0 || (uint64_t)v > left(s))
		return bad(s, "a string or bytes field is longer than the record");
	*data = s->at;
	*len = (size_t)v;
	s->at += *len;
	return 0;
}

/* How many items the next block has; 0: the array ends here. */
static int get_block(struct source *s, size_t least, size_t *count)
{
	int64_t v, size;
	int r;

	r = get_long(s, &v);
	if (r < 0)
		return r;
	if (v < 0) { /* then its size in bytes follows, for those who skip */
		r = get_long(s, &size);
		if (r < 0)
			return r;
		if (v == INT64_MIN)
			return bad(s, "an array has more items than the record has room for");
		v = -v;
	}
	if ((uint64_t)v > left(s) / least)
		return bad(s, "an array has more items than the record has room for");
	*count = (size_t)v;
	return 0;
}

/* ---- reading past what the struct has no place for ---- */

static int skip(struct source *s, const struct type *t);

static int skip_array(struct source *s, const struct type *item)
{
	size_t count, i;
	int r;

	for (;;) {
		r = get_block(s, item->least, &count);
		if (r < 0 || !count)
			return r;
		for (i = 0; i < count; i++) {
			r = skip(s, item);
			if (r < 0)
				return r;
		}
	}
}

static int skip_record(struct source *s, const struct type *t)
{
	size_t i;
	int r;

	for (i = 0; i < t->count; i++) {
		r = skip(s, t->members[i].type);
		if (r < 0)
			return r;
	}
	return 0;
}

static int skip(struct source *s, const struct type *t)
{
	const uint8_t *data;
	int64_t number;
	int32_t small;
	size_t n;
	bool flag;
	int r;

	switch (t->kind) {
	case TYPE_NULL:
		return 0;
	case TYPE_BOOLEAN:
		return get_flag(s, &flag);
	case TYPE_INT:
		return get_int(s, &small);
	case TYPE_LONG:
		return get_long(s, &number);
	case TYPE_BYTES:
	case TYPE_STRING:
		return get_bytes(s, &data, &n);
	case TYPE_ENUM:
		return get_index(s, t->count, &n);
	case TYPE_RECORD:
		return skip_record(s, t);
	case TYPE_ARRAY:
		return skip_array(s, t->members[0].type);
	case TYPE_UNION:
		break;
	}
	r = get_index(s, t->count, &n);
	return r < 0 ? r : skip(s, t->members[n].type);
}

/* ---- fields ---- */

/* `empty`: what an empty string becomes, NULL or "". */
static int get_text(struct source *s, char **out, bool empty)
{
	const uint8_t *data;
	size_t len;
	char *text;
	int r;

	r = get_bytes(s, &data, &len);
	if (r < 0)
		return r;
	if (!len && !empty)
		return 0;
	if (memchr(data, 0, len))
		return bad(s, "a string holds a NUL");
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, data, len);
	text[len] = '\0';
	*out = text;
	return 0;
}

static int get_blob(struct source *s, struct bytes *out)
{
	const uint8_t *data;
	size_t len;
	int r;

	r = get_bytes(s, &data, &len);
	if (r < 0 || !len)
		return r;
	out->data = malloc(len);
	if (!out->data)
		return -ENOMEM;
	memcpy(out->data, data, len);
	out->len = len;
	return 0;
}

static int get_word(struct source *s, const struct plan_step *step, int *out)
{
	size_t symbol;
	int r;

	r = get_index(s, step->type->count, &symbol);
	if (r == 0)
		*out = step->to_number[symbol];
	return r;
}

/* Room for `more` items, zeroed; they count at once, so that a failure later clears them too. */
static int grow(const struct field *f, char *record, size_t size, size_t more)
{
	size_t count;
	char *array;

	memcpy(&count, record + f->count_offset, sizeof(count));
	/* can't overflow: the items were checked against the record's bytes */
	array = realloc(pointer_at(record + f->offset), (count + more) * size);
	if (!array)
		return -ENOMEM;
	memset(array + count * size, 0, more * size);
	set_pointer(record + f->offset, array);
	count += more;
	memcpy(record + f->count_offset, &count, sizeof(count));
	return 0;
}

static int get_list(struct source *s, const struct plan_step *step, char *record)
{
	const struct field *f = step->field;
	size_t size = f->kind == FIELD_TEXTS ? sizeof(char *) : f->table->size;
	size_t done = 0, count, i;
	char *item;
	int r;

	for (;;) {
		r = get_block(s, step->type->members[0].type->least, &count);
		if (r < 0 || !count)
			return r;
		r = grow(f, record, size, count);
		if (r < 0)
			return r;
		for (i = 0; i < count; i++, done++) {
			item = (char *)pointer_at(record + f->offset) + done * size;
			r = f->kind == FIELD_TEXTS ? get_text(s, (char **)item, true)
			                           : decode_record(s, step->plan, item);
			if (r < 0)
				return r;
		}
	}
}

static int get_optional(struct source *s, const struct plan_step *step, char *at)
{
	void *part;

	part = calloc(1, step->field->table->size);
	if (!part)
		return -ENOMEM;
	set_pointer(at, part);
	return decode_record(s, step->plan, part);
}

static int get_field(struct source *s, const struct plan_step *step, char *record)
{
	const struct field *f = step->field;
	char *at = record + f->offset;
	size_t branch;
	int r;

	if (step->null_branch >= 0) {
		r = get_index(s, 2, &branch);
		if (r < 0 || (int)branch == step->null_branch)
			return r;
	}

	switch (f->kind) {
	case FIELD_TEXT:
		return get_text(s, (char **)at, step->null_branch >= 0);
	case FIELD_INT32:
		return get_int(s, (int32_t *)at);
	case FIELD_INT64:
		return get_long(s, (int64_t *)at);
	case FIELD_FLAG:
		return get_flag(s, (bool *)at);
	case FIELD_WORD:
		return get_word(s, step, (int *)at);
	case FIELD_BLOB:
		return get_blob(s, (struct bytes *)at);
	case FIELD_PART:
		return decode_record(s, step->plan, at);
	case FIELD_OPTIONAL:
		return get_optional(s, step, at);
	case FIELD_LIST:
	case FIELD_TEXTS:
		break;
	}
	return get_list(s, step, record);
}

static void set_missing(const struct plan *p, char *record)
{
	size_t i;

	for (i = 0; i < p->missing_count; i++) {
		const struct field *f = p->missing[i];

		if (f->kind == FIELD_INT64)
			*(int64_t *)(record + f->offset) = f->missing;
		else if (f->kind == FIELD_INT32)
			*(int32_t *)(record + f->offset) = (int32_t)f->missing;
		else if (f->kind == FIELD_WORD)
			*(int *)(record + f->offset) = (int)f->missing;
	}
}

static int decode_record(struct source *s, const struct plan *p, char *record)
{
	size_t i;
	int r;

	set_missing(p, record);
	for (i = 0; i < p->count; i++) {
		const struct plan_step *step = &p->steps[i];

		r = step->field ? get_field(s, step, record) : skip(s, step->type);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_decode(const struct plan *p, void *record, const uint8_t *data, size_t len, const char **why)
{
	struct source s = { .at = data, .end = data + len };
	int r;

	r = decode_record(&s, p, record);
	if (r == 0 && s.at != s.end)
		r = bad(&s, "bytes follow the record");
	if (r == -EBADMSG)
		*why = s.why;
	return r;
}
