/*
 * test_records_versions.c - records of older and newer programs, pinned versions, registry ids
 *
 * The schemas built in are this test's own: of CallEvent there are three
 * versions that never were.  Version 1 lacks most fields, orders them otherwise,
 * and has some that are gone; version 2 is smaller than the newest in an enum.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embedded.h"
#include "records.h"

#define RECORD(name, fields)                                                                                 \
	"{\"type\":\"record\",\"name\":\"" name "\",\"namespace\":\"callcast\",\"fields\":[" fields "]}"
#define FIELD(name, type)   "{\"name\":\"" name "\",\"type\":" type "}"
#define ENUM(name, symbols) "{\"type\":\"enum\",\"name\":\"" name "\",\"symbols\":[" symbols "]}"

/* a field of each kind that is gone, so that each is read past */
#define GONE                                                                                                                                      \
	RECORD("Gone",                                                                                                                            \
	       FIELD("flag", "\"boolean\"") "," FIELD("small", "\"int\"") "," FIELD("big", "\"long\"") "," FIELD("text", "\"string\"") "," FIELD( \
	               "blob",                                                                                                                    \
	               "\"bytes\"") "," FIELD("word",                                                                                             \
	                                      ENUM("GoneWord",                                                                                    \
	                                           "\"x\",\"y\"")) "," FIELD("nothing",                                                           \
	                                                                     "\"null\"") "," FIELD("list",                                        \
	                                                                                           "{\"type"                                      \
	                                                                                           "\":"                                          \
	                                                                                           "\"array"                                      \
	                                                                                           "\","                                          \
	                                                                                           "\"items"                                      \
	                                                                                           "\":["                                         \
	                                                                                           "\"null"                                       \
	                                                                                           "\","                                          \
	                                                                                           "\"strin"                                      \
	                                                                                           "g\","                                         \
	                                                                                           "\"long"                                       \
	                                                                                           "\"]}"))

static const char event_1[] = RECORD(
        "CallEvent",
        FIELD("seq", "\"int\"") "," FIELD("gone", GONE) "," FIELD("callLegId", "\"string\"") "," FIELD(
                "type",
                ENUM("EventType",
                     "\"Departed\",\"DtmfReceived\",\"CallLegStateChanged\"")) "," FIELD("data",
                                                                                         "\"string\""));
static const char event_2[] =
        RECORD("CallEvent", FIELD("callLegId", "\"string\"") "," FIELD("seq", "\"int\"") "," FIELD(
                                    "type", ENUM("EventType", "\"CallLegStateChanged\",\"DtmfReceived\"")));
static const char event_3[] = RECORD(
        "CallEvent",
        FIELD("callLegId", "\"string\"") "," FIELD("seq", "\"long\"") "," FIELD(
                "type", ENUM("EventType",
                             "\""
                             "Ca"
                             "ll"
                             "Le"
                             "gS"
                             "ta"
                             "te"
                             "Ch"
                             "an"
                             "ge"
                             "d"
                             "\""
                             ","
                             "\""
                             "Dt"
                             "mf"
                             "Re"
                             "ce"
                             "iv"
                             "ed"
                             "\""
                             ","
                             "\""
                             "Pl"
                             "ay"
                             "Au"
                             "di"
                             "oR"
                             "es"
                             "ul"
                             "t"
                             "\"")) "," FIELD("data",
                                              "[\"null\",\"string\"]") "," FIELD("commandIds",
                                                                                 "{\"type\":\"array\","
                                                                                 "\"items\":\"string\"}"));

static const char command_1[] = RECORD("CallCommand", FIELD("commandId", "\"string\""));
static const char record_1[] = RECORD("CallRecord", FIELD("callLegId", "\"string\""));
static const char dead_1[] = RECORD("DeadLetter", FIELD("value", "\"bytes\""));

/* stands in for the schemas of the program */
const struct embedded embedded_schemas[] = {
	{ "schemas/CallCommand.avsc", command_1 },
	{ "schemas/history/CallCommand.1.avsc", command_1 },
	{ "schemas/CallRecord.avsc", record_1 },
	{ "schemas/history/CallRecord.1.avsc", record_1 },
	{ "schemas/DeadLetter.avsc", dead_1 },
	{ "schemas/history/DeadLetter.1.avsc", dead_1 },
	{ "schemas/CallEvent.avsc", event_3 },
	{ "schemas/history/CallEvent.2.avsc", event_2 }, /* in any order */
	{ "schemas/history/CallEvent.1.avsc", event_1 },
	{ "schemas/history/CallEvent.3.avsc", event_3 },
	{ NULL, NULL },
};

