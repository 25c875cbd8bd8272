/*
 * test_stories.c - whole workers in a world that plays Redis, Kafka and the phones: see world.h
 *
 * Stories pin what happens in which order, and what a fault at one exact moment
 * leads to.  VERBOSE=1 tells everything.
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

/* ---- the order ---- */

static void test_saved_told_confirmed_then_dialled(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "20");
	world_run(w, 40 * CLOCK_MS);
	story_starts_with(world_trace(w), "message save saved tell told confirm confirmed dial");
	story_end(w);
}

static void test_what_does_not_ring_is_acted_on_once_saved(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	world_trace_clear(w);
	world_play(w, call, "a", "context");
	world_run(w, 4 * CLOCK_MS);
	story_starts_with(world_trace(w), "message save saved play");
	world_run(w, CLOCK_SEC);
	world_hang_up(w, call, "b");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_story(w, call),
	                    "establishing established play:completed terminating terminated:completed");
	story_end(w);
}

static void test_a_late_confirm_is_asked_again(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_CONFIRM_ANSWER, 1, sleeps_shortly);
	world_create(w, call, "20");
	world_run(w, CLOCK_SEC);
	/* the second time with the same stamp; what it clears is clear already */
	story_starts_with(world_trace(w),
	                  "message save saved tell told confirm confirmed confirm clear confirmed dial");
	story_end(w);
}

static void test_a_stale_answer_is_read_again(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "20");
	world_run(w, CLOCK_SEC); /* over, and forgotten */
	world_trace_clear(w);
	world_repeat(w, 0);
	world_run(w, CLOCK_SEC);
	story_starts_with(world_trace(w), "message stale load");
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_story(w, call), "establishing terminated:busy");
	story_end(w);
}

static void test_a_repeated_command_is_not_acted_on(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_repeat(w, 0);
	world_run(w, CLOCK_SEC);
	world_play(w, call, "a", "context");
	world_repeat(w, 0);
	world_run(w, 2 * CLOCK_SEC);
	world_rewind(w, 0, 10);
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_count(w, POINT_PLAY), 1);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_story(w, call), "establishing established play:completed");
	story_end(w);
}

static void test_cancel_ends_every_prompt(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	world_play_loop(w, call, "a", "one");
	world_play(w, call, "b", "two");
	world_run(w, 100 * CLOCK_MS);
	assert_int_equal(world_prompts(w, call), 2);
	world_cancel(w, call, "c");
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_prompts(w, call), 0);
	assert_string_equal(world_story(w, call), "establishing established play:cancelled play:cancelled");
	world_hang_up(w, call, "d");
	story_end(w);
}

/* Saved and told, but the phone was not asked to stop: its next owner asks. */
static void test_a_cancelled_prompt_is_stopped_by_the_next_owner(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	world_play_loop(w, call, "a", "one");
	world_run(w, 200 * CLOCK_MS);
	world_when(w, POINT_SAVE_ANSWER, 1, killed);
	world_cancel(w, call, "b");
	world_run(w, 100 * CLOCK_MS);
	assert_int_equal(world_prompts(w, call), 1);
	world_run(w, 5 * CLOCK_SEC);
	assert_int_equal(world_prompts(w, call), 0);
	assert_string_equal(world_story(w, call), "establishing established play:cancelled");
	world_hang_up(w, call, "d");
	story_end(w);
}

/* ---- refused ---- */

static void test_refused_asks_the_group_and_takes_over_again(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	/* somebody who had been put out took it, and was gone again before the next step */
	snprintf(redis_of(w, 0)->epoch, STORE_EPOCH_SIZE, "77.somebody");
	world_trace_clear(w);
	world_play(w, call, "a", "context");
	world_run(w, CLOCK_SEC);
	story_starts_with(world_trace(w), "message refused ask");
	assert_non_null(strstr(world_trace(w), "ask take"));
	assert_non_null(strstr(world_trace(w), "adopt"));
	assert_int_equal(world_count(w, POINT_HANG_UP), 0);
	assert_string_equal(world_story(w, call), "establishing established play:completed");
	story_end(w);
}

