/* test_bad_input_json.c - bodies that are no create or no play: each is refused, its field named, nothing done */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "producer_raw.h"

#define TARGETS    "\"targets\":[{\"phoneNumber\":{\"value\":\"+46701234500\"}}]"
#define CALLBACK   "\"callbackUri\":\"https://app.example/cb?secret=hush\""
#define WITH(more) "{" TARGETS "," CALLBACK "," more "}"
#define TARGET(t)  "{\"targets\":[" t "]," CALLBACK "}"
#define PHONE(p)   TARGET("{\"phoneNumber\":{\"value\":\"" p "\"}}")
#define CALL_ME(u) "{" TARGETS ",\"callbackUri\":\"" u "\"}"
#define GOOD       "{" TARGETS "," CALLBACK "}"

#define CREATE(body)        RAW_POST("/calls", "", body)
#define PLAY(body)          RAW_POST("/calls/$call/PlayAudio", "", body)
#define BAD(words)          400, "8523", words, false
#define NOT_JSON            BAD("body: not JSON (line ")
#define NOT_E164            BAD("targets[0].phoneNumber.value: not an E.164 number")
#define INSIDE              BAD("callbackUri: must not point into a private or local network")
#define TYPED(header, body) "POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_LENGTH header "\r\n" body
#define NOT_A_TYPE          415, "unsupportedMediaType", "Content-Type: must be application/json", false
#define ENCODED             415, "unsupportedMediaType", "Content-Encoding", false

static const struct raw_row forms[] = {
	{ "empty", CREATE(""), BAD("body: a JSON object is needed") },
	{ "a space", CREATE(" "), NOT_JSON },
	{ "cut short", CREATE("{" TARGETS ",\"callbackUri\":\"https://app.exam"), NOT_JSON },
	{ "cut after a comma", CREATE("{" TARGETS ","), NOT_JSON },
	{ "bytes behind", CREATE(GOOD "x"), NOT_JSON },
	{ "a second object behind", CREATE(GOOD GOOD), NOT_JSON },
	{ "a zero byte behind", CREATE(GOOD "$0"), NOT_JSON },
	{ "byte order mark", CREATE("\xef\xbb\xbf" GOOD), NOT_JSON },
	{ "UTF-16", CREATE("\xff\xfe{$0}$0"), NOT_JSON },
	{ "comment", CREATE("/* hush */" GOOD), NOT_JSON },
	{ "comma at the end", CREATE("{" TARGETS "," CALLBACK ",}"), NOT_JSON },
	{ "single quotes", CREATE("{'targets':[]}"), NOT_JSON },
	{ "form", CREATE("targets=1&callbackUri=hush"), NOT_JSON },
	{ "XML",
	  CREATE("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"),
	  NOT_JSON },
	{ "array", CREATE("[" GOOD "]"), BAD("body: not a JSON object") },
	{ "string", CREATE("\"hush\""), NOT_JSON },
	{ "number", CREATE("7"), NOT_JSON },
	{ "null", CREATE("null"), NOT_JSON },
	{ "field twice", CREATE(WITH("\"subject\":\"hush\",\"subject\":\"b\"")),
	  BAD("body: a field stands twice") },
	{ "field twice, deep", CREATE(TARGET("{\"phoneNumber\":{\"value\":\"+4670\",\"value\":\"+4671\"}}")),
	  BAD("body: a field stands twice") },
	{ "field twice, escaped", CREATE(WITH("\"subject\":\"a\",\"\\u0073ubject\":\"b\"")),
	  BAD("body: a field stands twice") },
	{ "NaN", CREATE(WITH("\"x\":NaN")), NOT_JSON },
	{ "Infinity", CREATE(WITH("\"x\":-Infinity")), NOT_JSON },
	{ "hex", CREATE(WITH("\"x\":0x10")), NOT_JSON },
	{ "number with a zero before", CREATE(WITH("\"x\":01")), NOT_JSON },
	{ "number beyond a double", CREATE(WITH("\"x\":1e400")), NOT_JSON },
	{ "number beyond 64 bits", CREATE(WITH("\"x\":99999999999999999999")), NOT_JSON },
	{ "number of 10,000 digits", CREATE(WITH("\"x\":$(10000 9)")), NOT_JSON },
	{ "10,000 arrays deep", CREATE("{\"targets\":$(10000 [)$(10000 ])}"), NOT_JSON },
	{ "10,000 objects deep", CREATE("$(10000 {\"a\":)"), NOT_JSON },
	{ "3,000 arrays in a field that nobody knows", CREATE(WITH("\"x\":$(3000 [)$(3000 ])")), NOT_JSON },
	{ "invalid UTF-8", CREATE(WITH("\"subject\":\"\xff\"")), NOT_JSON },
	{ "UTF-8 cut short", CREATE(WITH("\"subject\":\"\xc3\"")), NOT_JSON },
	{ "UTF-8 overlong", CREATE(WITH("\"subject\":\"\xc0\xaf\"")), NOT_JSON },
	{ "UTF-8 surrogate", CREATE(WITH("\"subject\":\"\xed\xa0\x80\"")), NOT_JSON },
	{ "UTF-8 beyond Unicode", CREATE(WITH("\"subject\":\"\xf4\x90\x80\x80\"")), NOT_JSON },
	{ "invalid UTF-8 in a name", CREATE(WITH("\"\xff\":1")), NOT_JSON },
	{ "first half of a surrogate", CREATE(WITH("\"subject\":\"\\ud800\"")), NOT_JSON },
	{ "second half of a surrogate", CREATE(WITH("\"subject\":\"\\udc00\"")), NOT_JSON },
	{ "zero byte in a string", CREATE(WITH("\"subject\":\"a$0b\"")), NOT_JSON },
	{ "\\u0000 in a string", CREATE(WITH("\"subject\":\"a\\u0000b\"")), NOT_JSON },
	{ "\\u0000 in a name", CREATE(WITH("\"a\\u0000b\":1")), NOT_JSON },
	{ "line end in a string", CREATE(WITH("\"subject\":\"a\nb\"")), NOT_JSON },
	{ "bad escape", CREATE(WITH("\"subject\":\"\\x41\"")), NOT_JSON },
	{ "64 KiB and one byte", CREATE(WITH("\"x\":\"$(65536 x)\"")), 413, "tooLarge", "body: too large",
	  true },
};

