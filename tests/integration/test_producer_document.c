/* test_producer_document.c - the API's document, served to anybody */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "embedded.h"
#include "must.h"
#include "producer_raw.h"
#include "producer_rig.h"

static const char *const nobody[] = { "Authorization:", NULL };
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

/* malloc'ed; with its quotes */
static char *tag_of(const struct reply *r)
{
	const char *from = strstr(r->headers, "ETag: "), *to = from ? strchr(from, '\r') : NULL;
	char *tag;

	assert_non_null(to);
	from += strlen("ETag: ");
	tag = must_calloc(1, (size_t)(to - from) + 1);
	memcpy(tag, from, (size_t)(to - from));
	return tag;
}

static void test_without_a_key(void **state)
{
	struct reply r = rig_ask(rig, "GET", "/openapi.json", nobody, NULL);

	(void)state;
	assert_int_equal(r.status, 200);
	assert_string_equal(r.text, embedded_documents[0].text);
	assert_non_null(strstr(r.headers, "Content-Type: application/json"));
	assert_non_null(strstr(r.headers, "Cache-Control: no-cache"));
	reply_clear(&r);
	/* the query is not looked at */
	r = rig_ask(rig, "GET", "/openapi.json?a=b", nobody, NULL);
	assert_int_equal(r.status, 200);
	reply_clear(&r);
}

static void test_only_when_it_has_changed(void **state)
{
	struct reply r = rig_ask(rig, "GET", "/openapi.json", nobody, NULL);
	char *tag = tag_of(&r);
	char *same = must_printf("If-None-Match: \"old\", W/%s", tag);
	const char *const known[] = { "Authorization:", same, NULL };
	const char *const old[] = { "Authorization:", "If-None-Match: \"old\"", NULL };

	(void)state;
	reply_clear(&r);
	for (int i = 0; i < 2; i++) { /* and the connection goes on */
		r = rig_ask(rig, "GET", "/openapi.json", known, NULL);
		assert_int_equal(r.status, 304);
		assert_true(!r.text || !*r.text);
		assert_non_null(strstr(r.headers, tag));
		assert_null(strstr(r.headers, "Content-Length"));
		reply_clear(&r);
	}
	r = rig_ask(rig, "GET", "/openapi.json", old, NULL);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.text, embedded_documents[0].text);
	reply_clear(&r);
	free(same);
	free(tag);
}

#define ASKED 40

/* All that comes until there are `wanted` bytes, or nothing for a second; malloc'ed. */
static char *hear(int fd, size_t wanted)
{
	char *text = must_calloc(1, wanted + 1);
	int64_t until = clock_mono() + CLOCK_SEC;
	size_t len = 0;

	while (len < wanted && clock_mono() < until) {
		ssize_t n = recv(fd, text + len, wanted - len, 0);

		if (n > 0) {
			len += (size_t)n;
			until = clock_mono() + CLOCK_SEC;
		}
		rig_turn(rig, CLOCK_MS);
	}
	text[len] = '\0';
	return text;
}

/* More than the sockets hold: each is sent in pieces, wherever the network stops. */
static void test_who_reads_late_gets_it_all(void **state)
{
	static const char ask[] = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
	const char *text = embedded_documents[0].text, *from;
	size_t len = strlen(text);
	int fd = raw_dial(rig);
	char *all;

	(void)state;
	for (int i = 0; i < ASKED; i++)
		assert_true(raw_put(rig, fd, ask, strlen(ask)));
	rig_turn(rig, 100 * CLOCK_MS);
	all = hear(fd, ASKED * (len + 400));
	from = all;
	for (int i = 0; i < ASKED; i++) {
		const char *body = strstr(from, "\r\n\r\n");

		assert_true(!strncmp(from, "HTTP/1.1 200 OK\r\n", 17));
		assert_true(body && !strncmp(body + 4, text, len));
		from = body + 4 + len;
	}
	assert_string_equal(from, "");
	free(all);
	close(fd);
}

static void test_other_methods_and_names(void **state)
{
	static const char *const methods[] = { "POST", "DELETE", "OPTIONS", "PATCH" };
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		r = rig_ask(rig, methods[i], "/openapi.json", nobody, NULL);
		assert_int_equal(r.status, 405);
		assert_non_null(strstr(r.headers, "Allow: GET\r\n"));
		reply_clear(&r);
	}
	r = rig_ask(rig, "GET", "/openapi.json/", nobody, NULL);
	assert_int_equal(r.status, 401);
	reply_clear(&r);
	r = rig_ask(rig, "GET", "/calling/openapi.json", NULL, NULL);
	assert_int_equal(r.status, 404);
	reply_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_key),
		cmocka_unit_test(test_only_when_it_has_changed),
		cmocka_unit_test(test_who_reads_late_gets_it_all),
		cmocka_unit_test(test_other_methods_and_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
