/*
 * test_records.c - records go into bytes and come back, and bad bytes do not get in
 *
 * With an argument it is the other end of tests/e2e/avro_peer.py instead:
 *   sample   writes "<name> <fingerprint> <hex of a record>" for each type
 *   echo     reads "<name> <hex>" lines, decodes, encodes, writes the hex
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avro.h>

#include "digest.h"
#include "embedded.h"
#include "records.h"
#include "records_parts.h"

/* ---- records with something in every field, made from the tables ---- */

union any_record {
	struct call_command command;
	struct call_event event;
	struct call_record record;
	struct dead_letter dead;
};

static unsigned int seed;

static unsigned int next(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 16;
}

static void fill(const struct table *t, char *at, bool all);

static char *fill_text(bool all)
{
	char text[32];

	if (!all && next() % 3 == 0)
		return NULL;
	snprintf(text, sizeof(text), "t\xc3\xa5-%u", next());
	return strdup(text);
}

static void fill_list(const struct field *f, char *at, bool all)
{
	size_t count = all ? 2 : next() % 4, i;
	size_t size = f->kind == FIELD_TEXTS ? sizeof(char *) : f->table->size;
	char *array = count ? calloc(count, size) : NULL;

	for (i = 0; i < count; i++) {
		if (f->kind == FIELD_TEXTS)
			set_pointer(array + i * size, fill_text(true));
		else
			fill(f->table, array + i * size, all);
	}
	set_pointer(at + f->offset, array);
	memcpy(at + f->count_offset, &count, sizeof(count));
}

static int64_t fill_number(void)
{
	static const int64_t odd[] = { 0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN, 1700000000000000 };

	return next() % 2 ? odd[next() % 10] : (int64_t)next() << next() % 40;
}

static void fill_field(const struct field *f, char *at, bool all)
{
	struct bytes blob = { 0 };
	void *part;
	int n = 0;

	switch (f->kind) {
	case FIELD_TEXT:
		set_pointer(at + f->offset, fill_text(all));
		break;
	case FIELD_INT32:
		*(int32_t *)(at + f->offset) = (int32_t)fill_number();
		break;
	case FIELD_INT64:
		*(int64_t *)(at + f->offset) = fill_number();
		break;
	case FIELD_FLAG:
		*(bool *)(at + f->offset) = all || next() % 2;
		break;
	case FIELD_WORD:
		while (f->symbols[n])
			n++;
		*(int *)(at + f->offset) = all ? n - 1 : (int)next() % n;
		break;
	case FIELD_BLOB:
		if (all || next() % 2) {
			blob.len = 1 + next() % 40;
			blob.data = malloc(blob.len);
			memset(blob.data, (int)(next() & 0xff), blob.len);
		}
		memcpy(at + f->offset, &blob, sizeof(blob));
		break;
	case FIELD_PART:
		fill(f->table, at + f->offset, all);
		break;
	case FIELD_OPTIONAL:
		if (!all && next() % 2)
			break;
		part = calloc(1, f->table->size);
		fill(f->table, part, all);
		set_pointer(at + f->offset, part);
		break;
	case FIELD_LIST:
	case FIELD_TEXTS:
		fill_list(f, at, all);
		break;
	}
}

static void fill(const struct table *t, char *at, bool all)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		fill_field(&t->fields[i], at, all);
}

static void fill_record(enum record_type type, union any_record *r, unsigned int from, bool all)
{
	seed = from;
	memset(r, 0, sizeof(*r));
	fill(record_tables[type], (char *)r, all);
}

static struct bytes full_bytes(enum record_type type)
{
	union any_record r;
	struct bytes out;

	fill_record(type, &r, 7, true);
	assert_int_equal(record_encode(type, &r, &out), 0);
	table_clear(record_tables[type], &r);
	return out;
}

/* ---- tests ---- */

static int open_records(void **state)
{
	char why[200];

	(void)state;
	return records_open("", "", why, sizeof(why));
}

static int close_records(void **state)
{
	(void)state;
	records_close();
	return 0;
}

static const char *schema_text(const char *name)
{
	const struct embedded *e;

	for (e = embedded_schemas; e->name; e++) {
		if (strcmp(e->name, name) == 0)
			return e->text;
	}
	return NULL;
}

