/* test_callback.c - a callback can't be aimed at the inside, however it is spelt */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

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
	/* every spelling of the loopback */
	"http://127.0.0.1/",
	"http://127.0.0.1:8080/",
	"http://127.1/",
	"http://127.0.1/",
	"http://0x7f.1/",
	"http://0X7F.0.0.1/",
	"http://0177.0.0.1/",
	"http://0177.1/",
	"http://2130706433/",
	"http://0x7f000001/",
	"http://017700000001/",
	"http://127.0.0.1./",
	"http://127.1./",
	"http://127.1../",
	"http://0x7f000001./",
	"http://127.000.000.001/",
	"http://0/",
	"http://0.0.0.0/",
	"http://[::1]/",
	"http://[0:0:0:0:0:0:0:1]/",
	"http://[::ffff:127.0.0.1]/",
	"http://[::ffff:7f00:1]/",
	"http://[::127.0.0.1]/",
	"http://[64:ff9b::127.0.0.1]/",
	"http://[2002:7f00:1::]/",
	"http://[::1%25lo]/",
	"http://[fe80::1%25eth0]/",
	"http://[::]/",
	"http://[::1/",
	"http://[127.0.0.1]/",
	"http://localhost/",
	"http://LocalHost./",
	"http://localhost../",
	"http://app.localhost:8080/",
	/* and of the rest of the inside */
	"http://169.254.169.254/latest/meta-data/",
	"http://0xa9fea9fe/",
	"http://10.0.0.1/",
	"http://012.1/",
	"http://172.16.0.1/",
	"http://172.31.255.255/",
	"http://192.168.1.1/",
	"http://100.64.0.1/",
	"http://255.255.255.255/",
	"http://[fc00::1]/",
	"http://[fd12::1]/",
	"http://[fe80::1]/",
	/* numbers that are no address: who knows what a resolver makes of them */
	"http://256.1.1.1/",
	"http://1.2.3.4.5/",
	"http://4294967296/",
	"http://0x/",
	"http://099.1/",
	"http://127.0.0.0x1g.1/",
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

static void test_allowed_by_the_operator(void **state)
{
	struct callback_rules *r = rules("127.0.0.0/8, ::1/128,10.1.0.0/16");

	(void)state;
	assert_null(callback_refused(r, "http://127.0.0.1:8080/x", NULL, 0));
	assert_null(callback_refused(r, "http://0x7f.1/", NULL, 0));
	assert_null(callback_refused(r, "http://localhost:9/", NULL, 0));
	assert_null(callback_refused(r, "http://[::1]/", NULL, 0));
	assert_null(callback_refused(r, "http://[::ffff:127.0.0.1]/", NULL, 0));
	assert_null(callback_refused(r, "http://10.1.255.255/", NULL, 0));
	assert_non_null(callback_refused(r, "http://10.2.0.0/", NULL, 0));
	assert_non_null(callback_refused(r, "http://192.168.0.1/", NULL, 0));
	assert_non_null(callback_refused(r, "http://[::2]/", NULL, 0));
	callback_rules_close(r);

	r = rules("10.0.0.0/8");
	assert_non_null(callback_refused(r, "http://localhost/", NULL, 0));
	callback_rules_close(r);
	callback_rules_close(NULL);
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

static bool allowed(const struct callback_rules *r, const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return callback_address_allowed(r, (struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return callback_address_allowed(r, (struct sockaddr *)&v6);
}

/* The first and last of each inside network, and its neighbours outside. */
static void test_addresses(void **state)
{
	static const char *const inside[] = {
		"0.0.0.0",
		"0.255.255.255",
		"10.0.0.0",
		"10.255.255.255",
		"100.64.0.0",
		"100.127.255.255",
		"127.0.0.0",
		"127.255.255.255",
		"169.254.0.0",
		"169.254.255.255",
		"172.16.0.0",
		"172.31.255.255",
		"192.0.0.0",
		"192.0.0.255",
		"192.0.2.0",
		"192.0.2.255",
		"192.88.99.1",
		"192.168.0.0",
		"192.168.255.255",
		"198.18.0.0",
		"198.19.255.255",
		"198.51.100.7",
		"203.0.113.7",
		"224.0.0.1",
		"239.255.255.255",
		"240.0.0.0",
		"255.255.255.255",
		"::",
		"::1",
		"::2",
		"::8.8.8.8",
		"::ffff:10.0.0.1",
		"::ffff:0:8.8.8.8",
		"64:ff9b::10.0.0.1",
		"64:ff9b:1::1",
		"100::1",
		"2001::1",
		"2001:1ff:ffff::",
		"2001:0:0808:0808::",
		"2001:db8::1",
		"2002:0a00:0001::1",
		"2002:7f00:1::",
		"3fff::1",
		"3fff:fff::1",
		"4000::1",
		"fc00::1",
		"fdff:ffff::1",
		"fe80::1",
		"febf::1",
		"fec0::1",
		"ff02::1",
		"5f00::1",
	};
	static const char *const outside[] = {
		"1.0.0.0",           "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
		"100.128.0.0",       "126.255.255.255", "128.0.0.0",       "169.253.255.255",
		"169.255.0.0",       "172.15.255.255",  "172.32.0.0",      "192.0.1.0",
		"192.0.3.0",         "192.88.98.255",   "192.167.255.255", "192.169.0.0",
		"198.17.255.255",    "198.20.0.0",      "223.255.255.255", "::ffff:8.8.8.8",
		"64:ff9b::8.8.8.8",  "2001:200::1",     "2001:db7::1",     "2001:db9::1",
		"2002:0808:0808::1", "2606:4700::1111", "3ffe::1",         "3fff:1000::1",
	};
	struct callback_rules *r = rules("");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		if (allowed(r, inside[i]))
			fail_msg("allowed: %s", inside[i]);
	}
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		if (!allowed(r, outside[i]))
			fail_msg("not allowed: %s", outside[i]);
	}
	assert_false(callback_address_allowed(r, (struct sockaddr *)&un));
	callback_rules_close(r);

	r = rules("10.0.0.0/8,fd00::/8");
	assert_true(allowed(r, "10.1.2.3"));
	assert_true(allowed(r, "::ffff:10.1.2.3"));
	assert_true(allowed(r, "64:ff9b::10.1.2.3"));
	assert_true(allowed(r, "fd00::1"));
	assert_false(allowed(r, "fc00::1"));
	assert_false(allowed(r, "127.0.0.1"));
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
		cmocka_unit_test(test_fine),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_allowed_by_the_operator),
		cmocka_unit_test(test_rules_that_are_none),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_masked),
		cmocka_unit_test(test_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