static void test_a_sleeper_forgets_without_a_hang_up(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	node_pause(world_node(w, 0), 4 * CLOCK_SEC);
	node_pause(world_node(w, 1), 10); /* one of them has the partition */
	world_run(w, 8 * CLOCK_SEC);
	assert_int_equal(world_count(w, POINT_HANG_UP), 0);
	assert_int_equal(world_count(w, POINT_ADOPT), 1);
	assert_int_equal(world_count(w, POINT_FORGET), 1);
	assert_string_equal(world_outcome(w, call), "");
	world_hang_up(w, call, "b");
	story_end(w);
}

/* ---- hand-over ---- */

static void test_a_handover_finishes_the_step(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_SAVE_ANSWER, 1, rebalanced);
	world_create(w, call, "20");
	world_run(w, 3 * CLOCK_SEC);
	assert_string_equal(world_outcome(w, call), "busy");
	assert_int_equal(world_dials(w, call), 1);
	story_end(w);
}

static void test_what_comes_back_goes_on_from_memory(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0), takes = world_count(w, POINT_TAKE);

	(void)state;
	world_create(w, call, "10");
	world_run(w, 500 * CLOCK_MS);
	world_rebalance(w);
	world_run(w, 3 * CLOCK_SEC);
	assert_string_equal(world_outcome(w, call), "completed");
	assert_int_equal(world_count(w, POINT_TAKE), takes);
	assert_int_equal(world_count(w, POINT_ADOPT), 0);
	story_end(w);
}

static void test_a_drained_worker_loses_nothing(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "10");
	world_run(w, 500 * CLOCK_MS);
	node_drain(world_node(w, 0));
	world_run(w, 5 * CLOCK_SEC);
	assert_null(node_worker(world_node(w, 0)));
	assert_string_equal(world_outcome(w, call), "completed");
	story_end(w);
}

static void drains(struct world *w, struct node *n)
{
	(void)w;
	node_drain(n);
}

/* That it was started is saved before the partition goes: else it would end as failed while it is heard. */
static void test_a_prompt_is_handed_over_as_started(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	world_when(w, POINT_SAVE_ANSWER, 1, drains);
	world_play(w, call, "a", "context");
	world_run(w, 5 * CLOCK_SEC);
	assert_string_equal(world_story(w, call), "establishing established play:completed");
	world_hang_up(w, call, "b");
	story_end(w);
}

/* The carrier has forgotten a phone that ended, and its word waits behind another's: there is no record to hand over. */
static void test_an_end_that_was_heard_is_not_lost_at_a_handover(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "20 22");
	world_run(w, 30 * CLOCK_MS); /* dialled */
	world_when(w, POINT_SAVE_ANSWER, 1, drains);
	world_run(w, 5 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 2);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

static void another_takes_and_all_is_revoked(struct world *w, struct node *n)
{
	(void)n;
	snprintf(redis_of(w, 0)->epoch, STORE_EPOCH_SIZE, "77.somebody");
	world_rebalance(w);
}

static void test_what_is_refused_while_it_is_given_back_is_not_asked_again(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_TOLD, 2, another_takes_and_all_is_revoked);
	world_create(w, call, "20");
	world_run(w, CLOCK_SEC);
	assert_true(world_count(w, POINT_REFUSED) <= 2);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

/* ---- takeover ---- */

static struct world *killed_at(enum world_point point, int nth, const char *phones, int *call)
{
	struct world *w = story_workers(2);

	*call = world_call(w, 0);
	world_when(w, point, nth, killed);
	world_create(w, *call, phones);
	world_run(w, 8 * CLOCK_SEC);
	return w;
}

