/*
 * loop.c - see loop.h.  epoll for descriptors, a binary heap for timers.
 *
 * Callbacks may watch, unwatch, set and clear whatever they like:
 * - a descriptor's slot has a generation, which goes into epoll's data; an event
 *   of a generation that is over is dropped, also within one batch
 * - a timer set while timers fire waits in `later` until all have fired, so that
 *   one that is always due again cannot hold the loop
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define BATCH 64 /* events a turn: timers are looked at in between */

struct watch {
	loop_fd_fn *fn; /* NULL: not watched */
	void *arg;
	uint32_t events;
	uint32_t generation;
};

struct loop {
	int epoll;
	int signals; /* signalfd, or -1 */
	loop_signal_fn *signal_fn;
	void *signal_arg;
	struct watch *watches; /* by descriptor */
	size_t watch_size;
	struct loop_timer **heap;  /* smallest (due, order) first */
	struct loop_timer **later; /* as large as the heap, so that moving over cannot fail */
	size_t heap_count, later_count, timer_size;
	uint64_t order;
	bool firing, stopped;
	bool no_pwait2; /* a kernel before 5.11: milliseconds have to do */
};

/* in loop_timer.slot: stands in `later`, not in the heap */
#define IN_LATER (~(SIZE_MAX >> 1))

int loop_open(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->signals = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		int r = -errno;

		free(l);
		return r;
	}
	*out = l;
	return 0;
}

void loop_close(struct loop *l)
{
	if (!l)
		return;
	if (l->signals >= 0)
		close(l->signals);
	close(l->epoll);
	free(l->watches);
	free(l->heap);
	free(l->later);
	free(l);
}

/* ---- descriptors ---- */

static int grow_watches(struct loop *l, size_t need)
{
	size_t size = l->watch_size ? l->watch_size : 64;
	struct watch *bigger;

	if (need <= l->watch_size)
		return 0;
	while (size < need)
		size *= 2;
	bigger = realloc(l->watches, size * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	for (size_t i = l->watch_size; i < size; i++)
		bigger[i] = (struct watch){ 0 };
	l->watches = bigger;
	l->watch_size = size;
	return 0;
}

int loop_watch(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *arg)
{
	struct epoll_event ev = { .events = events };
	struct watch *w;
	int r = -1;

	if (fd < 0)
		return -EBADF;
	if (grow_watches(l, (size_t)fd + 1) < 0)
		return -ENOMEM;
	w = &l->watches[fd];
	if (w->fn) {
		ev.data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd;
		r = epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev);
	}
	if (r < 0) { /* new here, or closed unseen and its number given to another file */
		ev.data.u64 = (uint64_t)++w->generation << 32 | (uint32_t)fd;
		r = epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev);
	}
	if (r < 0) {
		w->fn = NULL;
		return -errno;
	}
	w->fn = fn;
	w->arg = arg;
	w->events = events;
	return 0;
}

