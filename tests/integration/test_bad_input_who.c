/* test_bad_input_who.c - strangers, forged signatures, and ids that are not the asker's: nobody hears more than "no" */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callid.h"
#include "clock.h"
#include "must.h"
#include "producer_raw.h"

/* ---- who asks ---- */

#define EMPTY  "{\"targets\":[]}"
#define REST   RAW_JSON RAW_LENGTH "\r\n" EMPTY
#define NAMES  "x-ms-date;host;x-ms-content-sha256"
#define LINE   "POST /calls HTTP/1.1\r\n" RAW_HOST
#define DATED  "x-ms-date: $date\r\n"
#define HASHED "x-ms-content-sha256: $hash\r\n"
#define SIGNED(names, signature)                                                                             \
	"Authorization: HMAC-SHA256 SignedHeaders=" names "&Signature=" signature "\r\n"
#define ALL  LINE DATED HASHED SIGNED(NAMES, "$sig") REST
#define TEXT "POST\n/calls\n$date;a;$hash"

#define NO(words) 401, "unauthorized", words, true
#define FORGED    NO("Authorization: the signature does not fit")
#define UNNAMED   NO("Authorization: SignedHeaders must be x-ms-date (or date), host and x-ms-content-sha256")
#define UNSIGNED  NO("Authorization: SignedHeaders and Signature are needed")
#define SKEWED    NO("the signed date: more than 15 minutes from this server's clock")
#define NO_DATE   NO("the signed date: not an HTTP date")
#define NO_HASH   NO("x-ms-content-sha256: not the base64 of a SHA-256")
#define LET_IN    400, "8523", "targets: must be 1 to 50", false

