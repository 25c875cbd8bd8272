/* fuzz_record.c - see fuzz_record.h */
#include "fuzz_record.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "embedded.h"
#include "records_parts.h"

enum { FRAME = 10, VERSIONS = 10 };

/* of each type's schemas: 0 the newest, 1.. those of schemas/history; 0: there is none */
static uint64_t fingerprints[RECORD_TYPES][VERSIONS];

/* "schemas/CallEvent.avsc", "schemas/history/CallEvent.1.avsc" */
static uint64_t *place_of(const char *path)
{
	const char *base = strrchr(path, '/') + 1;

	for (int t = 0; t < RECORD_TYPES; t++) {
		const char *name = record_name((enum record_type)t);
		size_t len = strlen(name);

		if (strncmp(base, name, len) != 0)
			continue;
		if (!strcmp(base + len, ".avsc"))
			return &fingerprints[t][0];
		if (base[len] == '.' && isdigit((unsigned char)base[len + 1]) && base[len + 2] == '.')
			return &fingerprints[t][base[len + 1] - '0'];
	}
	return NULL;
}

void fuzz_record_open(void)
{
	char why[256];

	HOLDS(records_open("", "", why, sizeof(why)) == 0);
	for (const struct embedded *e = embedded_schemas; e->name; e++) {
		uint64_t *place = place_of(e->name);
		struct schema s = { 0 };

		HOLDS(schema_open(&s, e->text, why, sizeof(why)) == 0);
		if (place)
			*place = s.fingerprint;
		schema_close(&s);
	}
}

static bool is_empty(enum record_type type, const void *record)
{
	const uint8_t *byte = record;

	for (size_t i = 0; i < record_tables[type]->size; i++)
		if (byte[i])
			return false;
	return true;
}

static void same_again(enum record_type type, const void *record)
{
	void *back = calloc(1, record_tables[type]->size), *copy = calloc(1, record_tables[type]->size);
	struct bytes once = { 0 }, twice = { 0 }, copied = { 0 };

	HOLDS(back && copy);
	HOLDS(record_encode(type, record, &once) == 0);
	HOLDS(record_decode(type, back, once.data, once.len, NULL) == 0);
	HOLDS(record_encode(type, back, &twice) == 0);
	HOLDS(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
	HOLDS(table_copy(record_tables[type], copy, record) == 0);
	HOLDS(record_encode(type, copy, &copied) == 0);
	HOLDS(once.len == copied.len && !memcmp(once.data, copied.data, once.len));

	table_clear(record_tables[type], back);
	table_clear(record_tables[type], copy);
	free(back);
	free(copy);
	free(once.data);
	free(twice.data);
	free(copied.data);
}

static void decode(enum record_type type, const uint8_t *data, size_t size)
{
	void *record = calloc(1, record_tables[type]->size);
	const char *why = NULL;
	int r;

	HOLDS(record);
	r = record_decode(type, record, data, size, &why);
	HOLDS(r == 0 || r == -EBADMSG || r == -ENOTSUP);
	if (r == 0)
		same_again(type, record);
	else
		HOLDS(fuzz_names_something(why) && is_empty(type, record));
	table_clear(record_tables[type], record);
	free(record);
}

void fuzz_record(enum record_type type, const uint8_t *data, size_t size)
{
	uint64_t fingerprint = 0;
	uint8_t *framed;

	if (size && isdigit(data[0]))
		fingerprint = fingerprints[type][data[0] - '0'];
	if (!fingerprint) {
		decode(type, data, size);
		return;
	}
	framed = malloc(size - 1 + FRAME);
	HOLDS(framed);
	framed[0] = 0xc3;
	framed[1] = 0x01;
	for (int i = 0; i < 8; i++)
		framed[2 + i] = (uint8_t)(fingerprint >> (8 * i));
	memcpy(framed + FRAME, data + 1, size - 1);
	decode(type, framed, size - 1 + FRAME);
	free(framed);
}
