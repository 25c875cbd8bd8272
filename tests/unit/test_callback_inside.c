/* test_callback_inside.c - the door refuses every spelling of the inside; what the operator allows, to the last address */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "callback.h"
#include "inside_table.h"

static struct callback_rules *rules(const char *allow)
{
	struct callback_rules *r = NULL;
	char why[200] = "";

	if (callback_rules_open(&r, allow, why, sizeof(why)) < 0)
		fail_msg("'%s': %s", allow, why);
	return r;
}

/* ---- the door ---- */

static void test_every_spelling_is_refused_at_the_door(void **state)
{
	struct callback_rules *r = rules("");
	size_t literals = 0;

	(void)state;
	for (size_t i = 0; i < inside_table_count; i++) {
		const struct inside_row *row = &inside_table[i];
		const char *why = callback_refused(r, row->uri, NULL, 0);

		if (row->door && (!why || !strstr(why, row->door)))
			fail_msg("%s: '%s', not '%s'", row->uri, why ? why : "", row->door);
		if (!row->door && why)
			fail_msg("%s is a name, and the door looks none up: '%s'", row->uri, why);
		literals += row->door != NULL;
	}
	assert_true(literals >= 60);
	callback_rules_close(r);
}

/* A tenant's own list of addresses opens nothing. */
static void test_a_tenants_list_opens_nothing(void **state)
{
	struct callback_rules *r = rules("");

	(void)state;
	for (size_t i = 0; i < inside_table_count; i++) {
		const struct inside_row *row = &inside_table[i];
		char *prefixes[] = { (char *)row->uri };

		if (row->door && !callback_refused(r, row->uri, prefixes, 1))
			fail_msg("%s", row->uri);
	}
	callback_rules_close(r);
}

