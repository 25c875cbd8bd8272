/*
 * handover.c - partitions come and go with the consumer group
 *
 * At a revoke every partition is to be given back: no step is begun, those in
 * hand are finished up to the clear, offsets are committed, then all are
 * released; after handover.timeout as they are.  What is in memory stays: a
 * partition that comes back with its epoch unchanged goes on from it, one that
 * does not is forgotten, without a BYE, because its legs are the new owner's.
 */
#include "worker.h"

#include <stdlib.h>

#include "clock.h"
#include "kill_point.h"
#include "log.h"
#include "metrics.h"
#include "must.h"

static struct metric lost_total =
        METRIC_COUNTER_INIT("callcast_partitions_lost_total", NULL,
                            "Partitions that went to others because this worker was silent for too long");

void handovers_register_metrics(void)
{
	metric_register(&lost_total);
}

/* ---- assigned ---- */

struct coming_back {
	struct partition *partition;
	uint32_t round;
};

/* Whose is it?  Ours still, in the same Redis: on from memory, with no takeover. */
static void checked(void *arg, enum store_answer a)
{
	struct coming_back *k = arg;
	struct partition *p = k->partition;
	const bool current = k->round == p->round && p->state == PARTITION_TAKING && !p->takeover;
	size_t cursor = 0;
	struct call *c;

	free(k);
	if (!current)
		return;
	if (a != STORE_DONE) {
		takeover_start(p);
		return;
	}
	partition_set_state(p, PARTITION_ACTIVE);
	log_info("partition.kept partition=%d epoch=%s calls=%zu", p->number, p->epoch.text,
	         table_count(p->calls));
	while ((c = table_next(p->calls, &cursor, NULL))) {
		step_ask_again(c);
		call_run(c); /* may let go of it */
	}
	partition_feed(p);
}

static void come_back(struct partition *p)
{
	struct coming_back *k;

	if (!p->owned || !store_is_up(p->worker->store)) {
		takeover_start(p);
		return;
	}
	k = must_calloc(1, sizeof(*k));
	p->round++;
	*k = (struct coming_back){ p, p->round };
	partition_set_state(p, PARTITION_TAKING);
	store_check(p->worker->store, p->number, &p->epoch, checked, k);
}

/* It went to somebody else: its calls are theirs. */
static void forget(struct partition *p)
{
	p->round++;
	p->epoch.text[0] = '\0';
	p->blocked = false; /* when it comes back, its owner may have got past the record */
	partition_forget(p);
}

void worker_assigned(void *arg, const int32_t *numbers, size_t n)
{
	struct worker *w = arg;

	for (size_t i = 0; i < n; i++)
		partition_of(w, numbers[i])->assigned = true;
	for (size_t i = 0; i < w->partition_count; i++) {
		struct partition *p = w->partitions[i];

		if (!p)
			continue;
		if (p->assigned)
			come_back(p);
		else
			forget(p);
	}
}

/* ---- revoked ---- */

static void leave(struct partition *p)
{
	size_t cursor = 0;
	struct call *c;

	takeover_stop(p);
	loop_timer_clear(p->worker->loop, &p->ask_again);
	while ((c = table_next(p->calls, &cursor, NULL)))
		call_drop_commands(c);
	if (p->state != PARTITION_ACTIVE) {
		partition_set_state(p, PARTITION_IDLE);
		return;
	}
	partition_set_state(p, PARTITION_LEAVING);
	cursor = 0;
	while ((c = table_next(p->calls, &cursor, NULL))) {
		if (!call_has_unheard(&c->record))
			continue;
		call_queue_first(c, queued_new(INPUT_LEAVING));
		call_run(c);
	}
}

static void release(void *arg)
{
	struct worker *w = arg;

	if (!w->releasing)
		return;
	KILL_POINT("before-release");
	w->releasing = false;
	loop_timer_clear(w->loop, &w->handover);
	for (size_t i = 0; i < w->partition_count; i++) {
		struct partition *p = w->partitions[i];

		if (!p)
			continue;
		partition_set_state(p, PARTITION_IDLE);
		partition_reset_intake(p);
		if (p->next_stored > p->below_next) /* should it come back to our memory */
			p->below_next = p->next_stored;
		p->next_stored = -1;
		p->assigned = false;
	}
	if (w->draining) {
		group_flush(w->group);
		w->drained = true;
		loop_stop(w->loop);
	} else {
		group_release(w->group);
	}
}

void handover_check(struct worker *w)
{
	if (!w->releasing)
		return;
	for (size_t i = 0; i < w->partition_count; i++)
		if (w->partitions[i] && w->partitions[i]->state == PARTITION_LEAVING &&
		    !partition_quiet(w->partitions[i]))
			return;
	/* sooner than handover.timeout, but from a turn of its own: this may stand within a step's answer */
	loop_timer_set(w->loop, &w->handover, clock_mono(), release, w);
}

static void begin_release(struct worker *w)
{
	if (w->releasing)
		return;
	w->releasing = true;
	for (size_t i = 0; i < w->partition_count; i++)
		if (w->partitions[i])
			leave(w->partitions[i]);
	loop_timer_set(w->loop, &w->handover, clock_mono() + w->settings->handover_timeout, release, w);
	handover_check(w);
}

static void count_lost(const struct worker *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->partition_count; i++)
		n += w->partitions[i] && w->partitions[i]->assigned;
	metric_add(&lost_total, (double)n);
	log_warn("worker.lost partitions=%zu", n);
}

void worker_revoked(void *arg, bool lost)
{
	struct worker *w = arg;

	if (lost)
		count_lost(w);
	begin_release(w);
	if (lost) /* others have it: nothing is finished any more */
		release(w);
}

void worker_drain(struct worker *w)
{
	if (w->draining)
		return;
	w->draining = true;
	log_info("worker.drains steps=%zu unacknowledged=%zu", w->in_flight, teller_waiting(w->teller));
	if (w->group && !w->releasing) /* before it is open there is nothing to hand over */
		begin_release(w);
}
