/* test_bad_input_participants.c - invites, removals and rosters that are not to be had: each is refused, nothing is done */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "producer_raw.h"

#define WHO  "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"
#define LIST "/calls/$call/participants"
#define ONE  "/calls/$call/participants/" WHO
/* What is refused by its id alone; a removal that is fine in itself would be produced. */
#define NOBODY "/calls/$call/participants/hush"
#define SECOND RAW_ASK("DELETE", ONE)

/* ---- bodies of an invite ---- */

#define BOB          "{\"phoneNumber\":{\"value\":\"+46701234500\"}}"
#define INVITE(body) RAW_POST(LIST, "", body)
#define THESE(list)  INVITE("{\"participants\":[" list "]}")
#define PHONE(p)     THESE("{\"phoneNumber\":{\"value\":\"" p "\"}}")
#define WITH(more)   INVITE("{\"participants\":[" BOB "]," more "}")
#define CALL_ME(uri) WITH("\"callbackUri\":\"" uri "\"")

#define BAD(words)      400, "8523", words, false
#define NOT_JSON        BAD("body: not JSON (line ")
#define NOT_E164        BAD("participants[0].phoneNumber.value: not an E.164 number")
#define INSIDE          BAD("callbackUri: must not point into a private or local network")
#define NOT_A_TYPE      415, "unsupportedMediaType", "Content-Type: must be application/json", false
#define ENCODED         415, "unsupportedMediaType", "Content-Encoding", false
#define NOT_ESTABLISHED 400, "8501", "the call is not established", false

