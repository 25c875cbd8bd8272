/* test_address.c - which texts are host:port */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "address.h"

static void test_good_ones(void **state)
{
	static const struct {
		const char *text, *host;
		int port;
	} rows[] = {
		{ "127.0.0.1:80", "127.0.0.1", 80 },
		{ "redis-1.example:65535", "redis-1.example", 65535 },
		{ "a:0", "a", 0 },
		{ "[::1]:6379", "::1", 6379 },
		{ "[fe80::1%eth0]:1", "fe80::1%eth0", 1 },
	};
	char host[ADDRESS_HOST_SIZE];
	int port;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(address_split(rows[i].text, host, &port), 0);
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
}

static void test_bad_ones(void **state)
{
	static const char *const rows[] = { "",        "a",       ":80",      "a:",     "a:80x",
		                            "a:65536", "a:-1",    "a:000001", "::1:80", "[]:80",
		                            "[::1:80", "::1]:80", "a b:80",   "a/b:80" };
	char host[ADDRESS_HOST_SIZE] = "untouched", longer[ADDRESS_HOST_SIZE + 8];
	int port = -7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(address_split(rows[i], host, &port), -EINVAL);
	memset(longer, 'a', sizeof(longer));
	strcpy(longer + ADDRESS_HOST_SIZE, ":80");
	assert_int_equal(address_split(longer, host, &port), -EINVAL);
	assert_string_equal(host, "untouched");
	assert_int_equal(port, -7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_ones),
		cmocka_unit_test(test_bad_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