static const struct raw_row types[] = {
	{ "no type", TYPED("", GOOD), NOT_A_TYPE },
	{ "empty type", TYPED("Content-Type:\r\n", GOOD), NOT_A_TYPE },
	{ "text", TYPED("Content-Type: text/plain\r\n", GOOD), NOT_A_TYPE },
	{ "form type", TYPED("Content-Type: application/x-www-form-urlencoded\r\n", GOOD), NOT_A_TYPE },
	{ "multipart", TYPED("Content-Type: multipart/form-data; boundary=x\r\n", GOOD), NOT_A_TYPE },
	{ "longer word", TYPED("Content-Type: application/jsonx\r\n", GOOD), NOT_A_TYPE },
	{ "other JSON", TYPED("Content-Type: application/json-patch+json\r\n", GOOD), NOT_A_TYPE },
	{ "two in one", TYPED("Content-Type: text/plain, application/json\r\n", GOOD), NOT_A_TYPE },
	{ "gzip", RAW_POST("/calls", "Content-Encoding: gzip\r\n", "\x1f\x8b\x08$0"), ENCODED },
	{ "gzip that is none", RAW_POST("/calls", "Content-Encoding: gzip\r\n", GOOD), ENCODED },
	{ "br", RAW_POST("/calls", "Content-Encoding: br\r\n", GOOD), ENCODED },
	{ "identity, gzip", RAW_POST("/calls", "Content-Encoding: identity, gzip\r\n", GOOD), ENCODED },
	{ "gzip, play", RAW_POST("/calls/$call/PlayAudio", "Content-Encoding: gzip\r\n", "{}"), ENCODED },
};

