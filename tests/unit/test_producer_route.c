/* test_producer_route.c - which targets name which operation, and which are refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "records.h"
#include "route.h"

#define ID  "AQAAAAAAABCDEFGHIJKLMNOPQRSTUVWX"
#define WHO "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"

static const struct {
	const char *target;
	int result;
	enum operation_name name;
	int api;
	const char *call;
	bool version;
} stories[] = {
	{ "/calls", 0, ROUTE_CALLS, API_CALLS, "", false },
	{ "/calling/calls", 0, ROUTE_CALLS, API_CALLING, "", false },
	{ "/Calling/CALLS?api-version=2021-04-15-preview1", 0, ROUTE_CALLS, API_CALLING, "", true },
	{ "/calls?x=1&API-Version=2", 0, ROUTE_CALLS, API_CALLS, "", true },
	{ "/calls?api-version=", 0, ROUTE_CALLS, API_CALLS, "", false },
	{ "/calls?xapi-version=1", 0, ROUTE_CALLS, API_CALLS, "", false },
	{ "/calls/" ID, 0, ROUTE_CALL, API_CALLS, ID, false },
	{ "/c%61lls/" ID "/h%61ngup", 0, ROUTE_HANGUP, API_CALLS, ID, false },
	{ "/calls/" ID "/Hangup", 0, ROUTE_HANGUP, API_CALLS, ID, false },
	{ "/calling/calls/" ID "/playAudio?api-version=1", 0, ROUTE_PLAY, API_CALLING, ID, true },
	{ "/calls/" ID "/CancelMediaProcessing", 0, ROUTE_CANCEL, API_CALLS, ID, false },
	{ "/calling/calls/" ID "/cancelMediaOperations?api-version=1", 0, ROUTE_CANCEL, API_CALLING, ID,
	  true },
	{ "/calls/" ID "/participants", 0, ROUTE_PARTICIPANTS, API_CALLS, ID, false },
	{ "/calling/calls/" ID "/Participants?api-version=1", 0, ROUTE_PARTICIPANTS, API_CALLING, ID, true },
	{ "/calls/" ID "/participants/" WHO, 0, ROUTE_PARTICIPANT, API_CALLS, ID, false },
	{ "/calling/calls/" ID "/PARTICIPANTS/x?api-version=1", 0, ROUTE_PARTICIPANT, API_CALLING, ID, true },
	{ "/calls/short/PlayAudio", 0, ROUTE_PLAY, API_CALLS, "", false }, /* no id: 404 by its tag */
	/* what does not exist */
	{ "/", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calling", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls//Hangup/", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/Hangup/now", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participants/", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participants/" WHO "/mute", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calling/calls/" ID "/participants/" WHO "/", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participant/" WHO, -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participants:add", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/Hangup/" WHO, -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calls/participants", 0, ROUTE_CALL, API_CALLS, "", false },
	{ "/calls/" ID "/CancelMedia", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calling/callConnections", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/calling/calling/calls", -ENOENT, ROUTE_NONE, 0, "", false },
	{ "/a/b/c/d/e/f/g/h", -ENOENT, ROUTE_NONE, 0, "", false },
	/* what nobody should send */
	{ "", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "calls", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "*", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "http://host/calls", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls%2F" ID, -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "%2fHangup", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participants/" WHO "%2Fx", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participants/" WHO "%00", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/" ID "/participants/%", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls%00/x", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/%4", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/%zz", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls/%\x16\x11", -EINVAL, ROUTE_NONE, 0, "", false }, /* digits but for one bit */
	{ "/calls/%", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls /x", -EINVAL, ROUTE_NONE, 0, "", false },
	{ "/calls?a b", -EINVAL, ROUTE_NONE, 0, "", false },
};

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
		struct route r;
		int result = route_parse(&r, stories[i].target);

		if (result != stories[i].result || r.name != stories[i].name)
			fail_msg("%s: %d, route %d", stories[i].target, result, r.name);
		if (result)
			continue;
		assert_int_equal(r.api, stories[i].api);
		assert_string_equal(r.call, stories[i].call);
		assert_int_equal(r.api_version, stories[i].version);
		assert_int_equal(r.path_len, strcspn(stories[i].target, "?"));
	}
}