/* What is written today stands in the history too, else tomorrow nobody could read it. */
static void test_newest_is_in_history(void **state)
{
	char path[100];
	int t, n;

	(void)state;
	for (t = 0; t < RECORD_TYPES; t++) {
		const char *newest, *text, *last = NULL;

		snprintf(path, sizeof(path), "schemas/%s.avsc", record_name((enum record_type)t));
		newest = schema_text(path);
		assert_non_null(newest);
		for (n = 1;; n++) {
			snprintf(path, sizeof(path), "schemas/history/%s.%d.avsc",
			         record_name((enum record_type)t), n);
			text = schema_text(path);
			if (!text)
				break;
			last = text;
		}
		assert_non_null(last);
		assert_string_equal(newest, last);
	}
}

/* As fastavro 1.13 makes them; tests/e2e/avro_peer.py asks it again. */
static void test_fingerprints(void **state)
{
	(void)state;
	assert_true(schema_crc64("\"null\"", 6) ==
	            UINT64_C(0x63dd24e7cc258f8a)); /* the specification's example */
	assert_true(record_fingerprint(RECORD_CALL_COMMAND) == UINT64_C(0xf8bb23d1ff59434c));
	assert_true(record_fingerprint(RECORD_CALL_EVENT) == UINT64_C(0xdb7e9f763a5eb5ee));
	assert_true(record_fingerprint(RECORD_CALL_RECORD) == UINT64_C(0x6d70b5d7f2c54832));
	assert_true(record_fingerprint(RECORD_DEAD_LETTER) == UINT64_C(0xc59b75ce658d123e));
}

/* Whatever is in a record: encoded, decoded and encoded again, it is the same bytes; and so is a copy. */
static void test_round_trips(void **state)
{
	union any_record r, back;
	struct bytes first, second;
	const char *why = NULL;
	unsigned int i;
	int t;

	(void)state;
	for (t = 0; t < RECORD_TYPES; t++) {
		for (i = 0; i < 200; i++) {
			fill_record((enum record_type)t, &r, i, i == 0);
			assert_int_equal(record_encode((enum record_type)t, &r, &first), 0);
			memset(&back, 0, sizeof(back));
			assert_int_equal(
			        record_decode((enum record_type)t, &back, first.data, first.len, &why), 0);
			assert_int_equal(record_encode((enum record_type)t, &back, &second), 0);
			assert_int_equal(first.len, second.len);
			assert_memory_equal(first.data, second.data, first.len);
			free(second.data);
			table_clear(record_tables[t], &back);

			assert_int_equal(table_copy(record_tables[t], &back, &r), 0);
			table_clear(record_tables[t], &r);
			assert_int_equal(record_encode((enum record_type)t, &back, &second), 0);
			assert_memory_equal(first.data, second.data, first.len);
			table_clear(record_tables[t], &back);
			free(first.data);
			free(second.data);
		}
	}
}

/* Field by field, so that no two of them are mixed up in the tables. */
static void test_values_arrive_in_their_fields(void **state)
{
	struct identifier targets[] = { { IDENTIFIER_PHONE, (char[]){ "+46701234500" } },
		                        { IDENTIFIER_USER, (char[]){ "8:acs:user" } } };
	struct create_body create = { .source = { IDENTIFIER_RAW, (char[]){ "raw" } },
		                      .targets = targets,
		                      .targets_count = 2,
		                      .subject = (char[]){ "" },
		                      .audio = true,
		                      .dtmf_received = true };
	struct call_command c = { .command_id = (char[]){ "id" },
		                  .call_leg_id = (char[]){ "leg" },
		                  .tenant = (char[]){ "shop" },
		                  .api = API_CALLING,
		                  .kind = COMMAND_CREATE,
		                  .create = &create,
		                  .accepted_at = 1700000000000001,
		                  .answer_by = -5,
		                  .attempt = INT32_MIN,
		                  .body_hash = { (char[]){ 0, 1, 2 }, 3 } };
	struct call_command back = { 0 };
	struct bytes out;

	(void)state;
	assert_int_equal(record_encode(RECORD_CALL_COMMAND, &c, &out), 0);
	assert_int_equal(record_decode(RECORD_CALL_COMMAND, &back, out.data, out.len, NULL), 0);
	assert_string_equal(back.command_id, "id");
	assert_string_equal(back.call_leg_id, "leg");
	assert_string_equal(back.tenant, "shop");
	assert_int_equal(back.api, API_CALLING);
	assert_int_equal(back.kind, COMMAND_CREATE);
	assert_int_equal(back.create->source.kind, IDENTIFIER_RAW);
	assert_string_equal(back.create->source.value, "raw");
	assert_int_equal(back.create->targets_count, 2);
	assert_int_equal(back.create->targets[1].kind, IDENTIFIER_USER);
	assert_string_equal(back.create->targets[0].value, "+46701234500");
	assert_string_equal(back.create->subject, ""); /* not null: it can hold both */
	assert_null(back.create->source_alternate);
	assert_true(back.create->audio && back.create->dtmf_received);
	assert_false(back.create->video || back.create->participants_updated);
	assert_null(back.play);
	assert_null(back.announcement);
	assert_true(back.accepted_at == 1700000000000001 && back.answer_by == -5);
	assert_int_equal(back.attempt, INT32_MIN);
	assert_int_equal(back.body_hash.len, 3);
	call_command_clear(&back);
	assert_null(back.command_id);
	free(out.data);
}

