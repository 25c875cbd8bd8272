/* test_notifier_order.c - who waits behind whom, how far a partition is finished, whose turn it is */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lanes.h"
#include "order.h"
#include "progress.h"

/* ---- order ---- */

static int open_order(void **state)
{
	struct order *o;

	assert_int_equal(order_open(&o), 0);
	*state = o;
	return 0;
}

static int close_order(void **state)
{
	order_close(*state);
	return 0;
}

static enum order_place add(struct order *o, const char *call, const char *endpoint, struct order_item *item,
                            int64_t number)
{
	struct order_item *held = NULL;

	*item = (struct order_item){ .number = number };
	return order_add(o, call, endpoint, item, 0, &held);
}

static void test_an_event_waits_behind_a_lower_one(void **state)
{
	struct order_item a, b, c;

	assert_int_equal(add(*state, "x", "e", &a, 1), ORDER_GO);
	assert_int_equal(add(*state, "x", "e", &b, 2), ORDER_WAITS);
	assert_int_equal(add(*state, "x", "e", &c, 3), ORDER_WAITS);
	assert_ptr_equal(order_remove(&a, true), &b);
	assert_ptr_equal(order_remove(&b, true), &c);
	assert_null(order_remove(&c, true));
}

static void test_calls_and_endpoints_are_free_of_each_other(void **state)
{
	struct order_item a, b, c;

	assert_int_equal(add(*state, "x", "e", &a, 1), ORDER_GO);
	assert_int_equal(add(*state, "x", "f", &b, 2), ORDER_GO);
	assert_int_equal(add(*state, "y", "e", &c, 1), ORDER_GO);
	assert_null(order_remove(&a, true));
	assert_null(order_remove(&b, true));
	assert_null(order_remove(&c, true));
}

static void test_it_does_not_wait_for_what_is_not_here(void **state)
{
	struct order_item a;

	assert_int_equal(add(*state, "x", "e", &a, 7), ORDER_GO);
	order_remove(&a, true);
}

static void test_finished_numbers_are_skipped(void **state)
{
	struct order_item a, b;

	assert_int_equal(add(*state, "x", "e", &a, 2), ORDER_GO);
	order_remove(&a, true);
	assert_int_equal(add(*state, "x", "e", &b, 2), ORDER_DONE);
	assert_int_equal(add(*state, "x", "e", &b, 1), ORDER_DONE);
	assert_int_equal(add(*state, "x", "f", &b, 2), ORDER_GO); /* another endpoint knows nothing of it */
	order_remove(&b, false);
	assert_int_equal(add(*state, "x", "f", &b, 2), ORDER_GO); /* dropped, not finished */
	order_remove(&b, false);
}

static void test_what_is_held_is_named(void **state)
{
	struct order_item a, b = { .number = 4 }, *held = NULL;

	assert_int_equal(add(*state, "x", "e", &a, 4), ORDER_GO);
	assert_int_equal(order_add(*state, "x", "e", &b, 0, &held), ORDER_HELD);
	assert_ptr_equal(held, &a);
	assert_null(b.line);
	order_remove(&a, true);
}

static void test_told_from_outside(void **state)
{
	struct order_item a, b;

	assert_int_equal(add(*state, "x", "e", &a, 1), ORDER_GO);
	assert_int_equal(add(*state, "x", "e", &b, 3), ORDER_WAITS);
	assert_true(order_ask(*state, &a));
	assert_false(order_ask(*state, &a));
	order_raise(&a, 2);
	order_raise(&a, 1);
	assert_true(order_is_done(&a));
	assert_false(order_is_done(&b));
	assert_ptr_equal(order_remove(&a, true), &b);
	assert_false(order_ask(*state, &b));
	order_restart(*state);
	assert_true(order_ask(*state, &b));
	order_remove(&b, true);
}

static void test_the_first_of_a_seq_counts(void **state)
{
	assert_true(order_first(*state, "x", 1, 0));
	assert_true(order_first(*state, "x", 2, 0));
	assert_false(order_first(*state, "x", 2, 0));
	assert_false(order_first(*state, "x", 1, 0));
	assert_true(order_first(*state, "y", 1, 0));
	order_restart(*state); /* read again from the committed offset */
	assert_true(order_first(*state, "x", 2, 0));
	assert_false(order_first(*state, "x", 2, 0));
}

