/*
 * test_participants.c - who comes into a call and who leaves it, and what a fault at one exact moment does to that
 *
 * VERBOSE=1 tells everything, TEST=<name> runs one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "simulation/story.h"

/* A call that talks. */
static struct world *talking(int workers, const char *phones, int *call)
{
	struct world *w = story_workers(workers);

	*call = world_call(w, 0);
	world_create(w, *call, phones);
	world_run(w, CLOCK_SEC);
	world_trace_clear(w);
	return w;
}

/* Two phones talk with each other, and their app has just hung up. */
static struct world *left(int workers, int *call)
{
	struct world *w = talking(workers, "0 1", call);

	assert_int_equal(world_bridged(w, *call), 2);
	world_hang_up(w, *call, "a");
	world_run(w, 20 * CLOCK_MS);
	return w;
}

#define LEFT "establishing established terminating left:completed"

static void test_the_invited_is_announced_confirmed_then_dialled(void **state)
{
	int call;
	struct world *w = talking(1, "0", &call);

	(void)state;
	world_invite(w, call, "invite-1", "0");
	world_run(w, 40 * CLOCK_MS);
	story_starts_with(world_trace(w), "message save saved tell told confirm confirmed dial");
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_bridged(w, call), 2);
	assert_string_equal(world_story(w, call), "establishing established invite:completed");
	world_delete(w, call, "b");
	story_end(w);
}

/* The second announcement is not in the ledger yet when the first one's confirm is carried out. */
static void test_a_confirm_is_of_what_was_announced(void **state)
{
	int call;
	struct world *w = talking(1, "0", &call);

	(void)state;
	world_invite(w, call, "invite-1", "0");
	world_when(w, POINT_TOLD, 1, kafka_sticks);
	world_invite(w, call, "invite-2", "20 0");
	world_run(w, 5 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 4);
	assert_string_equal(world_story(w, call),
	                    "establishing established invite:completed invite:failed invite:completed");
	world_delete(w, call, "b");
	story_end(w);
}

/* Announced and saved, not confirmed: surely not dialled, so the next owner dials. */
static void test_an_invited_who_was_not_dialled_is_dialled_by_the_next_owner(void **state)
{
	int call;
	struct world *w = talking(2, "0", &call);

	(void)state;
	world_when(w, POINT_TOLD, 1, killed);
	world_invite(w, call, "invite-1", "0");
	world_run(w, 10 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 2);
	assert_string_equal(world_story(w, call), "establishing established invite:completed");
	world_delete(w, call, "b");
	story_end(w);
}

/* Confirmed: nobody can know whether he was.  The others talk on. */
static void test_an_invited_whose_dial_nobody_knows_of_is_unknown(void **state)
{
	int call;
	struct world *w = talking(2, "0", &call);

	(void)state;
	world_when(w, POINT_CONFIRM_ANSWER, 1, killed);
	world_invite(w, call, "invite-1", "0");
	world_run(w, 8 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_story(w, call), "establishing established invite:failed");
	world_hang_up(w, call, "b");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_outcome(w, call), "completed");
	story_end(w);
}

/* His answer was saved, and nothing was asked of the carrier any more. */
static void test_who_joins_hears_what_is_played_whoever_owns_the_call(void **state)
{
	int call;
	struct world *w = talking(2, "0", &call);

	(void)state;
	world_play_loop(w, call, "a", "prompt");
	world_invite(w, call, "invite-1", "0");
	world_run(w, 100 * CLOCK_MS);
	world_arm(w, "saved", 1, NULL, 0); /* he rings already */
	world_run(w, 8 * CLOCK_SEC);
	assert_int_equal(world_prompts(w, call), 2);
	assert_int_equal(world_bridged(w, call), 2);
	world_cancel(w, call, "b");
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_prompts(w, call), 0);
	world_delete(w, call, "c");
	story_end(w);
}

static void test_the_last_one_removed_ends_the_call(void **state)
{
	int call;
	struct world *w = talking(1, "0 1", &call);

	(void)state;
	world_remove(w, call, "a", "create", 0);
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_story(w, call), "establishing established");
	world_remove(w, call, "b", "create", 1);
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_story(w, call),
	                    "establishing established terminating terminated:completed");
	story_end(w);
}