/* A zeroed struct is an empty record. */
static void test_empty_records(void **state)
{
	union any_record r;
	struct bytes out;
	int t;

	(void)state;
	for (t = 0; t < RECORD_TYPES; t++) {
		memset(&r, 0, sizeof(r));
		assert_int_equal(record_encode((enum record_type)t, &r, &out), 0);
		assert_int_equal(record_decode((enum record_type)t, &r, out.data, out.len, NULL), 0);
		table_clear(record_tables[t], &r);
		free(out.data);
	}
}

static void test_numbers_outside_an_enum(void **state)
{
	struct call_event e = { .type = EVENT_SNAPSHOT + 1 };
	struct bytes out = { 0 };

	(void)state;
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), -EINVAL);
	e.type = -1;
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), -EINVAL);
	assert_null(out.data);
}

static int decode(enum record_type type, const void *data, size_t len, const char **why)
{
	union any_record r;
	int result;

	memset(&r, 0, sizeof(r));
	result = record_decode(type, &r, data, len, why);
	if (result == 0)
		table_clear(record_tables[type], &r);
	return result;
}

static void test_truncated_anywhere(void **state)
{
	const char *why;
	int t;

	(void)state;
	for (t = 0; t < RECORD_TYPES; t++) {
		struct bytes all = full_bytes((enum record_type)t);
		size_t len;

		for (len = 0; len < all.len; len++) {
			/* a copy of just that size: a read past it is seen */
			void *part = malloc(len ? len : 1);

			memcpy(part, all.data, len);
			why = NULL;
			assert_int_equal(decode((enum record_type)t, part, len, &why), -EBADMSG);
			assert_non_null(why);
			free(part);
		}
		free(all.data);
	}
}

static void test_trailing_bytes(void **state)
{
	struct bytes all = full_bytes(RECORD_CALL_EVENT);
	const char *why = NULL;

	(void)state;
	all.data = realloc(all.data, all.len + 1);
	((char *)all.data)[all.len] = 0;
	assert_int_equal(decode(RECORD_CALL_EVENT, all.data, all.len + 1, &why), -EBADMSG);
	assert_string_equal(why, "bytes follow the record");
	free(all.data);
}

/* Any single byte changed to anything: an answer, never a crash or a leak. */
static void test_changed_bytes(void **state)
{
	struct bytes all;
	size_t i;
	int t, v;

	(void)state;
	for (t = 0; t < RECORD_TYPES; t++) {
		all = full_bytes((enum record_type)t);
		for (i = 0; i < all.len; i++) {
			uint8_t *at = (uint8_t *)all.data + i, was = *at;

			for (v = 0; v < 256; v += 5) {
				*at = (uint8_t)v;
				decode((enum record_type)t, all.data, all.len, NULL);
			}
			*at = was;
		}
		free(all.data);
	}
}

