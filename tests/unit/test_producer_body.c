/* test_producer_body.c - bodies: what is taken, and which field a refusal names */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"

#define CALLBACK       "\"callbackUri\":\"https://app.example/cb?secret=1\""
#define SOURCE         "\"source\":{\"communicationUser\":{\"id\":\"8:acs:x\"}}"
#define TARGETS        "\"targets\":[{\"phoneNumber\":{\"value\":\"+46701234567\"}}]"
#define WITH(x)        "{" TARGETS "," SOURCE "," CALLBACK "," x "}"
#define TARGET(x)      "{\"targets\":[" x "]," SOURCE "," CALLBACK "}"
#define INVITE(x)      "{\"participants\":[" x "]}"
#define INVITE_WITH(x) "{\"participants\":[{\"rawId\":\"a\"}]," x "}"
#define URI            "\"audioFileUri\":\"https://media.example/a.wav\""

static struct tenant tenant = { .name = (char *)"default" };
static struct callback_rules *callbacks;

static int setup(void **state)
{
	char why[64];

	(void)state;
	return callback_rules_open(&callbacks, "", why, sizeof(why));
}

static int teardown(void **state)
{
	(void)state;
	callback_rules_close(callbacks);
	return 0;
}

typedef int body_fn(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                    struct body_fault *fault);

/* Refused, and the message begins with `start`. */
static void refused(body_fn *fn, const char *text, const char *start)
{
	struct body_rules rules = { callbacks, &tenant };
	struct call_command c = { 0 };
	struct body_fault fault = { "" };
	int r = fn(&c, text, strlen(text), &rules, &fault);

	if (r != -EINVAL || strncmp(fault.message, start, strlen(start)))
		fail_msg("%s\nsaid %d \"%s\", not \"%s\"", text, r, fault.message, start);
	call_command_clear(&c);
}

static void taken(body_fn *fn, struct call_command *c, const char *text)
{
	struct body_rules rules = { callbacks, &tenant };
	struct body_fault fault = { "" };

	if (fn(c, text, strlen(text), &rules, &fault) != 0)
		fail_msg("%s\nrefused: %s", text, fault.message);
}