static const struct {
	struct raw_signing how; /* what is not said is as it should be */
	struct raw_row row;
} signatures[] = {
	{ { 0 }, { "as it should be", ALL, LET_IN } },
	{ { .text = "POST\n/calls\n$date;$hash;a" },
	  { "another order, as named",
	    LINE DATED HASHED SIGNED("x-ms-date;x-ms-content-sha256;host", "$sig") REST, LET_IN } },
	{ { 0 },
	  { "Date", LINE "Date: $date\r\n" HASHED SIGNED("date;host;x-ms-content-sha256", "$sig") REST,
	    LET_IN } },
	{ { .skew = 897 }, { "15 minutes ahead, nearly", ALL, LET_IN } },
	{ { .skew = -897 }, { "15 minutes behind, nearly", ALL, LET_IN } },
	{ { .skew = 903 }, { "15 minutes and 3 s ahead", ALL, SKEWED } },
	{ { .skew = -903 }, { "15 minutes and 3 s behind", ALL, SKEWED } },
	{ { .skew = 86400 }, { "a day ahead", ALL, SKEWED } },
	{ { .skew = -86400 * 365 }, { "a year behind", ALL, SKEWED } },
	{ { .date = "Thu, 01 Jan 1970 00:00:00 GMT" }, { "1970", ALL, SKEWED } },
	{ { .date = "Fri, 31 Dec 9999 23:59:59 GMT" }, { "9999", ALL, SKEWED } },
	{ { .date = "2026-11-22T20:00:00Z" }, { "ISO date", ALL, NO_DATE } },
	{ { .date = "1795370400" }, { "seconds", ALL, NO_DATE } },
	{ { .date = "Sunday, 22-Nov-26 20:00:00 GMT" }, { "RFC 850 date", ALL, NO_DATE } },
	{ { .date = "Sun Nov 22 20:00:00 2026" }, { "asctime date", ALL, NO_DATE } },
	{ { .date = "Sun, 22 Nov 2026 20:00:00 +0000" }, { "date with a zone", ALL, NO_DATE } },
	{ { .date = "Mon, 22 Nov 2026 20:00:00 GMT" }, { "date with another day's name", ALL, NO_DATE } },
	{ { .date = "Sun, 22 Nov 2026 20:00:00 GMT hush" }, { "date with more behind", ALL, NO_DATE } },
	{ { .date = "Sun, 22 Nov 2026 24:00:00 GMT" }, { "hour 24", ALL, NO_DATE } },
	{ { .date = "" }, { "date empty", ALL, NO_DATE } },
	{ { .key = RIG_OTHER_KEY }, { "another tenant's key", ALL, FORGED } },
	{ { .key = "aHVzaA==" }, { "nobody's key", ALL, FORGED } },
	{ { 0 },
	  { "own key, another tenant's Host",
	    "POST /calls HTTP/1.1\r\nHost: other.example\r\n" DATED HASHED SIGNED(NAMES, "$sig") REST,
	    FORGED } },
	{ { .text = "POST\n/calls\n$date;other.example;$hash" },
	  { "own key, another tenant's Host signed",
	    "POST /calls HTTP/1.1\r\nHost: other.example\r\n" DATED HASHED SIGNED(NAMES, "$sig") REST,
	    FORGED } },
	{ { .text = "GET\n/calls\n$date;a;$hash" }, { "another method signed", ALL, FORGED } },
	{ { .text = "post\n/calls\n$date;a;$hash" }, { "method in lower case signed", ALL, FORGED } },
	{ { .text = "POST\n/calls?\n$date;a;$hash" }, { "another target signed", ALL, FORGED } },
	{ { .text = "POST\n/calls\n$date;b;$hash" }, { "another Host signed", ALL, FORGED } },
	{ { .text = "POST\n/calls\n$date;a;" }, { "no hash signed", ALL, FORGED } },
	{ { .text = "" }, { "nothing signed", ALL, FORGED } },
	{ { .body = "{}" },
	  { "another body hashed", ALL, 401, "unauthorized", "x-ms-content-sha256: not the hash of the body",
	    false } },
	{ { .body = "" },
	  { "no body hashed", ALL, 401, "unauthorized", "x-ms-content-sha256: not the hash of the body",
	    false } },
	{ { 0 },
	  { "query added",
	    "POST /calls?api-version=1 HTTP/1.1\r\n" RAW_HOST DATED HASHED SIGNED(NAMES, "$sig") REST,
	    FORGED } },
	{ { 0 },
	  { "path encoded otherwise",
	    "POST /%63alls HTTP/1.1\r\n" RAW_HOST DATED HASHED SIGNED(NAMES, "$sig") REST, FORGED } },
	{ { 0 }, { "no date sent", LINE HASHED SIGNED(NAMES, "$sig") REST, UNNAMED } },
	{ { 0 }, { "no hash sent", LINE DATED SIGNED(NAMES, "$sig") REST, UNNAMED } },
	{ { 0 },
	  { "date not signed", LINE DATED HASHED SIGNED("host;x-ms-content-sha256", "$sig") REST, UNNAMED } },
	{ { 0 },
	  { "Host not signed", LINE DATED HASHED SIGNED("x-ms-date;x-ms-content-sha256", "$sig") REST,
	    UNNAMED } },
	{ { 0 }, { "hash not signed", LINE DATED HASHED SIGNED("x-ms-date;host", "$sig") REST, UNNAMED } },
	{ { 0 },
	  { "a header that nobody sent", LINE DATED HASHED SIGNED(NAMES ";x-hush", "$sig") REST, UNNAMED } },
	{ { 0 },
	  { "a header that is not ours", LINE DATED HASHED SIGNED(NAMES ";content-type", "$sig") REST,
	    UNNAMED } },
	{ { 0 },
	  { "spaces in the names",
	    LINE DATED HASHED SIGNED("x-ms-date; host; x-ms-content-sha256", "$sig") REST, UNNAMED } },
	{ { 0 },
	  { "nine names", LINE DATED HASHED SIGNED(NAMES ";host;host;host;host;host;host", "$sig") REST,
	    UNNAMED } },
	{ { 0 },
	  { "names of 200 bytes", LINE DATED HASHED SIGNED(NAMES "$(166 ;)", "$sig") REST, UNSIGNED } },
	{ { 0 }, { "no names", LINE DATED HASHED SIGNED("", "$sig") REST, UNSIGNED } },
	{ { 0 }, { "signature empty", LINE DATED HASHED SIGNED(NAMES, "") REST, UNSIGNED } },
	{ { 0 }, { "signature a byte short", LINE DATED HASHED SIGNED(NAMES, "$(43 A)") REST, UNSIGNED } },
	{ { 0 }, { "signature a byte long", LINE DATED HASHED SIGNED(NAMES, "$sigA") REST, UNSIGNED } },
	{ { 0 }, { "signature of zeros", LINE DATED HASHED SIGNED(NAMES, "$(43 A)=") REST, FORGED } },
	{ { 0 }, { "signature no base64", LINE DATED HASHED SIGNED(NAMES, "$(43 *)=") REST, UNSIGNED } },
	{ { 0 }, { "signature base64url", LINE DATED HASHED SIGNED(NAMES, "$(43 _)=") REST, UNSIGNED } },
	{ { 0 },
	  { "signature twice, false one last",
	    LINE DATED HASHED SIGNED(NAMES, "$sig&Signature=$(43 A)=") REST, FORGED } },
	{ { 0 },
	  { "hash cut", LINE DATED "x-ms-content-sha256: $(43 A)\r\n" SIGNED(NAMES, "$sig") REST, NO_HASH } },
	{ { 0 },
	  { "hash in hex", LINE DATED "x-ms-content-sha256: $(64 0)\r\n" SIGNED(NAMES, "$sig") REST,
	    NO_HASH } },
	{ { 0 },
	  { "UNSIGNED-PAYLOAD",
	    LINE DATED "x-ms-content-sha256: UNSIGNED-PAYLOAD\r\n" SIGNED(NAMES, "$sig") REST, NO_HASH } },
	{ { 0 },
	  { "two dates", LINE DATED DATED HASHED SIGNED(NAMES, "$sig") REST, 400, "8523",
	    "x-ms-date: must come once", true } },
	{ { 0 },
	  { "two hashes", LINE DATED HASHED HASHED SIGNED(NAMES, "$sig") REST, 400, "8523",
	    "x-ms-content-sha256: must come once", true } },
	{ { 0 },
	  { "two signatures", LINE DATED HASHED SIGNED(NAMES, "$sig") SIGNED(NAMES, "$sig") REST, 400, "8523",
	    "Authorization: must come once", true } },
	{ { 0 }, { "no key", LINE REST, NO("Authorization: HMAC-SHA256 or Bearer is needed") } },
	{ { 0 },
	  { "key empty", LINE "Authorization:\r\n" REST,
	    NO("Authorization: HMAC-SHA256 or Bearer is needed") } },
	{ { 0 },
	  { "Basic", LINE "Authorization: Basic aHVzaDpodXNo\r\n" REST,
	    NO("Authorization: HMAC-SHA256 or Bearer") } },
	{ { 0 },
	  { "scheme only", LINE "Authorization: HMAC-SHA256\r\n" REST,
	    NO("Authorization: HMAC-SHA256 or Bearer") } },
	{ { 0 },
	  { "Bearer: unknown", LINE "Authorization: Bearer hush\r\n" REST,
	    NO("Authorization: unknown bearer key") } },
	{ { 0 }, { "Bearer: empty", LINE "Authorization: Bearer \r\n" REST, NO("Authorization") } },
	{ { 0 },
	  { "Bearer: a key's beginning", LINE "Authorization: Bearer rig-beare\r\n" REST,
	    NO("Authorization: unknown") } },
	{ { 0 },
	  { "Bearer: a key and more", LINE "Authorization: Bearer rig-bearer x\r\n" REST,
	    NO("Authorization: unknown") } },
	{ { 0 },
	  { "Bearer: 12,000 bytes", LINE "Authorization: Bearer $(12000 x)\r\n" REST,
	    NO("Authorization: unknown") } },
	{ { 0 },
	  { "Bearer: the access key", LINE "Authorization: Bearer " RIG_KEY "\r\n" REST,
	    NO("Authorization: unknown") } },
};