static char map_path[] = "/tmp/test_records_versions.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(map_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(map_path);
}

static int close_records(void **state)
{
	(void)state;
	records_close();
	return 0;
}

static void open_as(const char *write, const char *map)
{
	char why[300] = "";
	FILE *f;

	if (map) {
		f = fopen(map_path, "w");
		fputs(map, f);
		fclose(f);
	}
	if (records_open(write, map ? map_path : "", why, sizeof(why)) < 0)
		fail_msg("%s", why);
}

/* Bytes of version 1, as its program wrote them. */
static struct bytes old_event(const char *body, size_t len)
{
	static uint8_t data[256];
	struct bytes out;

	/* the fingerprint of event_1 as fastavro 1.13 makes it: nothing can write that version any more */
	memcpy(data,
	       "\xc3\x01"
	       "\x47\xda\x26\xb2\xdf\x49\x0a\xc4",
	       10);
	memcpy(data + 10, body, len);
	out.data = data;
	out.len = 10 + len;
	return out;
}

static void test_older_version(void **state)
{
	/* seq 7; gone: true, -1, 300, "ab", "c", y, null, ["z", null, 5] in two blocks, one with its size */
	static const char body[] = "\x0e"
	                           "\x01"
	                           "\x01"
	                           "\xd8\x04"
	                           "\x04"
	                           "ab"
	                           "\x02"
	                           "c"
	                           "\x02"
	                           "\x02"
	                           "\x02\x02z"
	                           "\x03\x06"
	                           "\x00"
	                           "\x04\x0a"
	                           "\x00"
	                           "\x06"
	                           "leg"
	                           "\x02"
	                           "\x04"
	                           "{}";
	struct call_event e = { 0 };
	struct bytes old;
	const char *why = "";
	size_t len;

	(void)state;
	open_as("", NULL);
	old = old_event(body, sizeof(body) - 1);
	if (record_decode(RECORD_CALL_EVENT, &e, old.data, old.len, &why) != 0)
		fail_msg("%s", why);
	assert_string_equal(e.call_leg_id, "leg");
	assert_true(e.seq == 7);
	assert_int_equal(e.type, EVENT_DTMF);
	assert_string_equal(e.data, "{}");
	/* and defaults for what it lacks */
	assert_null(e.tenant);
	assert_null(e.callback_uri);
	assert_int_equal(e.outcome, OUTCOME_NONE);
	assert_int_equal(e.command_ids_count, 0);
	call_event_clear(&e);

	for (len = 0; len < old.len; len++)
		assert_int_equal(record_decode(RECORD_CALL_EVENT, &e, old.data, len, NULL), -EBADMSG);
}

/* A call record without its counters starts them at 1, not at 0. */
static void test_defaults_of_their_own(void **state)
{
	struct call_record r = { .call_leg_id = (char[]){ "leg" }, .next_seq = 9 }, back = { 0 };
	struct bytes out;

	(void)state;
	open_as("", NULL);
	assert_int_equal(record_encode(RECORD_CALL_RECORD, &r, &out), 0);
	assert_int_equal(record_decode(RECORD_CALL_RECORD, &back, out.data, out.len, NULL), 0);
	assert_true(back.next_seq == 1 && back.next_number == 1);
	assert_true(back.created_at == 0);
	call_record_clear(&back);
	free(out.data);
}

static void test_newer_program(void **state)
{
	struct call_event e = { .call_leg_id = (char[]){ "leg" } }, back = { 0 };
	const char *why = NULL;
	struct bytes out;

	(void)state;
	open_as("", NULL);
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), 0);
	((uint8_t *)out.data)[9] ^= 0x80;
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, out.data, out.len, &why), -ENOTSUP);
	assert_non_null(strstr(why, "fingerprint"));
	((uint8_t *)out.data)[0] = 'x';
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, out.data, out.len, &why), -EBADMSG);
	free(out.data);
}

static void test_pinned_version(void **state)
{
	struct call_event e = {
		.call_leg_id = (char[]){ "leg" }, .seq = 5, .type = EVENT_DTMF, .data = (char[]){ "{}" }
	};
	struct call_event back = { 0 };
	struct bytes out, newest;
	uint8_t written[10];

	(void)state;
	open_as("2", NULL);
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), 0);
	memcpy(written, out.data, sizeof(written));
	assert_int_equal(out.len, 10 + 4 + 1 + 1);
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, out.data, out.len, NULL), 0);
	assert_true(back.seq == 5 && back.type == EVENT_DTMF && !back.data);
	call_event_clear(&back);
	free(out.data);

	/* what it has no word for, or no room */
	e.type = EVENT_PLAY_RESULT;
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), -EINVAL);
	e.type = EVENT_DTMF;
	e.seq = (int64_t)INT32_MAX + 1;
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), -EINVAL);
	e.seq = 5;
	records_close();

	open_as("", NULL);
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &newest), 0);
	assert_memory_not_equal(newest.data, written, sizeof(written));
	free(newest.data);
}

