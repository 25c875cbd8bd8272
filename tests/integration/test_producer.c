/* test_producer.c - the API over a real socket, a mock cluster and a private Redis */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "must.h"
#include "producer_rig.h"
#include "redis.h"
#include "settings.h"

#define CREATE                                                                                               \
	"{\"targets\":[{\"phoneNumber\":{\"value\":\"+46701234500\"}}],\"callbackUri\":\"https://"           \
	"app.example/cb?secret=1\",\"operationContext\":\"ctx\",\"requestedCallEvents\":[\"dtmfReceived\"]}"
#define PLAY "{\"audioFileUri\":\"https://media.example/a.wav\",\"loop\":true,\"operationContext\":\"p\"}"
#define UUID "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"

static struct rig *rig;

static int setup(void **state)
{
	(void)state;
	rig = rig_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(rig);
	return 0;
}

static const char *json_word(const struct reply *r, const char *name)
{
	const char *word = json_string_value(json_object_get(r->json, name));

	return word ? word : "";
}

/* Asks, and expects that status and code ("" for none). */
static struct reply expect(long status, const char *code, const char *method, const char *target,
                           const char *const *headers, const char *body)
{
	struct reply reply = rig_ask(rig, method, target, headers, body);

	if (reply.status != status || strcmp(json_word(&reply, "code"), code))
		fail_msg("%s %s: %ld %s, not %ld %s", method, target, reply.status, reply.text, status, code);
	return reply;
}

static void expect_only(long status, const char *code, const char *method, const char *target,
                        const char *const *headers, const char *body)
{
	struct reply reply = expect(status, code, method, target, headers, body);

	reply_clear(&reply);
}

static char *create(const char *const *headers)
{
	struct reply reply = expect(200, "", "POST", "/calls", headers, CREATE);
	char *id = must_strdup(json_word(&reply, "callLegId"));

	assert_int_equal(strlen(id), CALLID_LEN);
	reply_clear(&reply);
	return id;
}

static void last_command(const char *id, struct call_command *c)
{
	struct callid parsed;

	assert_int_equal(callid_check(&parsed, rig->api.tenants, "default", id), 0);
	rig_command(rig, parsed.partition, rig_records(rig, parsed.partition) - 1, c);
	assert_string_equal(c->call_leg_id, id);
}

/* ---- what is accepted, and what Kafka then has ---- */