static void test_an_intent_is_dialled_by_the_next_owner(void **state)
{
	int call;
	struct world *w = killed_at(POINT_TOLD, 1, "20", &call);

	(void)state;
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

static void test_what_was_saved_and_not_told_is_told(void **state)
{
	int call;
	struct world *w = killed_at(POINT_SAVE_ANSWER, 1, "20", &call);

	(void)state;
	assert_string_equal(world_story(w, call), "establishing terminated:busy");
	story_end(w);
}

static void test_a_dial_that_may_have_been_made_ends_as_unknown(void **state)
{
	int call;
	struct world *w = killed_at(POINT_CONFIRM_ANSWER, 1, "20", &call);

	(void)state;
	assert_int_equal(world_dials(w, call), 0);
	assert_string_equal(world_outcome(w, call), "unknown");
	story_end(w);
}

static void test_unknown_waits_until_nobody_can_dial_any_more(void **state)
{
	struct world *w = story_workers(2);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_CONFIRM_ANSWER, 1, sleeps_long);
	world_create(w, call, "20");
	world_run(w, 10 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 0);
	assert_string_equal(world_outcome(w, call), "unknown");
	story_end(w);
}

static void test_a_leg_is_adopted(void **state)
{
	int call;
	struct world *w = killed_at(POINT_PHONE, 2, "10", &call);

	(void)state;
	assert_int_equal(world_count(w, POINT_ADOPT), 1);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_outcome(w, call), "completed");
	story_end(w);
}

/* ---- Redis ---- */

static void redis_goes(world_act_fn *how)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	/* a leg in our own hand is never unknown, whether its confirm was heard or not */
	world_when(w, POINT_CONFIRM, 1, how);
	world_create(w, call, "20");
	world_run(w, 8 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_outcome(w, call), "busy");
	assert_int_equal(world_count(w, POINT_ADOPT), 0);
	story_end(w);
}

static void test_redis_away_and_back(void **state)
{
	(void)state;
	redis_goes(redis_leaves);
}

/* The confirm is carried out and answered when the phone should have answered long ago: it rings all the same. */
static void test_who_was_dialled_late_rings_as_long(void **state)
{
	struct world *w = story_make((struct world_rules){
	        .workers = 1, .ring_timeout = 300 * CLOCK_MS, .dial_bound = 3 * CLOCK_SEC });
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_TOLD, 1, redis_leaves);
	world_create(w, call, "20");
	world_run(w, 3 * CLOCK_SEC);
	assert_int_equal(world_dials(w, call), 1);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

static void test_redis_restarted_with_its_data(void **state)
{
	(void)state;
	redis_goes(redis_restarts);
}

static void cut_now(struct world *w, struct node *n)
{
	(void)n;
	node_cut(world_node(w, 0));
}

/* Twice: the epoch in Redis is one that its owner never heard of.  It is still the owner's own. */
static void test_the_answer_of_a_take_is_lost(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_when(w, POINT_DIAL, 1, cut_now);
	world_when(w, POINT_TAKE, 1, cut_now);
	world_when(w, POINT_TAKE, 2, cut_now);
	world_create(w, call, "20");
	world_run(w, 8 * CLOCK_SEC);
	assert_true(world_count(w, POINT_TAKE) >= 3);
	assert_int_equal(world_count(w, POINT_ADOPT), 0);
	assert_int_equal(world_count(w, POINT_FORGET), 0);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

static void another_is_created(struct world *w, struct node *n)
{
	(void)n;
	world_create(w, 1, "20");
}

static void first_gets_a_command(struct world *w, struct node *n)
{
	(void)n;
	world_play(w, 0, "late", "context");
}

/*
 * The first call's end is acknowledged, and {p}:told is raised past it by the
 * second call's confirm; then Redis goes before the clear, while a late command
 * has brought the first call back into memory, unread.
 */
static void test_what_was_told_leaves_the_outbox_in_the_end(void **state)
{
	struct world *w = story_workers(1);

	(void)state;
	world_call(w, 0);
	world_call(w, 0);
	world_create(w, 0, "20");
	world_when(w, POINT_TOLD, 2, another_is_created);
	world_when(w, POINT_TELL, 3, first_gets_a_command);
	world_when(w, POINT_CONFIRM, 2, redis_restarts);
	world_run(w, CLOCK_SEC);
	story_end(w);
}

/* ---- commands that are no commands ---- */

static void test_poison_is_set_aside_and_the_partition_goes_on(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_poison(w, 0, 6);
	world_create(w, call, "20");
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 1);
	assert_string_equal(world_outcome(w, call), "busy");
	assert_int_equal(world_committed(w, 0), 2);
	story_end(w);
}