void loop_unwatch(struct loop *l, int fd)
{
	struct watch *w;

	if (fd < 0 || (size_t)fd >= l->watch_size || !l->watches[fd].fn)
		return;
	w = &l->watches[fd];
	w->fn = NULL;
	w->generation++;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void dispatch(struct loop *l, const struct epoll_event *ev)
{
	struct watch *w = &l->watches[(uint32_t)ev->data.u64];
	uint32_t events;

	if (!w->fn || w->generation != ev->data.u64 >> 32)
		return;
	/* what is watched for may have become less in this batch */
	events = ev->events & (w->events | EPOLLERR | EPOLLHUP);
	if (events)
		w->fn(w->arg, events);
}

/* ---- timers ---- */

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void place(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->slot = i + 1;
}

static void sift_up(struct loop *l, size_t i, struct loop_timer *t)
{
	for (; i && before(t, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		place(l, i, l->heap[(i - 1) / 2]);
	place(l, i, t);
}

static void sift_down(struct loop *l, size_t i, struct loop_timer *t)
{
	size_t child;

	while ((child = 2 * i + 1) < l->heap_count) {
		if (child + 1 < l->heap_count && before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!before(l->heap[child], t))
			break;
		place(l, i, l->heap[child]);
		i = child;
	}
	place(l, i, t);
}

static int grow_timers(struct loop *l)
{
	size_t size = l->timer_size ? l->timer_size * 2 : 64;
	struct loop_timer **heap, **later;

	if (l->heap_count + l->later_count < l->timer_size)
		return 0;
	heap = realloc(l->heap, size * sizeof(struct loop_timer *));
	if (!heap)
		return -ENOMEM;
	l->heap = heap;
	later = realloc(l->later, size * sizeof(struct loop_timer *));
	if (!later)
		return -ENOMEM;
	l->later = later;
	l->timer_size = size;
	return 0;
}

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due, loop_timer_fn *fn, void *arg)
{
	loop_timer_clear(l, t);
	if (grow_timers(l) < 0)
		return -ENOMEM;
	t->due = due;
	t->fn = fn;
	t->arg = arg;
	t->order = ++l->order;
	if (l->firing) {
		l->later[l->later_count++] = t;
		t->slot = IN_LATER | l->later_count;
	} else {
		sift_up(l, l->heap_count++, t);
	}
	return 0;
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	size_t i = (t->slot & ~IN_LATER) - 1;
	struct loop_timer *last;

	if (!t->slot)
		return;
	if (t->slot & IN_LATER) {
		last = l->later[--l->later_count];
		l->later[i] = last;
		last->slot = IN_LATER | (i + 1);
	} else {
		last = l->heap[--l->heap_count];
		if (last != t) {
			sift_up(l, i, last);
			sift_down(l, last->slot - 1, last);
		}
	}
	t->slot = 0;
}

static int64_t next_due(const struct loop *l)
{
	return l->heap_count ? l->heap[0]->due : INT64_MAX;
}

int64_t loop_run_due(struct loop *l)
{
	int64_t now = clock_mono();

	if (l->firing) /* asked from within a timer: those that are due come after it */
		return next_due(l);
	l->firing = true;
	while (l->heap_count && l->heap[0]->due <= now) {
		struct loop_timer *t = l->heap[0];

		loop_timer_clear(l, t);
		t->fn(t->arg);
	}
	l->firing = false;
	for (size_t i = 0; i < l->later_count; i++)
		sift_up(l, l->heap_count++, l->later[i]);
	l->later_count = 0;
	return next_due(l);
}

/* ---- signals ---- */

static void on_signal(void *arg, uint32_t events)
{
	struct loop *l = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(l->signals, &info, sizeof(info)) == sizeof(info))
		l->signal_fn(l->signal_arg, (int)info.ssi_signo);
}

int loop_signals(struct loop *l, loop_signal_fn *fn, void *arg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r < 0)
		return r;
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return -errno;
	r = signalfd(l->signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r < 0)
		return -errno;
	l->signals = r;
	l->signal_fn = fn;
	l->signal_arg = arg;
	return loop_watch(l, l->signals, EPOLLIN, on_signal, l);
}

/* ---- turns ---- */

static int wait_events(struct loop *l, struct epoll_event *events, int64_t wait)
{
	struct timespec ts = { .tv_sec = wait / CLOCK_SEC, .tv_nsec = wait % CLOCK_SEC * 1000 };
	int64_t ms = (wait + CLOCK_MS - 1) / CLOCK_MS; /* never early: it would turn for nothing */

	if (!l->no_pwait2) {
		int n = epoll_pwait2(l->epoll, events, BATCH, &ts, NULL);
		if (n >= 0 || errno != ENOSYS)
			return n;
		l->no_pwait2 = true;
	}
	return epoll_wait(l->epoll, events, BATCH, ms < 3600 * 1000 ? (int)ms : 3600 * 1000);
}

int loop_turn(struct loop *l, int64_t until)
{
	struct epoll_event events[BATCH];
	int64_t next = next_due(l), now = clock_mono(), wait;
	int n;

	if (until < next)
		next = until;
	wait = next > now ? next - now : 0;
	if (wait > 3600 * CLOCK_SEC)
		wait = 3600 * CLOCK_SEC; /* a turn too many an hour harms nobody, an overflow would */
	n = wait_events(l, events, wait);
	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	loop_run_due(l);
	return 0;
}

int loop_run(struct loop *l)
{
	int r = 0;

	while (!l->stopped && r == 0)
		r = loop_turn(l, INT64_MAX);
	l->stopped = false; /* here, not above: a stop that came before the run counts */
	return r;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
