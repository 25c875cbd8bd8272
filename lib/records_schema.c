/*
 * records_schema.c - Avro schemas: parsing, canonical form, fingerprint
 *
 * One walk over the JSON makes the types and writes the Parsing Canonical Form
 * (Avro specification, "Schema Resolution"): full names, only the attributes
 * that decide how bytes are read, in fixed order, without blanks.
 */
#include "records_parts.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- arena ---- */

struct arena_block {
	struct arena_block *older;
	max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b;

	b = calloc(1, sizeof(*b) + size);
	if (!b)
		return NULL;
	b->older = a->newest;
	a->newest = b;
	return b->data;
}

void arena_free(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->newest)) {
		a->newest = b->older;
		free(b);
	}
}

/* ---- fingerprint ---- */

uint64_t schema_crc64(const void *data, size_t len)
{
	static const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
	const uint8_t *p = data;
	uint64_t crc = empty;
	size_t i;
	int bit;

	for (i = 0; i < len; i++) { /* a few times at start: no table needed */
		crc ^= p[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (empty & -(crc & 1));
	}
	return crc;
}

/* ---- parsing ---- */

enum {
	NAMED_MAX = 32, /* types with a name in one schema; ours have about ten */
	NAME_MAX_LEN = 128,
};

struct parser {
	struct arena *arena;
	FILE *canonical;
	const struct type *named[NAMED_MAX];
	size_t named_count;
	char *why;
	size_t why_size;
};

static const struct type primitives[] = {
	{ .kind = TYPE_NULL, .name = "null", .least = 0 },
	{ .kind = TYPE_BOOLEAN, .name = "boolean", .least = 1 },
	{ .kind = TYPE_INT, .name = "int", .least = 1 },
	{ .kind = TYPE_LONG, .name = "long", .least = 1 },
	{ .kind = TYPE_BYTES, .name = "bytes", .least = 1 },
	{ .kind = TYPE_STRING, .name = "string", .least = 1 },
};

static int parse_type(struct parser *p, const struct type **out, json_t *json, const char *namespace);

static int fault(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fault(struct parser *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->why, p->why_size, fmt, args);
	va_end(args);
	return -EINVAL;
}

static bool is_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n && n < NAME_MAX_LEN && !s[n] && !(s[0] >= '0' && s[0] <= '9');
}

/* The full name; *out lives in the arena. */
static int full_name(struct parser *p, const char **out, const char *name, const char *namespace)
{
	size_t size = strlen(name) + strlen(namespace) + 2;
	char *full;

	full = arena_alloc(p->arena, size);
	if (!full)
		return -ENOMEM;
	if (strchr(name, '.') || !*namespace)
		snprintf(full, size, "%s", name);
	else
		snprintf(full, size, "%s.%s", namespace, name);
	*out = full;
	return 0;
}

static int parse_reference(struct parser *p, const struct type **out, const char *name, const char *namespace)
{
	const char *full;
	size_t i;
	int r;

	for (i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++) {
		if (strcmp(name, primitives[i].name) == 0) {
			fprintf(p->canonical, "\"%s\"", name);
			*out = &primitives[i];
			return 0;
		}
	}

	r = full_name(p, &full, name, namespace);
	if (r < 0)
		return r;
	for (i = 0; i < p->named_count; i++) {
		if (strcmp(full, p->named[i]->name) == 0) {
			fprintf(p->canonical, "\"%s\"", full);
			*out = p->named[i];
			return 0;
		}
	}
	return fault(p, "type %.100s is unknown here, or of a kind that is not taken", name);
}

/* Members of a record or a union, to be filled by the caller. */
static struct type *new_type(struct parser *p, enum type_kind kind, size_t members)
{
	struct type *t;

	t = arena_alloc(p->arena, sizeof(*t));
	if (!t)
		return NULL;
	t->kind = kind;
	if (members) {
		t->members = arena_alloc(p->arena, members * sizeof(*t->members));
		if (!t->members)
			return NULL;
	}
	return t;
}

static int parse_union(struct parser *p, const struct type **out, json_t *json, const char *namespace)
{
	struct type *t;
	json_t *branch;
	size_t i;
	int r;

	t = new_type(p, TYPE_UNION, json_array_size(json));
	if (!t)
		return -ENOMEM;
	if (!json_array_size(json))
		return fault(p, "a union has no branch");

	fputc('[', p->canonical);
	json_array_foreach(json, i, branch)
	{
		if (i)
			fputc(',', p->canonical);
		if (json_is_array(branch))
			return fault(p, "a union stands right within a union");
		r = parse_type(p, &t->members[i].type, branch, namespace);
		if (r < 0)
			return r;
		t->count++;
	}
	fputc(']', p->canonical);
	t->least = 1; /* the branch's number */
	*out = t;
	return 0;
}

static int parse_array(struct parser *p, const struct type **out, json_t *json, const char *namespace)
{
	struct type *t;
	int r;

	t = new_type(p, TYPE_ARRAY, 1);
	if (!t)
		return -ENOMEM;

	fputs("{\"type\":\"array\",\"items\":", p->canonical);
	r = parse_type(p, &t->members[0].type, json_object_get(json, "items"), namespace);
	if (r < 0)
		return r;
	fputc('}', p->canonical);
	if (!t->members[0].type->least)
		return fault(p, "items of an array take no bytes: nothing would bound their number");
	t->count = 1;
	t->least = 1; /* the count of an empty one */
	*out = t;
	return 0;
}

