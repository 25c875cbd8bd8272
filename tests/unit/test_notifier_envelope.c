/* test_notifier_envelope.c - the bodies of webhooks, byte for byte, in both forms */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "envelope.h"

#define CALL "AbCdEfGhIjKlMnOpQrStUvWxYz01234-"
#define AT   INT64_C(1622059719000120) /* 2021-05-26T20:08:39.00012Z */

static struct call_event event(int api, int type, const char *data)
{
	return (struct call_event){ .call_leg_id = (char *)CALL,
		                    .api = api,
		                    .number = 2,
		                    .type = type,
		                    .data = (char *)data,
		                    .at = AT };
}

static void check(enum envelope_form form, struct call_event ev, const char *want)
{
	struct bytes out = { 0 };
	json_t *json;

	assert_int_equal(envelope_make(&out, form, &ev), 0);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.data, want, out.len);
	json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json), 1);
	json_decref(json);
	free(out.data);
}

static void test_cloudevents(void **state)
{
	(void)state;
	check(ENVELOPE_CLOUDEVENTS,
	      event(API_CALLING, EVENT_CALL_STATE, "{\"callLegId\":\"x\",\"callState\":\"established\"}"),
	      "[{\"id\":\"" CALL "-2\",\"source\":\"/calling/calls/" CALL
	      "\",\"type\":\"Microsoft.Communication.CallLegStateChanged\",\"subject\":\"callLeg/" CALL
	      "/callState\",\"time\":\"2021-05-26T20:08:39.0001200Z\",\"specversion\":\"1.0\","
	      "\"datacontenttype\":\"application/"
	      "json\",\"data\":{\"callLegId\":\"x\",\"callState\":\"established\"}}]");
}

static void test_source_of_the_short_routes(void **state)
{
	struct call_event ev = event(API_CALLS, EVENT_DTMF, "{}");
	struct bytes out;

	(void)state;
	assert_int_equal(envelope_make(&out, ENVELOPE_CLOUDEVENTS, &ev), 0);
	assert_non_null(strstr(out.data, "\"source\":\"/calls/" CALL "\""));
	assert_non_null(strstr(out.data, "\"type\":\"Microsoft.Communication.DtmfReceived\""));
	assert_non_null(strstr(out.data, "\"subject\":\"callLeg/" CALL "/dtmf\""));
	free(out.data);
}