/* As large as a broker lets in, which is more than a producer of ours may send. */
static void test_large_poison_is_set_aside(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_poison(w, 0, 1048000);
	world_create(w, call, "20");
	world_run(w, CLOCK_SEC);
	assert_int_equal(world_dead_letters(w), 1);
	assert_string_equal(world_outcome(w, call), "busy");
	story_end(w);
}

static void test_a_newer_record_stops_its_partition(void **state)
{
	struct world *w = story_make((struct world_rules){ .workers = 1, .partitions = 2 });
	const int before = world_call(w, 0), behind = world_call(w, 0), beside = world_call(w, 1);

	(void)state;
	world_create(w, before, "20");
	world_newer(w, 0);
	world_create(w, behind, "20");
	world_create(w, beside, "20");
	world_run(w, 3 * CLOCK_SEC);
	assert_string_equal(world_outcome(w, before), "busy");
	assert_string_equal(world_outcome(w, beside), "busy");
	assert_int_equal(world_events(w, behind), 0);
	assert_int_equal(world_committed(w, 0), 1);
	assert_int_equal(world_dead_letters(w), 0);
	assert_null(world_failure(w));
	world_close(w);
}

/* Another had the partition meanwhile, and got past the record. */
static void test_a_partition_that_stood_still_goes_on_when_it_comes_back(void **state)
{
	struct world *w = story_workers(2);
	const int before = world_call(w, 0), behind = world_call(w, 0);

	(void)state;
	world_create(w, before, "20");
	world_newer(w, 0);
	world_create(w, behind, "20");
	world_run(w, CLOCK_SEC);
	node_pause(world_node(w, 0), 4 * CLOCK_SEC);
	world_run(w, 8 * CLOCK_SEC);
	assert_int_equal(world_committed(w, 0), 1);
	world_rewind(w, 0, -1);
	node_kill(world_node(w, 1));
	world_run(w, 8 * CLOCK_SEC);
	assert_string_equal(world_outcome(w, behind), "busy");
	assert_null(world_failure(w));
	world_close(w);
}

static void play_with_context(struct world *w, int call, const char *name, int c, size_t len)
{
	char *context = must_calloc(1, len + 1);

	memset(context, c, len);
	world_play(w, call, name, context);
	free(context);
}

static void test_what_is_too_big_ends_as_failed(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0), other = world_call(w, 0);

	(void)state;
	world_create_big(w, call);
	world_create(w, other, "0");
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_outcome(w, call), "failed");
	play_with_context(w, other, "a", 'c', 15000);
	play_with_context(w, other, "b", 'c', 15000); /* both at once would not fit */
	world_run(w, CLOCK_SEC);
	assert_string_equal(world_story(w, other), "establishing established play:failed play:completed");
	world_hang_up(w, other, "c");
	story_end(w);
}

static void test_what_was_let_in_never_keeps_a_call_from_its_end(void **state)
{
	struct world *w = story_workers(1);
	const int call = world_call(w, 0);

	(void)state;
	world_create(w, call, "0");
	world_run(w, CLOCK_SEC);
	/* six bytes each once they stand in JSON: the result is over the bound that the command was under */
	play_with_context(w, call, "a", 1, 5000);
	play_with_context(w, call, "b", 1, 5000);
	world_run(w, 100 * CLOCK_MS);
	world_hang_up(w, call, "c");
	world_run(w, CLOCK_SEC);
	assert_string_equal(
	        world_story(w, call),
	        "establishing established terminating play:failed play:failed terminated:completed");
	story_end(w);
}

/* ---- bounds ---- */

