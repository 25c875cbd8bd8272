/*
 * test_dead.c - commands that can't be carried out: set aside after so many tries, and nobody waits for them
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

#define STORY_OF_A_LEG "establishing established terminating terminated:completed"

/* The partition goes on, and all that stands in it may be committed. */
static void goes_on(struct world *w)
{
	const int after = world_call(w, 0);

	world_create(w, after, "20");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_outcome(w, after), "busy");
	assert_int_equal(world_committed(w, 0), world_commands(w, 0));
	story_end(w);
}

static void test_a_misfit_create_ends_its_call(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create_misfit(w, call);
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 1);
	assert_string_equal(world_story(w, call), "terminated:failed");
	goes_on(w);
}

static void test_a_create_that_cant_be_saved_ends_its_call(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0), beside = world_call(w, 0);

	(void)state;
	world_spoil(w, call, true);
	world_create(w, call, "0");
	world_create(w, beside, "20");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_outcome(w, beside), "busy"); /* nothing waits for it */
	assert_int_equal(world_dead_letters(w), 0);
	world_run(w, 5 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 1);
	assert_int_equal(world_dials(w, call), 0);
	assert_string_equal(world_story(w, call), "terminated:failed");
	goes_on(w);
}

/* The second command comes while the first one's end waits: that one is a create all the same. */
static void test_a_create_that_cant_be_read_ends_its_call(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_spoil(w, call, true);
	world_create(w, call, "0");
	world_hang_up(w, call, "a");
	world_run(w, 6 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 2);
	assert_string_equal(world_story(w, call), "terminated:failed");
	goes_on(w);
}

static void test_what_can_be_saved_again_goes_on(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_spoil(w, call, true);
	world_create(w, call, "20");
	world_run(w, CLOCK_SEC);
	world_spoil(w, call, false);
	world_run(w, 2 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 0);
	assert_string_equal(world_story(w, call), "establishing terminated:busy");
	goes_on(w);
}

static void test_a_play_that_cant_be_saved_is_set_aside(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	world_spoil(w, call, true);
	world_play(w, call, "a", "context");
	world_run(w, 3 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 1);
	assert_int_equal(world_count(w, POINT_PLAY), 0);
	world_spoil(w, call, false); /* it was the command's fault: the call has a life after it */
	world_hang_up(w, call, "b");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_story(w, call), STORY_OF_A_LEG);
	goes_on(w);
}

/* The first one has shown that nothing helps: the others don't keep the partition for a minute. */
static void test_many_commands_for_such_a_call_are_set_aside_soon(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);
	char name[16];

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	world_spoil(w, call, true);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "play-%d", i);
		world_play(w, call, name, "context");
	}
	world_run(w, 4 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 30);
	world_spoil(w, call, false);
	world_hang_up(w, call, "b");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_story(w, call), STORY_OF_A_LEG);
	goes_on(w);
}

/* No command failed, but what its legs do can't be saved any more: nobody is left on the line. */
static void test_a_call_that_cant_be_saved_any_more_ends(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "10");
	world_run(w, 500 * CLOCK_MS);
	world_spoil(w, call, true);
	world_run(w, 10 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 0);
	assert_string_equal(world_story(w, call), "establishing established terminated:failed");
	goes_on(w);
}

/* Redis still has it as it was: the next owner knows from the ledger that it is over. */
static void test_an_end_that_was_not_saved_stays_the_end(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "10");
	world_run(w, 500 * CLOCK_MS);
	world_spoil(w, call, true);
	world_when(w, POINT_TOLD, 1, killed); /* of its end */
	world_run(w, 20 * CLOCK_SEC);
	assert_string_equal(world_story(w, call), "establishing established terminated:failed");
	assert_int_equal(world_count(w, POINT_ADOPT), 0);
	world_create(w, world_call(w, 0), "20");
	story_end(w);
}

static void killed_now(struct world *w, struct node *n)
{
	node_kill(n);
	node_start(n);
	(void)w;
}

/* The letter is out, its end is told, and the owner dies before the commit: the next one tells the same bytes. */
static void test_the_end_told_twice_is_the_same(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_spoil(w, call, true);
	world_when(w, POINT_TOLD, 2, killed_now); /* the first is the letter, the second the end itself */
	world_create(w, call, "0");
	world_run(w, 20 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 2);
	assert_string_equal(world_story(w, call), "terminated:failed");
	goes_on(w);
}

static void test_the_offset_waits_for_both_records(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_TOLD, 1, killed_now); /* Kafka has the letter, and nobody hears of it */
	world_create_misfit(w, call);
	world_run(w, 10 * CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 2);
	assert_string_equal(world_story(w, call), "terminated:failed");
	goes_on(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_misfit_create_ends_its_call),
		cmocka_unit_test(test_a_create_that_cant_be_saved_ends_its_call),
		cmocka_unit_test(test_a_create_that_cant_be_read_ends_its_call),
		cmocka_unit_test(test_what_can_be_saved_again_goes_on),
		cmocka_unit_test(test_a_play_that_cant_be_saved_is_set_aside),
		cmocka_unit_test(test_many_commands_for_such_a_call_are_set_aside_soon),
		cmocka_unit_test(test_a_call_that_cant_be_saved_any_more_ends),
		cmocka_unit_test(test_an_end_that_was_not_saved_stays_the_end),
		cmocka_unit_test(test_the_end_told_twice_is_the_same),
		cmocka_unit_test(test_the_offset_waits_for_both_records),
	};

	cmocka_set_test_filter(getenv("TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
