/* test_cli_view.c - calls and events as callcast prints them: masked, and harmless to a terminal */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_view.h"
#include "mask.h"
#include "watch_line.h"

static void check_who(const char *text, const char *wanted)
{
	json_t *who = who_json(text);
	char *got = json_dumps(who, JSON_COMPACT);

	assert_string_equal(got, wanted);
	free(got);
	json_decref(who);
}

static void test_whom_a_word_means(void **state)
{
	(void)state;
	check_who("+46701740605", "{\"phoneNumber\":{\"value\":\"+46701740605\"}}");
	check_who("8:acs:a_b", "{\"communicationUser\":{\"id\":\"8:acs:a_b\"}}");
	check_who("user:alice", "{\"communicationUser\":{\"id\":\"alice\"}}");
	check_who("4:+46701740605", "{\"rawId\":\"4:+46701740605\"}");
	check_who("28:x", "{\"rawId\":\"28:x\"}");
	check_who("", "{\"rawId\":\"\"}");
}

/* ---- a call ---- */

static char *viewed(const char *json, void (*view)(FILE *, const json_t *, bool), bool full)
{
	json_t *call = json_loads(json, 0, NULL);
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(call);
	view(f, call, full);
	fclose(f);
	json_decref(call);
	return out;
}

static const char call[] =
        "{\"callLegId\":\"X\",\"callState\":\"established\",\"source\":{\"rawId\":\"4:+15555550100\","
        "\"phoneNumber\":{\"value\":\"+15555550100\"},\"communicationUser\":null},\"targets\":[{"
        "\"identifier\":{\"rawId\":\"8:x\",\"communicationUser\":{\"id\":\"8:x\"},\"phoneNumber\":null},"
        "\"participantId\":\"P\",\"state\":\"talking\"}],\"operationContext\":\"a\\u001bb\",\"outcome\":null,"
        "\"resultInfo\":null,\"createdAt\":\"T\",\"participants\":[{\"identifier\":{\"phoneNumber\":{"
        "\"value\":\"+46701740605\"}},\"participantId\":\"Q\",\"isMuted\":true}]}";

static void test_a_call(void **state)
{
	char *text = viewed(call, call_view_text, false);

	(void)state;
	assert_string_equal(text, "call X\n"
	                          "  state        established\n"
	                          "  source       +1********00\n"
	                          "  context      a?b\n"
	                          "  created      T\n"
	                          "  target       8:x  P  talking\n"
	                          "  participant  +46*******05  Q  muted\n");
	free(text);
	text = viewed(call, call_view_text, true);
	assert_non_null(strstr(text, "+46701740605"));
	assert_non_null(strstr(text, "a?b"));
	free(text);
	text = viewed(call, call_view_json, false);
	assert_null(strstr(text, "46701740605"));
	assert_null(strstr(text, "5555550100"));
	assert_non_null(strstr(text, "a\\u001Bb"));
	free(text);
}

static void test_a_strange_answer_is_printed_as_far_as_it_goes(void **state)
{
	static const char *const strange[] = { "{}", "[]", "{\"targets\":7,\"source\":[],\"resultInfo\":1}",
		                               "{\"participants\":[null,{\"identifier\":3}]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		free(viewed(strange[i], call_view_text, false));
		free(viewed(strange[i], call_view_json, true));
	}
}

static void test_how_it_came_out(void **state)
{
	json_t *ended = json_loads("{\"callState\":\"terminated\",\"outcome\":\"busy\",\"resultInfo\":{"
	                           "\"code\":486,\"subcode\":560486}}",
	                           0, NULL);
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	call_view_outcome(f, ended);
	fclose(f);
	assert_string_equal(out, "terminated busy 486/560486\n");
	free(out);
	json_decref(ended);
}

/* ---- an event ---- */

