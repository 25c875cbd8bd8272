/* test_result.c - what a SIP code says, and what the app is told about it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "result.h"

/* last SIP code of a leg, the outcome's name, code and subcode told */
static const struct story {
	int sip;
	const char *outcome;
	int32_t code, subcode;
} stories[] = {
	{ 200, "completed", 0, 560000 },
	{ 486, "busy", 486, 560486 },
	{ 600, "busy", 486, 560486 },
	{ 480, "noAnswer", 480, 560480 },
	{ 603, "declined", 603, 560603 },
	{ 403, "declined", 603, 560603 },
	{ 404, "noSuchNumber", 404, 560404 },
	{ 410, "noSuchNumber", 404, 560404 },
	{ 484, "noSuchNumber", 404, 560404 },
	{ 604, "noSuchNumber", 404, 560404 },
	{ 408, "unreachable", 408, 560408 },
	{ 487, "cancelled", 487, 560487 },
	{ 500, "network", 503, 560503 },
	{ 503, "network", 503, 560503 },
	{ 504, "network", 503, 560503 },
	{ 488, "failed", 500, 0 },
	{ 302, "failed", 500, 0 },
	{ 0, "failed", 500, 0 },
	{ -1, "failed", 500, 0 },
};

static void test_stories(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		enum outcome o = outcome_of_sip(stories[i].sip);
		struct result r = outcome_result(o);

		assert_string_equal(outcome_name(o), stories[i].outcome);
		assert_int_equal(r.code, stories[i].code);
		assert_int_equal(r.subcode, stories[i].subcode);
	}
}

static void test_every_outcome_has_words_of_its_own(void **state)
{
	int a, b;

	(void)state;
	for (a = 0; a < OUTCOMES; a++) {
		assert_non_null(outcome_result(a).message);
		for (b = 0; b < a; b++) {
			assert_string_not_equal(outcome_name(a), outcome_name(b));
			assert_string_not_equal(outcome_result(a).message, outcome_result(b).message);
		}
	}
	assert_string_equal(outcome_name(OUTCOME_NONE), "none");
	assert_string_equal(outcome_name(OUTCOME_EXPIRED), "expired");
	assert_int_equal(outcome_result(OUTCOME_EXPIRED).code, 410);
	assert_int_equal(outcome_result(OUTCOME_UNKNOWN).subcode, 8500);
}

/* A number from nowhere is "unknown", not a read past the table. */
static void test_numbers_outside(void **state)
{
	(void)state;
	assert_string_equal(outcome_name(OUTCOMES), "unknown");
	assert_string_equal(outcome_name(-1), "unknown");
	assert_int_equal(outcome_result(OUTCOMES).subcode, 8500);
}

static void test_media_results(void **state)
{
	(void)state;
	assert_int_equal(RESULT_OK.code, 200);
	assert_int_equal(RESULT_CANCELLED.subcode, 8508);
	assert_int_equal(RESULT_PLAY_FAILED.subcode, 8511);
	assert_int_equal(RESULT_BAD_FORMAT.subcode, 8535);
	assert_int_equal(RESULT_DOWNLOAD_FAILED.subcode, 8536);
	assert_int_equal(RESULT_CALL_ENDED.subcode, 8528);
	assert_int_equal(RESULT_NOT_ESTABLISHED.subcode, 8501);
	assert_int_equal(RESULT_TOO_MUCH.code, 413);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_every_outcome_has_words_of_its_own),
		cmocka_unit_test(test_numbers_outside),
		cmocka_unit_test(test_media_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
