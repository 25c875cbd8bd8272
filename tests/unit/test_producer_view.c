/* test_producer_view.c - a call's record as an app sees it, in each state */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "view.h"

#define ID    "AQAAAAAAABCDEFGHIJKLMNOPQRSTUVWX"
#define WHO   "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"
#define ENDED INT64_C(1619078400123456)

static struct leg legs[2] = {
	{ .number = 1,
	  .participant_id = (char *)WHO,
	  .identifier = { IDENTIFIER_PHONE, (char *)"+46701234500" },
	  .state = LEG_TALKING },
	{ .number = 2,
	  .participant_id = (char *)"other",
	  .identifier = { IDENTIFIER_USER, (char *)"8:acs:u" },
	  .state = LEG_RINGING },
};

static struct call_record record_in(int state)
{
	return (struct call_record){ .call_leg_id = (char *)ID,
		                     .state = state,
		                     .source = { IDENTIFIER_RAW, (char *)"28:x" },
		                     .legs = legs,
		                     .legs_count = 2 };
}

static json_t *parsed(char *text)
{
	json_t *j;

	assert_non_null(text);
	j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	free(text);
	return j;
}

static const struct {
	int state;
	const char *word;
	bool over;
	size_t talking;
} states[] = {
	{ CALL_IDLE, "idle", false, 0 },
	{ CALL_ESTABLISHING, "establishing", false, 0 },
	{ CALL_ESTABLISHED, "established", false, 1 },
	{ CALL_LEFT, "terminated", true, 0 }, /* they talk on, and it is none of the app's business */
	{ CALL_TERMINATING, "terminating", false, 0 },
	{ CALL_TERMINATED, "terminated", true, 0 },
};

static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct call_record r = record_in(states[i].state);
		json_t *j;

		if (states[i].over) {
			r.ended_at = ENDED;
			r.outcome = OUTCOME_COMPLETED;
			r.result_subcode = 560000;
		}
		j = parsed(view_json(&r));
		assert_string_equal(json_string_value(json_object_get(j, "callState")), states[i].word);
		assert_int_equal(json_is_object(json_object_get(j, "resultInfo")), states[i].over);
		assert_int_equal(json_is_string(json_object_get(j, "outcome")), states[i].over);
		assert_int_equal(json_is_string(json_object_get(j, "endedAt")), states[i].over);
		if (states[i].over)
			assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "resultInfo"),
			                                                    "subcode")),
			                 560000);
		json_decref(j);

		j = parsed(view_participants(&r));
		assert_int_equal(json_array_size(json_object_get(j, "value")), states[i].talking);
		json_decref(j);
	}
}

static void test_participants(void **state)
{
	struct call_record r = record_in(CALL_ESTABLISHED);
	char *text = view_participants(&r);

	(void)state;
	assert_string_equal(text, "{\"value\":[{\"identifier\":{\"rawId\":\"4:+46701234500\","
	                          "\"communicationUser\":null,\"phoneNumber\":{\"value\":\"+46701234500\"},"
	                          "\"microsoftTeamsUser\":null},\"participantId\":\"" WHO
	                          "\",\"isMuted\":false}]}");
	free(text);
	text = view_participants(NULL);
	assert_string_equal(text, "{\"value\":[]}");
	free(text);
}

/* The same identifiers as in the roster. */
static void test_targets(void **state)
{
	struct call_record r = record_in(CALL_ESTABLISHING);
	char *text = view_json(&r);

	(void)state;
	assert_non_null(strstr(text, "\"source\":{\"rawId\":\"28:x\",\"communicationUser\":null,"));
	assert_non_null(strstr(text, "{\"identifier\":{\"rawId\":\"4:+46701234500\","));
	assert_non_null(strstr(text, "\"participantId\":\"" WHO "\",\"state\":\"talking\"}"));
	assert_non_null(strstr(text, "\"communicationUser\":{\"id\":\"8:acs:u\"}"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_participants),
		cmocka_unit_test(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