/* ---- resolved addresses ---- */

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
		"192.88.99.0",
		"192.88.99.255",
		"192.168.0.0",
		"192.168.255.255",
		"198.18.0.0",
		"198.19.255.255",
		"198.51.100.0",
		"198.51.100.255",
		"203.0.113.0",
		"203.0.113.255",
		"224.0.0.0",
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
		"1fff:ffff::1",
		"2606:4700::5efe:10.0.0.1",
		"2606:4700::200:5efe:127.0.0.1",
		"2002:7f00:1::5efe:8.8.8.8",
		"2002:808:808::5efe:127.0.0.1",
		"fe80::5efe:8.8.8.8",
	};
	static const char *const outside[] = {
		"1.0.0.0",
		"9.255.255.255",
		"11.0.0.0",
		"100.63.255.255",
		"100.128.0.0",
		"126.255.255.255",
		"128.0.0.0",
		"169.253.255.255",
		"169.255.0.0",
		"172.15.255.255",
		"172.32.0.0",
		"192.0.1.0",
		"192.0.3.0",
		"192.88.98.255",
		"192.167.255.255",
		"192.169.0.0",
		"198.17.255.255",
		"198.20.0.0",
		"223.255.255.255",
		"::ffff:8.8.8.8",
		"64:ff9b::8.8.8.8",
		"2001:200::1",
		"2001:db7::1",
		"2001:db9::1",
		"2002:0808:0808::1",
		"2606:4700::1111",
		"3ffe::1",
		"3fff:1000::1",
		"192.88.100.0",
		"198.51.99.255",
		"198.51.101.0",
		"203.0.112.255",
		"203.0.114.0",
		"2606:4700::5efe:8.8.8.8",
		"2606:4700::200:5efe:8.8.8.8",
		"2606:4700::100:5efe:10.0.0.1",
		"2606:4700::5eff:10.0.0.1",
		"2000::1",
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

/* ---- what the operator allows ---- */

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

/* One up or down, over all 16 bytes. */
static void step(uint8_t a[16], int by)
{
	for (int i = 15; i >= 0; i--) {
		a[i] = (uint8_t)(a[i] + by);
		if (a[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static bool allowed_bytes(const struct callback_rules *r, const uint8_t a[16])
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	memcpy(&v6.sin6_addr, a, 16);
	return callback_address_allowed(r, (struct sockaddr *)&v6);
}

/*
 * The network of `length` bits around `some`, whose neighbours are inside too: its
 * first and last address and no other are let through.
 */
static void check_ends(const uint8_t some[16], int length, const char *name)
{
	uint8_t first[16], last[16];
	struct callback_rules *r;
	char allow[64], text[INET6_ADDRSTRLEN];
	bool v4 = strcmp(name, "IPv4") == 0;

	for (int bit = 0; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if (bit % 8 == 0)
			first[bit / 8] = last[bit / 8] = some[bit / 8];
		if (bit >= length) {
			first[bit / 8] &= (uint8_t)~mask;
			last[bit / 8] |= mask;
		}
	}
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? first + 12 : first, text, sizeof(text));
	snprintf(allow, sizeof(allow), "%s/%d", text, v4 ? length - 96 : length);
	r = rules(allow);
	if (!allowed_bytes(r, first) || !allowed_bytes(r, last))
		fail_msg("%s: an end is not allowed", allow);
	step(first, -1);
	step(last, 1);
	if (allowed_bytes(r, first) || allowed_bytes(r, last))
		fail_msg("%s: a neighbour is allowed", allow);
	callback_rules_close(r);
}

static void test_networks_end_where_they_end(void **state)
{
	/* 245.165.165.165, mapped: 240.0.0.0/4 and what lies around it is inside */
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 0xf5, 0xa5, 0xa5, 0xa5 };
	uint8_t v6[16];

	(void)state;
	for (int length = 96 + 5; length <= 128; length++)
		check_ends(v4, length, "IPv4");
	memset(v6, 0xa5, sizeof(v6));
	v6[0] = 0xfd;
	for (int length = 8; length <= 128; length++)
		check_ends(v6, length, "IPv6");
}

/* "::/0" is all of IPv6, and mapped addresses are IPv4's. */
static void test_networks_of_ipv6_cover_no_ipv4(void **state)
{
	static const char *const wide[] = { "::/0", "::/64", "::/80", "::/95" };
	struct callback_rules *r;

	(void)state;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		r = rules(wide[i]);
		assert_true(allowed(r, "::1"));
		assert_false(allowed(r, "10.0.0.1"));
		assert_false(allowed(r, "::ffff:10.0.0.1"));
		callback_rules_close(r);
	}
	r = rules("::ffff:10.0.0.0/104"); /* who writes it mapped means IPv4 */
	assert_true(allowed(r, "10.0.0.0"));
	assert_true(allowed(r, "::ffff:10.255.255.255"));
	assert_false(allowed(r, "192.168.0.1"));
	callback_rules_close(r);
}

/* Wrapped or not, it is the same IPv4 address; a wrapper that is inside itself stays so. */
static void test_what_is_allowed_may_be_wrapped(void **state)
{
	struct callback_rules *r = rules("10.1.0.0/16");

	(void)state;
	assert_true(allowed(r, "::ffff:10.1.255.255"));
	assert_true(allowed(r, "64:ff9b::10.1.0.0"));
	assert_true(allowed(r, "2002:a01::1"));
	assert_true(allowed(r, "2606:4700::5efe:10.1.0.1"));
	assert_true(allowed(r, "2002:a01::5efe:10.1.0.1"));
	assert_false(allowed(r, "::ffff:10.2.0.0"));
	assert_false(allowed(r, "64:ff9b::10.0.255.255"));
	assert_false(allowed(r, "2002:a02::1"));
	assert_false(allowed(r, "2606:4700::5efe:10.2.0.1"));
	assert_false(allowed(r, "2002:a01::5efe:10.2.0.1"));
	assert_false(allowed(r, "::10.1.0.1"));
	assert_false(allowed(r, "64:ff9b:1::10.1.0.1"));
	assert_false(allowed(r, "fe80::5efe:10.1.0.1"));
	callback_rules_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_spelling_is_refused_at_the_door),
		cmocka_unit_test(test_a_tenants_list_opens_nothing),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_allowed_by_the_operator),
		cmocka_unit_test(test_networks_end_where_they_end),
		cmocka_unit_test(test_networks_of_ipv6_cover_no_ipv4),
		cmocka_unit_test(test_what_is_allowed_may_be_wrapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
