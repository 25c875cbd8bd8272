/* test_producer_participants.c - invite, remove and the roster, over a real socket, a mock cluster and a private Redis */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "metrics.h"
#include "must.h"
#include "producer_rig.h"
#include "redis.h"

#define WHO      "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"
#define WHO_LOUD "C8A5BBEA-1D7B-4FCA-89D3-22A5D13837DB"
#define SOMEBODY "00000000-0000-8000-8000-000000000001"
#define INVITE                                                                                               \
	"{\"participants\":[{\"phoneNumber\":{\"value\":\"+46701234500\"}},{\"communicationUser\":{\"id\":"  \
	"\"8:acs:u\"}}],\"alternateCallerId\":{\"value\":\"+4680\"},\"operationContext\":\"i\","             \
	"\"callbackUri\":\"https://app.example/invite\"}"

static struct rig *rig;
static char id[CALLID_SIZE];

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

/* A call of its own for each test. */
static int new_call(void **state)
{
	(void)state;
	return callid_make(id, rig->api.tenants, "default", -1, 1, (uint32_t)(clock_utc() / CLOCK_SEC), NULL);
}

/* One leg, WHO, in that state. */
static void save(int call_state, int leg_state, char *command)
{
	struct leg leg = { .number = 1,
		           .participant_id = (char *)WHO,
		           .identifier = { IDENTIFIER_PHONE, (char *)"+46701234500" },
		           .state = leg_state };
	struct call_record record = { .call_leg_id = id,
		                      .tenant = (char *)"default",
		                      .state = call_state,
		                      .legs = &leg,
		                      .legs_count = 1,
		                      .command_ids = &command,
		                      .command_ids_count = command ? 1 : 0 };

	rig_save(rig, &record);
}

static struct reply ask(const char *method, const char *format, const char *const *headers, const char *body)
{
	char *target = must_printf("%.*s%s%s", (int)(strstr(format, "ID") - format), format, id,
	                           strstr(format, "ID") + 2);
	struct reply reply = rig_ask(rig, method, target, headers, body);

	free(target);
	return reply;
}

/* ID in the target is the call's; code "": none. */
static struct reply expect(long status, const char *code, const char *method, const char *target,
                           const char *const *headers, const char *body)
{
	struct reply reply = ask(method, target, headers, body);
	const char *word = json_string_value(json_object_get(reply.json, "code"));

	if (reply.status != status || strcmp(word ? word : "", code))
		fail_msg("%s %s: %ld %s, not %ld %s", method, target, reply.status, reply.text, status, code);
	return reply;
}

static void expect_only(long status, const char *code, const char *method, const char *target,
                        const char *const *headers, const char *body)
{
	struct reply reply = expect(status, code, method, target, headers, body);

	if (status == 202)
		assert_null(reply.text);
	reply_clear(&reply);
}

static void last_command(struct call_command *c)
{
	rig_command(rig, 1, rig_records(rig, 1) - 1, c);
	assert_string_equal(c->call_leg_id, id);
	assert_string_equal(c->tenant, "default");
}

static void expect_roster(size_t n)
{
	struct reply reply = expect(200, "", "GET", "/calls/ID/participants", NULL, NULL);
	const json_t *value = json_object_get(reply.json, "value");

	assert_true(json_is_array(value));
	assert_int_equal(json_array_size(value), n);
	if (n)
		assert_string_equal(
		        json_string_value(json_object_get(json_array_get(value, 0), "participantId")), WHO);
	reply_clear(&reply);
}

/* ---- what is accepted, and what Kafka then has ---- */

static const struct {
	const char *prefix, *query;
	int api;
} forms[] = {
	{ "/calls/ID/participants", "", API_CALLS },
	{ "/calls/ID/Participants", "?api-version=2021-04-15-preview1", API_CALLS },
	{ "/calling/calls/ID/participants", "", API_CALLING },
	{ "/Calling/Calls/ID/PARTICIPANTS", "?api-version=1", API_CALLING },
};

static void test_invite(void **state)
{
	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *target = must_printf("%s%s", forms[i].prefix, forms[i].query);
		struct call_command c;

		expect_only(202, "", "POST", target, NULL, INVITE);
		last_command(&c);
		assert_int_equal(c.kind, COMMAND_INVITE);
		assert_int_equal(c.api, forms[i].api);
		assert_int_equal(c.invite->participants_count, 2);
		assert_int_equal(c.invite->participants[0].kind, IDENTIFIER_PHONE);
		assert_string_equal(c.invite->participants[0].value, "+46701234500");
		assert_int_equal(c.invite->participants[1].kind, IDENTIFIER_USER);
		assert_string_equal(c.invite->alternate_caller_id, "+4680");
		assert_string_equal(c.operation_context, "i");
		assert_string_equal(c.callback_uri, "https://app.example/invite");
		assert_true(uuid_valid(c.command_id));
		call_command_clear(&c);
		free(target);
	}
}