static const struct raw_row targets[] = {
	{ "missing", CREATE("{" CALLBACK "}"), BAD("targets: missing") },
	{ "null", CREATE("{\"targets\":null," CALLBACK "}"), BAD("targets: missing") },
	{ "object", CREATE("{\"targets\":{}," CALLBACK "}"), BAD("targets: not an array") },
	{ "string", CREATE("{\"targets\":\"+46701234500\"," CALLBACK "}"), BAD("targets: not an array") },
	{ "true", CREATE("{\"targets\":true," CALLBACK "}"), BAD("targets: not an array") },
	{ "none", CREATE(TARGET("")), BAD("targets: must be 1 to 50") },
	{ "51", CREATE(TARGET("$(50 {\"rawId\":\"a\"},){\"rawId\":\"a\"}")),
	  BAD("targets: must be 1 to 50") },
	{ "[null]", CREATE(TARGET("null")), BAD("targets[0]: not an identifier object") },
	{ "[[]]", CREATE(TARGET("[]")), BAD("targets[0]: not an identifier object") },
	{ "[string]", CREATE(TARGET("\"+46701234500\"")), BAD("targets[0]: not an identifier object") },
	{ "[{}]", CREATE(TARGET("{}")), BAD("targets[0]: needs phoneNumber, communicationUser or rawId") },
	{ "other word", CREATE(TARGET("{\"phonenumber\":{\"value\":\"+46701234500\"}}")),
	  BAD("targets[0]: needs") },
	{ "twice the same", CREATE(TARGET("{\"rawId\":\"a\"},{\"rawId\":\"b\"},{\"rawId\":\"a\"}")),
	  BAD("targets[2]: the same as targets[0]") },
	{ "number twice",
	  CREATE(TARGET("{\"phoneNumber\":{\"value\":\"+4670\"}},{\"phoneNumber\":{\"value\":\"+4670\"}}")),
	  BAD("targets[1]: the same as targets[0]") },
	{ "both kinds",
	  CREATE(TARGET("{\"phoneNumber\":{\"value\":\"+4670\"},\"communicationUser\":{\"id\":\"a\"}}")),
	  BAD("targets[0]: phoneNumber and communicationUser exclude each other") },
	{ "of Teams", CREATE(TARGET("{\"microsoftTeamsUser\":{\"userId\":\"a\"}}")),
	  BAD("targets[0].microsoftTeamsUser") },
	{ "phoneNumber: string", CREATE(TARGET("{\"phoneNumber\":\"+46701234500\"}")),
	  BAD("targets[0].phoneNumber: not an object") },
	{ "phoneNumber: {}", CREATE(TARGET("{\"phoneNumber\":{}}")),
	  BAD("targets[0].phoneNumber.value: missing") },
	{ "value: number", CREATE(TARGET("{\"phoneNumber\":{\"value\":46701234500}}")),
	  BAD("targets[0].phoneNumber.value: not a string") },
	{ "value: empty", CREATE(PHONE("")), NOT_E164 },
	{ "value: no plus", CREATE(PHONE("46701234500")), NOT_E164 },
	{ "value: plus only", CREATE(PHONE("+")), NOT_E164 },
	{ "value: one digit", CREATE(PHONE("+4")), NOT_E164 },
	{ "value: 16 digits", CREATE(PHONE("+1234567890123456")), NOT_E164 },
	{ "value: 60,000 digits", CREATE(PHONE("+$(60000 4)")), NOT_E164 },
	{ "value: zero first", CREATE(PHONE("+0701234500")), NOT_E164 },
	{ "value: letters", CREATE(PHONE("+4670CALLME")), NOT_E164 },
	{ "value: space", CREATE(PHONE("+46 701234500")), NOT_E164 },
	{ "value: hyphen", CREATE(PHONE("+46-701234500")), NOT_E164 },
	{ "value: space behind", CREATE(PHONE("+46701234500 ")), NOT_E164 },
	{ "value: line end behind", CREATE(PHONE("+46701234500\\r\\nX: hush")), NOT_E164 },
	{ "value: two plus", CREATE(PHONE("++46701234500")), NOT_E164 },
	{ "value: extension", CREATE(PHONE("+46701234500;ext=1")), NOT_E164 },
	{ "value: SIP address", CREATE(PHONE("sip:hush@app.example")), NOT_E164 },
	{ "value: full-width digits", CREATE(PHONE("+\xef\xbc\x94\xef\xbc\x96\xef\xbc\x97")), NOT_E164 },
	{ "value: Arabic digits", CREATE(PHONE("+\xd9\xa4\xd9\xa6\xd9\xa7")), NOT_E164 },
	{ "user: string", CREATE(TARGET("{\"communicationUser\":\"a\"}")),
	  BAD("targets[0].communicationUser: not an object") },
	{ "user: no id", CREATE(TARGET("{\"communicationUser\":{}}")),
	  BAD("targets[0].communicationUser.id: missing") },
	{ "user: number", CREATE(TARGET("{\"communicationUser\":{\"id\":1}}")),
	  BAD("targets[0].communicationUser.id: not a string") },
	{ "user: empty", CREATE(TARGET("{\"communicationUser\":{\"id\":\"\"}}")),
	  BAD("targets[0].communicationUser.id: must be 1 to 256 bytes") },
	{ "user: 257 bytes", CREATE(TARGET("{\"communicationUser\":{\"id\":\"$(257 a)\"}}")),
	  BAD("targets[0].communicationUser.id: must be 1 to 256 bytes") },
	{ "user: line end", CREATE(TARGET("{\"communicationUser\":{\"id\":\"a\\r\\nb\"}}")),
	  BAD("targets[0].communicationUser.id: holds a space or control character") },
	{ "rawId: number", CREATE(TARGET("{\"rawId\":1}")), BAD("targets[0].rawId: not a string") },
	{ "rawId: empty", CREATE(TARGET("{\"rawId\":\"\"}")),
	  BAD("targets[0].rawId: must be 1 to 256 bytes") },
	{ "rawId: 257 bytes", CREATE(TARGET("{\"rawId\":\"$(257 a)\"}")),
	  BAD("targets[0].rawId: must be 1 to 256") },
	{ "rawId: space", CREATE(TARGET("{\"rawId\":\"a b\"}")), BAD("targets[0].rawId: holds a space") },
	{ "rawId beside a number: object",
	  CREATE(TARGET("{\"rawId\":{},\"phoneNumber\":{\"value\":\"+4670\"}}")),
	  BAD("targets[0].rawId: not a string") },
};

