/* test_cli_client.c - when callcast asks again, what it says of it, and how it signs; libcurl, clock and sleep are fakes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "client_http.h"
#include "client_key.h"
#include "clock.h"
#include "must.h"
#include "settings.h"
#include "stop.h"
#include "tool.h"

#define SECRET "c3F1aXJyZWwgaGVkZ2Vob2cgYmFkZ2Vy" /* base64 */
#define KEY    "endpoint=http://calls.example:8080/;accesskey=" SECRET
#define BUSY   "{\"code\":\"notAccepted\",\"message\":\"too much\"}"

/* ---- fakes ---- */

static int64_t now;
static int64_t slept[64];
static int sleeps;
static bool stopped;

int64_t clock_mono(void)
{
	return now;
}

int64_t clock_utc(void)
{
	return INT64_C(1619078400000000) + now; /* 2021-04-22T08:00:00Z */
}

void stop_sleep(int64_t time)
{
	slept[sleeps++] = time;
	now += time;
}

bool stop_asked(void)
{
	return stopped;
}

void stop_on_signals(void) {}

/* What the API answers, one after the other; the last stays. */
static struct http_answer script[8];
static size_t scripted, asked;
static char seen[64][2048]; /* method, url, headers and body of each try */

int client_http_open(struct client_http **out)
{
	*out = must_calloc(1, 1);
	return 0;
}

void client_http_close(struct client_http *h)
{
	free(h);
}

void client_http_ask(struct client_http *h, const struct http_question *q, struct http_answer *out)
{
	char *at = seen[asked], *const end = at + sizeof(seen[0]);

	(void)h;
	at += snprintf(at, (size_t)(end - at), "%s %s\n", q->method, q->url);
	for (size_t i = 0; i < q->header_count; i++)
		at += snprintf(at, (size_t)(end - at), "%s\n", q->headers[i]);
	snprintf(at, (size_t)(end - at), "%.*s", (int)q->body_len, q->body ? q->body : "");
	*out = script[asked < scripted ? asked : scripted - 1];
	if (out->body)
		out->body = must_strdup(out->body);
	asked++;
	now += 10 * CLOCK_MS;
}

static void answers(int status, const char *body, int64_t retry_after)
{
	script[scripted++] =
	        (struct http_answer){ .status = status, .body = (char *)body, .retry_after = retry_after };
}

static void fails(bool again, bool unsent)
{
	script[scripted++] = (struct http_answer){
		.again = again, .unsent = unsent, .error = "it rained", .retry_after = -1
	};
}

/* ---- one command ---- */

static char said[4096];
static json_t *answer;

static int ask(const char *key, const char *method, const char *path)
{
	char name[] = "/tmp/callcast-said-XXXXXX";
	const int fd = mkstemp(name), saved = dup(STDERR_FILENO);
	json_t *body = json_pack("{s:s}", "a", "b");
	struct client *c = NULL;
	struct settings *s;
	ssize_t n;
	int r;

	unlink(name);
	settings_default(&s, TOOL);
	free(s->api_key);
	s->api_key = must_strdup(key);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	json_decref(answer);
	answer = NULL;
	r = client_open(&c, s);
	if (r == TOOL_DONE)
		r = client_ask(c, method, path, strcmp(method, "GET") ? body : NULL, &answer);
	client_close(c);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	settings_free(s);
	json_decref(body);
	assert_null(strstr(said, SECRET));
	return r;
}

static int setup(void **state)
{
	(void)state;
	now = 0;
	sleeps = 0;
	scripted = asked = 0;
	stopped = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(answer);
	answer = NULL;
	return 0;
}

/* The text behind "<name>: " in a try. */
static const char *header(int try, const char *name)
{
	static char value[256];
	const char *at = strstr(seen[try], name);

	assert_non_null(at);
	at += strlen(name) + 2;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
	return value;
}

static void test_an_answer_at_once(void **state)
{
	(void)state;
	answers(202, "{\"id\":\"x\"}", -1);
	assert_int_equal(ask(KEY, "POST", "/calls/x/PlayAudio"), TOOL_DONE);
	assert_string_equal(json_string_value(json_object_get(answer, "id")), "x");
	assert_int_equal(asked, 1);
	assert_non_null(strstr(seen[0], "POST http://calls.example:8080/calls/x/PlayAudio\n"));
	assert_non_null(strstr(seen[0], "\nHost: calls.example:8080\n"));
	assert_non_null(strstr(seen[0], "{\"a\":\"b\"}"));
	assert_string_equal(header(0, "Repeatability-First-Sent"), "Thu, 22 Apr 2021 08:00:00 GMT");
	assert_string_equal(said, "");
}