static void test_remove(void **state)
{
	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *target =
		        must_printf("%s/%s%s", forms[i].prefix, i % 2 ? WHO_LOUD : WHO, forms[i].query);
		struct call_command c;

		/* a body is not looked at: no operation here has one with DELETE */
		expect_only(202, "", "DELETE", target, NULL, i % 2 ? "not JSON" : NULL);
		last_command(&c);
		assert_int_equal(c.kind, COMMAND_REMOVE);
		assert_int_equal(c.api, forms[i].api);
		assert_string_equal(c.participant_id, WHO);
		assert_null(c.invite);
		call_command_clear(&c);
		free(target);
	}
}

static void test_roster(void **state)
{
	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char *target = must_printf("%s%s", forms[i].prefix, forms[i].query);
		struct reply reply = expect(200, "", "GET", target, NULL, NULL);

		assert_string_equal(reply.text,
		                    "{\"value\":[{\"identifier\":{\"rawId\":\"4:+46701234500\","
		                    "\"communicationUser\":null,\"phoneNumber\":{\"value\":\"+46701234500\"},"
		                    "\"microsoftTeamsUser\":null},\"participantId\":\"" WHO
		                    "\",\"isMuted\":false}]}");
		reply_clear(&reply);
		free(target);
	}
}

/* ---- what Redis knows ---- */

static const struct {
	int state;
	int invite, remove; /* status */
	const char *code;   /* of what is refused */
	size_t talking;
} looks[] = {
	{ CALL_IDLE, 400, 202, "8501", 0 },        { CALL_ESTABLISHING, 400, 202, "8501", 0 },
	{ CALL_ESTABLISHED, 202, 202, "", 1 },     { CALL_LEFT, 400, 400, "8528", 0 },
	{ CALL_TERMINATING, 400, 400, "8528", 0 }, { CALL_TERMINATED, 400, 400, "8528", 0 },
};

static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		save(looks[i].state, LEG_TALKING, NULL);
		expect_only(looks[i].invite, looks[i].invite == 202 ? "" : looks[i].code, "POST",
		            "/calls/ID/participants", NULL, INVITE);
		expect_only(looks[i].remove, looks[i].remove == 202 ? "" : looks[i].code, "DELETE",
		            "/calls/ID/participants/" WHO, NULL, NULL);
		expect_roster(looks[i].talking);
	}
}

static void test_no_record(void **state)
{
	(void)state;
	expect_roster(0);
	expect_only(400, "8501", "POST", "/calls/ID/participants", NULL, INVITE);
	/* where there is no record nobody was told who is in it */
	expect_only(404, "8522", "DELETE", "/calls/ID/participants/" WHO, NULL, NULL);

	callid_make(id, rig->api.tenants, "default", -1, 1, (uint32_t)(clock_utc() / CLOCK_SEC - 61), NULL);
	expect_only(404, "8522", "GET", "/calls/ID/participants", NULL, NULL);
}

static const struct {
	int leg, status;
	bool listed;
} legs[] = {
	{ LEG_QUEUED, 202, false },  { LEG_INTENT, 202, false }, { LEG_GO, 202, false },
	{ LEG_RINGING, 202, false }, { LEG_TALKING, 202, true }, { LEG_ENDING, 202, false },
	{ LEG_ENDED, 404, false },
};

static void test_who_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(legs) / sizeof(*legs); i++) {
		save(CALL_ESTABLISHED, legs[i].leg, NULL);
		expect_only(legs[i].status, legs[i].status == 404 ? "8522" : "", "DELETE",
		            "/calls/ID/participants/" WHO, NULL, NULL);
		expect_roster(legs[i].listed);
	}
}

static void test_who_is_not(void **state)
{
	static const char *const targets[] = {
		"/calls/ID/participants/" SOMEBODY,        "/calls/ID/participants/1",
		"/calls/ID/participants/+46701234500",     "/calls/ID/participants/4%3A%2B46701234500",
		"/calling/calls/ID/participants/" WHO "-", "/calls/ID/participants/" WHO WHO,
	};
	int64_t before;
	struct reply reply;

	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	before = rig_all_records(rig);
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		reply = expect(404, "8522", "DELETE", targets[i], NULL, NULL);
		assert_string_equal(json_string_value(json_object_get(reply.json, "message")),
		                    "no such participant");
		reply_clear(&reply);
	}
	assert_int_equal(rig_all_records(rig), before);
	assert_int_equal(rig->api.inflight, 0);
}

