/*
 * records_parts.h - what the records*.c files share; nobody else includes it
 *
 * Three layers, top down: a *table* describes a C struct (records_tables.c), a
 * *schema* is a parsed Avro schema (records_schema.c), and a *plan* joins the
 * two: for each field of the schema, in its order, where it goes in the struct
 * (records_plan.c).  Encoder, decoder, clearer and copier walk these; none of
 * them knows a struct by name.
 */
#ifndef RECORDS_PARTS_H
#define RECORDS_PARTS_H

#include <stdio.h>
#include <string.h>

#include "records.h"

/* ---- tables ---- */

enum field_kind {
	FIELD_TEXT,     /* char *: string, or null and string */
	FIELD_INT32,    /* int32_t: int */
	FIELD_INT64,    /* int64_t: long */
	FIELD_FLAG,     /* bool: boolean */
	FIELD_WORD,     /* int: enum, by the names in `symbols` */
	FIELD_BLOB,     /* struct bytes: bytes */
	FIELD_PART,     /* a struct inside the struct: record */
	FIELD_OPTIONAL, /* pointer to a struct: null and record */
	FIELD_LIST,     /* array of structs with a count: array of records */
	FIELD_TEXTS,    /* array of char * with a count: array of strings */
};

struct table;

struct field {
	const char *name; /* in the schema */
	enum field_kind kind;
	size_t offset;
	size_t count_offset;        /* LIST, TEXTS */
	const struct table *table;  /* PART, OPTIONAL, LIST */
	const char *const *symbols; /* WORD: the number's name; ends with NULL */
	int64_t missing;            /* number for a field that the writer's schema lacks */
};

struct table {
	size_t size; /* of the struct */
	const struct field *fields;
	size_t count;
};

/* A record type's table, and the tables of the parts that have a function of their own. */
extern const struct table *const record_tables[RECORD_TYPES];
extern const struct table leg_table, operation_table, identifier_table;

extern const char *const outcome_symbols[];

/* Pointers of any type are moved as bytes: the tables know only where they are. */
static inline void *pointer_at(const void *at)
{
	void *p;

	memcpy(&p, at, sizeof(p));
	return p;
}

static inline void set_pointer(void *at, void *p)
{
	memcpy(at, &p, sizeof(p));
}

/* What the struct at `at` holds is freed and zeroed. */
void table_clear(const struct table *t, void *at);
/* `to` is overwritten.  -ENOMEM: it is zeroed. */
int table_copy(const struct table *t, void *to, const void *from);

/* ---- memory that lives and ends with a schema ---- */

struct arena {
	struct arena_block *newest;
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed; NULL: no memory */
void arena_free(struct arena *a);

/* ---- schemas ---- */

enum type_kind {
	TYPE_NULL,
	TYPE_BOOLEAN,
	TYPE_INT,
	TYPE_LONG,
	TYPE_BYTES,
	TYPE_STRING,
	TYPE_RECORD,
	TYPE_ENUM,
	TYPE_ARRAY,
	TYPE_UNION,
};

struct type_member {
	const char *name; /* a record's field; else NULL */
	const struct type *type;
};

struct type {
	enum type_kind kind;
	const char *name;            /* full name of a record or enum */
	struct type_member *members; /* fields, branches of a union, or the one item type of an array */
	const char **symbols;        /* enum */
	size_t count;                /* of members or symbols */
	size_t least;                /* no value takes fewer bytes; bounds what an array may claim to hold */
};

struct schema {
	struct arena arena;
	struct json_t *json; /* names point into it */
	const struct type *root;
	uint64_t fingerprint; /* CRC-64-AVRO of the canonical form */
};

/*
 * Parses an Avro schema.  Not taken, because our schemas have no use for them:
 * map, fixed, float, double, and types that contain themselves (so the depth of
 * a value is the depth of its schema).  -EINVAL: `why` says what; -ENOMEM.
 */
int schema_open(struct schema *s, const char *text, char *why, size_t size);
void schema_close(struct schema *s); /* zeroed is fine */

uint64_t schema_crc64(const void *data, size_t len);

/* ---- plans ---- */

struct plan_step {
	const struct type *type;   /* of the field, without the null beside it */
	const struct field *field; /* NULL: the struct has no place for it, it is read past */
	int null_branch;           /* 0 or 1 in a union with null; -1: no union */
	const struct plan *plan;   /* PART, OPTIONAL, LIST */
	const int *to_number;      /* WORD: the struct's number of each of the schema's symbols */
	const int *to_symbol;      /* WORD: the schema's symbol of each number, -1: it has none */
	int numbers;
};

struct plan {
	const struct table *table;
	struct plan_step *steps;
	size_t count;
	const struct field **missing; /* numbers with a default of their own that the schema lacks */
	size_t missing_count;
	bool complete; /* no step without a field: can be written with */
	size_t least;  /* the record's */
};

/* -EINVAL: `why` names the field whose types do not fit; -ENOMEM. */
int plan_make(const struct plan **out, struct schema *s, const struct table *t, char *why, size_t size);

/* ---- the codec ---- */

/* Bytes that grow.  After a failed growth `failed` stays set and nothing is written. */
struct sink {
	uint8_t *data;
	size_t len, room;
	bool failed;
};
void sink_put(struct sink *s, const void *data, size_t len);

/* -EINVAL: a number outside its enum; -ENOMEM. */
int plan_encode(const struct plan *p, const void *record, struct sink *out);
/* -EBADMSG, -ENOMEM: the record holds a part, to be cleared by the caller. */
int plan_decode(const struct plan *p, void *record, const uint8_t *data, size_t len, const char **why);

#endif
