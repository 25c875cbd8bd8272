/* test_notifier_verdict.c - what each answer means, how long to wait, and which endpoints are gone */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "clock.h"
#include "gone.h"
#include "verdict.h"

#define FIRST (200 * CLOCK_MS)
#define MOST  (5 * CLOCK_SEC)

static void test_answers(void **state)
{
	static const struct {
		int status;
		bool refused;
		enum verdict verdict;
	} rows[] = {
		{ 200, false, VERDICT_DELIVERED }, { 201, false, VERDICT_DELIVERED },
		{ 204, false, VERDICT_DELIVERED }, { 299, false, VERDICT_DELIVERED },
		{ 0, false, VERDICT_RETRY },       { 408, false, VERDICT_RETRY },
		{ 425, false, VERDICT_RETRY },     { 429, false, VERDICT_RETRY },
		{ 500, false, VERDICT_RETRY },     { 503, false, VERDICT_RETRY },
		{ 599, false, VERDICT_RETRY },     { 410, false, VERDICT_GONE },
		{ 400, false, VERDICT_GIVE_UP },   { 401, false, VERDICT_GIVE_UP },
		{ 404, false, VERDICT_GIVE_UP },   { 422, false, VERDICT_GIVE_UP },
		{ 301, false, VERDICT_GIVE_UP },   { 307, false, VERDICT_GIVE_UP },
		{ 0, true, VERDICT_GIVE_UP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(verdict_of(rows[i].status, rows[i].refused), rows[i].verdict);
}

static void test_delays_double_and_end(void **state)
{
	(void)state;
	/* 200 in the middle of the dice: no jitter */
	assert_int_equal(verdict_delay(1, FIRST, MOST, -1, 200), FIRST);
	assert_int_equal(verdict_delay(2, FIRST, MOST, -1, 200), 2 * FIRST);
	assert_int_equal(verdict_delay(4, FIRST, MOST, -1, 200), 8 * FIRST);
	assert_int_equal(verdict_delay(9, FIRST, MOST, -1, 200), MOST);
	assert_int_equal(verdict_delay(1000, FIRST, MOST, -1, 400), MOST);
}

static void test_jitter_is_a_fifth(void **state)
{
	int64_t low = INT64_MAX, high = 0, delay;

	(void)state;
	for (uint32_t dice = 0; dice < 10000; dice++) {
		delay = verdict_delay(1, FIRST, MOST, -1, dice * 7919);
		low = delay < low ? delay : low;
		high = delay > high ? delay : high;
	}
	assert_int_equal(low, FIRST * 8 / 10);
	assert_int_equal(high, FIRST * 12 / 10);
}

static void test_retry_after_is_exact(void **state)
{
	(void)state;
	assert_int_equal(verdict_delay(3, FIRST, MOST, 3 * CLOCK_SEC, 7), 3 * CLOCK_SEC);
	assert_int_equal(verdict_delay(3, FIRST, MOST, 3600 * CLOCK_SEC, 7), MOST);
}

static void test_gone_is_the_tenants_address_without_its_query(void **state)
{
	struct gone g = { 0 };

	(void)state;
	assert_true(gone_add(&g, "a", "http://h:1/cb?secret=1"));
	assert_false(gone_add(&g, "a", "http://h:1/cb?secret=2"));
	assert_true(gone_has(&g, "a", "http://h:1/cb"));
	assert_false(gone_has(&g, "b", "http://h:1/cb"));
	assert_false(gone_has(&g, "a", "http://h:1/c"));
	assert_false(gone_has(&g, "a", "http://h:1/cb2"));
	gone_clear(&g);
	assert_false(gone_has(&g, "a", "http://h:1/cb"));
}

static void test_gone_is_bounded(void **state)
{
	struct gone g = { 0 };
	char uri[64];

	(void)state;
	for (int i = 0; i < GONE_MAX + 1; i++) {
		snprintf(uri, sizeof(uri), "http://h/%d", i);
		assert_true(gone_add(&g, "a", uri));
	}
	assert_int_equal(g.count, GONE_MAX);
	assert_false(gone_has(&g, "a", "http://h/0"));
	assert_true(gone_has(&g, "a", "http://h/1"));
	gone_clear(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_delays_double_and_end),
		cmocka_unit_test(test_jitter_is_a_fifth),
		cmocka_unit_test(test_retry_after_is_exact),
		cmocka_unit_test(test_gone_is_the_tenants_address_without_its_query),
		cmocka_unit_test(test_gone_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