static void test_signatures(void **state)
{
	int64_t before = rig_all_records(*state);
	size_t bad = 0;

	for (size_t i = 0; i < sizeof(signatures) / sizeof(*signatures); i++) {
		struct raw_signing how = signatures[i].how;

		how.text = how.text ? how.text : TEXT;
		how.body = how.body ? how.body : EMPTY;
		raw_sign(&how);
		bad += !raw_check(&signatures[i].row);
	}
	assert_int_equal(bad, 0);
	assert_int_equal(raw_run(NULL, 0), 0); /* nothing is left of them */
	assert_int_equal(rig_all_records(*state), before);
}

/* ---- whose call ---- */

#define WORDS 14

static const char *const id_names[WORDS] = {
	"another tenant's",  "a byte short",    "a byte long",     "padded",
	"standard base64",   "no base64",       "all alike",       "the top bit",
	"a version to come", "partition 65535", "seconds to come", "last bit",
	"a former key",      "forged key",
};

/* An id like `good` with a byte of it turned. */
static void turn(char out[64], const char *good, size_t at, uint8_t bits)
{
	uint8_t id[24];

	assert_int_equal(base64url_decode(id, good, CALLID_LEN), sizeof(id));
	id[at] ^= bits;
	base64url_encode(out, id, sizeof(id));
}

