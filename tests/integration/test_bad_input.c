/* test_bad_input.c - requests that are malformed as HTTP: each is refused with a status and a code, and nothing else */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "producer_raw.h"

/* Fine but for its targets: what is framed well is answered with this, and nobody is called. */
#define EMPTY           "{\"targets\":[]}"
#define TARGETS         "targets: must be 1 to 50"
#define HEAD            "POST /calls HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON
#define FRAMED(headers) HEAD headers "\r\n" EMPTY
#define CHUNKS(chunks)  HEAD "Transfer-Encoding: chunked\r\n\r\n" chunks
#define LINE(line)      line "\r\n" RAW_HOST RAW_AUTH "\r\n"
#define SECOND          RAW_ASK("DELETE", "/calls/$call") /* would be answered 202, and produced */

#define LENGTH_ODD  400, "8523", "Content-Length: must be one number", true
#define CODING_ODD  400, "8523", "Transfer-Encoding: must be chunked", true
#define CHUNKS_ODD  400, "8523", "body: the chunks are malformed", true
#define CHUNK_LARGE 413, "tooLarge", "body: a chunk is too large", true
#define LINE_ODD    400, "8523", "request line: must be method, target and HTTP/1.1", true
#define END_ODD     400, "8523", "must end with CR LF", true
#define CONTROL     400, "8523", "control character", true
#define FOLDED      400, "8523", "folded", true
#define NAME_ODD    400, "8523", "a header's name", true
#define TAKEN       400, "8523", TARGETS, false /* well framed */

/* ---- where a request ends ---- */