static const struct {
	const char *text, *start;
} create_faults[] = {
	{ "", "body: a JSON object is needed" },
	{ "{", "body: not JSON (line 1, column 1" },
	{ "[]", "body: not a JSON object" },
	{ "null", "body: not JSON" },
	{ WITH("\"subject\":\"a\",\"subject\":\"b\""), "body: a field stands twice" },
	{ WITH("\"subject\":\"\xff\""), "body: not JSON" },
	{ "{} x", "body: not JSON" },
	{ "{" SOURCE "," CALLBACK "}", "targets: missing" },
	{ "{\"targets\":{}," SOURCE "," CALLBACK "}", "targets: not an array" },
	{ TARGET(""), "targets: must be 1 to 50" },
	{ TARGET("null"), "targets[0]: not an identifier object" },
	{ TARGET("\"+46701234567\""), "targets[0]: not an identifier object" },
	{ TARGET("{}"), "targets[0]: needs phoneNumber" },
	{ TARGET("{\"phoneNumber\":\"+46\"}"), "targets[0].phoneNumber: not an object" },
	{ TARGET("{\"phoneNumber\":{}}"), "targets[0].phoneNumber.value: missing" },
	{ TARGET("{\"phoneNumber\":{\"value\":46701234567}}"), "targets[0].phoneNumber.value: not a string" },
	{ TARGET("{\"phoneNumber\":{\"value\":\"0701234567\"}}"),
	  "targets[0].phoneNumber.value: not an E.164" },
	{ TARGET("{\"phoneNumber\":{\"value\":\"+0701234567\"}}"),
	  "targets[0].phoneNumber.value: not an E.164" },
	{ TARGET("{\"phoneNumber\":{\"value\":\"+46 70\"}}"), "targets[0].phoneNumber.value: not an E.164" },
	{ TARGET("{\"phoneNumber\":{\"value\":\"+1234567890123456\"}}"),
	  "targets[0].phoneNumber.value: not an E.164" },
	{ TARGET("{\"rawId\":\"a\"},{\"communicationUser\":{}}"),
	  "targets[1].communicationUser.id: missing" },
	{ TARGET("{\"communicationUser\":{\"id\":\"\"}}"), "targets[0].communicationUser.id: must be 1 to" },
	{ TARGET("{\"communicationUser\":{\"id\":\"a b\"}}"), "targets[0].communicationUser.id: holds" },
	/* C1: a terminal may obey it */
	{ TARGET("{\"communicationUser\":{\"id\":\"a\\u009b2J\"}}"),
	  "targets[0].communicationUser.id: holds" },
	{ TARGET("{\"rawId\":\"4:a\"},{\"rawId\":\"4:b\"},{\"rawId\":\"4:a\"}"),
	  "targets[2]: the same as targets[0]" },
	/* one person, whatever he is called by */
	{ TARGET("{\"phoneNumber\":{\"value\":\"+4670\"}},{\"rawId\":\"4:+4670\"}"),
	  "targets[1]: the same as targets[0]" },
	{ TARGET("{\"rawId\":\"8:acs:u\"},{\"communicationUser\":{\"id\":\"8:acs:u\"}}"),
	  "targets[1]: the same as targets[0]" },
	{ TARGET("{\"rawId\":1}"), "targets[0].rawId: not a string" },
	{ TARGET("{\"rawId\":\"a\\u0000b\"}"), "body: not JSON" },
	{ TARGET("{\"microsoftTeamsUser\":{\"userId\":\"x\"}}"), "targets[0].microsoftTeamsUser:" },
	{ TARGET("{\"phoneNumber\":{\"value\":\"+46701234567\"},\"communicationUser\":{\"id\":\"a\"}}"),
	  "targets[0]: phoneNumber and communicationUser exclude" },
	{ "{" TARGETS "," CALLBACK "}", "source: missing" },
	{ "{" TARGETS ",\"source\":{}," CALLBACK "}", "source: needs" },
	{ "{" TARGETS ",\"source\":\"x\"," CALLBACK "}", "source: not an identifier object" },
	{ "{" TARGETS "," SOURCE "}", "callbackUri: missing" },
	{ "{" TARGETS "," SOURCE ",\"callbackUri\":1}", "callbackUri: not a string" },
	{ "{" TARGETS "," SOURCE ",\"callbackUri\":\"http://127.0.0.1/\"}", "callbackUri: " },
	{ "{" TARGETS "," SOURCE ",\"callbackUri\":\"ftp://app.example/\"}", "callbackUri: " },
	{ WITH("\"requestedModalities\":\"audio\""), "requestedModalities: not an array" },
	{ WITH("\"requestedModalities\":[1]"), "requestedModalities[0]: not a string" },
	{ WITH("\"requestedModalities\":[\"audio\",\"smell\"]"), "requestedModalities[1]: must be audio or" },
	{ WITH("\"requestedModalities\":[\"video\"]"), "requestedModalities: a call without audio" },
	{ WITH("\"requestedCallEvents\":[\"all\"]"), "requestedCallEvents[0]: must be participantsUpdated" },
	{ WITH("\"requestedCallEvents\":{}"), "requestedCallEvents: not an array" },
	{ WITH("\"subject\":1"), "subject: not a string" },
	{ WITH("\"operationContext\":{}"), "operationContext: not a string" },
	{ WITH("\"sourceAlternateIdentity\":\"+46\""), "sourceAlternateIdentity: not an object" },
	{ WITH("\"sourceAlternateIdentity\":{\"value\":\"46\"}"),
	  "sourceAlternateIdentity.value: not an E.164" },
	{ WITH("\"alternateCallerId\":{\"value\":\"46\"}"), "alternateCallerId.value: not an E.164" },
	{ WITH("\"alternateCallerId\":{\"value\":\"+4611\"},\"sourceAlternateIdentity\":{\"value\":\"+"
	       "4612\"}"),
	  "alternateCallerId: " },
};