/* Tenants with other server keys: `number` as well, but nobody's secret here. */
static void make_elsewhere(char out[64], int number)
{
	static const char text[] =
	        "{\"serverKeys\":[{\"number\":%d,\"key\":\"" RIG_OTHER_KEY
	        "\"}],\"tenants\":[{\"name\":\"default\",\"webhookSecrets\":[\"whsec_" RIG_KEY "\"]}]}";
	char path[] = "/tmp/callcast-ids-XXXXXX", why[256] = "", *json = must_printf(text, number);
	int fd = mkstemp(path);
	struct tenants *t;

	assert_int_equal(write(fd, json, strlen(json)), strlen(json));
	close(fd);
	if (tenants_load(&t, path, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	assert_int_equal(callid_make(out, t, "default", -1, 1, 0, NULL), 0);
	tenants_free(t);
	unlink(path);
	free(json);
}

static void make_ids(struct rig *rig, char ids[WORDS][64])
{
	const char *good = raw_call();

	callid_make(ids[0], rig->api.tenants, "other", -1, 1, 0, NULL);
	snprintf(ids[1], 64, "%.31s", good);
	snprintf(ids[2], 64, "%sA", good);
	snprintf(ids[3], 64, "%s=", good);
	snprintf(ids[4], 64, "%.30s+A", good);
	snprintf(ids[5], 64, "%.30s.~", good);
	snprintf(ids[6], 64, "%032d", 0);
	turn(ids[7], good, 0, 0x80);
	turn(ids[8], good, 0, 0x10);
	turn(ids[9], good, 1, 0xff);
	turn(ids[10], good, 3, 0xff);
	turn(ids[11], good, 23, 0x01);
	make_elsewhere(ids[12], 2);
	make_elsewhere(ids[13], 1);
}

#define WHO "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"

/* What may be asked of a call; %s is its id. */
static const char *const asks[] = {
	"GET /calls/%s HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n",
	"DELETE /calls/%s HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n",
	"POST /calls/%s/Hangup HTTP/1.1\r\n" RAW_HOST RAW_AUTH "Content-Length: 0\r\n\r\n",
	"POST /calling/calls/%s/PlayAudio HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON
	"Content-Length: 2\r\n\r\n{}",
	"GET /calling/calls/%s/participants HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n",
	"POST /calls/%s/participants HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON "Content-Length: 2\r\n\r\n{}",
	"DELETE /calls/%s/participants/" WHO " HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n",
	"DELETE /calls/%s/participants/nobody HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n",
};
#define ASKS (sizeof(asks) / sizeof(*asks))

/* malloc'ed */
static char *asked(size_t ask, const char *id)
{
	const char *at = strstr(asks[ask], "%s");

	return must_printf("%.*s%s%s", (int)(at - asks[ask]), asks[ask], id, at + 2);
}

static void test_ids(void **state)
{
	char ids[WORDS][64], *requests[WORDS * ASKS];
	struct raw_row rows[WORDS * ASKS];

	make_ids(*state, ids);
	for (size_t i = 0; i < WORDS * ASKS; i++) {
		requests[i] = asked(i % ASKS, ids[i / ASKS]);
		rows[i] = (struct raw_row){ id_names[i / ASKS], requests[i], 404, "8522",
			                    "no such call",     false };
	}
	assert_int_equal(raw_run(rows, WORDS * ASKS), 0);
	for (size_t i = 0; i < WORDS * ASKS; i++)
		free(requests[i]);
}

/* The answer from behind its Date, as it is on the wire. */
static char *heard(struct rig *rig, size_t ask, const char *id)
{
	char *request = asked(ask, id), *text, *at;
	int fd = raw_dial(rig);

	assert_true(raw_put(rig, fd, request, strlen(request)));
	text = raw_hear(rig, fd, CLOCK_SEC);
	at = strstr(text, "GMT\r\n");
	assert_non_null(at);
	memmove(text, at, strlen(at) + 1);
	close(fd);
	free(request);
	return text;
}

/* Nobody learns whether a call is another's or nobody's, whatever is asked of it. */
static void test_one_answer_for_all(void **state)
{
	char ids[WORDS][64], *first;

	make_ids(*state, ids);
	first = heard(*state, 0, ids[0]);
	assert_non_null(strstr(first, "8522"));
	for (size_t i = 1; i < WORDS * ASKS; i++) {
		char *text = heard(*state, i % ASKS, ids[i / ASKS]);

		assert_string_equal(text, first);
		free(text);
	}
	free(first);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_one_answer_for_all),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
