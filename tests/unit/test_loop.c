/* test_loop.c - timers fire in order and never from within; no callback comes for what is unwatched */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"

static int64_t now;

int64_t clock_utc(void)
{
	return now;
}

int64_t clock_mono(void)
{
	return now;
}

static struct loop *loop;
static char fired[64];

static int setup(void **state)
{
	(void)state;
	now = 1000;
	fired[0] = '\0';
	return loop_open(&loop);
}

static int teardown(void **state)
{
	(void)state;
	loop_close(loop);
	return 0;
}

static void note(void *arg)
{
	strcat(fired, arg);
}

static void test_timers_fire_by_due_time_then_by_order_of_setting(void **state)
{
	struct loop_timer t[4] = { 0 };

	(void)state;
	assert_int_equal(loop_run_due(loop), INT64_MAX);
	assert_int_equal(loop_timer_set(loop, &t[0], 1030, note, "c"), 0);
	assert_int_equal(loop_timer_set(loop, &t[1], 1010, note, "a"), 0);
	assert_int_equal(loop_timer_set(loop, &t[2], 1010, note, "b"), 0);
	assert_int_equal(loop_timer_set(loop, &t[3], 900, note, "0"), 0);
	assert_int_equal(loop_run_due(loop), 1010);
	assert_string_equal(fired, "0");
	now = 1010;
	assert_int_equal(loop_run_due(loop), 1030);
	assert_string_equal(fired, "0ab");
	now = 2000;
	assert_int_equal(loop_run_due(loop), INT64_MAX);
	assert_string_equal(fired, "0abc");
	assert_int_equal(t[0].slot, 0);
}

static void test_a_timer_can_be_moved_and_cleared(void **state)
{
	struct loop_timer a = { 0 }, b = { 0 };

	(void)state;
	loop_timer_clear(loop, &a);
	loop_timer_set(loop, &a, 1010, note, "a");
	loop_timer_set(loop, &b, 1020, note, "b");
	loop_timer_set(loop, &a, 1030, note, "A");
	now = 1020;
	loop_run_due(loop);
	assert_string_equal(fired, "b");
	loop_timer_clear(loop, &a);
	loop_timer_clear(loop, &a);
	now = 1040;
	assert_int_equal(loop_run_due(loop), INT64_MAX);
	assert_string_equal(fired, "b");
}

static struct loop_timer again, other;

static void set_again(void *arg)
{
	(void)arg;
	strcat(fired, "x");
	loop_timer_set(loop, &again, 0, set_again, NULL);
}

static void test_a_timer_due_again_waits_for_the_next_turn(void **state)
{
	(void)state;
	loop_timer_set(loop, &again, 0, set_again, NULL);
	loop_timer_set(loop, &other, 1000, note, "y");
	assert_int_equal(loop_run_due(loop), 0);
	assert_string_equal(fired, "xy");
	loop_run_due(loop);
	assert_string_equal(fired, "xyx");
	loop_timer_clear(loop, &again);
}

/* Each of these is done from within a timer, to a timer that was due in the same turn, or set in it. */
static void clear_other(void *arg)
{
	(void)arg;
	loop_timer_clear(loop, &other);
	loop_timer_set(loop, &again, 0, note, "never");
	loop_timer_set(loop, &other, 0, note, "z");
	loop_timer_clear(loop, &again);
}

static void test_timers_can_be_cleared_from_within_one(void **state)
{
	struct loop_timer t = { 0 };

	(void)state;
	loop_timer_set(loop, &t, 0, clear_other, NULL);
	loop_timer_set(loop, &other, 1, note, "never");
	loop_run_due(loop);
	assert_string_equal(fired, "");
	loop_run_due(loop);
	assert_string_equal(fired, "z");
}

static int64_t last_due;
static size_t in_order;

static void check_order(void *arg)
{
	const struct loop_timer *t = arg;

	if (t->due >= last_due)
		in_order++;
	last_due = t->due;
}

static void test_many_timers_keep_their_order(void **state)
{
	enum { N = 2000 };
	struct loop_timer *t = calloc(N, sizeof(*t));
	size_t cleared = 0;

	(void)state;
	last_due = INT64_MIN;
	in_order = 0;
	srandom(7);
	for (size_t i = 0; i < N; i++)
		loop_timer_set(loop, &t[i], 1000 + random() % 500, check_order, &t[i]);
	for (size_t i = 0; i < N; i += 3, cleared++)
		loop_timer_clear(loop, &t[i]);
	for (size_t i = 1; i < N; i += 3)
		loop_timer_set(loop, &t[i], 1000 + random() % 500, check_order, &t[i]);
	now = 3000;
	assert_int_equal(loop_run_due(loop), INT64_MAX);
	assert_int_equal(in_order, N - cleared);
	free(t);
}

static int pipes[2][2];
static unsigned int calls[2];

