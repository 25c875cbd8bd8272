/* test_callback.c - what a callback address must look like; the inside has a test of its own */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"

static struct callback_rules *rules(const char *allow)
{
	struct callback_rules *r = NULL;
	char why[200] = "";

	if (callback_rules_open(&r, allow, why, sizeof(why)) < 0)
		fail_msg("'%s': %s", allow, why);
	return r;
}

static const char *const fine[] = {
	"https://app.example/hook",
	"http://app.example:8080/hook?secret=a%20b&x=%00",
	"HTTPS://App.Example",
	"https://app.example.",
	"https://8.8.8.8/",
	"https://134744072/", /* 8.8.8.8 */
	"https://[2606:4700::1111]:8443/x",
	"https://[::ffff:8.8.8.8]/",
	"https://localhost.example/",
	"https://notlocalhost/",
	"https://1e100.net/",
	"https://10.example/",
	"https://app.example/@user",
	"https://app.example/a?b=@c:d//e",
	"https://app.example:1/",
	"https://app.example:65535/",
};

/* Spellings of the inside: tests/fake/inside_table.c. */
static const char *const refused[] = {
	"",
	"app.example/hook",
	"//app.example/",
	"/hook",
	"ftp://app.example/",
	"file:///etc/passwd",
	"gopher://app.example/",
	"javascript:alert(1)",
	"https:app.example",
	"https:/app.example",
	"https://",
	"https:///app.example",
	"https://?x",
	"https://:80/",
	"https://user@app.example/",
	"https://user:pass@app.example/",
	"https://app.example@127.0.0.1/",
	"https://@app.example/",
	"https://app.example/#x",
	"https://app.example#x",
	"https://app.example#@127.0.0.1/",
	"https://app.example:0/",
	"https://app.example:65536/",
	"https://app.example:x/",
	"https://app.example:80:90/",
	"https://app.example/a b",
	"https://app.example/\r\nX: y",
	"https://app.example/\t",
	"https://app.example/\x7f",
	"https://app.example\\@127.0.0.1/",
	"https://app.example/a\\b",
	"https://b\xc3\xa5t.example/",
	"https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/", /* circled digits */
	"https://%31%32%37.0.0.1/",
	"https://app%2eexample/",
	"https://local%68ost/",
};

static void test_fine(void **state)
{
	struct callback_rules *r = rules("");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		const char *why = callback_refused(r, fine[i], NULL, 0);

		if (why)
			fail_msg("%s: %s", fine[i], why);
	}
	callback_rules_close(r);
}

static void test_refused(void **state)
{
	struct callback_rules *r = rules("");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (!callback_refused(r, refused[i], NULL, 0))
			fail_msg("not refused: %s", refused[i]);
	}
	callback_rules_close(r);
}

static void test_length(void **state)
{
	struct callback_rules *r = rules("");
	char uri[CALLBACK_URI_MAX + 2];

	(void)state;
	memset(uri, 'a', sizeof(uri));
	memcpy(uri, "https://app.example/", 20);
	uri[CALLBACK_URI_MAX] = '\0';
	assert_null(callback_refused(r, uri, NULL, 0));
	uri[CALLBACK_URI_MAX] = 'a';
	uri[CALLBACK_URI_MAX + 1] = '\0';
	assert_non_null(callback_refused(r, uri, NULL, 0));
	callback_rules_close(r);
}

static void test_rules_that_are_none(void **state)
{
	static const char *const bad[] = { "127.0.0.1/33", "::1/129",     "127.0.0.0/",  "127.0.0.0/x",
		                           "localhost",    "127.0.0.1/8", "::1/64",      "10.0.0.0/8,",
		                           ",10.0.0.0/8",  " ",           "10.0.0.0/-1", "10.0.0.0/08x",
		                           "127.1/8",      "10.0.0.0/8 x" };
	struct callback_rules *r;
	char why[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		if (callback_rules_open(&r, bad[i], why, sizeof(why)) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(why, "is not a network"));
	}
}

static void test_prefixes(void **state)
{
	char *prefixes[] = { (char[]){ "https://app.example/hooks/" },
		             (char[]){ "https://b.example:8443/" } };
	static const struct {
		const char *uri;
		bool taken;
	} stories[] = {
		{ "https://app.example/hooks/1?x=y", true },
		{ "HTTPS://APP.example:443/hooks/1", true },
		{ "https://b.example:8443/any", true },
		{ "https://app.example/hooks", false },
		{ "https://app.example/other", false },
		{ "https://app.example/hooks/../other", false },
		{ "https://app.example/hooks/%2e%2e/other", false },
		{ "https://app.example/hooks/%2E./other", false },
		{ "https://app.example/hooks/..%2fother", false },
		{ "https://app.example:8443/hooks/1", false },
		{ "http://app.example/hooks/1", false },
		{ "https://app.example.evil/hooks/1", false },
		{ "https://b.example/any", false },
		{ "https://127.0.0.1/hooks/", false },
	};
	struct callback_rules *r = rules("");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		if (!callback_refused(r, stories[i].uri, prefixes, 2) != stories[i].taken)
			fail_msg("%s", stories[i].uri);
	}
	callback_rules_close(r);
}

static void test_masked(void **state)
{
	static const char *const pairs[][2] = {
		{ "https://app.example/hook?secret=1", "https://app.example/hook?***" },
		{ "https://app.example:8443/hook?secret=1", "https://app.example:8443/hook?***" },
		{ "https://user:pass@app.example/hook", "https://app.example/hook" },
		{ "https://app.example", "https://app.example/" },
		{ "nonsense?secret=1", "***" },
		{ "https://[::1?secret=1", "***" },
		{ "", "***" },
	};
	char out[CALLBACK_URI_MAX], small[12];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_string_equal(callback_masked(out, sizeof(out), pairs[i][0]), pairs[i][1]);
	assert_string_equal(callback_masked(small, sizeof(small), "https://app.example/hook?x"),
	                    "https://app");
}

static void test_endpoint(void **state)
{
	char out[64], small[16];

	(void)state;
	assert_int_equal(callback_endpoint(out, sizeof(out), "HTTPS://App.Example/hook?x"), 0);
	assert_string_equal(out, "https://app.example:443");
	assert_int_equal(callback_endpoint(out, sizeof(out), "http://app.example"), 0);
	assert_string_equal(out, "http://app.example:80");
	assert_int_equal(callback_endpoint(out, sizeof(out), "http://[::1]:8080/"), 0);
	assert_string_equal(out, "http://[::1]:8080");
	assert_int_equal(callback_endpoint(out, sizeof(out), "ftp://app.example"), -EINVAL);
	assert_int_equal(callback_endpoint(out, sizeof(out), ""), -EINVAL);
	assert_int_equal(callback_endpoint(small, sizeof(small), "http://app.example"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fine),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),   cmocka_unit_test(test_rules_that_are_none),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_masked),
		cmocka_unit_test(test_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