static void test_subject_of_each_type(void **state)
{
	static const struct {
		int type;
		const char *name, *subject;
	} rows[] = {
		{ EVENT_CALL_STATE, ".CallLegStateChanged\"", "/callState\"" },
		{ EVENT_DTMF, ".DtmfReceived\"", "/dtmf\"" },
		{ EVENT_PLAY_RESULT, ".PlayAudioResult\"", "/playAudio\"" },
		{ EVENT_INVITE_RESULT, ".InviteParticipantResult\"", "/inviteParticipantResult\"" },
		{ EVENT_PARTICIPANTS, ".ParticipantsUpdated\"", "/participantsUpdated\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call_event ev = event(API_CALLING, rows[i].type, "{}");
		struct bytes out;

		assert_int_equal(envelope_make(&out, ENVELOPE_CLOUDEVENTS, &ev), 0);
		assert_non_null(strstr(out.data, rows[i].name));
		assert_non_null(strstr(out.data, rows[i].subject));
		free(out.data);
	}
}

static void test_eventgrid(void **state)
{
	(void)state;
	check(ENVELOPE_EVENTGRID,
	      event(API_CALLING, EVENT_PLAY_RESULT,
	            "{\"callLegId\":\"x\",\"operationContext\":\"running\",\"status\":\"completed\","
	            "\"resultInfo\":{\"code\":200,\"subcode\":0,\"message\":\"ok\"},\"none\":null}"),
	      "[{\"id\":\"" CALL "-2\",\"topic\":null,\"subject\":\"callLeg/" CALL
	      "/playAudio\",\"data\":{\"CallLegId\":\"x\",\"OperationContext\":\"running\",\"Status\":"
	      "\"Completed\","
	      "\"ResultInfo\":{\"Code\":200,\"Subcode\":0,\"Message\":\"ok\"},\"None\":null},"
	      "\"eventType\":\"Microsoft.Communication.PlayAudioResult\","
	      "\"eventTime\":\"2021-05-26T20:08:39.0001200Z\",\"metadataVersion\":null,\"dataVersion\":null}"
	      "]");
}

static void test_eventgrid_words(void **state)
{
	struct call_event state_ev =
	        event(API_CALLING, EVENT_CALL_STATE,
	              "{\"conversationId\":null,\"callState\":\"terminated\",\"outcome\":\"busy\"}");
	struct call_event tone =
	        event(API_CALLING, EVENT_DTMF,
	              "{\"toneInfo\":{\"sequenceId\":1,\"tone\":\"tone1\"},\"list\":[{\"a\":1}]}");
	struct bytes out;

	(void)state;
	assert_int_equal(envelope_make(&out, ENVELOPE_EVENTGRID, &state_ev), 0);
	assert_non_null(strstr(
	        out.data, "{\"ConversationId\":null,\"CallState\":\"Terminated\",\"Outcome\":\"busy\"}"));
	free(out.data);
	assert_int_equal(envelope_make(&out, ENVELOPE_EVENTGRID, &tone), 0);
	assert_non_null(strstr(out.data,
	                       "{\"ToneInfo\":{\"SequenceId\":1,\"Tone\":\"Tone1\"},\"List\":[{\"A\":1}]}"));
	free(out.data);
}

static void test_what_can_not_be_sent(void **state)
{
	struct call_event ledger = event(API_CALLING, EVENT_DIAL, "{}");
	struct call_event foreign = event(API_CALLING, EVENT_DTMF, "{}");
	struct call_event broken = event(API_CALLING, EVENT_DTMF, "{\"a\":");
	struct call_event shape = event(99, EVENT_DTMF, "{}");
	struct call_event early = event(API_CALLING, EVENT_DTMF, "{}"), late = early;
	struct bytes out;

	(void)state;
	foreign.call_leg_id = (char *)"a\"b";
	assert_int_equal(envelope_make(&out, ENVELOPE_CLOUDEVENTS, &ledger), -EINVAL);
	assert_int_equal(envelope_make(&out, ENVELOPE_CLOUDEVENTS, &foreign), -EINVAL);
	assert_int_equal(envelope_make(&out, ENVELOPE_EVENTGRID, &broken), -EINVAL);
	assert_int_equal(envelope_make(&out, ENVELOPE_CLOUDEVENTS, &shape), -EINVAL);
	early.at = -1; /* no time of RFC 3339 */
	late.at = INT64_C(253402300800000000);
	assert_int_equal(envelope_make(&out, ENVELOPE_CLOUDEVENTS, &early), -EINVAL);
	assert_int_equal(envelope_make(&out, ENVELOPE_EVENTGRID, &late), -EINVAL);
}

static void test_form_names(void **state)
{
	enum envelope_form form;

	(void)state;
	assert_int_equal(envelope_form_parse(&form, "eventgrid"), 0);
	assert_int_equal(form, ENVELOPE_EVENTGRID);
	assert_int_equal(envelope_form_parse(&form, "cloudevents"), 0);
	assert_int_equal(form, ENVELOPE_CLOUDEVENTS);
	assert_int_equal(envelope_form_parse(&form, "soap"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cloudevents),
		cmocka_unit_test(test_source_of_the_short_routes),
		cmocka_unit_test(test_subject_of_each_type),
		cmocka_unit_test(test_eventgrid),
		cmocka_unit_test(test_eventgrid_words),
		cmocka_unit_test(test_what_can_not_be_sent),
		cmocka_unit_test(test_form_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