/* ---- repeats: answered as the first was, whatever has become of the call ---- */

static void repeat(const char *method, const char *target, const char *body)
{
	const char *key[] = { "Idempotency-Key: again", NULL }, *other[] = { "Idempotency-Key: other", NULL };
	struct call_command first, second;

	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	expect_only(202, "", method, target, key, body);
	last_command(&first);
	save(CALL_TERMINATED, LEG_ENDED, first.command_id);
	expect_only(202, "", method, target, key, body);
	last_command(&second);
	assert_string_equal(second.command_id, first.command_id);
	expect_only(400, "8528", method, target, other, body);
	save(CALL_ESTABLISHED, LEG_ENDED, first.command_id);
	expect_only(202, "", method, target, key, body);
	call_command_clear(&first);
	call_command_clear(&second);
}

static void test_repeats(void **state)
{
	const char *other[] = { "Idempotency-Key: other", NULL };

	(void)state;
	repeat("POST", "/calls/ID/participants", INVITE);
	repeat("DELETE", "/calls/ID/participants/" WHO, NULL);
	expect_only(404, "8522", "DELETE", "/calls/ID/participants/" WHO, other, NULL);
}

/* ---- what is refused before the look ---- */

static void test_forms(void **state)
{
	const char *text[] = { "Content-Type: text/plain", NULL };
	struct reply reply;

	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	reply = expect(405, "methodNotAllowed", "DELETE", "/calls/ID/participants", NULL, NULL);
	assert_non_null(strstr(reply.headers, "Allow: GET, POST\r\n"));
	reply_clear(&reply);
	reply = expect(405, "methodNotAllowed", "GET", "/calls/ID/participants/" WHO, NULL, NULL);
	assert_non_null(strstr(reply.headers, "Allow: DELETE\r\n"));
	reply_clear(&reply);
	expect_only(415, "unsupportedMediaType", "POST", "/calls/ID/participants", text, INVITE);
	reply = expect(200, "", "GET", "/calls/ID/participants", text, "hello"); /* not looked at */
	reply_clear(&reply);
	expect_only(202, "", "DELETE", "/calls/ID/participants/" WHO, text, "hello");
}

static void test_tenants_are_apart(void **state)
{
	const char *other[] = { "Authorization: Bearer other-bearer", NULL };
	int64_t before = rig_all_records(rig);

	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	expect_only(404, "8522", "GET", "/calls/ID/participants", other, NULL);
	expect_only(404, "8522", "POST", "/calls/ID/participants", other, INVITE);
	expect_only(404, "8522", "DELETE", "/calls/ID/participants/" WHO, other, NULL);
	assert_int_equal(rig_all_records(rig), before);
}

/* Shown by route: both methods of the list are one. */
static void test_metrics(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	(void)state;
	save(CALL_ESTABLISHED, LEG_TALKING, NULL);
	expect_only(202, "", "POST", "/calls/ID/participants", NULL, INVITE);
	expect_only(202, "", "DELETE", "/calls/ID/participants/" WHO, NULL, NULL);
	expect_roster(1);
	rig_turn(rig, 5 * CLOCK_MS);
	f = open_memstream(&text, &len);
	metrics_write(f);
	fclose(f);
	assert_non_null(strstr(text, "callcast_http_requests_total{route=\"participants\",status=\"202\"}"));
	assert_non_null(strstr(text, "callcast_http_requests_total{route=\"participants\",status=\"200\"}"));
	assert_non_null(strstr(text, "callcast_http_requests_total{route=\"participant\",status=\"202\"}"));
	free(text);
}

/* Redis is away: commands go on, the roster can't be told.  Last: it takes Redis down. */
static void test_without_redis(void **state)
{
	struct reply reply;

	(void)state;
	redis_server_stop(rig->redis_server);
	while (redis_is_up(rig->api.redis))
		rig_turn(rig, CLOCK_MS);
	reply = expect(503, "unavailable", "GET", "/calls/ID/participants", NULL, NULL);
	assert_non_null(strstr(reply.headers, "Retry-After: 1"));
	reply_clear(&reply);
	expect_only(202, "", "POST", "/calls/ID/participants", NULL, INVITE);
	expect_only(202, "", "DELETE", "/calls/ID/participants/" WHO, NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup(name, new_call)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_invite),     TEST(test_remove),
		TEST(test_roster),     TEST(test_states),
		TEST(test_no_record),  TEST(test_who_is_there),
		TEST(test_who_is_not), TEST(test_repeats),
		TEST(test_forms),      TEST(test_tenants_are_apart),
		TEST(test_metrics),    TEST(test_without_redis),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