/* A dead letter's first field is bytes, its last an array: lengths from elsewhere go in there. */
static void test_huge_lengths(void **state)
{
	static const struct {
		const char *body;
		size_t len;
	} bodies[] = {
		{ "\x80\x80\x80\x80\x10", 5 },                      /* 2 GiB of bytes */
		{ "\x01", 1 },                                      /* -1 bytes */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 }, /* INT64_MIN bytes */
		{ "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 }, /* INT64_MAX bytes */
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, /* more than 64 bits */
		{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11 },
		/* empty fields up to the array, then its count: 2^40, INT64_MIN and a size, 4 in 3 bytes */
		{ "\0\0\0\0\0\0\0\0\x80\x80\x80\x80\x80\x80\x01", 15 },
		{ "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02", 19 },
		{ "\0\0\0\0\0\0\0\0\x08\0\0\0", 12 },
	};
	uint8_t data[64];
	const char *why;
	size_t i;
	int b;

	(void)state;
	data[0] = 0xc3;
	data[1] = 0x01;
	for (b = 0; b < 8; b++)
		data[2 + b] = (uint8_t)(record_fingerprint(RECORD_DEAD_LETTER) >> 8 * b);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		memcpy(data + 10, bodies[i].body, bodies[i].len);
		why = NULL;
		assert_int_equal(decode(RECORD_DEAD_LETTER, data, 10 + bodies[i].len, &why), -EBADMSG);
		assert_non_null(why);
	}
	/* a number of 65 bits where any of 64 is taken: the offset */
	memcpy(data + 10, "\0\0\0\0\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\0\0\0", 18);
	assert_int_equal(decode(RECORD_DEAD_LETTER, data, 28, &why), -EBADMSG);
	assert_string_equal(why, "a number has more than 64 bits");
	/* a negative count with its size in bytes is Avro too: two answers in 6 bytes */
	memcpy(data + 10, "\0\0\0\0\0\0\0\0\x03\x0c\x02\x02\0\x04\x04\0\0", 17);
	assert_int_equal(decode(RECORD_DEAD_LETTER, data, 27, &why), 0);
}

static void test_strings_hold_no_nul(void **state)
{
	uint8_t data[64] = { 0xc3, 0x01 };
	const char *why = NULL;
	int b;

	(void)state;
	for (b = 0; b < 8; b++)
		data[2 + b] = (uint8_t)(record_fingerprint(RECORD_DEAD_LETTER) >> 8 * b);
	memcpy(data + 10, "\0\0\x04x\0\0\0\0\0\0\0", 11);
	assert_int_equal(decode(RECORD_DEAD_LETTER, data, 21, &why), -EBADMSG);
	assert_string_equal(why, "a string holds a NUL");
}

static void test_frames(void **state)
{
	struct bytes all = full_bytes(RECORD_CALL_EVENT);
	uint8_t *data = all.data;
	const char *why;

	(void)state;
	assert_memory_equal(data, "\xc3\x01", 2);
	/* another type's record */
	assert_int_equal(decode(RECORD_CALL_COMMAND, data, all.len, &why), -EBADMSG);
	assert_string_equal(why, "a record of another type");
	/* a newer program's */
	data[5] ^= 1;
	assert_int_equal(decode(RECORD_CALL_EVENT, data, all.len, &why), -ENOTSUP);
	/* a registry's id, without a registry */
	assert_int_equal(decode(RECORD_CALL_EVENT, "\0\0\0\0\x07\0", 6, &why), -EBADMSG);
	/* anything else */
	assert_int_equal(decode(RECORD_CALL_EVENT, "{\"type\":\"tone\"}", 15, &why), -EBADMSG);
	assert_int_equal(decode(RECORD_CALL_EVENT,
	                        "\xc3\x02"
	                        "12345678",
	                        10, &why),
	                 -EBADMSG);
	assert_int_equal(decode(RECORD_CALL_EVENT, "", 0, &why), -EBADMSG);
	assert_int_equal(decode(RECORD_CALL_EVENT, "\0\0\0\0", 4, &why), -EBADMSG);
	free(all.data);
}