static void test_no_json_is_no_fault(void **state)
{
	(void)state;
	answers(202, NULL, -1);
	assert_int_equal(ask(KEY, "DELETE", "/calls/x"), TOOL_DONE);
	assert_null(answer);
	answers(202, "what?", -1);
	assert_int_equal(ask(KEY, "DELETE", "/calls/x"), TOOL_DONE);
	assert_null(answer);
}

static void test_busy_and_broken_are_asked_again_under_one_name(void **state)
{
	char id[64];

	(void)state;
	answers(503, BUSY, 3 * CLOCK_SEC);
	answers(429, "{}", 2 * CLOCK_SEC);
	fails(true, true);
	answers(502, "<html>", -1);
	answers(200, "{}", -1);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_DONE);
	assert_int_equal(asked, 5);
	assert_true(slept[0] == 3 * CLOCK_SEC); /* as Retry-After says */
	assert_true(slept[1] == 2 * CLOCK_SEC);
	assert_in_range(slept[2], 600 * CLOCK_MS, 800 * CLOCK_MS); /* the third: 200 ms, twice doubled */
	assert_in_range(slept[3], 1200 * CLOCK_MS, 1600 * CLOCK_MS);
	snprintf(id, sizeof(id), "%s", header(0, "Repeatability-Request-ID"));
	for (int i = 1; i < 5; i++) {
		assert_string_equal(header(i, "Repeatability-Request-ID"), id);
		assert_string_equal(header(i, "Repeatability-First-Sent"), "Thu, 22 Apr 2021 08:00:00 GMT");
	}
	/* but a signature ages */
	assert_true(strcmp(header(4, "x-ms-date"), "Thu, 22 Apr 2021 08:00:06 GMT") >= 0);
	assert_string_equal(said, "");
}

static void test_another_command_has_another_name(void **state)
{
	char id[64];

	(void)state;
	answers(202, NULL, -1);
	ask(KEY, "POST", "/calls");
	snprintf(id, sizeof(id), "%s", header(0, "Repeatability-Request-ID"));
	ask(KEY, "POST", "/calls");
	assert_string_not_equal(header(1, "Repeatability-Request-ID"), id);
	ask(KEY, "GET", "/calls/x");
	assert_null(strstr(seen[2], "Repeatability"));
}

static void test_it_ends_within_its_time(void **state)
{
	(void)state;
	fails(true, true);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_true(now <= 20 * CLOCK_SEC && now > 17 * CLOCK_SEC);
	assert_in_range(asked, 9, 16);
	assert_non_null(strstr(said, "callcast: http://calls.example:8080: it rained ("));
	assert_non_null(strstr(said, "; nothing was done\n"));
}

static void test_a_retry_after_that_is_too_late_is_not_waited_for(void **state)
{
	(void)state;
	answers(503, BUSY, 20 * CLOCK_SEC);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_int_equal(asked, 1);
	assert_int_equal(sleeps, 0);
	assert_string_equal(said, "callcast: http://calls.example:8080: 503 notAccepted: too much; nothing "
	                          "was done\n");
}

static void test_a_stop_ends_the_tries(void **state)
{
	(void)state;
	stopped = true;
	answers(503, BUSY, -1);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_int_equal(asked, 1);
}

static void test_what_may_have_been_done_is_said(void **state)
{
	static const char unknown[] = "{\"code\":\"unknown\",\"message\":\"who knows\"}";

	(void)state;
	fails(true, false); /* sent, and then nothing */
	answers(503, BUSY, 30 * CLOCK_SEC);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_non_null(strstr(said, "503 notAccepted: too much (2 tries); it may have been carried out\n"));

	setup(state);
	answers(503, unknown, 30 * CLOCK_SEC);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_non_null(strstr(said, "; it may have been carried out\n"));

	setup(state);
	answers(504, NULL, 30 * CLOCK_SEC);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_non_null(strstr(said, "504 (no code); it may have been carried out\n"));

	setup(state);
	answers(503, unknown, 30 * CLOCK_SEC);
	assert_int_equal(ask(KEY, "GET", "/calls/x"), TOOL_FAILED);
	assert_null(strstr(said, "carried out"));
}