static int parse_enum(struct parser *p, struct type *t, json_t *json)
{
	json_t *symbols = json_object_get(json, "symbols"), *symbol;
	size_t i;

	if (!json_is_array(symbols) || !json_array_size(symbols))
		return fault(p, "enum %.100s has no symbols", t->name);
	t->symbols = arena_alloc(p->arena, json_array_size(symbols) * sizeof(*t->symbols));
	if (!t->symbols)
		return -ENOMEM;

	fputs("\"type\":\"enum\",\"symbols\":[", p->canonical);
	json_array_foreach(symbols, i, symbol)
	{
		const char *text = json_string_value(symbol);

		if (!text || !is_name(text))
			return fault(p, "enum %.100s: symbol %zu is not a name", t->name, i);
		fprintf(p->canonical, "%s\"%s\"", i ? "," : "", text);
		t->symbols[t->count++] = text;
	}
	fputs("]}", p->canonical);
	t->least = 1;
	return 0;
}

static int parse_record(struct parser *p, struct type *t, json_t *json, const char *namespace)
{
	json_t *fields = json_object_get(json, "fields"), *field;
	size_t i;
	int r;

	if (!json_is_array(fields) || !json_array_size(fields))
		return fault(p, "record %.100s has no fields", t->name);
	t->members = arena_alloc(p->arena, json_array_size(fields) * sizeof(*t->members));
	if (!t->members)
		return -ENOMEM;

	fputs("\"type\":\"record\",\"fields\":[", p->canonical);
	json_array_foreach(fields, i, field)
	{
		const char *name = json_string_value(json_object_get(field, "name"));

		if (!name || !is_name(name))
			return fault(p, "record %.100s: field %zu has no name", t->name, i);
		fprintf(p->canonical, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", name);
		r = parse_type(p, &t->members[i].type, json_object_get(field, "type"), namespace);
		if (r < 0)
			return r;
		fputc('}', p->canonical);
		t->members[i].name = name;
		t->least += t->members[i].type->least;
		t->count++;
	}
	fputs("]}", p->canonical);
	return 0;
}

/* A record or enum: known by its name from its end on, so that none contains itself. */
static int parse_named(struct parser *p, const struct type **out, json_t *json, bool record,
                       const char *namespace)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *own = json_string_value(json_object_get(json, "namespace"));
	struct type *t;
	int r;

	if (!name || !is_name(name))
		return fault(p, "a record or enum has no name");
	if (p->named_count == NAMED_MAX)
		return fault(p, "more than %d types with a name", NAMED_MAX);
	if (own)
	namespace = own;
	t = new_type(p, record ? TYPE_RECORD : TYPE_ENUM, 0);
	if (!t)
		return -ENOMEM;
	r = full_name(p, &t->name, name, namespace);
	if (r < 0)
		return r;

	fprintf(p->canonical, "{\"name\":\"%s\",", t->name);
	r = record ? parse_record(p, t, json, namespace) : parse_enum(p, t, json);
	if (r < 0)
		return r;
	p->named[p->named_count++] = t;
	*out = t;
	return 0;
}

static int parse_type(struct parser *p, const struct type **out, json_t *json, const char *namespace)
{
	const char *word;

	assert(out); /* a type's members are made for as many as are parsed */
	if (json_is_string(json))
		return parse_reference(p, out, json_string_value(json), namespace);
	if (json_is_array(json))
		return parse_union(p, out, json, namespace);

	word = json_string_value(json_object_get(json, "type"));
	if (!word)
		return fault(p, "a type is missing or no type");
	if (strcmp(word, "record") == 0 || strcmp(word, "enum") == 0)
		return parse_named(p, out, json, word[0] == 'r', namespace);
	if (strcmp(word, "array") == 0)
		return parse_array(p, out, json, namespace);
	return parse_reference(p, out, word, namespace); /* {"type": "long", "logicalType": ...} */
}

int schema_open(struct schema *s, const char *text, char *why, size_t size)
{
	struct parser p = { .arena = &s->arena, .why = why, .why_size = size };
	json_error_t error;
	char *canonical = NULL;
	size_t len = 0;
	int r;

	memset(s, 0, sizeof(*s));
	s->json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!s->json) {
		snprintf(why, size, "line %d: %s", error.line, error.text);
		return -EINVAL;
	}
	p.canonical = open_memstream(&canonical, &len);
	if (!p.canonical) {
		schema_close(s);
		return -ENOMEM;
	}

	r = parse_type(&p, &s->root, s->json, "");
	if (fclose(p.canonical) != 0 && r == 0)
		r = -ENOMEM;
	if (r == 0)
		s->fingerprint = schema_crc64(canonical, len);
	else
		schema_close(s);
	free(canonical);
	return r;
}

void schema_close(struct schema *s)
{
	arena_free(&s->arena);
	json_decref(s->json);
	memset(s, 0, sizeof(*s));
}