static void test_left_two_talk_on(void **state)
{
	int call;
	struct world *w = left(1, &call);

	(void)state;
	assert_string_equal(world_story(w, call), LEFT);
	assert_int_equal(world_bridged(w, call), 2);
	world_run(w, 3 * CLOCK_SEC);
	assert_string_equal(world_story(w, call), LEFT " (gone)");
	story_end(w);
}

/* The ledger has the app's last event, and Redis does not know that it has: the call is not over for that. */
static void test_left_is_taken_over(void **state)
{
	int call;
	struct world *w = talking(2, "0 1", &call);

	(void)state;
	world_arm(w, "acknowledged", 2, NULL, 0); /* Terminating, then Terminated */
	world_hang_up(w, call, "a");
	world_run(w, 8 * CLOCK_SEC);
	assert_string_equal(world_story(w, call), LEFT " (gone)");
	story_end(w);
}

/* Saved as left, and the phones were not told: the next owner does. */
static void test_left_by_an_owner_who_is_gone(void **state)
{
	int call;
	struct world *w = talking(2, "0 1", &call);

	(void)state;
	world_arm(w, "before-act", 1, NULL, 0);
	world_hang_up(w, call, "a");
	world_run(w, 8 * CLOCK_SEC);
	assert_string_equal(world_story(w, call), LEFT " (gone)");
	story_end(w);
}

static void sleeps_for_a_session(struct world *w, struct node *n)
{
	(void)w;
	node_pause(n, 2100 * CLOCK_MS); /* longer than its session, shorter than dial.bound here */
}

/*
 * Who confirmed the invite wakes up and dials, when the next owner has had the app's hang up
 * already.  The two who were left have talked to their end before that is sure.
 */
static void test_nobody_rings_after_it_was_left(void **state)
{
	struct world *w = story_make((struct world_rules){ .workers = 2, .dial_bound = 3 * CLOCK_SEC });
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0 1");
	world_run(w, CLOCK_SEC);
	world_when(w, POINT_CONFIRM_ANSWER, 1, sleeps_for_a_session);
	world_invite(w, call, "invite-1", "0");
	world_run(w, CLOCK_SEC);
	world_hang_up(w, call, "a");
	world_run(w, 1500 * CLOCK_MS);
	assert_int_equal(world_dials(w, call), 3);
	assert_string_equal(world_story(w, call), "establishing established terminating");
	world_run(w, 10 * CLOCK_SEC);
	assert_string_equal(world_story(w, call),
	                    "establishing established terminating invite:failed terminated:completed");
	story_end(w);
}

static void test_left_and_ended_for_all(void **state)
{
	int call;
	struct world *w = left(1, &call);

	(void)state;
	world_play(w, call, "b", "too late");
	world_invite(w, call, "invite-1", "0");
	world_delete(w, call, "c");
	world_run(w, 500 * CLOCK_MS);
	assert_string_equal(world_story(w, call), LEFT " (gone)");
	assert_int_equal(world_dials(w, call), 2);
	story_end(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_invited_is_announced_confirmed_then_dialled),
		cmocka_unit_test(test_a_confirm_is_of_what_was_announced),
		cmocka_unit_test(test_an_invited_who_was_not_dialled_is_dialled_by_the_next_owner),
		cmocka_unit_test(test_an_invited_whose_dial_nobody_knows_of_is_unknown),
		cmocka_unit_test(test_who_joins_hears_what_is_played_whoever_owns_the_call),
		cmocka_unit_test(test_the_last_one_removed_ends_the_call),
		cmocka_unit_test(test_left_two_talk_on),
		cmocka_unit_test(test_left_is_taken_over),
		cmocka_unit_test(test_left_by_an_owner_who_is_gone),
		cmocka_unit_test(test_nobody_rings_after_it_was_left),
		cmocka_unit_test(test_left_and_ended_for_all),
	};

	cmocka_set_test_filter(getenv("TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