static void check_line(const struct call_event *e, const char *wanted)
{
	json_t *whole = watch_event_json(e, 7), *masked = json_masked(whole), *event = json_printable(masked);
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	watch_line(f, event);
	fclose(f);
	assert_string_equal(out, wanted);
	free(out);
	json_decref(event);
	json_decref(masked);
	json_decref(whole);
}

#define AT   .at = INT64_C(1619078400000001), .call_leg_id = (char *)"C"
#define TIME "2021-04-22T08:00:00.000001Z C "

static void test_each_event_in_a_line(void **state)
{
	struct dial dials[] = { { .identifier = { IDENTIFIER_PHONE, (char *)"+46701740605" } },
		                { .identifier = { IDENTIFIER_USER, (char *)"8:x" } } };
	const struct {
		struct call_event event;
		const char *wanted;
	} rows[] = {
		{ { AT, .number = 1, .type = EVENT_CALL_STATE, .dials = dials, .dials_count = 2,
		    .data = (char *)"{\"callState\":\"establishing\"}" },
		  TIME "  1 establishing +46*******05 8:x\n" },
		{ { AT, .number = 12, .type = EVENT_CALL_STATE,
		    .data = (char *)"{\"callState\":\"terminated\",\"outcome\":\"busy\",\"resultInfo\":{"
		                    "\"code\":486,\"subcode\":560486}}" },
		  TIME " 12 terminated busy 486/560486\n" },
		{ { AT, .number = 5, .type = EVENT_CALL_STATE, .state = CALL_LEFT,
		    .data = (char *)"{\"callState\":\"terminated\",\"outcome\":\"completed\"}" },
		  TIME "  5 terminated completed (its app has left, others talk on)\n" },
		{ { AT, .number = 3, .type = EVENT_DTMF,
		    .data = (char *)"{\"toneInfo\":{\"sequenceId\":1,\"tone\":\"pound\"}}" },
		  TIME "  3 digit pound\n" },
		{ { AT, .number = 4, .type = EVENT_PLAY_RESULT,
		    .data = (char *)"{\"status\":\"completed\",\"operationContext\":\"a\\nb\",\"resultInfo\":"
		                    "{"
		                    "\"code\":400,\"subcode\":8508}}" },
		  TIME "  4 play completed 400/8508 context=a?b\n" },
		{ { AT, .number = 5, .type = EVENT_INVITE_RESULT,
		    .data = (char *)"{\"status\":\"failed\",\"operationContext\":null,\"participants\":[{"
		                    "\"phoneNumber\":{\"value\":\"+46701740605\"},\"communicationUser\":null}"
		                    "]}" },
		  TIME "  5 invite failed +46*******05\n" },
		{ { AT, .number = 6, .type = EVENT_PARTICIPANTS,
		    .data = (char *)"{\"participants\":[{\"identifier\":{\"rawId\":\"r\"},\"isMuted\":true},{"
		                    "\"identifier\":{\"communicationUser\":{\"id\":\"8:x\"}}}]}" },
		  TIME "  6 participants r (muted) 8:x\n" },
		{ { AT, .type = EVENT_LEG, .data = (char *)"{\"leg\":2,\"what\":\"ringing\"}" },
		  TIME "  - leg 2 ringing\n" },
		{ { AT, .type = EVENT_SNAPSHOT, .data = (char *)"{\"command\":\"play\"}" },
		  TIME "  - taken play\n" },
		{ { AT, .type = EVENT_DIAL, .data = (char *)"{}", .dials = dials, .dials_count = 1 },
		  TIME "  - dial +46*******05\n" },
		{ { AT, .number = 1, .type = EVENT_CALL_STATE, .data = (char *)"no json" }, TIME "  1 \n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_line(&rows[i].event, rows[i].wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whom_a_word_means),
		cmocka_unit_test(test_a_call),
		cmocka_unit_test(test_a_strange_answer_is_printed_as_far_as_it_goes),
		cmocka_unit_test(test_how_it_came_out),
		cmocka_unit_test(test_each_event_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
