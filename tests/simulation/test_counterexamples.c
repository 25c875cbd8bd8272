/*
 * test_counterexamples.c - the traces by which the model showed that weaker protocols break, on the real code
 *
 * The numbers are those of the protocol's model, as in `make mutants`.  A is the old owner, B
 * the new one.  In all but the last the promise holds; the last one no order of
 * steps can prevent, so it is shown, and counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulation/story.h"

#define LONG (6 * CLOCK_SEC) /* until B has taken over and reported */

static void sleeps_until_b_reported(struct world *w, struct node *n)
{
	(void)w;
	node_pause(n, LONG);
}

/* Of two workers the owner of the partition is stopped at the kill point, and goes on when B has done all it does. */
static struct world *stopped_at(const char *kill_point, int *call)
{
	struct world *w = story_workers(2);

	*call = world_call(w, 0);
	world_arm(w, kill_point, 1, NULL, LONG);
	world_create(w, *call, "20");
	world_run(w, LONG + 6 * CLOCK_SEC);
	return w;
}

static void check_one_way_out(struct world *w, int call, const char *outcome, int dials)
{
	if (world_failure(w))
		fail_msg("%s", world_failure(w));
	assert_string_equal(world_outcome(w, call), outcome);
	assert_int_equal(world_dials(w, call), dials);
	assert_int_equal(world_late_rings(w), 0);
	assert_true(world_count(w, POINT_TAKE) >= 2); /* else nothing of all this happened */
	story_end(w);
}

/*
 * 3 (V1): A saves that it may dial; it is stopped; B takes over and ends the call as
 * unknown; A goes on: its phone would ring after the final event.
 */
static void test_counterexample_3(void **state)
{
	int call;
	struct world *w = stopped_at("confirmed", &call);

	(void)state;
	check_one_way_out(w, call, "unknown", 0);
}

/*
 * 9 (V2 + RESUME): A saves, tells, is stopped before the dial; B finds the intent and
 * dials; A goes on: it would dial a second time.  The confirm is what refuses it.
 */
static void test_counterexample_9(void **state)
{
	int call;
	struct world *w = stopped_at("dial-acknowledged", &call);

	(void)state;
	check_one_way_out(w, call, "busy", 1);
}

/* The same, stopped when the intent was saved and nothing told. */
static void test_counterexample_9_untold(void **state)
{
	int call;
	struct world *w = stopped_at("saved", &call);

	(void)state;
	check_one_way_out(w, call, "busy", 1);
}

/*
 * 10 (FROMREPLY): Redis carries out A's confirm; A is stopped before it reads the answer; B
 * takes, waits, reports; A reads: counted from its reading it would be in time.
 */
static void test_counterexample_10(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_CONFIRM_ANSWER, 1, sleeps_until_b_reported);
	world_create(w, call, "20");
	world_run(w, LONG + 6 * CLOCK_SEC);
	check_one_way_out(w, call, "unknown", 0);
}

/*
 * NOWAIT: A sleeps for longer than its session, but not as long as dial.bound, and then
 * dials in time.  B, who has had the partition for a while, must not have reported yet.
 */
static void test_unknown_waits_as_long_as_a_dial_may_be_made(void **state)
{
	struct world *w = story_make((struct world_rules){ .workers = 2, .dial_bound = 8 * CLOCK_SEC });
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_CONFIRM_ANSWER, 1, sleeps_until_b_reported);
	world_create(w, call, "0");
	world_run(w, 20 * CLOCK_SEC);
	check_one_way_out(w, call, "unknown", 1);
}

/*
 * 11 (GAP): A looks at the clock, is stopped between the look and the packet; B waits and
 * reports unknown; the packet leaves after all.  The phone rings once, late.
 */
static void test_counterexample_11(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_LOOKED, 1, sleeps_until_b_reported);
	world_create(w, call, "20");
	world_run(w, LONG - CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 0);
	assert_string_equal(world_outcome(w, call), "unknown");
	world_run(w, 6 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_int_equal(world_late_rings(w), 1);
	assert_string_equal(world_outcome(w, call), "unknown");
	story_end(w);
}

/* The same gap a few lines earlier, and shorter than it takes to lose the partition: nobody sees anything of it. */
static void test_a_short_stop_in_the_gap_changes_nothing(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_arm(w, "before-dial", 1, NULL, CLOCK_SEC);
	world_create(w, call, "20");
	world_run(w, 4 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_int_equal(world_late_rings(w), 0);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

/* ---- the same from the log's side: EXPIRE ---- */

static struct world *read_again_when_its_record_is_gone(int workers, int *call)
{
	struct world *w = story_make((struct world_rules){ .workers = workers, .keep = 4 * CLOCK_SEC });

	*call = world_call(w, 0);
	world_create_until(w, *call, "20", 2 * CLOCK_SEC);
	world_run(w, 8 * CLOCK_SEC);
	assert_null(redis_find(redis_of(w, 0), w->calls[*call].id));
	return w;
}

/* The record is gone, the group's offset goes back: the create is read again by an owner who knows nothing of it. */
static void test_a_create_whose_record_is_gone_is_passed_over(void **state)
{
	int call;
	struct world *w = read_again_when_its_record_is_gone(2, &call);

	(void)state;
	node_kill(world_node(w, 0));
	world_run(w, 4 * CLOCK_SEC);
	node_start(world_node(w, 0));
	world_rewind(w, 0, 10);
	world_run(w, 4 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_story(w, call), "establishing terminated:busy");
	story_end(w);
}

/* The same by the owner who has had the partition all the time. */
static void test_a_create_whose_record_is_gone_is_passed_over_by_its_owner(void **state)
{
	int call;
	struct world *w = read_again_when_its_record_is_gone(1, &call);

	(void)state;
	world_rewind(w, 0, 10);
	world_run(w, 4 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_story(w, call), "establishing terminated:busy");
	story_end(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counterexample_3),
		cmocka_unit_test(test_counterexample_9),
		cmocka_unit_test(test_counterexample_9_untold),
		cmocka_unit_test(test_counterexample_10),
		cmocka_unit_test(test_unknown_waits_as_long_as_a_dial_may_be_made),
		cmocka_unit_test(test_counterexample_11),
		cmocka_unit_test(test_a_short_stop_in_the_gap_changes_nothing),
		cmocka_unit_test(test_a_create_whose_record_is_gone_is_passed_over),
		cmocka_unit_test(test_a_create_whose_record_is_gone_is_passed_over_by_its_owner),
	};

	cmocka_set_test_filter(getenv("TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
