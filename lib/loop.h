/*
 * loop.h - file descriptors, timers and signals, on one thread
 *
 * A loop belongs to the thread that opened it.  It is ours, not a library's,
 * because its timers take the time from clock.h: a test sets the clock and
 * calls loop_run_due(), and whole programs run without a socket or a sleep.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stddef.h>
#include <stdint.h>

struct loop;

typedef void loop_fd_fn(void *arg, uint32_t events); /* EPOLLIN | EPOLLOUT ... */
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

/* Zeroed is "not set".  Must stay where it is while it is set. */
struct loop_timer {
	int64_t due; /* clock_mono() */
	loop_timer_fn *fn;
	void *arg;
	size_t slot;    /* place in the heap + 1; 0: not set */
	uint64_t order; /* of setting: equal due times fire in this order */
};

int loop_open(struct loop **out);
void loop_close(struct loop *l); /* NULL is fine; closes no descriptor that was watched */

/* Watches fd, or changes what is watched for.  0, or a negative errno. */
int loop_watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg);
void loop_unwatch(struct loop *l, int fd); /* unknown fd is fine; call it before close(fd) */

/* Sets or moves the timer.  A due time in the past fires on the next turn, never from within. */
int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due, loop_timer_fn *fn, void *arg);
void loop_timer_clear(struct loop *l, struct loop_timer *t); /* not set is fine */

/* SIGTERM, SIGINT and SIGHUP arrive through fn from now on; SIGPIPE is ignored. */
int loop_signals(struct loop *l, loop_signal_fn *fn, void *arg);

/* Fires what is due; returns when the next timer is due, or INT64_MAX. */
int64_t loop_run_due(struct loop *l);

/* Turns until loop_stop().  0, or a negative errno of epoll. */
int loop_run(struct loop *l);
/* One turn: waits at most until `until` (clock_mono()) for something to do, does it. */
int loop_turn(struct loop *l, int64_t until);
void loop_stop(struct loop *l);

#endif