static const struct raw_row bodies[] = {
	{ "nothing wrong but the call", THESE(BOB), NOT_ESTABLISHED },
	{ "and under the other prefix",
	  RAW_POST("/calling" LIST "?api-version=1", "", "{\"participants\":[" BOB "]}"), NOT_ESTABLISHED },
	{ "empty", INVITE(""), BAD("body: a JSON object is needed") },
	{ "array", INVITE("[" BOB "]"), BAD("body: not a JSON object") },
	{ "string", INVITE("\"hush\""), NOT_JSON },
	{ "null", INVITE("null"), NOT_JSON },
	{ "cut short", INVITE("{\"participants\":[{\"rawId\":\"hush"), NOT_JSON },
	{ "bytes behind", INVITE("{\"participants\":[" BOB "]}hush"), NOT_JSON },
	{ "zero byte behind", INVITE("{\"participants\":[" BOB "]}$0"), NOT_JSON },
	{ "field twice", INVITE("{\"participants\":[],\"participants\":[" BOB "]}"),
	  BAD("body: a field stands twice") },
	{ "field twice, deep", THESE("{\"rawId\":\"a\",\"rawId\":\"hush\"}"),
	  BAD("body: a field stands twice") },
	{ "not UTF-8", THESE("{\"rawId\":\"\xff\"}"), NOT_JSON },
	{ "\\u0000 in an id", THESE("{\"rawId\":\"a\\u0000hush\"}"), NOT_JSON },
	{ "10,000 arrays deep", INVITE("{\"participants\":$(10000 [)$(10000 ])}"), NOT_JSON },
	{ "3,000 objects deep", INVITE("{\"participants\":[$(3000 {\"phoneNumber\":)1$(3000 })]}"),
	  NOT_JSON },
	{ "3,000 arrays in a field that nobody knows", WITH("\"x\":$(3000 [)$(3000 ])"), NOT_JSON },
	{ "64 KiB and one byte", WITH("\"x\":\"$(65536 x)\""), 413, "tooLarge", "body: too large", true },
	{ "text",
	  "POST " LIST " HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_LENGTH "Content-Type: text/plain\r\n\r\n{}",
	  NOT_A_TYPE },
	{ "no type", "POST " LIST " HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_LENGTH "\r\n{}", NOT_A_TYPE },
	{ "gzip", RAW_POST(LIST, "Content-Encoding: gzip\r\n", "\x1f\x8b\x08$0"), ENCODED },
};

static const struct raw_row lists[] = {
	{ "missing", INVITE("{}"), BAD("participants: missing") },
	{ "targets in their place", INVITE("{\"targets\":[" BOB "]}"), BAD("participants: missing") },
	{ "one, as later versions have it", INVITE("{\"participant\":" BOB "}"),
	  BAD("participants: missing") },
	{ "null", INVITE("{\"participants\":null}"), BAD("participants: missing") },
	{ "object", INVITE("{\"participants\":" BOB "}"), BAD("participants: not an array") },
	{ "string", INVITE("{\"participants\":\"+46701234500\"}"), BAD("participants: not an array") },
	{ "number", INVITE("{\"participants\":1}"), BAD("participants: not an array") },
	{ "none", THESE(""), BAD("participants: must be 1 to 50") },
	{ "51", THESE("$(50 {\"rawId\":\"a\"},){\"rawId\":\"a\"}"), BAD("participants: must be 1 to 50") },
	{ "3,000", THESE("$(3000 {\"rawId\":\"a\"},){\"rawId\":\"a\"}"),
	  BAD("participants: must be 1 to 50") },
	{ "[null], as the original page", THESE("null"), BAD("participants[0]: not an identifier object") },
	{ "[[]]", THESE("[]"), BAD("participants[0]: not an identifier object") },
	{ "[string]", THESE("\"+46701234500\""), BAD("participants[0]: not an identifier object") },
	{ "[{}]", THESE("{}"), BAD("participants[0]: needs phoneNumber, communicationUser or rawId") },
	{ "a kind that nobody knows", THESE("{\"kind\":\"pigeon\",\"pigeon\":{\"id\":\"hush\"}}"),
	  BAD("participants[0]: needs phoneNumber, communicationUser or rawId") },
	{ "of Teams", THESE(BOB ",{\"microsoftTeamsUser\":{\"userId\":\"hush\"}}"),
	  BAD("participants[1].microsoftTeamsUser") },
	{ "both kinds",
	  THESE("{\"phoneNumber\":{\"value\":\"+4670\"},\"communicationUser\":{\"id\":\"hush\"}}"),
	  BAD("participants[0]: phoneNumber and communicationUser exclude each other") },
	{ "twice the same", THESE(BOB ",{\"rawId\":\"hush\"}," BOB),
	  BAD("participants[2]: the same as participants[0]") },
	{ "phoneNumber: string", THESE("{\"phoneNumber\":\"+46701234500\"}"),
	  BAD("participants[0].phoneNumber: not an object") },
	{ "phoneNumber: {}", THESE("{\"phoneNumber\":{}}"),
	  BAD("participants[0].phoneNumber.value: missing") },
	{ "value: number", THESE("{\"phoneNumber\":{\"value\":46701234500}}"),
	  BAD("participants[0].phoneNumber.value: not a string") },
	{ "value: empty", PHONE(""), NOT_E164 },
	{ "value: no plus", PHONE("46701234500"), NOT_E164 },
	{ "value: 16 digits", PHONE("+1234567890123456"), NOT_E164 },
	{ "value: line end behind", PHONE("+46701234500\\r\\nX: hush"), NOT_E164 },
	{ "value: extension", PHONE("+46701234500;ext=1"), NOT_E164 },
	{ "user: no id", THESE("{\"communicationUser\":{}}"),
	  BAD("participants[0].communicationUser.id: missing") },
	{ "user: array", THESE("{\"communicationUser\":[]}"),
	  BAD("participants[0].communicationUser: not an object") },
	{ "user: 257 bytes", THESE("{\"communicationUser\":{\"id\":\"$(257 a)\"}}"),
	  BAD("participants[0].communicationUser.id: must be 1 to 256 bytes") },
	{ "rawId: number", THESE("{\"rawId\":4}"), BAD("participants[0].rawId: not a string") },
	{ "rawId: empty", THESE("{\"rawId\":\"\"}"), BAD("participants[0].rawId: must be 1 to 256 bytes") },
	{ "rawId: line end", THESE("{\"rawId\":\"a\\nhush\"}"),
	  BAD("participants[0].rawId: holds a space or control character") },
	{ "the first of 50", THESE("{\"rawId\":7}$(49 ,{\"rawId\":\"a\"})"),
	  BAD("participants[0].rawId: not a string") },
};

static const struct raw_row fields[] = {
	{ "alternateCallerId: string", WITH("\"alternateCallerId\":\"+4670\""),
	  BAD("alternateCallerId: not an object") },
	{ "alternateCallerId: {}", WITH("\"alternateCallerId\":{}"),
	  BAD("alternateCallerId.value: missing") },
	{ "alternateCallerId: number", WITH("\"alternateCallerId\":{\"value\":4670}"),
	  BAD("alternateCallerId.value: not a string") },
	{ "alternateCallerId: not E.164", WITH("\"alternateCallerId\":{\"value\":\"hush\"}"),
	  BAD("alternateCallerId.value: not an E.164") },
	{ "operationContext: object", WITH("\"operationContext\":{}"),
	  BAD("operationContext: not a string") },
	{ "operationContext: 5,001 bytes", WITH("\"operationContext\":\"$(5001 a)\""),
	  BAD("operationContext: longer than 5000 bytes") },
	{ "operationContext: 2,501 letters of two bytes", WITH("\"operationContext\":\"$(2501 \xc3\xa5)\""),
	  BAD("operationContext: longer than 5000 bytes") },
	{ "callbackUri: number", WITH("\"callbackUri\":1"), BAD("callbackUri: not a string") },
	{ "callbackUri: empty", CALL_ME(""), BAD("callbackUri: must begin with http") },
	{ "callbackUri: file", CALL_ME("file:///etc/hush"), BAD("callbackUri: must begin with http") },
	{ "callbackUri: user", CALL_ME("https://u:hush@app.example/"),
	  BAD("callbackUri: must have no user") },
	{ "callbackUri: 127.0.0.1", CALL_ME("http://127.0.0.1/hush"), INSIDE },
	{ "callbackUri: metadata", CALL_ME("http://169.254.169.254/hush"), INSIDE },
	{ "callbackUri: [::1]", CALL_ME("http://[::1]/hush"), INSIDE },
	{ "callbackUri: 2,049 bytes", CALL_ME("http://app.example/$(2030 a)"),
	  BAD("callbackUri: must not be longer") },
};

/* ---- who is to be removed ---- */

#define REMOVE(who)    RAW_ASK("DELETE", LIST "/" who)
#define NO_PARTICIPANT 404, "8522", "no such participant", false
#define NO_ROUTE       404, "8522", "no such route", false
#define NO_CALL        404, "8522", "no such call", false
#define TARGET_ODD     400, "8523", "request target", false

static const struct raw_row ids[] = {
	{ "a word", REMOVE("hush"), NO_PARTICIPANT },
	{ "a number", REMOVE("1"), NO_PARTICIPANT },
	{ "a phone number", REMOVE("+46701234500"), NO_PARTICIPANT },
	{ "a raw id", REMOVE("4%3A%2B46701234500"), NO_PARTICIPANT },
	{ "the call's own id", REMOVE("$call"), NO_PARTICIPANT },
	{ "a digit short", REMOVE("c8a5bbea-1d7b-4fca-89d3-22a5d13837d"), NO_PARTICIPANT },
	{ "a digit long", REMOVE(WHO "0"), NO_PARTICIPANT },
	{ "no hyphens", REMOVE("c8a5bbea1d7b4fca89d322a5d13837db"), NO_PARTICIPANT },
	{ "hyphens elsewhere", REMOVE("c8a5bbea1-d7b-4fca-89d3-22a5d13837db"), NO_PARTICIPANT },
	{ "a letter that is no digit", REMOVE("g8a5bbea-1d7b-4fca-89d3-22a5d13837db"), NO_PARTICIPANT },
	{ "in braces", REMOVE("%7B" WHO "%7D"), NO_PARTICIPANT },
	{ "urn", REMOVE("urn:uuid:" WHO), NO_PARTICIPANT },
	{ "full-width digit", REMOVE("%EF%BC%91a5bbea-1d7b-4fca-89d3-22a5d13837db"), NO_PARTICIPANT },
	{ "not UTF-8", REMOVE("%ff" WHO), NO_PARTICIPANT },
	{ "two", REMOVE(WHO "," WHO), NO_PARTICIPANT },
	{ "a star", REMOVE("*"), NO_PARTICIPANT },
	{ "..", REMOVE(".."), NO_PARTICIPANT },
	{ "%2e%2e", REMOVE("%2e%2e"), NO_PARTICIPANT },
	{ "space behind", REMOVE(WHO "%20"), NO_PARTICIPANT },
	{ "line end behind", REMOVE(WHO "%0d%0aX-Hush:%20hush"), NO_PARTICIPANT },
	{ "1,500 bytes", REMOVE("$(1500 a)"), NO_PARTICIPANT },
	{ "%252F behind", REMOVE(WHO "%252Fhush"), NO_PARTICIPANT },
	{ "%2F behind", REMOVE(WHO "%2F"), TARGET_ODD },
	{ "%2f within", REMOVE("c8a5bbea%2f1d7b-4fca-89d3-22a5d13837db"), TARGET_ODD },
	{ "%2F in place of the slash", RAW_ASK("DELETE", "/calls/$call/participants%2F" WHO), TARGET_ODD },
	{ "%00 behind", REMOVE(WHO "%00"), TARGET_ODD },
	{ "%00 and more behind", REMOVE(WHO "%00hush"), TARGET_ODD },
	{ "%00 alone", REMOVE("%00"), TARGET_ODD },
	{ "%", REMOVE(WHO "%"), TARGET_ODD },
	{ "%zz", REMOVE(WHO "%zz"), TARGET_ODD },
	{ "none", REMOVE(""), NO_ROUTE },
	{ "slash behind", REMOVE(WHO "/"), NO_ROUTE },
	{ "slash before", REMOVE("/" WHO), NO_ROUTE },
	{ "a word behind", REMOVE(WHO "/hush"), NO_ROUTE },
	{ "participant, not participants", RAW_ASK("DELETE", "/calls/$call/participant/" WHO), NO_ROUTE },
	{ "a newer version's word", RAW_ASK("POST", "/calls/$call/participants:add"), NO_ROUTE },
	{ "no call before it", RAW_ASK("DELETE", "/calls//participants/" WHO), NO_CALL },
	{ "zero byte", RAW_ASK("DELETE", ONE "$0"), 400, "8523", "control character", true },
	{ "a call that is none", RAW_ASK("DELETE", "/calls/hush/participants/" WHO), NO_CALL },
	{ "another tenant's call", RAW_ASK("DELETE", "/calls/$other/participants/" WHO), NO_CALL },
	{ "another tenant's call, no id", RAW_ASK("DELETE", "/calls/$other/participants/hush"), NO_CALL },
	{ "another tenant's roster", RAW_ASK("GET", "/calling/calls/$other/participants"), NO_CALL },
	{ "another tenant's call, an invite",
	  RAW_POST("/calls/$other/participants", "", "{\"participants\":[" BOB "]}"), NO_CALL },
	{ "a stranger", "DELETE " ONE " HTTP/1.1\r\n" RAW_HOST "\r\n", 401, "unauthorized", "Authorization",
	  false },
	{ "a stranger, no id", "DELETE " NOBODY " HTTP/1.1\r\n" RAW_HOST "\r\n", 401, "unauthorized",
	  "Authorization", false },
};

#define NO_METHOD 405, "methodNotAllowed", "method", false

static const struct raw_row methods[] = {
	{ "PUT a list", RAW_ASK("PUT", LIST), NO_METHOD },
	{ "DELETE a list", RAW_ASK("DELETE", LIST), NO_METHOD },
	{ "PATCH a list", RAW_ASK("PATCH", LIST), NO_METHOD },
	{ "OPTIONS of a list", RAW_ASK("OPTIONS", LIST), NO_METHOD },
	{ "HEAD of a list", RAW_ASK("HEAD", LIST), 405, "", "", false },
	{ "get", RAW_ASK("get", LIST), NO_METHOD },
	{ "GET,", RAW_ASK("GET,POST", LIST), 400, "8523", "the method", true },
	{ "GET one", RAW_ASK("GET", ONE), NO_METHOD },
	{ "POST one", RAW_POST(ONE, "", "{\"participants\":[" BOB "]}"), NO_METHOD },
	{ "PUT one", RAW_ASK("PUT", ONE), NO_METHOD },
	{ "HEAD of one", RAW_ASK("HEAD", ONE), 405, "", "", false },
	{ "delete", RAW_ASK("delete", ONE), NO_METHOD },
	{ "GET of nobody", RAW_ASK("GET", NOBODY), NO_METHOD },
};

/* ---- bodies where none belongs: not looked at, and no request in them ---- */

#define WITH_BODY(method, target, headers, body)                                                             \
	method " " target " HTTP/1.1\r\n" RAW_HOST RAW_AUTH headers "\r\n" body

static const struct raw_row behind[] = {
	{ "a body", WITH_BODY("DELETE", NOBODY, RAW_LENGTH, "hush"), NO_PARTICIPANT },
	{ "a body that is a request", WITH_BODY("DELETE", NOBODY, RAW_LENGTH, SECOND), NO_PARTICIPANT },
	{ "chunks that are a request",
	  WITH_BODY("DELETE", NOBODY, "Transfer-Encoding: chunked\r\n", "4\r\nhush\r\n0\r\n\r\n"),
	  NO_PARTICIPANT },
	{ "a body in gzip", WITH_BODY("DELETE", NOBODY, "Content-Encoding: gzip\r\n" RAW_LENGTH, "hush"),
	  NO_PARTICIPANT },
	{ "both framings",
	  WITH_BODY("DELETE", ONE, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" SECOND),
	  400, "8523", "exclude", true },
	{ "chunks that break", WITH_BODY("DELETE", ONE, "Transfer-Encoding: chunked\r\n", "x\r\n\r\n" SECOND),
	  400, "8523", "body: the chunks are malformed", true },
	{ "64 KiB and one byte", WITH_BODY("DELETE", ONE, RAW_LENGTH, "$(65537 x)"), 413, "tooLarge",
	  "body: too large", true },
	{ "an invite with a second request in it", RAW_POST(LIST, "", "{\"participants\":[" BOB "]}" SECOND),
	  NOT_JSON },
	{ "the body of a roster's request",
	  WITH_BODY("GET", "/calls/$other/participants", RAW_LENGTH, SECOND), NO_CALL },
};

static int setup(void **state)
{
	*state = rig_open(NULL);
	raw_open(*state);
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state);
	return 0;
}

#define TABLE(name)                                                                                          \
	static void test_##name(void **state)                                                                \
	{                                                                                                    \
		(void)state;                                                                                 \
		assert_int_equal(raw_run((name), sizeof(name) / sizeof((name)[0])), 0);                      \
	}

TABLE(bodies)
TABLE(lists)
TABLE(fields)
TABLE(ids)
TABLE(methods)
TABLE(behind)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies), cmocka_unit_test(test_lists),   cmocka_unit_test(test_fields),
		cmocka_unit_test(test_ids),    cmocka_unit_test(test_methods), cmocka_unit_test(test_behind),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