static const struct raw_row fields[] = {
	{ "callbackUri: missing", CREATE("{" TARGETS "}"), BAD("callbackUri: missing") },
	{ "callbackUri: number", CREATE("{" TARGETS ",\"callbackUri\":1}"),
	  BAD("callbackUri: not a string") },
	{ "callbackUri: array", CREATE("{" TARGETS ",\"callbackUri\":[]}"),
	  BAD("callbackUri: not a string") },
	{ "callbackUri: empty", CREATE(CALL_ME("")), BAD("callbackUri: must begin with http") },
	{ "callbackUri: ftp", CREATE(CALL_ME("ftp://app.example/hush")),
	  BAD("callbackUri: must begin with http") },
	{ "callbackUri: file", CREATE(CALL_ME("file:///etc/hush")),
	  BAD("callbackUri: must begin with http") },
	{ "callbackUri: gopher", CREATE(CALL_ME("gopher://app.example:6379/_hush")),
	  BAD("callbackUri: must begin") },
	{ "callbackUri: no scheme", CREATE(CALL_ME("//app.example/hush")),
	  BAD("callbackUri: must begin with http") },
	{ "callbackUri: no host", CREATE(CALL_ME("http:///hush")), BAD("callbackUri: must name a host") },
	{ "callbackUri: port only", CREATE(CALL_ME("http://:80/hush")),
	  BAD("callbackUri: must name a host") },
	{ "callbackUri: user", CREATE(CALL_ME("https://hush@app.example/")),
	  BAD("callbackUri: must have no user") },
	{ "callbackUri: password", CREATE(CALL_ME("https://u:hush@app.example/")),
	  BAD("callbackUri: must have no user") },
	{ "callbackUri: port 0", CREATE(CALL_ME("http://app.example:0/hush")), BAD("callbackUri: must") },
	{ "callbackUri: port 65536", CREATE(CALL_ME("http://app.example:65536/hush")),
	  BAD("callbackUri: must be a valid") },
	{ "callbackUri: fragment", CREATE(CALL_ME("http://app.example/#hush")),
	  BAD("callbackUri: must have no fragment") },
	{ "callbackUri: space", CREATE(CALL_ME("http://app.example/ hush")),
	  BAD("callbackUri: must not contain blanks") },
	{ "callbackUri: line end", CREATE(CALL_ME("http://app.example/\\r\\nX: hush")),
	  BAD("callbackUri: must not contain") },
	{ "callbackUri: not ASCII", CREATE(CALL_ME("http://app.ex\xc3\xa4mple/hush")),
	  BAD("callbackUri: must not contain") },
	{ "callbackUri: backslash", CREATE(CALL_ME("http://app.example\\\\@a/hush")),
	  BAD("callbackUri: must not contain") },
	{ "callbackUri: 2,049 bytes", CREATE(CALL_ME("http://app.example/$(2030 a)")),
	  BAD("callbackUri: must not be longer") },
	{ "callbackUri: 127.0.0.1", CREATE(CALL_ME("http://127.0.0.1/hush")), INSIDE },
	{ "callbackUri: localhost", CREATE(CALL_ME("http://localhost:9092/hush")), INSIDE },
	{ "callbackUri: 2130706433", CREATE(CALL_ME("http://2130706433/hush")), INSIDE },
	{ "callbackUri: 0x7f.1", CREATE(CALL_ME("http://0x7f.1/hush")), INSIDE },
	{ "callbackUri: 10.0.0.1", CREATE(CALL_ME("http://10.0.0.1/hush")), INSIDE },
	{ "callbackUri: metadata", CREATE(CALL_ME("http://169.254.169.254/hush")), INSIDE },
	{ "callbackUri: [::1]", CREATE(CALL_ME("http://[::1]/hush")), INSIDE },
	{ "callbackUri: [::ffff:10.0.0.1]", CREATE(CALL_ME("http://[::ffff:10.0.0.1]/hush")), INSIDE },
	{ "source: string", CREATE(WITH("\"source\":\"+46701234567\"")),
	  BAD("source: not an identifier object") },
	{ "source: {}", CREATE(WITH("\"source\":{}")), BAD("source: needs phoneNumber") },
	{ "source: bad number", CREATE(WITH("\"source\":{\"phoneNumber\":{\"value\":\"1\"}}")),
	  BAD("source.phoneNumber.value: not an E.164") },
	{ "sourceAlternateIdentity: string", CREATE(WITH("\"sourceAlternateIdentity\":\"+4670\"")),
	  BAD("sourceAlternateIdentity: not an object") },
	{ "sourceAlternateIdentity: {}", CREATE(WITH("\"sourceAlternateIdentity\":{}")),
	  BAD("sourceAlternateIdentity.value: missing") },
	{ "alternateCallerId: bad number", CREATE(WITH("\"alternateCallerId\":{\"value\":\"12\"}")),
	  BAD("alternateCallerId.value: not an E.164") },
	{ "both alternates",
	  CREATE(WITH("\"alternateCallerId\":{\"value\":\"+4670\"},"
	              "\"sourceAlternateIdentity\":{\"value\":\"+4670\"}")),
	  BAD("alternateCallerId: sourceAlternateIdentity says the same") },
	{ "subject: number", CREATE(WITH("\"subject\":1")), BAD("subject: not a string") },
	{ "subject: 1,001 bytes", CREATE(WITH("\"subject\":\"$(1001 a)\"")),
	  BAD("subject: longer than 1000 bytes") },
	{ "subject: 501 letters of two bytes", CREATE(WITH("\"subject\":\"$(501 \xc3\xa5)\"")),
	  BAD("subject: longer than 1000 bytes") },
	{ "operationContext: object", CREATE(WITH("\"operationContext\":{}")),
	  BAD("operationContext: not a string") },
	{ "operationContext: 5,001 bytes", CREATE(WITH("\"operationContext\":\"$(5001 a)\"")),
	  BAD("operationContext: longer than 5000 bytes") },
	{ "requestedModalities: string", CREATE(WITH("\"requestedModalities\":\"audio\"")),
	  BAD("requestedModalities: not an array") },
	{ "requestedModalities: [1]", CREATE(WITH("\"requestedModalities\":[1]")),
	  BAD("requestedModalities[0]: not a string") },
	{ "requestedModalities: unknown", CREATE(WITH("\"requestedModalities\":[\"audio\",\"hush\"]")),
	  BAD("requestedModalities[1]: must be audio or video") },
	{ "requestedModalities: video only", CREATE(WITH("\"requestedModalities\":[\"video\"]")),
	  BAD("requestedModalities: a call without audio") },
	{ "requestedCallEvents: object", CREATE(WITH("\"requestedCallEvents\":{}")),
	  BAD("requestedCallEvents: not an array") },
	{ "requestedCallEvents: [null]", CREATE(WITH("\"requestedCallEvents\":[null]")),
	  BAD("requestedCallEvents[0]: not a string") },
	{ "requestedCallEvents: unknown", CREATE(WITH("\"requestedCallEvents\":[\"hush\"]")),
	  BAD("requestedCallEvents[0]: must be participantsUpdated or dtmfReceived") },
};

