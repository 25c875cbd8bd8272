/* test_cli_json.c - records as `callcast show` tells them: the queries of addresses never */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "show_json.h"

static void test_queries_are_never_shown(void **state)
{
	char prompt[] = "https://files.example/prompt.wav?sig=hedgehog";
	struct operation play = { .kind = OPERATION_PLAY, .audio_file_uri = prompt };
	char uri[] = "https://app.example/hook?secret=squirrel", id[] = "x", data[] = "{}";
	struct call_record record = {
		.call_leg_id = id, .callback_uri = uri, .operations = &play, .operations_count = 1
	};
	struct call_event event = { .call_leg_id = id, .callback_uri = uri, .data = data, .seq = 3 };
	json_t *list = json_pack("[o, o]", record_json(&record), event_json(&event, 17));
	char *text = json_dumps(list, 0);

	(void)state;
	assert_non_null(strstr(text, "app.example"));
	assert_non_null(strstr(text, "prompt.wav"));
	assert_null(strstr(text, "squirrel"));
	assert_null(strstr(text, "hedgehog"));
	free(text);
	json_decref(list);
}

static void test_a_broken_event_is_shown_as_far_as_it_goes(void **state)
{
	char data[] = "no json";
	struct call_event event = { .data = data, .seq = 3 };
	json_t *e = event_json(&event, 17);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(e, "seq")), 3);
	assert_int_equal(json_integer_value(json_object_get(e, "offset")), 17);
	assert_null(json_object_get(e, "data"));
	json_decref(e);
}

static void test_times(void **state)
{
	char text[TIME_SIZE];

	(void)state;
	assert_string_equal(time_text(text, 0), "");
	assert_string_equal(time_text(text, INT64_C(1619078400000001)), "2021-04-22T08:00:00.000001Z");
	assert_true(strlen(time_text(text, INT64_MAX)) < TIME_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries_are_never_shown),
		cmocka_unit_test(test_a_broken_event_is_shown_as_far_as_it_goes),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