static void test_pins_that_are_none(void **state)
{
	static const struct {
		const char *write, *words;
	} faults[] = {
		{ "0", "is not a version" },
		{ "x", "is not a version" },
		{ "1x", "is not a version" },
		{ "99999999999", "is not a version" },
		{ "4", "no schema has a version 4" },
		{ "1", "CallEvent version 1 has fields that are no longer written" },
	};
	char why[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		assert_int_equal(records_open(faults[i].write, "", why, sizeof(why)), -EINVAL);
		if (!strstr(why, faults[i].words))
			fail_msg("%s: %s", faults[i].write, why);
	}
}

#define MAP                                                                                                  \
	"{\"CallCommand\":1,\"CallEvent\":4294967295,\"CallEvent.2\":66051,\"CallRecord\":3,\"DeadLetter\":" \
	"4}"

static void test_registry(void **state)
{
	struct call_event e = { .call_leg_id = (char[]){ "leg" }, .seq = 5 }, back = { 0 };
	const char *why = NULL;
	struct bytes out, plain;

	(void)state;
	open_as("", NULL);
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &plain), 0);
	records_close();

	open_as("", MAP);
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &e, &out), 0);
	assert_memory_equal(out.data, "\x00\xff\xff\xff\xff\x06leg\x0a", 10);
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, out.data, out.len, &why), 0);
	assert_true(back.seq == 5);
	call_event_clear(&back);

	/* both framings are read */
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, plain.data, plain.len, &why), 0);
	call_event_clear(&back);
	/* an earlier version by its own id: 0x00010203 */
	assert_int_equal(
	        record_decode(RECORD_CALL_EVENT, &back, "\x00\x00\x01\x02\x03\x06leg\x0e\x02", 11, &why), 0);
	assert_true(back.seq == 7 && back.type == EVENT_DTMF);
	call_event_clear(&back);
	/* another type's id, an id that nobody knows, an id cut short */
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, "\x00\x00\x00\x00\x03\x06leg", 9, &why),
	                 -EBADMSG);
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, "\x00\x00\x00\x00\x09\x06leg", 9, &why),
	                 -ENOTSUP);
	assert_int_equal(record_decode(RECORD_CALL_EVENT, &back, "\x00\x00\x00\x00", 4, &why), -EBADMSG);
	free(out.data);
	free(plain.data);
}

static void test_registry_faults(void **state)
{
	static const struct {
		const char *map, *words;
	} faults[] = {
		{ "", "line 1" },
		{ "[]", "not an object" },
		{ "{\"CallEvent\":7}", "no id for CallCommand" },
		{ "{\"CallEvent\":\"7\"}", "CallEvent: not an id" },
		{ "{\"CallEvent\":-1}", "CallEvent: not an id" },
		{ "{\"CallEvent\":4294967296}", "CallEvent: not an id" },
		{ "{\"Event\":1}", "no schema is named 'Event'" },
		{ "{\"CallEvent.9\":1}", "no schema is named 'CallEvent.9'" },
		{ "{\"CallEvents\":1}", "no schema is named 'CallEvents'" },
		{ "{\"CallEvent\":1,\"CallCommand\":1}", "stands twice" },
		/* what goes to a terminal holds nothing that it obeys */
		{ "{\"Call\\u001b[2J\":1}", "a name holds a blank or a control character" },
		{ "{\"CallEvent\":\x1b[2J}", "line 1, column 14: not valid JSON" },
	};
	char why[300];
	size_t i;
	FILE *f;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		f = fopen(map_path, "w");
		fputs(faults[i].map, f);
		fclose(f);
		assert_int_equal(records_open("", map_path, why, sizeof(why)), -EINVAL);
		if (!strstr(why, faults[i].words) || !strstr(why, map_path))
			fail_msg("%s: %s", faults[i].map, why);
	}
	assert_int_equal(records_open("", "/nowhere/map.json", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "/nowhere/map.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_older_version, close_records),
		cmocka_unit_test_teardown(test_defaults_of_their_own, close_records),
		cmocka_unit_test_teardown(test_newer_program, close_records),
		cmocka_unit_test_teardown(test_pinned_version, close_records),
		cmocka_unit_test_teardown(test_pins_that_are_none, close_records),
		cmocka_unit_test_teardown(test_registry, close_records),
		cmocka_unit_test_teardown(test_registry_faults, close_records),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
