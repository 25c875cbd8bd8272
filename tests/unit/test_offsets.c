/* test_offsets.c - what may be committed: never beyond a command that is still in hand */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "offsets.h"

static void test_nothing_seen(void **state)
{
	struct offsets o;

	(void)state;
	offsets_init(&o);
	assert_int_equal(offsets_told(&o), -1);
	assert_false(offsets_done(&o, 0));
	offsets_clear(&o);
}

static void test_the_oldest_in_hand_holds(void **state)
{
	struct offsets o;

	(void)state;
	offsets_init(&o);
	for (int64_t i = 10; i < 15; i++)
		offsets_add(&o, i);
	assert_true(offsets_done(&o, 12));
	assert_true(offsets_done(&o, 11));
	assert_true(offsets_hold(&o, 10));
	assert_false(offsets_hold(&o, 12));     /* done, though it still stands behind another */
	assert_int_equal(offsets_told(&o), 10); /* not the newest that is done */
	assert_true(offsets_done(&o, 10));
	assert_int_equal(offsets_told(&o), 13);
	assert_true(offsets_done(&o, 14));
	assert_true(offsets_done(&o, 13));
	assert_int_equal(offsets_told(&o), 15);
	assert_int_equal(o.count, 0);
	offsets_clear(&o);
}

static void test_gaps_and_strangers(void **state)
{
	struct offsets o;

	(void)state;
	offsets_init(&o);
	offsets_add(&o, 5);
	offsets_add(&o, 9); /* compaction and transactions leave gaps */
	assert_false(offsets_done(&o, 7));
	assert_false(offsets_hold(&o, 7));
	assert_true(offsets_hold(&o, 9));
	assert_true(offsets_done(&o, 5));
	assert_int_equal(offsets_told(&o), 9);
	assert_false(offsets_done(&o, 5)); /* once is enough */
	offsets_clear(&o);
}

/* Any order of finishing: what may be committed never passes one in hand, and ends at the end. */
static void test_sweep(void **state)
{
	enum { N = 1000 };
	int64_t order[N];
	char done[N] = { 0 };
	struct offsets o;

	(void)state;
	srand(7);
	offsets_init(&o);
	for (int i = 0; i < N; i++) {
		order[i] = i;
		offsets_add(&o, i);
	}
	for (int i = N - 1; i > 0; i--) {
		const int k = rand() % (i + 1);
		const int64_t t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	for (int i = 0; i < N; i++) {
		int lowest = 0;

		assert_true(offsets_done(&o, order[i]));
		done[order[i]] = 1;
		while (lowest < N && done[lowest])
			lowest++;
		assert_int_equal(offsets_told(&o), lowest);
	}
	offsets_clear(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_seen),
		cmocka_unit_test(test_the_oldest_in_hand_holds),
		cmocka_unit_test(test_gaps_and_strangers),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
