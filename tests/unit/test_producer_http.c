/* test_producer_http.c - heads and chunks, whole and in pieces: what is said of them does not depend on where they are cut */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "http_chunks.h"
#include "http_head.h"

#define GET  "GET /a?b HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

/* ---- heads ---- */

/* What a head comes to: "200", or the status of its fault; "0" more is needed. */
static int judge(const char *text, size_t len, size_t step, struct http_head *out, char *copy)
{
	struct http_fault fault = { 0 };
	size_t seen = 0;
	long end = 0;

	for (size_t have = step < len ? step : len; !end; have = have + step < len ? have + step : len) {
		end = http_head_find(text, have, &seen, &fault);
		if (!end && have == len)
			return 0;
	}
	if (end < 0)
		return fault.status;
	memcpy(copy, text, (size_t)end);
	return http_head_parse(out, copy, (size_t)end, &fault) < 0 ? fault.status : 200;
}

static const struct {
	const char *text;
	int verdict;
} heads[] = {
	{ GET HOST "\r\n", 200 },
	{ GET HOST "A:b\r\nC: \t d e \t\r\n\r\nmore", 200 },
	{ GET HOST "Content-Length: 007\r\n\r\n", 200 },
	{ GET HOST "transfer-encoding: CHUNKED\r\n\r\n", 200 },
	{ GET HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", 200 },
	{ GET HOST "Connection: keep-alive, CLOSE\r\n\r\n", 200 },
	{ "GET /a HTTP/1.0\r\n" HOST "\r\n", 200 },
	{ GET HOST, 0 },
	{ GET HOST "\r", 0 },
	{ "", 0 },
	{ GET "\r\n", 400 },
	{ GET HOST HOST "\r\n", 400 },
	{ GET HOST "A\r\n\r\n", 400 },
	{ GET HOST " A: b\r\n\r\n", 400 },
	{ GET HOST "A : b\r\n\r\n", 400 },
	{ GET HOST "A: b\n\r\n", 400 },
	{ GET HOST "A: \x01\r\n\r\n", 400 },
	{ GET HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ GET HOST "Transfer-Encoding: gzip\r\n\r\n", 400 },
	{ GET HOST "Expect: x\r\n\r\n", 417 },
	{ "GET /a\r\n" HOST "\r\n", 400 },
	{ "GET /a HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "\r\n\r\n", 400 },
};

static void test_heads(void **state)
{
	static char copy[HTTP_HEAD_MAX];
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		size_t len = strlen(heads[i].text);

		for (size_t step = 1; step <= len + 1; step++) {
			int verdict = judge(heads[i].text, len, step, &h, copy);

			if (verdict != heads[i].verdict)
				fail_msg("head %zu in pieces of %zu: %d", i, step, verdict);
		}
	}
}

static void test_what_a_head_says(void **state)
{
	static char copy[HTTP_HEAD_MAX];
	struct http_head h;

	(void)state;
	judge(heads[1].text, strlen(heads[1].text), 1000, &h, copy);
	assert_string_equal(h.method, "GET");
	assert_string_equal(h.target, "/a?b");
	assert_int_equal(h.count, 3);
	assert_string_equal(http_head_value(&h, "a"), "b");
	assert_string_equal(http_head_value(&h, "c"), "d e");
	assert_null(http_head_value(&h, "d"));
	assert_false(h.closes || h.chunked || h.length || h.expects);
	judge(heads[2].text, strlen(heads[2].text), 1000, &h, copy);
	assert_int_equal(h.length, 7);
	judge(heads[3].text, strlen(heads[3].text), 1000, &h, copy);
	assert_true(h.chunked && !h.length);
	judge(heads[4].text, strlen(heads[4].text), 1000, &h, copy);
	assert_true(h.expects);
	judge(heads[5].text, strlen(heads[5].text), 1000, &h, copy);
	assert_true(h.closes);
	judge(heads[6].text, strlen(heads[6].text), 1000, &h, copy);
	assert_true(h.closes);
}

static void test_head_bounds(void **state)
{
	static char text[HTTP_HEAD_MAX + 8];
	struct http_fault fault;
	size_t seen = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(http_head_find(text, HTTP_HEAD_MAX - 1, &seen, &fault), 0);
	assert_int_equal(http_head_find(text, HTTP_HEAD_MAX, &seen, &fault), -1);
	assert_int_equal(fault.status, 414);
	memcpy(text, GET, strlen(GET));
	seen = 0;
	assert_int_equal(http_head_find(text, HTTP_HEAD_MAX, &seen, &fault), -1);
	assert_int_equal(fault.status, 431);
	memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	seen = 0;
	assert_int_equal(http_head_find(text, sizeof(text), &seen, &fault), HTTP_HEAD_MAX);
}

/* ---- chunks ---- */

/* The body, or "!<status>", or "?": not over. */
static void unchunk(char *out, const char *text, size_t len, size_t step, size_t *used)
{
	struct http_chunks c = { 0 };
	struct http_fault fault;
	size_t at = 0, n = 0;

	while (at < len && !c.over) {
		const char *data;
		size_t data_len = 0, piece = len - at < step ? len - at : step;
		long r = http_chunks_take(&c, text + at, piece, &data, &data_len, &fault);

		if (r < 0) {
			out[0] = '!';
			out[1] = (char)('0' + fault.status / 100);
			out[2] = (char)('0' + fault.status / 10 % 10);
			out[3] = (char)('0' + fault.status % 10);
			out[4] = '\0';
			return;
		}
		assert_true(r > 0 && (size_t)r <= piece);
		if (data)
			memcpy(out + n, data, data_len);
		n += data ? data_len : 0;
		at += (size_t)r;
	}
	if (!c.over)
		out[n++] = '?';
	out[n] = '\0';
	*used = at;
}

static const struct {
	const char *text, *body;
	size_t behind; /* bytes that are not its own */
} chunked[] = {
	{ "0\r\n\r\n", "", 0 },
	{ "3\r\nabc\r\n0\r\n\r\nGET", "abc", 3 },
	{ "3\r\nabc\r\nA\r\n0123456789\r\n00\r\nT: x\r\nU: y\r\n\r\n", "abc0123456789", 0 },
	{ "1;x=\"y\"\r\na\r\n0;z\r\n\r\n", "a", 0 },
	{ "3\r\nab", "ab?", 0 },
	{ "3\r\nabcd", "!400", 0 },
	{ "3\r\nabc\n", "!400", 0 },
	{ "\r\n", "!400", 0 },
	{ "g\r\n", "!400", 0 },
	{ "1 \r\n", "!400", 0 },
	{ "1\n", "!400", 0 },
	{ "1\r\r", "!400", 0 },
	{ "0\r\n\r\r", "!400", 0 },
	{ "0\r\nA\x01", "!400", 0 },
	{ "fffffffff\r\n", "!413", 0 },
	{ "00000000000000000\r\n", "!413", 0 },
};

static void test_chunks(void **state)
{
	char out[64];
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(chunked) / sizeof(*chunked); i++) {
		size_t len = strlen(chunked[i].text);

		for (size_t step = 1; step <= len; step++) {
			used = len;
			unchunk(out, chunked[i].text, len, step, &used);
			if (strcmp(out, chunked[i].body))
				fail_msg("chunks %zu in pieces of %zu: %s", i, step, out);
			if (chunked[i].body[0] != '!')
				assert_int_equal(len - used, chunked[i].behind);
		}
	}
}

/* ---- chance ---- */

static uint64_t chance(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Whatever comes: no byte is read that is not there (a sanitizer looks), and cuts change nothing. */
static void test_random(void **state)
{
	static const char letters[] = "\r\n\r\n: \tGETPOSTHTTP/1.1 0123;abcdef%\x01\xff,";
	static char copy[HTTP_HEAD_MAX];
	struct http_head h;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		size_t len = strlen(heads[(size_t)i % 7].text), used = 0;
		char *text = malloc(len), whole[256], pieces[256];

		memcpy(text, heads[(size_t)i % 7].text, len);
		for (uint64_t n = chance() % 4; n; n--)
			text[chance() % len] = letters[chance() % (sizeof(letters) - 1)];
		assert_int_equal(judge(text, len, len, &h, copy),
		                 judge(text, len, 1 + chance() % 7, &h, copy));
		unchunk(whole, text, len, len, &used);
		unchunk(pieces, text, len, 1 + chance() % 7, &used);
		assert_string_equal(whole, pieces);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),       cmocka_unit_test(test_what_a_head_says),
		cmocka_unit_test(test_head_bounds), cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