/* Avro-C reads what we wrote, and finds the values under their names. */
static void test_read_by_avro_c(void **state)
{
	int t;

	(void)state;
	for (t = 0; t < RECORD_TYPES; t++) {
		struct bytes all = full_bytes((enum record_type)t);
		avro_value_iface_t *iface;
		avro_schema_t schema;
		avro_reader_t reader;
		avro_value_t value;
		char path[100], byte;

		snprintf(path, sizeof(path), "schemas/%s.avsc", record_name((enum record_type)t));
		assert_int_equal(
		        avro_schema_from_json_length(schema_text(path), strlen(schema_text(path)), &schema),
		        0);
		iface = avro_generic_class_from_schema(schema);
		assert_int_equal(avro_generic_value_new(iface, &value), 0);
		reader = avro_reader_memory((char *)all.data + 10, (int64_t)all.len - 10);
		assert_int_equal(avro_value_read(reader, &value), 0);
		assert_int_not_equal(avro_read(reader, &byte, 1), 0); /* nothing is left */
		if (t == RECORD_CALL_EVENT) {
			avro_value_t field;
			const char *name;
			int symbol = -1;

			assert_int_equal(avro_value_get_by_name(&value, "type", &field, NULL), 0);
			assert_int_equal(avro_value_get_enum(&field, &symbol), 0);
			name = avro_schema_enum_get(avro_value_get_schema(&field), symbol);
			assert_string_equal(name, "Snapshot");
		}
		avro_reader_free(reader);
		avro_value_decref(&value);
		avro_value_iface_decref(iface);
		avro_schema_decref(schema);
		free(all.data);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(call_state_name(CALL_ESTABLISHED), "established");
	assert_string_equal(call_state_name(CALL_LEFT), "terminated");
	assert_string_equal(call_state_name(77), "unknown");
	assert_string_equal(leg_state_name(LEG_GO), "go");
	assert_string_equal(leg_state_name(LEG_ENDED), "ended");
	assert_string_equal(command_kind_name(COMMAND_CREATE), "create");
	assert_string_equal(command_kind_name(-1), "unknown");
	assert_string_equal(event_type_name(EVENT_CALL_STATE), "CallLegStateChanged");
	assert_string_equal(event_type_name(EVENT_PARTICIPANTS), "ParticipantsUpdated");
}

/* ---- the other end of avro_peer.py ---- */

static void print_hex(const struct bytes *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		printf("%02x", ((const uint8_t *)b->data)[i]);
	putchar('\n');
}

static void peer_sample(void)
{
	struct bytes out;
	int t;

	for (t = 0; t < RECORD_TYPES; t++) {
		out = full_bytes((enum record_type)t);
		printf("%s %016" PRIx64 " ", record_name((enum record_type)t),
		       record_fingerprint((enum record_type)t));
		print_hex(&out);
		free(out.data);
	}
}

static int peer_echo_one(char *name, char *hex)
{
	union any_record r;
	uint8_t data[65536];
	const char *why = "no such type";
	struct bytes out;
	size_t n = 0;
	int t, result = -EINVAL;

	for (; hex[0] && hex[1] && n < sizeof(data) && sscanf(hex, "%2hhx", &data[n]) == 1; hex += 2)
		n++;
	for (t = 0; t < RECORD_TYPES; t++) {
		if (strcmp(name, record_name((enum record_type)t)) != 0)
			continue;
		memset(&r, 0, sizeof(r));
		result = record_decode((enum record_type)t, &r, data, n, &why);
		if (result < 0)
			break;
		result = record_encode((enum record_type)t, &r, &out);
		table_clear(record_tables[t], &r);
		if (result == 0) {
			print_hex(&out);
			free(out.data);
		}
		break;
	}
	if (result < 0)
		printf("fault %s: %s\n", name, why);
	return result;
}

static int peer(const char *mode)
{
	char name[64], *hex, why[200];
	int r = 0;

	if (records_open("", "", why, sizeof(why)) < 0)
		return 1;
	if (strcmp(mode, "sample") == 0) {
		peer_sample();
	} else {
		while (scanf("%63s %ms", name, &hex) == 2) {
			if (peer_echo_one(name, hex) < 0)
				r = 1;
			free(hex);
		}
	}
	records_close();
	return r;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_is_in_history),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_values_arrive_in_their_fields),
		cmocka_unit_test(test_empty_records),
		cmocka_unit_test(test_numbers_outside_an_enum),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_trailing_bytes),
		cmocka_unit_test(test_changed_bytes),
		cmocka_unit_test(test_huge_lengths),
		cmocka_unit_test(test_strings_hold_no_nul),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_read_by_avro_c),
		cmocka_unit_test(test_names),
	};

	if (argc > 1)
		return peer(argv[1]);
	return cmocka_run_group_tests(tests, open_records, close_records);
}