static void test_what_stays_wrong_is_not_asked_again(void **state)
{
	static const struct {
		int status, wanted;
		const char *path, *body, *said;
	} rows[] = {
		{ 400, TOOL_REFUSED, "/calls", "{\"code\":\"8523\",\"message\":\"targets: missing\"}",
		  "callcast: refused by http://calls.example:8080: 400 8523: targets: missing\n" },
		{ 401, TOOL_REFUSED, "/calls/x", "{\"code\":\"unauthorized\",\"message\":\"no\"}",
		  "callcast: refused by http://calls.example:8080: 401 unauthorized: no\n" },
		{ 404, TOOL_NO_CALL, "/calls/x", "{\"error\":{\"code\":\"8522\",\"message\":\"no\"}}",
		  "callcast: refused by http://calls.example:8080: 404 8522: no\n" },
		{ 404, TOOL_REFUSED, "/calls", "<html>",
		  "callcast: refused by http://calls.example:8080: 404 (no code)\n" },
		{ 302, TOOL_REFUSED, "/calls", NULL,
		  "callcast: refused by http://calls.example:8080: 302 (no code)\n" },
		{ 400, TOOL_REFUSED, "/calls", "{\"code\":\"1\",\"message\":\"\\u001b[2J\"}",
		  "callcast: refused by http://calls.example:8080: 400 1: ?[2J\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		answers(rows[i].status, rows[i].body, CLOCK_SEC);
		assert_int_equal(ask(KEY, "POST", rows[i].path), rows[i].wanted);
		assert_int_equal(asked, 1);
		assert_null(answer);
		assert_string_equal(said, rows[i].said);
	}
	setup(state);
	fails(false, true);
	assert_int_equal(ask(KEY, "POST", "/calls"), TOOL_FAILED);
	assert_int_equal(asked, 1);
}

/* ---- the key ---- */

static void test_keys_that_are_none(void **state)
{
	static const char *const keys[] = {
		"",
		"endpoint=http://a/",
		"accesskey=" SECRET,
		"endpoint=http://a/;accesskey=",
		"endpoint=http://a/;accesskey=" SECRET "=",
		"endpoint=http://a/;accesskey=" SECRET ";x=y",
		"endpoint=http://a/;accesskey=" SECRET ";accesskey=" SECRET,
		"endpoint=http://a/;endpoint=http://b/;accesskey=" SECRET,
		"endpoint=;accesskey=" SECRET,
		"endpoint=ftp://a/;accesskey=" SECRET,
		"endpoint=http://a/b/;accesskey=" SECRET,
		"endpoint=http://user@a/;accesskey=" SECRET,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(ask(keys[i], "GET", "/calls/x"), TOOL_USAGE);
		assert_int_equal(asked, 0);
		assert_non_null(strstr(said, "callcast: api.key: "));
	}
}

static void test_where_the_api_is(void **state)
{
	static const struct {
		const char *key, *wanted;
	} rows[] = {
		{ "bearer-key", "GET http://127.0.0.1:8080/calls/x\nAuthorization: Bearer bearer-key\nHost: "
		                "127.0.0.1:8080\n" },
		{ "EndPoint=https://a.example:443/;AccessKey=" SECRET, "GET https://a.example/calls/x\n" },
		{ "accesskey=" SECRET ";endpoint=http://[::1]:80;", "GET http://[::1]/calls/x\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		answers(200, "{}", -1);
		assert_int_equal(ask(rows[i].key, "GET", "/calls/x"), TOOL_DONE);
		assert_non_null(strstr(seen[0], rows[i].wanted));
	}
	assert_non_null(strstr(seen[0], "\nHost: [::1]\n"));
}

/* Made with Python's hmac from the API's description, not with this code. */
static void test_a_signature(void **state)
{
	struct client_key k;
	const char *why, text[] = "{\"a\":\"b\"}";
	const struct client_signed q = { .method = "POST",
		                         .target = "/calls?api-version=1",
		                         .host = "calls.example:8080",
		                         .body = text,
		                         .body_len = strlen(text),
		                         .now = INT64_C(1619078400000000) };
	char *lines[CLIENT_KEY_HEADERS];

	(void)state;
	assert_int_equal(client_key_open(&k, KEY, &why), 0);
	assert_string_equal(k.url, "http://calls.example:8080");
	assert_int_equal(client_key_headers(&k, &q, lines), 3);
	assert_string_equal(lines[0], "x-ms-date: Thu, 22 Apr 2021 08:00:00 GMT");
	assert_string_equal(lines[1], "x-ms-content-sha256: 20p+yxFLxmxiOgbE/2/o2qL0nMJw6796H4HiKrBhyDc=");
	assert_string_equal(lines[2], "Authorization: HMAC-SHA256 "
	                              "SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="
	                              "0L0prmfEzcyY8xCo2CNTUZrxw6A5hk5kinXDGtcgVgM=");
	for (int i = 0; i < 3; i++)
		free(lines[i]);
	client_key_close(&k);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_an_answer_at_once),
		TEST(test_no_json_is_no_fault),
		TEST(test_busy_and_broken_are_asked_again_under_one_name),
		TEST(test_another_command_has_another_name),
		TEST(test_it_ends_within_its_time),
		TEST(test_a_retry_after_that_is_too_late_is_not_waited_for),
		TEST(test_a_stop_ends_the_tries),
		TEST(test_what_may_have_been_done_is_said),
		TEST(test_what_stays_wrong_is_not_asked_again),
		TEST(test_keys_that_are_none),
		TEST(test_where_the_api_is),
		TEST(test_a_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