static void test_idle_calls_are_forgotten(void **state)
{
	struct order_item a;

	order_first(*state, "old", 1, 10);
	order_first(*state, "busy", 1, 10);
	assert_int_equal(add(*state, "busy", "e", &a, 1), ORDER_GO);
	order_first(*state, "new", 1, 30);
	order_sweep(*state, 20);
	assert_int_equal(order_calls(*state), 2);
	order_remove(&a, true);
	order_sweep(*state, 20);
	assert_int_equal(order_calls(*state), 1);
}

static void test_calls_are_bounded(void **state)
{
	char name[16];

	for (int i = 0; i < ORDER_CALLS + 10; i++) {
		snprintf(name, sizeof(name), "%d", i);
		order_first(*state, name, 1, i);
	}
	assert_int_equal(order_calls(*state), ORDER_CALLS);
	assert_true(order_first(*state, "0", 1, 0)); /* the oldest was forgotten */
	assert_false(order_first(*state, name, 1, 0));
}

/* ---- progress ---- */

static void test_the_lowest_open_offset_is_committed(void **state)
{
	struct progress p = { 0 };

	(void)state;
	progress_start(&p, -1);
	assert_int_equal(progress_low(&p), -1);
	for (int64_t i = 5; i < 205; i += 2) /* holes */
		assert_int_equal(progress_open(&p, i), 0);
	assert_int_equal(progress_low(&p), 5);
	progress_close(&p, 7);
	progress_close(&p, 8); /* never opened */
	assert_int_equal(progress_low(&p), 5);
	progress_close(&p, 5);
	assert_int_equal(progress_low(&p), 9);
	for (int64_t i = 203; i > 8; i -= 2)
		progress_close(&p, i);
	assert_int_equal(progress_low(&p), 204);
	assert_int_equal(progress_open(&p, 203), -EINVAL);
	progress_clear(&p);
}

/* Opens and closes at random; the low mark is compared with what a plain walk finds. */
static void test_progress_against_a_plain_walk(void **state)
{
	struct progress p = { 0 };
	char open[2000] = { 0 };
	int64_t low, want, next = 0;

	(void)state;
	srandom(7);
	progress_start(&p, 0);
	while (next < 2000) {
		if (random() % 2) {
			assert_int_equal(progress_open(&p, next), 0);
			open[next++] = 1;
		} else if (next) {
			int64_t at = next - 1 - random() % (next < 40 ? next : 40);

			progress_close(&p, at);
			open[at] = 0;
		}
		for (want = 0; want < next && !open[want]; want++)
			;
		low = progress_low(&p);
		assert_int_equal(low, want);
	}
	progress_clear(&p);
}

/* ---- lanes ---- */

static void test_endpoints_take_turns_within_their_share(void **state)
{
	struct lane_item slow[4] = { 0 }, fast = { 0 };
	struct lanes *l;

	(void)state;
	assert_int_equal(lanes_open(&l, 2), 0);
	for (int i = 0; i < 4; i++)
		lanes_add(l, "slow", &slow[i]);
	lanes_add(l, "fast", &fast);
	assert_ptr_equal(lanes_next(l), &slow[0]);
	assert_ptr_equal(lanes_next(l), &fast);
	assert_ptr_equal(lanes_next(l), &slow[1]);
	assert_null(lanes_next(l)); /* its share is on its way */
	lanes_leave(l, &slow[3]);   /* dropped while ready */
	lanes_leave(l, &slow[0]);
	assert_ptr_equal(lanes_next(l), &slow[2]);
	assert_null(lanes_next(l));
	lanes_leave(l, &slow[1]);
	lanes_leave(l, &slow[2]);
	lanes_leave(l, &fast);
	lanes_leave(l, &fast); /* in no lane any more */
	assert_int_equal(lanes_count(l), 0);
	lanes_close(l);
}

int main(void)
{
#define WITH_ORDER(t) cmocka_unit_test_setup_teardown(t, open_order, close_order)
	const struct CMUnitTest tests[] = {
		WITH_ORDER(test_an_event_waits_behind_a_lower_one),
		WITH_ORDER(test_calls_and_endpoints_are_free_of_each_other),
		WITH_ORDER(test_it_does_not_wait_for_what_is_not_here),
		WITH_ORDER(test_finished_numbers_are_skipped),
		WITH_ORDER(test_what_is_held_is_named),
		WITH_ORDER(test_told_from_outside),
		WITH_ORDER(test_the_first_of_a_seq_counts),
		WITH_ORDER(test_idle_calls_are_forgotten),
		WITH_ORDER(test_calls_are_bounded),
		cmocka_unit_test(test_the_lowest_open_offset_is_committed),
		cmocka_unit_test(test_progress_against_a_plain_walk),
		cmocka_unit_test(test_endpoints_take_turns_within_their_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