static const struct raw_row framing[] = {
	{ "length and chunked", FRAMED("Content-Length: 14\r\nTransfer-Encoding: chunked\r\n"), 400, "8523",
	  "exclude each other", true },
	{ "chunked and length", FRAMED("Transfer-Encoding: chunked\r\nContent-Length: 14\r\n"), 400, "8523",
	  "exclude each other", true },
	{ "two lengths, alike", FRAMED("Content-Length: 14\r\nContent-Length: 14\r\n"), 400, "8523",
	  "Content-Length: must come once", true },
	{ "two lengths", FRAMED("Content-Length: 14\r\ncontent-length: 2\r\n"), 400, "8523",
	  "Content-Length: must come once", true },
	{ "length: list", FRAMED("Content-Length: 14, 14\r\n"), LENGTH_ODD },
	{ "length: negative", FRAMED("Content-Length: -1\r\n"), LENGTH_ODD },
	{ "length: plus", FRAMED("Content-Length: +14\r\n"), LENGTH_ODD },
	{ "length: hex", FRAMED("Content-Length: 0xe\r\n"), LENGTH_ODD },
	{ "length: fraction", FRAMED("Content-Length: 14.0\r\n"), LENGTH_ODD },
	{ "length: exponent", FRAMED("Content-Length: 1e1\r\n"), LENGTH_ODD },
	{ "length: empty", FRAMED("Content-Length:\r\n"), LENGTH_ODD },
	{ "length: space within", FRAMED("Content-Length: 1 4\r\n"), LENGTH_ODD },
	{ "length: words", FRAMED("Content-Length: fourteen\r\n"), LENGTH_ODD },
	{ "length: full-width", FRAMED("Content-Length: \xef\xbc\x91\r\n"), LENGTH_ODD },
	{ "length: zero byte", FRAMED("Content-Length: 14$09\r\n"), CONTROL },
	{ "length: folded", FRAMED("Content-Length: 1\r\n 4\r\n"), FOLDED },
	{ "length: space before the colon", FRAMED("Content-Length : 14\r\n"), NAME_ODD },
	{ "length: 65537", FRAMED("Content-Length: 65537\r\n"), 413, "tooLarge", "body: too large", true },
	{ "length: 2^63", FRAMED("Content-Length: 9223372036854775808\r\n"), 413, "tooLarge", "body", true },
	{ "length: 2^64 + 14", FRAMED("Content-Length: 18446744073709551630\r\n"), 413, "tooLarge", "body",
	  true },
	{ "length: 1000 digits", FRAMED("Content-Length: $(1000 9)\r\n"), 413, "tooLarge", "body", true },
	{ "length: zeros before it", FRAMED("Content-Length: $(100 0)14\r\n"), TAKEN },
	{ "no length", HEAD "\r\n", 400, "8523", "body: a JSON object is needed", false },
	{ "coding: gzip, chunked", FRAMED("Transfer-Encoding: gzip, chunked\r\n"), CODING_ODD },
	{ "coding: chunked, identity", FRAMED("Transfer-Encoding: chunked, identity\r\n"), CODING_ODD },
	{ "coding: identity", FRAMED("Transfer-Encoding: identity\r\n"), CODING_ODD },
	{ "coding: xchunked", FRAMED("Transfer-Encoding: xchunked\r\n"), CODING_ODD },
	{ "coding: quoted", FRAMED("Transfer-Encoding: \"chunked\"\r\n"), CODING_ODD },
	{ "coding: empty", FRAMED("Transfer-Encoding:\r\n"), CODING_ODD },
	{ "coding: vertical tab", FRAMED("Transfer-Encoding: \vchunked\r\n"), CONTROL },
	{ "coding: folded", FRAMED("Transfer-Encoding:\r\n chunked\r\n"), FOLDED },
	{ "coding: twice", FRAMED("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400,
	  "8523", "Transfer-Encoding: must come once", true },
	{ "coding: in HTTP/1.0",
	  "POST /calls HTTP/1.0\r\n" RAW_HOST RAW_AUTH RAW_JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  CODING_ODD },
};

static const struct raw_row chunks[] = {
	{ "size: no number", CHUNKS("zz\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: missing", CHUNKS("\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: negative", CHUNKS("-e\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: plus", CHUNKS("+e\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: 0x", CHUNKS("0xe\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: space before", CHUNKS(" e\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: space behind", CHUNKS("e \r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: zero byte", CHUNKS("e$0\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: bare LF", CHUNKS("e\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: CR without LF", CHUNKS("e\r" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "size: 2^32", CHUNKS("100000000\r\n" EMPTY), CHUNK_LARGE },
	{ "size: 2^63", CHUNKS("8000000000000000\r\n" EMPTY), CHUNK_LARGE },
	{ "size: 2^64 - 1", CHUNKS("ffffffffffffffff\r\n" EMPTY), CHUNK_LARGE },
	{ "size: 2^64 + 14", CHUNKS("1000000000000000e\r\n" EMPTY), CHUNK_LARGE },
	{ "size: many zeros", CHUNKS("$(300 0)e\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNK_LARGE },
	{ "extension: too long", CHUNKS("e;$(300 x)\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "extension: endless", CHUNKS("e;$(100000 x)"), CHUNKS_ODD },
	{ "extension: bare LF", CHUNKS("e;x\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "extension: fine", CHUNKS("e;a=\"b\"\r\n" EMPTY "\r\n0\r\n\r\n"), TAKEN },
	{ "data: too long", CHUNKS("d\r\n" EMPTY "\r\n0\r\n\r\n"), CHUNKS_ODD },
	{ "data: no CR LF behind", CHUNKS("e\r\n" EMPTY "0\r\n\r\n"), CHUNKS_ODD },
	{ "data: bare LF behind", CHUNKS("e\r\n" EMPTY "\n0\r\n\r\n"), CHUNKS_ODD },
	{ "trailers: a length", CHUNKS("e\r\n" EMPTY "\r\n0\r\nContent-Length: 9\r\n\r\n"), TAKEN },
	{ "trailers: another key", CHUNKS("e\r\n" EMPTY "\r\n0\r\nAuthorization: Bearer hush\r\n\r\n"),
	  TAKEN },
	{ "trailers: control character", CHUNKS("e\r\n" EMPTY "\r\n0\r\nA: \x01\r\n\r\n"), CHUNKS_ODD },
	{ "trailers: bare LF", CHUNKS("e\r\n" EMPTY "\r\n0\r\n\n"), CHUNKS_ODD },
	{ "trailers: too many", CHUNKS("e\r\n" EMPTY "\r\n0\r\n$(1000 A: b\r\n)"), 431, "headersTooLarge",
	  "trailers: more than 2048 bytes", true },
	{ "body: 64 KiB and one byte", CHUNKS("10001\r\n$(65537 x)\r\n0\r\n\r\n"), 413, "tooLarge",
	  "body: too large", true },
	{ "body: 70,000 chunks of a byte", CHUNKS("$(70000 1\r\n \r\n)0\r\n\r\n"), 413, "tooLarge",
	  "body: too large", true },
	{ "body: large by its extensions",
	  CHUNKS("$(6000 "
	         "1;"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n "
	         "\r\n)"),
	  413, "tooLarge", "body: too large", true },
};

/* ---- lines and headers ---- */

static const struct raw_row heads[] = {
	{ "bare LF", "GET /calls HTTP/1.1\n" RAW_HOST "\n", END_ODD },
	{ "bare LF in the middle", FRAMED(RAW_LENGTH "A: b\nC: d\r\n"), END_ODD },
	{ "bare CR", FRAMED(RAW_LENGTH "A: b\rC: d\r\n"), END_ODD },
	{ "CR CR LF", FRAMED(RAW_LENGTH "A: b\r\r\n"), END_ODD },
	{ "zero byte in a value", FRAMED(RAW_LENGTH "A: b$0c\r\n"), CONTROL },
	{ "zero byte in a name", FRAMED(RAW_LENGTH "A$0B: c\r\n"), CONTROL },
	{ "zero byte in Host", "GET /calls HTTP/1.1\r\nHost: a$0b\r\n\r\n", CONTROL },
	{ "zero byte in the target", LINE("GET /calls$0x HTTP/1.1"), CONTROL },
	{ "zero byte in the method", LINE("GE$0T /calls HTTP/1.1"), CONTROL },
	{ "escape character", FRAMED(RAW_LENGTH "A: \x1b[2J\r\n"), CONTROL },
	{ "delete character", FRAMED(RAW_LENGTH "A: \x7f\r\n"), CONTROL },
	{ "folded", FRAMED(RAW_LENGTH "A: b\r\n c\r\n"), FOLDED },
	{ "folded by a tab", FRAMED(RAW_LENGTH "A: b\r\n\tc\r\n"), FOLDED },
	{ "first header folded", "GET /calls HTTP/1.1\r\n A: b\r\n" RAW_HOST "\r\n", FOLDED },
	{ "no colon", FRAMED(RAW_LENGTH "hush\r\n"), 400, "8523", "a header has no colon", true },
	{ "no name", FRAMED(RAW_LENGTH ": hush\r\n"), NAME_ODD },
	{ "space in a name", FRAMED(RAW_LENGTH "A B: c\r\n"), NAME_ODD },
	{ "tab before the colon", FRAMED(RAW_LENGTH "A\t: c\r\n"), NAME_ODD },
	{ "name is not ASCII", FRAMED(RAW_LENGTH "\xc3\xa5: c\r\n"), NAME_ODD },
	{ "name in brackets", FRAMED(RAW_LENGTH "(A): c\r\n"), NAME_ODD },
	{ "100 headers are fine", FRAMED(RAW_LENGTH "$(100 A: b\r\n)"), TAKEN },
	{ "129 headers", FRAMED(RAW_LENGTH "$(129 A: b\r\n)"), 431, "headersTooLarge", "more than 128",
	  true },
	{ "10,000 headers", FRAMED(RAW_LENGTH "$(10000 A: b\r\n)"), 431, "headersTooLarge", "headers", true },
	{ "64 KiB of a header", FRAMED(RAW_LENGTH "A: $(65536 x)\r\n"), 431, "headersTooLarge", "headers",
	  true },
	{ "64 KiB of a name", FRAMED(RAW_LENGTH "$(65536 x): a\r\n"), 431, "headersTooLarge", "headers",
	  true },
	{ "two keys", FRAMED(RAW_LENGTH "Authorization: Bearer hush\r\n"), 400, "8523",
	  "Authorization: must come once", true },
	{ "two types", FRAMED(RAW_LENGTH "content-type: text/plain\r\n"), 400, "8523",
	  "Content-Type: must come once", true },
	{ "two Idempotency-Keys", FRAMED(RAW_LENGTH "Idempotency-Key: a\r\nIdempotency-Key: b\r\n"), 400,
	  "8523", "Idempotency-Key: must come once", true },
	{ "two Hosts", FRAMED(RAW_LENGTH "Host: b\r\n"), 400, "8523", "Host: must come once", true },
	{ "no Host", "GET /calls HTTP/1.1\r\n" RAW_AUTH "\r\n", 400, "8523", "Host", true },
	{ "no Host, HTTP/1.0", "GET /calls HTTP/1.0\r\n" RAW_AUTH "\r\n", 400, "8523", "Host", true },
	{ "empty Host", "GET /calls HTTP/1.1\r\nHost:\r\n" RAW_AUTH "\r\n", 400, "8523", "Host", true },
	{ "Host with a path", "GET /calls HTTP/1.1\r\nHost: a/b\r\n" RAW_AUTH "\r\n", 400, "8523", "Host",
	  true },
	{ "Host with a name", "GET /calls HTTP/1.1\r\nHost: hush@a\r\n" RAW_AUTH "\r\n", 400, "8523", "Host",
	  true },
	{ "Host list", "GET /calls HTTP/1.1\r\nHost: a, b\r\n" RAW_AUTH "\r\n", 400, "8523", "Host", true },
	{ "Expect: something else", FRAMED("Expect: 200-ok\r\n" RAW_LENGTH), 417, "expectationFailed",
	  "Expect: must be 100-continue", true },
	{ "Expect: the body comes at once", FRAMED("Expect: 100-continue\r\n" RAW_LENGTH), TAKEN },
	{ "Expect: too much", HEAD "Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n", 413, "tooLarge",
	  "body", true },
	{ "Expect: a stranger",
	  "POST /calls HTTP/1.1\r\n" RAW_HOST RAW_JSON "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n",
	  401, "unauthorized", "Authorization", true },
	{ "Upgrade is not for us", RAW_POST("/calls", "Connection: Upgrade\r\nUpgrade: h2c\r\n", EMPTY),
	  TAKEN },
	{ "Connection: close", RAW_POST("/calls", "Connection: x, Close\r\n", EMPTY), 400, "8523", TARGETS,
	  true },
};

static const struct raw_row lines[] = {
	{ "HTTP/0.9", "GET /calls\r\n\r\n", LINE_ODD },
	{ "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "versionNotSupported", "HTTP/1.1", true },
	{ "HTTP/3.0", LINE("GET /calls HTTP/3.0"), 505, "versionNotSupported", "HTTP/1.1", true },
	{ "HTTP/1.10", LINE("GET /calls HTTP/1.10"), LINE_ODD },
	{ "HTTP/1", LINE("GET /calls HTTP/1"), LINE_ODD },
	{ "http/1.1", LINE("GET /calls http/1.1"), LINE_ODD },
	{ "FTP/1.1", LINE("GET /calls FTP/1.1"), LINE_ODD },
	{ "a word behind the version", LINE("GET /calls HTTP/1.1 x"), LINE_ODD },
	{ "space behind the version", LINE("GET /calls HTTP/1.1 "), LINE_ODD },
	{ "no target", LINE("GET HTTP/1.1"), LINE_ODD },
	{ "two spaces", LINE("GET  /calls HTTP/1.1"), LINE_ODD },
	{ "tabs", LINE("GET\t/calls\tHTTP/1.1"), LINE_ODD },
	{ "space before", LINE(" GET /calls HTTP/1.1"), LINE_ODD },
	{ "space in the target", LINE("GET /calls x HTTP/1.1"), LINE_ODD },
	{ "TLS", "\x16\x03\x01\x02$0\x01$0\x01\xfc\x03\x03\r\n\r\n", CONTROL },
	{ "SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n", LINE_ODD },
	{ "Redis", "*1\r\n$4\r\nPING\r\n\r\n", LINE_ODD },
	{ "method in quotes", LINE("\"GET\" /calls HTTP/1.1"), 400, "8523", "the method", true },
	{ "method is not ASCII", LINE("G\xc3\x89T /calls HTTP/1.1"), 400, "8523", "the method", true },
	{ "method of 33 letters", LINE("$(33 G) /calls HTTP/1.1"), 400, "8523", "the method", true },
	{ "method of 64 KiB", LINE("$(65536 G) /calls HTTP/1.1"), 414, "targetTooLong", "too long", true },
	{ "method unknown", RAW_ASK("BREW", "/calls"), 405, "methodNotAllowed", "method", false },
	{ "method in lower case", RAW_ASK("get", "/calls/$call"), 405, "methodNotAllowed", "method", false },
	{ "method of another route", RAW_ASK("DELETE", "/calls"), 405, "methodNotAllowed", "method", false },
	{ "PUT", RAW_ASK("PUT", "/calls/$call"), 405, "methodNotAllowed", "method", false },
	{ "PATCH", RAW_ASK("PATCH", "/calls/$call"), 405, "methodNotAllowed", "method", false },
	{ "TRACE", RAW_ASK("TRACE", "/calls"), 405, "methodNotAllowed", "method", false },
	{ "OPTIONS", RAW_ASK("OPTIONS", "/calls"), 405, "methodNotAllowed", "method", false },
	{ "HEAD", RAW_ASK("HEAD", "/calls/$call"), 405, "", "", false },
	{ "CONNECT", RAW_ASK("CONNECT", "a:443"), 400, "8523", "request target", false },
	{ "*", RAW_ASK("OPTIONS", "*"), 400, "8523", "request target", false },
	{ "a whole address", RAW_ASK("GET", "http://a/calls/$call"), 400, "8523", "request target", false },
	{ "no slash", RAW_ASK("GET", "calls/$call"), 400, "8523", "request target", false },
};

/* ---- targets ---- */

#define TARGET_ODD 400, "8523", "request target", false
#define NO_ROUTE   404, "8522", "no such route", false
#define NO_CALL    404, "8522", "no such call", false

static const struct raw_row targets[] = {
	{ "%2F", RAW_ASK("GET", "/calls%2F$call"), TARGET_ODD },
	{ "%2f in the id", RAW_ASK("DELETE", "/calls/$call%2fHangup"), TARGET_ODD },
	{ "%00", RAW_ASK("DELETE", "/calls/$call%00"), TARGET_ODD },
	{ "%00 in the middle", RAW_ASK("DELETE", "/calls/$call%00/PlayAudio"), TARGET_ODD },
	{ "%", RAW_ASK("DELETE", "/calls/$call%"), TARGET_ODD },
	{ "%2", RAW_ASK("DELETE", "/calls/$call%2"), TARGET_ODD },
	{ "%zz", RAW_ASK("DELETE", "/calls/$call%zz"), TARGET_ODD },
	{ "%u002f", RAW_ASK("DELETE", "/calls/$call%u002f"), TARGET_ODD },
	{ "%252F", RAW_ASK("DELETE", "/calls/$call%252F"), NO_CALL },
	{ "%C0%AF", RAW_ASK("DELETE", "/calls/$call%C0%AF"), NO_CALL },
	{ "%0d%0a", RAW_ASK("DELETE", "/calls/$call%0d%0aX-Hush:%20hush"), NO_CALL },
	{ "%20 behind the id", RAW_ASK("DELETE", "/calls/$call%20"), NO_CALL },
	{ "..", RAW_ASK("DELETE", "/x/../calls/$call"), NO_ROUTE },
	{ ".. behind", RAW_ASK("DELETE", "/calls/x/../$call"), NO_ROUTE },
	{ "%2e%2e", RAW_ASK("DELETE", "/x/%2e%2e/calls/$call"), NO_ROUTE },
	{ "./", RAW_ASK("DELETE", "/./calls/$call"), NO_ROUTE },
	{ "//", RAW_ASK("DELETE", "//calls/$call"), NO_ROUTE },
	{ "// in the middle", RAW_ASK("DELETE", "/calls//$call"), NO_ROUTE },
	{ "/ at the end", RAW_ASK("DELETE", "/calls/$call/"), NO_ROUTE },
	{ "backslash", RAW_ASK("DELETE", "/calls\\$call"), NO_ROUTE },
	{ "semicolon", RAW_ASK("DELETE", "/calls;x/$call"), NO_ROUTE },
	{ "fragment", RAW_ASK("DELETE", "/calls#/$call"), NO_ROUTE },
	{ "/", RAW_ASK("GET", "/"), NO_ROUTE },
	{ "metrics are not here", RAW_ASK("GET", "/metrics"), NO_ROUTE },
	{ "an operation that is none", RAW_ASK("POST", "/calls/$call/Dance"), NO_ROUTE },
	{ "an operation too many", RAW_ASK("POST", "/calls/$call/Hangup/Hangup"), NO_ROUTE },
	{ "1,000 segments", RAW_ASK("DELETE", "/calls$(1000 /a)"), NO_ROUTE },
	{ "2,049 bytes", RAW_ASK("GET", "/$(2048 a)"), TARGET_ODD },
	{ "64 KiB", RAW_ASK("GET", "/$(65536 a)"), 414, "targetTooLong", "request target: too long", true },
	{ "UTF-8", RAW_ASK("GET", "/calls/\xc3\xa5"), 400, "8523", "request target", true },
	{ "not UTF-8", RAW_ASK("GET", "/calls/\xff"), 400, "8523", "request target", true },
	{ "api-version twice", RAW_POST("/calls?api-version=1&api-version=2", "", EMPTY), TAKEN },
	{ "a query of question marks", RAW_POST("/calls?$(1000 ?)", "", EMPTY), TAKEN },
	{ "%00 in the query", RAW_POST("/calls?%00&%zz", "", EMPTY), TAKEN },
	{ "key in the query", RAW_POST("/calls?Authorization=Bearer%20hush", "", EMPTY), TAKEN },
	{ "a stranger asks for nothing", "GET /nothing HTTP/1.1\r\n" RAW_HOST "\r\n", 401, "unauthorized",
	  "Authorization", false },
};

/* ---- what is behind a refused request is not a request ---- */

static const struct raw_row behind[] = {
	{ "both framings", HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
	  400, "8523", "exclude", true },
	{ "folded length", HEAD "Content-Length:\r\n 0\r\n\r\n" SECOND, FOLDED },
	{ "length with a zero byte", HEAD "Content-Length: 0$09\r\n\r\n" SECOND, CONTROL },
	{ "length too large", HEAD "Content-Length: 70000\r\n\r\n" SECOND, 413, "tooLarge", "body", true },
	{ "a stranger's body", "POST /calls HTTP/1.1\r\n" RAW_HOST "Content-Length: 1\r\n\r\n" SECOND, 401,
	  "unauthorized", "Authorization", true },
	{ "chunks that break", CHUNKS("x\r\n\r\n" SECOND), CHUNKS_ODD },
	{ "bad line", "GET\r\n\r\n" SECOND, LINE_ODD },
	{ "Expect refused", HEAD "Expect: x\r\nContent-Length: 0\r\n\r\n" SECOND, 417, "expectationFailed",
	  "", true },
	{ "body of a GET",
	  "GET /calls/x HTTP/1.1\r\n" RAW_HOST RAW_AUTH "Content-Length: 100\r\n\r\n$(100 x)", NO_CALL },
	{ "body that is a request", "POST /nothing HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_LENGTH "\r\n" SECOND,
	  NO_ROUTE },
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

TABLE(framing)
TABLE(chunks)
TABLE(heads)
TABLE(lines)
TABLE(targets)
TABLE(behind)

/* One byte at a time, each head is refused or taken as it is in one piece. */
static void test_byte_by_byte(void **state)
{
	static const char *const requests[] = { FRAMED(RAW_LENGTH),
		                                CHUNKS("e;x=y\r\n" EMPTY "\r\n0\r\nA: b\r\n\r\n"),
		                                "\r\n" FRAMED(RAW_LENGTH) };
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		int fd = raw_dial(rig);
		size_t len;
		char *text = raw_fill(requests[i], &len), *answer;

		for (size_t k = 0; k < len; k++) {
			assert_true(raw_put(rig, fd, text + k, 1));
			rig_turn(rig, 0);
		}
		answer = raw_hear(rig, fd, CLOCK_SEC);
		if (!strstr(answer, TARGETS))
			fail_msg("request %zu: %s", i, answer);
		free(answer);
		free(text);
		close(fd);
	}
}

/* Who asks first is told to go on, and only once. */
static void test_continue(void **state)
{
	static const char head[] = HEAD "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n";
	struct rig *rig = *state;
	int fd = raw_dial(rig);
	char text[64] = "", *answer;

	assert_true(raw_put(rig, fd, head, strlen(head)));
	rig_turn(rig, 5 * CLOCK_MS);
	assert_int_equal(read(fd, text, sizeof(text)), 25);
	assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_true(raw_put(rig, fd, EMPTY, 14));
	answer = raw_hear(rig, fd, CLOCK_SEC);
	assert_memory_equal(answer, "HTTP/1.1 400 ", 13);
	free(answer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_framing),      cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_heads),        cmocka_unit_test(test_lines),
		cmocka_unit_test(test_targets),      cmocka_unit_test(test_behind),
		cmocka_unit_test(test_byte_by_byte), cmocka_unit_test(test_continue),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