static void test_create_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(create_faults) / sizeof(*create_faults); i++)
		refused(body_create, create_faults[i].text, create_faults[i].start);
}

static void test_create_full(void **state)
{
	struct call_command c = { 0 };

	(void)state;
	taken(body_create, &c,
	      "{\"targets\":[{\"kind\":\"phoneNumber\",\"rawId\":\"4:+46701234567\",\"phoneNumber\":{"
	      "\"value\":"
	      "\"+46701234567\",\"isAnonymous\":false}},{\"communicationUser\":{\"id\":\"8:acs:u\"}},{"
	      "\"rawId\":"
	      "\"28:x\"}]," SOURCE "," CALLBACK ",\"requestedModalities\":[\"audio\",\"video\"],"
	      "\"requestedCallEvents\":[\"participantsUpdated\",\"dtmfReceived\"],\"subject\":\"s\","
	      "\"sourceAlternateIdentity\":{\"value\":\"+46811\"},\"operationContext\":\"c\",\"new\":[1]}");
	assert_int_equal(c.create->targets_count, 3);
	assert_int_equal(c.create->targets[0].kind, IDENTIFIER_PHONE);
	assert_string_equal(c.create->targets[0].value, "+46701234567");
	assert_int_equal(c.create->targets[1].kind, IDENTIFIER_USER);
	assert_string_equal(c.create->targets[1].value, "8:acs:u");
	assert_int_equal(c.create->targets[2].kind, IDENTIFIER_RAW);
	assert_int_equal(c.create->source.kind, IDENTIFIER_USER);
	assert_true(c.create->audio && c.create->video);
	assert_true(c.create->participants_updated && c.create->dtmf_received);
	assert_string_equal(c.create->subject, "s");
	assert_string_equal(c.create->source_alternate, "+46811");
	assert_string_equal(c.operation_context, "c");
	assert_string_equal(c.callback_uri, "https://app.example/cb?secret=1");
	call_command_clear(&c);
}

/* The original page's own form: no source, its name for the other number; nulls are absent. */
static void test_create_short(void **state)
{
	struct call_command c = { 0 };

	(void)state;
	tenant.default_source = (struct identifier){ IDENTIFIER_PHONE, (char *)"+4680" };
	taken(body_create, &c,
	      "{" TARGETS "," CALLBACK ",\"source\":null,\"subject\":null,\"alternateCallerId\":{\"value\":"
	      "\"+46811\"},\"requestedCallEvents\":null}");
	tenant.default_source = (struct identifier){ 0 };
	assert_int_equal(c.create->source.kind, IDENTIFIER_PHONE);
	assert_string_equal(c.create->source.value, "+4680");
	assert_string_equal(c.create->source_alternate, "+46811");
	assert_true(c.create->audio);
	assert_false(c.create->video || c.create->dtmf_received || c.create->participants_updated);
	assert_null(c.create->subject);
	assert_null(c.operation_context);
	call_command_clear(&c);
}

static void sized(body_fn *fn, const char *before, size_t n, const char *after, const char *start)
{
	size_t at = strlen(before);
	char *text = malloc(at + n + strlen(after) + 1);
	struct call_command c = { 0 };

	memcpy(text, before, at);
	memset(text + at, 'x', n);
	memcpy(text + at + n, after, strlen(after) + 1);
	if (start)
		refused(fn, text, start);
	else
		taken(fn, &c, text);
	call_command_clear(&c);
	free(text);
}

static void test_bounds(void **state)
{
	static const char head[] = "{" TARGETS "," SOURCE "," CALLBACK ",";
	char before[512];

	(void)state;
	snprintf(before, sizeof(before), "%s\"subject\":\"", head);
	sized(body_create, before, SUBJECT_MAX, "\"}", NULL);
	sized(body_create, before, SUBJECT_MAX + 1, "\"}", "subject: longer than 1000 bytes");
	snprintf(before, sizeof(before), "%s\"operationContext\":\"", head);
	sized(body_create, before, CONTEXT_MAX, "\"}", NULL);
	sized(body_create, before, CONTEXT_MAX + 1, "\"}", "operationContext: longer than 5000 bytes");
	snprintf(before, sizeof(before), "{\"participants\":[{\"rawId\":\"a\"}],\"operationContext\":\"");
	sized(body_invite, before, CONTEXT_MAX, "\"}", NULL);
	sized(body_invite, before, CONTEXT_MAX + 1, "\"}", "operationContext: longer than 5000 bytes");
}