static void test_create_is_in_kafka(void **state)
{
	static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	const char *headers[] = { "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		                  "x-ms-client-request-id: " UUID, NULL };
	int64_t before = clock_utc();
	struct call_command c;
	struct reply reply;
	char *id;

	(void)state;
	reply = expect(200, "", "POST", "/calls", headers, CREATE);
	assert_non_null(strstr(reply.headers, "Content-Type: application/json"));
	assert_non_null(strstr(reply.headers, trace));
	assert_non_null(strstr(reply.headers, UUID));
	id = must_strdup(json_word(&reply, "callLegId"));
	reply_clear(&reply);

	last_command(id, &c);
	assert_int_equal(c.kind, COMMAND_CREATE);
	assert_int_equal(c.api, API_CALLS);
	assert_string_equal(c.tenant, "default");
	assert_string_equal(c.traceparent, trace);
	assert_string_equal(c.operation_context, "ctx");
	assert_string_equal(c.callback_uri, "https://app.example/cb?secret=1");
	assert_int_equal(c.create->targets_count, 1);
	assert_string_equal(c.create->targets[0].value, "+46701234500");
	assert_string_equal(c.create->source.value, "+46800000000");
	assert_true(c.create->dtmf_received);
	assert_true(uuid_valid(c.command_id));
	assert_int_equal(c.body_hash.len, DIGEST_SIZE);
	assert_true(c.accepted_at >= before && c.accepted_at <= clock_utc());
	assert_true(c.expires_at == c.accepted_at + rig->settings->command_ttl);
	assert_in_range(c.answer_by - c.accepted_at, 10 * CLOCK_MS, CLOCK_SEC);
	call_command_clear(&c);
	free(id);
}

static void test_statuses_by_version(void **state)
{
	(void)state;
	expect_only(201, "", "POST", "/calls?api-version=2021-04-15-preview1", NULL, CREATE);
	expect_only(200, "", "POST", "/calling/calls", NULL, CREATE);
}

static void test_other_commands(void **state)
{
	char *id = create(NULL), *target;
	struct call_record record = { .call_leg_id = id,
		                      .tenant = (char *)"default",
		                      .state = CALL_ESTABLISHED };
	struct call_command c;
	struct reply reply;

	(void)state;
	rig_save(rig, &record);
	target = must_printf("/calls/%s/PlayAudio", id);
	reply = expect(202, "", "POST", target, NULL, PLAY);
	assert_string_equal(json_word(&reply, "status"), "running");
	assert_string_equal(json_word(&reply, "operationContext"), "p");
	assert_true(json_is_null(json_object_get(reply.json, "resultInfo")));
	last_command(id, &c);
	assert_int_equal(c.kind, COMMAND_PLAY);
	assert_string_equal(c.command_id, json_word(&reply, "id"));
	assert_true(c.play->loop);
	call_command_clear(&c);
	reply_clear(&reply);
	free(target);

	target = must_printf("/calling/calls/%s/hangup?api-version=1", id);
	reply = expect(202, "", "POST", target, NULL, NULL);
	assert_null(reply.text);
	last_command(id, &c);
	assert_int_equal(c.kind, COMMAND_HANGUP);
	assert_int_equal(c.api, API_CALLING);
	call_command_clear(&c);
	reply_clear(&reply);
	free(target);

	target = must_printf("/calls/%s", id);
	expect_only(202, "", "DELETE", target, NULL, NULL);
	last_command(id, &c);
	assert_int_equal(c.kind, COMMAND_DELETE);
	call_command_clear(&c);
	free(target);
	free(id);
}

/* ---- what is refused ---- */

static void test_refusals(void **state)
{
	const char *text[] = { "Content-Type: text/plain", NULL };
	const char *none[] = { "Content-Type:", NULL };
	const char *charset[] = { "Content-Type: Application/JSON; charset=utf-8", NULL };
	char *big = must_calloc(1, 70 * 1024), *id = create(NULL),
	     *target = must_printf("/calls/%s/Hangup", id);
	const char *chunked[] = { "Transfer-Encoding: chunked", NULL };
	int64_t before = rig_all_records(rig);
	struct reply reply;

	(void)state;
	expect_only(404, "8522", "GET", "/nothing", NULL, NULL);
	expect_only(404, "8522", "POST", "/calls/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/Hangup", NULL, NULL);
	expect_only(404, "8522", "GET", "/calls/..", NULL, NULL);
	expect_only(400, "8523", "GET", "/calls/a%2Fb", NULL, NULL);
	reply = expect(405, "methodNotAllowed", "PUT", target, NULL, CREATE);
	assert_non_null(strstr(reply.headers, "Allow: POST"));
	reply_clear(&reply);
	expect_only(415, "unsupportedMediaType", "POST", "/calls", text, CREATE);
	expect_only(415, "unsupportedMediaType", "POST", "/calls", none, CREATE);
	reply = expect(400, "8523", "POST", "/calls", charset, "{\"targets\":[7]}");
	assert_string_equal(json_word(&reply, "message"), "targets[0]: not an identifier object");
	reply_clear(&reply);
	memset(big, ' ', 70 * 1024 - 1);
	expect_only(413, "tooLarge", "POST", "/calls", NULL, big);
	expect_only(413, "tooLarge", "POST", "/calls", chunked, big);
	/* none of this reached Kafka */
	assert_int_equal(rig_all_records(rig), before);
	free(target);
	free(id);
	free(big);
}

static void test_tenants_are_apart(void **state)
{
	const char *other[] = { "Authorization: Bearer other-bearer", NULL };
	char *id = create(NULL), *target = must_printf("/calls/%s", id);

	(void)state;
	expect_only(200, "", "GET", target, NULL, NULL);
	expect_only(404, "8522", "GET", target, other, NULL);
	expect_only(404, "8522", "DELETE", target, other, NULL);
	/* "other" has no default source */
	expect_only(400, "8523", "POST", "/calls", other, CREATE);
	free(target);
	free(id);
}

static void test_signatures(void **state)
{
	const char *nobody[] = { "Authorization:", NULL };
	const char *wrong[] = { "Authorization: Bearer nonsense", "Expect:", NULL };
	struct reply reply;
	char *signed_headers[5];

	(void)state;
	reply = expect(401, "unauthorized", "POST", "/calls", nobody, CREATE);
	assert_non_null(strstr(reply.headers, "WWW-Authenticate:"));
	reply_clear(&reply);
	expect_only(401, "unauthorized", "POST", "/calls", wrong, CREATE);

	rig_sign(signed_headers, "POST", "/calls?api-version=1&a=%2f", "calls.example:99", CREATE);
	expect_only(201, "", "POST", "/calls?api-version=1&a=%2f", (const char *const *)signed_headers,
	            CREATE);
	/* the same again is no replay; another body, target or Host is a forgery */
	expect_only(201, "", "POST", "/calls?api-version=1&a=%2f", (const char *const *)signed_headers,
	            CREATE);
	expect_only(401, "unauthorized", "POST", "/calls?api-version=1&a=%2f",
	            (const char *const *)signed_headers, CREATE " ");
	expect_only(401, "unauthorized", "POST", "/calls?api-version=1&a=/",
	            (const char *const *)signed_headers, CREATE);
	free(signed_headers[3]);
	signed_headers[3] = must_strdup("Host: other.example");
	expect_only(401, "unauthorized", "POST", "/calls?api-version=1&a=%2f",
	            (const char *const *)signed_headers, CREATE);
	for (int i = 0; i < 4; i++)
		free(signed_headers[i]);
}

/* ---- repeats ---- */

static void test_repeats(void **state)
{
	const char *repeat[] = { "Repeatability-Request-ID: " UUID, "", NULL };
	const char *key[] = { "Idempotency-Key: 1", NULL };
	const char *old[] = { "Repeatability-Request-ID: " UUID,
		              "Repeatability-First-Sent: Thu, 22 Apr 2021 08:00:00 GMT", NULL };
	char sent[80], *first, *second;
	struct call_command a, b;
	struct reply reply;
	struct callid id;
	time_t now = time(NULL);
	struct tm tm;

	(void)state;
	strftime(sent, sizeof(sent), "Repeatability-First-Sent: %a, %d %b %Y %H:%M:%S GMT",
	         gmtime_r(&now, &tm));
	repeat[1] = sent;
	first = create(repeat);
	last_command(first, &a);
	second = create(repeat);
	last_command(second, &b);
	assert_string_equal(first, second);
	assert_string_equal(a.command_id, b.command_id);
	assert_int_equal(callid_parse(&id, first), 0);
	assert_int_equal(id.seconds, now);
	call_command_clear(&a);
	call_command_clear(&b);
	free(first);
	free(second);

	first = create(key);
	second = create(key);
	assert_string_equal(first, second);
	assert_int_equal(callid_parse(&id, first), 0);
	assert_int_equal(id.seconds, 0);
	free(second);
	second = create(NULL);
	assert_string_not_equal(first, second);
	free(first);
	free(second);

	expect_only(412, "8583", "POST", "/calls", old, CREATE);
	repeat[1] = NULL;
	expect_only(400, "8523", "POST", "/calls", repeat, CREATE);
	repeat[1] = sent;
	reply = expect(200, "", "POST", "/calls", repeat, CREATE);
	assert_non_null(strstr(reply.headers, "Repeatability-Result: accepted"));
	reply_clear(&reply);
}

/* ---- what Redis knows ---- */

static void expect_state(const char *target, const char *state)
{
	struct reply reply = expect(200, "", "GET", target, NULL, NULL);

	assert_string_equal(json_word(&reply, "callState"), state);
	reply_clear(&reply);
}

static void test_get(void **state)
{
	char *id = create(NULL), *target = must_printf("/calls/%s", id), old[CALLID_SIZE];
	struct leg leg = { .number = 1,
		           .participant_id = (char *)UUID,
		           .identifier = { IDENTIFIER_PHONE, (char *)"+46701234500" },
		           .state = LEG_ENDED };
	struct call_record record = { .call_leg_id = id,
		                      .tenant = (char *)"default",
		                      .state = CALL_LEFT,
		                      .callback_uri = (char *)"https://app.example/cb?secret=1",
		                      .created_at = INT64_C(1619078400123456),
		                      .legs = &leg,
		                      .legs_count = 1 };
	struct reply reply;

	(void)state;
	expect_state(target, "idle");
	rig_save(rig, &record);
	expect_state(target, "terminated");
	record.state = CALL_TERMINATED;
	record.outcome = OUTCOME_BUSY;
	record.result_code = 486;
	record.result_subcode = 560486;
	rig_save(rig, &record);
	reply = expect(200, "", "GET", target, NULL, NULL);
	assert_null(strstr(reply.text, "secret"));
	assert_string_equal(json_word(&reply, "callLegId"), id);
	assert_string_equal(json_word(&reply, "createdAt"), "2021-04-22T08:00:00.123456Z");
	assert_string_equal(json_word(&reply, "outcome"), "busy");
	assert_int_equal(
	        json_integer_value(json_object_get(json_object_get(reply.json, "resultInfo"), "subcode")),
	        560486);
	assert_non_null(strstr(reply.text, "\"phoneNumber\":{\"value\":\"+46701234500\"}"));
	reply_clear(&reply);
	free(target);
	free(id);

	callid_make(old, rig->api.tenants, "default", -1, 0, (uint32_t)(clock_utc() / CLOCK_SEC - 61), NULL);
	target = must_printf("/calls/%s", old);
	expect_only(404, "8522", "GET", target, NULL, NULL);
	free(target);
	callid_make(old, rig->api.tenants, "default", -1, 0, 0, NULL);
	target = must_printf("/calls/%s", old);
	expect_state(target, "idle");
	redis_server_stop(rig->redis_server);
	while (redis_is_up(rig->api.redis))
		rig_turn(rig, CLOCK_MS);
	reply = expect(503, "unavailable", "GET", target, NULL, NULL);
	assert_non_null(strstr(reply.headers, "Retry-After: 1"));
	reply_clear(&reply);
	/* commands need no Redis */
	expect_only(200, "", "POST", "/calls", NULL, CREATE);
	expect_only(202, "", "DELETE", target, NULL, NULL);
	free(target);
	redis_server_restart(rig->redis_server);
	while (!redis_is_up(rig->api.redis))
		rig_turn(rig, CLOCK_MS);
}

static const struct {
	int state;
	int play, hangup, delete; /* status */
	const char *play_code;
} looks[] = {
	{ CALL_IDLE, 400, 202, 202, "8501" },    { CALL_ESTABLISHING, 400, 202, 202, "8501" },
	{ CALL_ESTABLISHED, 202, 202, 202, "" }, { CALL_TERMINATING, 400, 202, 202, "8528" },
	{ CALL_LEFT, 400, 400, 202, "8528" },    { CALL_TERMINATED, 400, 400, 202, "8528" },
};

static void test_looks(void **state)
{
	char *id = create(NULL), *call = must_printf("/calls/%s", id);
	char *play = must_printf("/calls/%s/PlayAudio", id), *hangup = must_printf("/calls/%s/Hangup", id);

	(void)state;
	expect_only(400, "8501", "POST", play, NULL, PLAY); /* no record yet */
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		struct call_record record = { .call_leg_id = id,
			                      .tenant = (char *)"default",
			                      .state = looks[i].state };

		rig_save(rig, &record);
		expect_only(looks[i].play, looks[i].play_code, "POST", play, NULL, PLAY);
		expect_only(looks[i].hangup, looks[i].hangup == 400 ? "8528" : "", "POST", hangup, NULL,
		            NULL);
		expect_only(looks[i].delete, "", "DELETE", call, NULL, NULL);
	}
	free(id);
	free(call);
	free(play);
	free(hangup);
}

/* A Redis that has stopped answering costs a command 5 ms, not redis.timeout. */
static void test_look_is_short(void **state)
{
	char *id = create(NULL), *target = must_printf("/calls/%s/PlayAudio", id);
	int64_t before;

	(void)state;
	redis_server_pause(rig->redis_server);
	before = clock_mono();
	expect_only(202, "", "POST", target, NULL, PLAY);
	assert_true(clock_mono() - before < 200 * CLOCK_MS);
	rig_turn(rig, 400 * CLOCK_MS); /* the late end of the look finds nobody, and breaks nothing */
	redis_server_resume(rig->redis_server);
	free(id);
	free(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_is_in_kafka),
		cmocka_unit_test(test_statuses_by_version),
		cmocka_unit_test(test_other_commands),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_tenants_are_apart),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_look_is_short),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