/* %5C and friends decode to what they are, and an id keeps its case */
static void test_id_keeps_its_case(void **state)
{
	struct route r;

	(void)state;
	assert_int_equal(route_parse(&r, "/calls/aQAAAAAAABCDEFGHIJKLMNOPQRSTUVW%58"), 0);
	assert_string_equal(r.call, "aQAAAAAAABCDEFGHIJKLMNOPQRSTUVWX");
}

static const struct {
	const char *segment, *participant;
} participants[] = {
	{ WHO, WHO },
	{ "C8A5BBEA-1D7B-4FCA-89d3-22A5D13837DB", WHO },
	{ "%63%38a5bbea%2d1d7b-4fca-89d3-22a5d13837db", WHO },
	{ "c8a5bbea-1d7b-4fca-89d3-22a5d13837d", "" },
	{ "c8a5bbea-1d7b-4fca-89d3-22a5d13837dbb", "" },
	{ "c8a5bbea1d7b4fca89d322a5d13837db", "" },
	{ "{c8a5bbea-1d7b-4fca-89d3-22a5d13837db}", "" },
	{ "urn:uuid:c8a5bbea-1d7b-4fca-89d3-22a5d13837db", "" },
	{ "c8a5bbea-1d7b-4fca-89d3-22a5d13837dg", "" },
	{ "c8a5bbea_1d7b_4fca_89d3_22a5d13837db", "" },
	{ "%2B46701234567", "" },
	{ WHO WHO, "" }, /* longer than a segment that we know */
};

static void test_participants(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(participants) / sizeof(*participants); i++) {
		char target[256] = "/calls/" ID "/participants/";
		struct route r;

		strcat(target, participants[i].segment);
		assert_int_equal(route_parse(&r, target), 0);
		assert_int_equal(r.name, ROUTE_PARTICIPANT);
		assert_string_equal(r.participant, participants[i].participant);
	}
}

static void test_methods(void **state)
{
	(void)state;
	assert_true(route_allows(ROUTE_CALLS, "POST"));
	assert_false(route_allows(ROUTE_CALLS, "GET"));
	assert_true(route_allows(ROUTE_CALL, "GET"));
	assert_true(route_allows(ROUTE_CALL, "DELETE"));
	assert_false(route_allows(ROUTE_CALL, "POST"));
	assert_false(route_allows(ROUTE_HANGUP, "DELETE"));
	assert_false(route_allows(ROUTE_PLAY, "post"));
	assert_false(route_allows(ROUTE_NONE, "POST"));
	assert_false(route_allows(ROUTE_CALL, ""));
	assert_false(route_allows(ROUTE_CALL, "GET, DELETE"));
	assert_false(route_allows(ROUTE_CALL, "DEL"));
	assert_true(route_allows(ROUTE_PARTICIPANTS, "GET"));
	assert_true(route_allows(ROUTE_PARTICIPANTS, "POST"));
	assert_false(route_allows(ROUTE_PARTICIPANTS, "DELETE"));
	assert_true(route_allows(ROUTE_PARTICIPANT, "DELETE"));
	assert_false(route_allows(ROUTE_PARTICIPANT, "GET"));
	assert_string_equal(route_methods(ROUTE_PARTICIPANTS), "GET, POST");
	assert_string_equal(route_methods(ROUTE_PARTICIPANT), "DELETE");
	assert_string_equal(route_methods(ROUTE_CALL), "GET, DELETE");
	assert_string_equal(route_methods(ROUTE_PLAY), "POST");
	assert_null(route_methods(ROUTE_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_id_keeps_its_case),
		cmocka_unit_test(test_participants),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