static void many(body_fn *fn, const char *name, size_t n, const char *start)
{
	char text[8192];
	struct call_command c = { 0 };

	sprintf(text, "{\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		sprintf(text + strlen(text), "%s{\"phoneNumber\":{\"value\":\"+467012345%02zu\"}}",
		        i ? "," : "", i);
	strcat(text, "]," SOURCE "," CALLBACK "}");
	if (start)
		refused(fn, text, start);
	else
		taken(fn, &c, text);
	call_command_clear(&c);
}

static void test_number_of_targets(void **state)
{
	(void)state;
	many(body_create, "targets", TARGETS_MAX, NULL);
	many(body_create, "targets", TARGETS_MAX + 1, "targets: must be 1 to 50");
	many(body_invite, "participants", TARGETS_MAX, NULL);
	many(body_invite, "participants", TARGETS_MAX + 1, "participants: must be 1 to 50");
}

static const struct {
	const char *text, *start;
} invite_faults[] = {
	{ "", "body: a JSON object is needed" },
	{ "[]", "body: not a JSON object" },
	{ "{}", "participants: missing" },
	{ "{" TARGETS "}", "participants: missing" },
	{ "{\"participants\":null}", "participants: missing" },
	{ "{\"participants\":{}}", "participants: not an array" },
	{ INVITE(""), "participants: must be 1 to 50" },
	{ INVITE("null"), "participants[0]: not an identifier object" },
	{ INVITE("{\"rawId\":\"a\"},{}"), "participants[1]: needs phoneNumber" },
	{ INVITE("{\"phoneNumber\":{\"value\":\"070\"}}"),
	  "participants[0].phoneNumber.value: not an E.164" },
	{ INVITE("{\"microsoftTeamsUser\":{\"userId\":\"x\"}}"), "participants[0].microsoftTeamsUser:" },
	{ INVITE("{\"rawId\":\"4:a\"},{\"rawId\":\"4:b\"},{\"rawId\":\"4:a\"}"),
	  "participants[2]: the same as participants[0]" },
	{ INVITE_WITH("\"alternateCallerId\":\"+4611\""), "alternateCallerId: not an object" },
	{ INVITE_WITH("\"alternateCallerId\":{}"), "alternateCallerId.value: missing" },
	{ INVITE_WITH("\"alternateCallerId\":{\"value\":\"4611\"}"),
	  "alternateCallerId.value: not an E.164" },
	{ INVITE_WITH("\"operationContext\":1"), "operationContext: not a string" },
	{ INVITE_WITH("\"callbackUri\":1"), "callbackUri: not a string" },
	{ INVITE_WITH("\"callbackUri\":\"http://10.0.0.1/\""), "callbackUri: " },
};

static void test_invite(void **state)
{
	struct call_command c = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(invite_faults) / sizeof(*invite_faults); i++)
		refused(body_invite, invite_faults[i].text, invite_faults[i].start);

	taken(body_invite, &c,
	      "{\"participants\":[{\"phoneNumber\":{\"value\":\"+46701234567\"}},{\"communicationUser\":{"
	      "\"id\":\"8:acs:u\"}},{\"rawId\":\"28:x\"}],\"alternateCallerId\":{\"value\":\"+46811\"},"
	      "\"operationContext\":\"o\"," CALLBACK ",\"x\":{}}");
	assert_int_equal(c.invite->participants_count, 3);
	assert_int_equal(c.invite->participants[0].kind, IDENTIFIER_PHONE);
	assert_string_equal(c.invite->participants[0].value, "+46701234567");
	assert_int_equal(c.invite->participants[1].kind, IDENTIFIER_USER);
	assert_int_equal(c.invite->participants[2].kind, IDENTIFIER_RAW);
	assert_string_equal(c.invite->participants[2].value, "28:x");
	assert_string_equal(c.invite->alternate_caller_id, "+46811");
	assert_string_equal(c.operation_context, "o");
	assert_string_equal(c.callback_uri, "https://app.example/cb?secret=1");
	call_command_clear(&c);

	taken(body_invite, &c, INVITE_WITH("\"alternateCallerId\":null,\"callbackUri\":null"));
	assert_null(c.invite->alternate_caller_id);
	assert_null(c.operation_context);
	assert_null(c.callback_uri);
	call_command_clear(&c);
}