/* Both pipes are readable in one batch: whoever comes first unwatches the other. */
static void unwatch_the_other(void *arg, uint32_t events)
{
	size_t self = (size_t)(uintptr_t)arg;

	(void)events;
	calls[self]++;
	loop_unwatch(loop, pipes[!self][0]);
}

static void open_pipes(loop_fd_fn *fn)
{
	memset(calls, 0, sizeof(calls));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		assert_int_equal(loop_watch(loop, pipes[i][0], EPOLLIN, fn, (void *)(uintptr_t)i), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
	}
}

static void close_pipes(void)
{
	for (size_t i = 0; i < 2; i++) {
		loop_unwatch(loop, pipes[i][0]);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static void test_no_event_after_unwatch_in_the_same_batch(void **state)
{
	(void)state;
	open_pipes(unwatch_the_other);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(calls[0] + calls[1], 1);
	close_pipes();
}

static void count_new(void *arg, uint32_t events)
{
	(void)events;
	(*(unsigned int *)arg)++;
}

static unsigned int fresh;

/* The other descriptor is closed, and its number taken by a pipe that has nothing to read. */
static void replace_the_other(void *arg, uint32_t events)
{
	size_t self = (size_t)(uintptr_t)arg;
	int empty[2], old = pipes[!self][0];

	(void)events;
	calls[self]++;
	loop_unwatch(loop, old);
	close(old);
	close(pipes[!self][1]);
	assert_int_equal(pipe(empty), 0);
	assert_int_equal(dup2(empty[0], old), old);
	if (empty[0] != old)
		close(empty[0]);
	pipes[!self][1] = empty[1];
	loop_watch(loop, old, EPOLLIN, count_new, &fresh);
	loop_unwatch(loop, pipes[self][0]);
}

static void test_an_event_is_not_given_to_the_next_owner_of_the_number(void **state)
{
	(void)state;
	fresh = 0;
	open_pipes(replace_the_other);
	loop_turn(loop, 0);
	assert_int_equal(calls[0] + calls[1], 1);
	assert_int_equal(fresh, 0);
	close_pipes();
}

static void mute_the_other(void *arg, uint32_t events)
{
	size_t self = (size_t)(uintptr_t)arg;

	(void)events;
	calls[self]++;
	loop_watch(loop, pipes[!self][0], 0, mute_the_other, (void *)(uintptr_t)!self);
}

static void test_no_event_that_is_no_longer_watched_for(void **state)
{
	(void)state;
	open_pipes(mute_the_other);
	assert_int_equal(loop_turn(loop, 0), 0);
	assert_int_equal(calls[0] + calls[1], 1);
	close_pipes();
}

static void test_watching_again_changes_events_and_function(void **state)
{
	unsigned int seen = 0;

	(void)state;
	open_pipes(unwatch_the_other);
	assert_int_equal(loop_watch(loop, pipes[0][0], 0, count_new, &seen), 0);
	loop_unwatch(loop, pipes[1][0]);
	loop_turn(loop, 0);
	assert_int_equal(seen, 0);
	assert_int_equal(loop_watch(loop, pipes[0][0], EPOLLIN, count_new, &seen), 0);
	loop_turn(loop, 0);
	assert_int_equal(seen, 1);
	assert_int_equal(loop_watch(loop, 9999, EPOLLIN, count_new, &seen), -EBADF);
	assert_int_equal(loop_watch(loop, -1, EPOLLIN, count_new, &seen), -EBADF);
	loop_unwatch(loop, 9999);
	close_pipes();
}

static void stop(void *arg, int signo)
{
	*(int *)arg = signo;
	loop_stop(loop);
}

static void test_a_signal_comes_through_the_loop(void **state)
{
	int seen = 0;

	(void)state;
	assert_int_equal(loop_signals(loop, stop, &seen), 0);
	raise(SIGTERM);
	raise(SIGPIPE);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(seen, SIGTERM);
}

static void stop_timer(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void test_a_stop_before_the_run_counts_once(void **state)
{
	struct loop_timer t = { 0 };

	(void)state;
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
	loop_timer_set(loop, &t, 0, stop_timer, NULL);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(t.slot, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_timers_fire_by_due_time_then_by_order_of_setting),
		TEST(test_a_timer_can_be_moved_and_cleared),
		TEST(test_a_timer_due_again_waits_for_the_next_turn),
		TEST(test_timers_can_be_cleared_from_within_one),
		TEST(test_many_timers_keep_their_order),
		TEST(test_no_event_after_unwatch_in_the_same_batch),
		TEST(test_an_event_is_not_given_to_the_next_owner_of_the_number),
		TEST(test_no_event_that_is_no_longer_watched_for),
		TEST(test_watching_again_changes_events_and_function),
		TEST(test_a_signal_comes_through_the_loop),
		TEST(test_a_stop_before_the_run_counts_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