#define AUDIO       "\"audioFileUri\":\"https://media.example/a.wav?key=hush\""
#define HEAR(more)  PLAY("{" AUDIO "," more "}")
#define AUDIO_AT(u) PLAY("{\"audioFileUri\":\"" u "\"}")

static const struct raw_row plays[] = {
	{ "empty", PLAY(""), BAD("body: a JSON object is needed") },
	{ "array", PLAY("[]"), BAD("body: not a JSON object") },
	{ "{}", PLAY("{}"), BAD("audioFileUri: missing") },
	{ "audioFileUri: null", PLAY("{\"audioFileUri\":null}"), BAD("audioFileUri: missing") },
	{ "audioFileUri: number", PLAY("{\"audioFileUri\":1}"), BAD("audioFileUri: not a string") },
	{ "audioFileUri: empty", AUDIO_AT(""), BAD("audioFileUri: must be http or https") },
	{ "audioFileUri: file", AUDIO_AT("file:///etc/hush"), BAD("audioFileUri: must be http or https") },
	{ "audioFileUri: no host", AUDIO_AT("http:///hush.wav"), BAD("audioFileUri: has no host") },
	{ "audioFileUri: space", AUDIO_AT("http://a.example/hush wav"), BAD("audioFileUri: holds a space") },
	{ "audioFileUri: line end", AUDIO_AT("http://a.example/\\r\\nhush"),
	  BAD("audioFileUri: holds a space") },
	{ "audioFileUri: 2,049 bytes", AUDIO_AT("http://a.example/$(2032 a)"),
	  BAD("audioFileUri: longer than 2048") },
	{ "loop: string", HEAR("\"loop\":\"true\""), BAD("loop: not true or false") },
	{ "loop: number", HEAR("\"loop\":1"), BAD("loop: not true or false") },
	{ "audioFileId: number", HEAR("\"audioFileId\":1"), BAD("audioFileId: not a string") },
	{ "audioFileId: 257 bytes", HEAR("\"audioFileId\":\"$(257 a)\""),
	  BAD("audioFileId: longer than 256") },
	{ "resourceId: array", HEAR("\"resourceId\":[]"), BAD("resourceId: not a string") },
	{ "resourceId: 257 bytes", HEAR("\"resourceId\":\"$(257 a)\""), BAD("resourceId: longer than 256") },
	{ "operationContext: number", HEAR("\"operationContext\":1"), BAD("operationContext: not a string") },
	{ "operationContext: 5,001 bytes", HEAR("\"operationContext\":\"$(5001 a)\""),
	  BAD("operationContext: longer than 5000") },
	{ "callbackUri: number", HEAR("\"callbackUri\":1"), BAD("callbackUri: not a string") },
	{ "callbackUri: inside", HEAR("\"callbackUri\":\"http://192.168.0.1/hush\""), INSIDE },
	{ "callbackUri: user", HEAR("\"callbackUri\":\"http://hush@a.example/\""),
	  BAD("callbackUri: must have no user") },
	{ "not established", HEAR("\"loop\":true"), 400, "8501", "the call is not established", false },
};