static const struct {
	const char *text, *start;
} play_faults[] = {
	{ "", "body: a JSON object is needed" },
	{ "{}", "audioFileUri: missing" },
	{ "{\"audioFileUri\":1}", "audioFileUri: not a string" },
	{ "{\"audioFileUri\":\"file:///etc/passwd\"}", "audioFileUri: must be http or https" },
	{ "{\"audioFileUri\":\"https://\"}", "audioFileUri: has no host" },
	{ "{\"audioFileUri\":\"https:///a.wav\"}", "audioFileUri: has no host" },
	{ "{\"audioFileUri\":\"https://a.example/a b.wav\"}", "audioFileUri: holds a space" },
	{ "{\"audioFileUri\":\"https://a.example/\\u0085.wav\"}", "audioFileUri: holds a space" },
	{ "{" URI ",\"loop\":\"true\"}", "loop: not true or false" },
	{ "{" URI ",\"loop\":1}", "loop: not true or false" },
	{ "{" URI ",\"audioFileId\":1}", "audioFileId: not a string" },
	{ "{" URI ",\"resourceId\":1}", "resourceId: not a string" },
	{ "{" URI ",\"audioFileId\":\"a\",\"resourceId\":1}", "resourceId: not a string" },
	{ "{" URI ",\"operationContext\":1}", "operationContext: not a string" },
	{ "{" URI ",\"callbackUri\":\"http://10.0.0.1/\"}", "callbackUri: " },
};

static void test_play(void **state)
{
	struct call_command c = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(play_faults) / sizeof(*play_faults); i++)
		refused(body_play, play_faults[i].text, play_faults[i].start);

	taken(body_play, &c,
	      "{" URI ",\"loop\":true,\"resourceId\":\"r\",\"operationContext\":\"o\"," CALLBACK
	      ",\"x\":{}}");
	assert_string_equal(c.play->audio_file_uri, "https://media.example/a.wav");
	assert_string_equal(c.play->audio_file_id, "r");
	assert_true(c.play->loop);
	assert_string_equal(c.operation_context, "o");
	assert_string_equal(c.callback_uri, "https://app.example/cb?secret=1");
	call_command_clear(&c);

	taken(body_play, &c, "{\"audioFileUri\":\"HTTP://media.example\",\"loop\":null}");
	assert_false(c.play->loop);
	assert_null(c.callback_uri);
	call_command_clear(&c);
}

/* A tenant's own list of callbacks holds. */
static void test_callback_prefixes(void **state)
{
	char *prefixes[] = { (char *)"https://app.example/cb" };
	struct call_command c = { 0 };

	(void)state;
	tenant.callbacks = prefixes;
	tenant.callback_count = 1;
	taken(body_create, &c, WITH("\"x\":1"));
	call_command_clear(&c);
	refused(body_create, "{" TARGETS "," SOURCE ",\"callbackUri\":\"https://evil.example/cb\"}",
	        "callbackUri: ");
	tenant.callbacks = NULL;
	tenant.callback_count = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_faults),     cmocka_unit_test(test_create_full),
		cmocka_unit_test(test_create_short),      cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_number_of_targets), cmocka_unit_test(test_play),
		cmocka_unit_test(test_callback_prefixes), cmocka_unit_test(test_invite),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