static void test_no_step_begins_while_too_much_is_unacknowledged(void **state)
{
	struct world *w = story_make((struct world_rules){ .workers = 1, .unacked = 100 });
	int calls[4];

	(void)state;
	world_kafka_stuck(w, CLOCK_SEC);
	for (int i = 0; i < 4; i++)
		calls[i] = world_call(w, 0);
	world_create(w, calls[0], "20");
	world_run(w, 100 * CLOCK_MS); /* its one event is over the bound */
	assert_int_equal(world_count(w, POINT_SAVE), 1);
	for (int i = 1; i < 4; i++)
		world_create(w, calls[i], "20");
	world_run(w, 500 * CLOCK_MS);
	assert_int_equal(world_count(w, POINT_SAVE), 1);
	world_run(w, 5 * CLOCK_SEC);
	for (int i = 0; i < 4; i++)
		assert_string_equal(world_outcome(w, calls[i]), "busy");
	story_end(w);
}

static void test_more_commands_than_fit_are_read_later(void **state)
{
	struct world *w = story_make((struct world_rules){ .workers = 1, .commands = 2, .inflight = 1 });
	int calls[WORLD_CALLS];

	(void)state;
	for (int i = 0; i < WORLD_CALLS; i++) {
		calls[i] = world_call(w, 0);
		world_create(w, calls[i], "20");
	}
	world_run(w, 5 * CLOCK_SEC);
	for (int i = 0; i < WORLD_CALLS; i++)
		assert_string_equal(world_outcome(w, calls[i]), "busy");
	story_end(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved_told_confirmed_then_dialled),
		cmocka_unit_test(test_what_does_not_ring_is_acted_on_once_saved),
		cmocka_unit_test(test_a_late_confirm_is_asked_again),
		cmocka_unit_test(test_a_stale_answer_is_read_again),
		cmocka_unit_test(test_a_repeated_command_is_not_acted_on),
		cmocka_unit_test(test_cancel_ends_every_prompt),
		cmocka_unit_test(test_a_cancelled_prompt_is_stopped_by_the_next_owner),
		cmocka_unit_test(test_refused_asks_the_group_and_takes_over_again),
		cmocka_unit_test(test_a_sleeper_forgets_without_a_hang_up),
		cmocka_unit_test(test_a_handover_finishes_the_step),
		cmocka_unit_test(test_what_comes_back_goes_on_from_memory),
		cmocka_unit_test(test_a_drained_worker_loses_nothing),
		cmocka_unit_test(test_a_prompt_is_handed_over_as_started),
		cmocka_unit_test(test_an_end_that_was_heard_is_not_lost_at_a_handover),
		cmocka_unit_test(test_what_is_refused_while_it_is_given_back_is_not_asked_again),
		cmocka_unit_test(test_an_intent_is_dialled_by_the_next_owner),
		cmocka_unit_test(test_what_was_saved_and_not_told_is_told),
		cmocka_unit_test(test_a_dial_that_may_have_been_made_ends_as_unknown),
		cmocka_unit_test(test_unknown_waits_until_nobody_can_dial_any_more),
		cmocka_unit_test(test_a_leg_is_adopted),
		cmocka_unit_test(test_redis_away_and_back),
		cmocka_unit_test(test_who_was_dialled_late_rings_as_long),
		cmocka_unit_test(test_redis_restarted_with_its_data),
		cmocka_unit_test(test_the_answer_of_a_take_is_lost),
		cmocka_unit_test(test_what_was_told_leaves_the_outbox_in_the_end),
		cmocka_unit_test(test_poison_is_set_aside_and_the_partition_goes_on),
		cmocka_unit_test(test_large_poison_is_set_aside),
		cmocka_unit_test(test_a_newer_record_stops_its_partition),
		cmocka_unit_test(test_a_partition_that_stood_still_goes_on_when_it_comes_back),
		cmocka_unit_test(test_what_is_too_big_ends_as_failed),
		cmocka_unit_test(test_what_was_let_in_never_keeps_a_call_from_its_end),
		cmocka_unit_test(test_no_step_begins_while_too_much_is_unacknowledged),
		cmocka_unit_test(test_more_commands_than_fit_are_read_later),
	};

	cmocka_set_test_filter(getenv("TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