#define CANCEL(body) RAW_POST("/calls/$call/CancelMediaProcessing", "", body)

static const struct raw_row cancels[] = {
	{ "not established", CANCEL(""), 400, "8501", "the call is not established", false },
	{ "array", CANCEL("[]"), BAD("body: not a JSON object") },
	{ "cut short", CANCEL("{\"operationContext\":\"hush"), NOT_JSON },
	{ "operationContext: number", CANCEL("{\"operationContext\":1}"),
	  BAD("operationContext: not a string") },
	{ "operationContext: 5,001 bytes", CANCEL("{\"operationContext\":\"$(5001 a)\"}"),
	  BAD("operationContext: longer than 5000 bytes") },
	{ "text",
	  "POST /calls/$call/CancelMediaOperations HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_LENGTH "\r\n{}",
	  NOT_A_TYPE },
	{ "of another", RAW_POST("/calls/$other/CancelMediaProcessing", "", "{}"), 404, "8522",
	  "no such call", false },
};

#define NAMED(headers) RAW_POST("/calls", headers, GOOD)
#define UUID           "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"
#define LONG_AGO       "Thu, 22 Apr 2021 08:00:00 GMT"

static const struct raw_row repeats[] = {
	{ "no time", NAMED("Repeatability-Request-ID: " UUID "\r\n"),
	  BAD("Repeatability-First-Sent must come") },
	{ "no id", NAMED("Repeatability-First-Sent: " LONG_AGO "\r\n"), BAD("Repeatability-Request-ID") },
	{ "no UUID", NAMED("Repeatability-Request-ID: hush\r\nRepeatability-First-Sent: " LONG_AGO "\r\n"),
	  BAD("Repeatability-Request-ID: not a UUID") },
	{ "no date", NAMED("Repeatability-Request-ID: " UUID "\r\nRepeatability-First-Sent: yesterday\r\n"),
	  BAD("Repeatability-First-Sent: not an HTTP date") },
	{ "no such day",
	  NAMED("Repeatability-Request-ID: " UUID "\r\nRepeatability-First-Sent: Wed, 31 Feb 2021 08:00:00 "
	        "GMT\r\n"),
	  BAD("Repeatability-First-Sent: not an HTTP date") },
	{ "in the future",
	  NAMED("Repeatability-Request-ID: " UUID "\r\nRepeatability-First-Sent: Fri, 31 Dec 9999 23:59:59 "
	        "GMT\r\n"),
	  BAD("Repeatability-First-Sent: more than 15 minutes ahead") },
	{ "long ago",
	  NAMED("Repeatability-Request-ID: " UUID "\r\nRepeatability-First-Sent: " LONG_AGO "\r\n"), 412,
	  "8583", "Repeatability-First-Sent: too long ago", false },
	{ "key: empty", NAMED("Idempotency-Key:\r\n"),
	  BAD("Idempotency-Key: must be 1 to 255 visible characters") },
	{ "key: 256 bytes", NAMED("Idempotency-Key: $(256 a)\r\n"), BAD("Idempotency-Key: must be") },
	{ "key: space", NAMED("Idempotency-Key: a b\r\n"), BAD("Idempotency-Key: must be") },
	{ "key: not ASCII", NAMED("Idempotency-Key: \xc3\xa5\r\n"), BAD("Idempotency-Key: must be") },
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

TABLE(forms)
TABLE(types)
TABLE(targets)
TABLE(fields)
TABLE(plays)
TABLE(cancels)
TABLE(repeats)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),   cmocka_unit_test(test_types), cmocka_unit_test(test_targets),
		cmocka_unit_test(test_fields),  cmocka_unit_test(test_plays), cmocka_unit_test(test_cancels),
		cmocka_unit_test(test_repeats),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
