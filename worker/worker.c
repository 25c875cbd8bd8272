/* worker.c - what Redis, Kafka, the group and the phones tell the worker, and its tick */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"

#define TICK (100 * CLOCK_MS)

void worker_redis_up(void *arg)
{
	struct worker *w = arg;

	log_info("redis.up run=%s", store_run_id(w->store));
	/* not taken at once: we may be the one who was away, and the partitions another's */
	for (size_t i = 0; i < w->partition_count; i++)
		if (w->partitions[i] && w->partitions[i]->state == PARTITION_AWAY)
			partition_ask(w->partitions[i]);
}

/* Nothing is dropped: what was asked is asked again after a takeover. */
void worker_redis_down(void *arg)
{
	struct worker *w = arg;

	log_warn("redis.down");
	for (size_t i = 0; i < w->partition_count; i++) {
		struct partition *p = w->partitions[i];

		if (!p || p->state == PARTITION_IDLE || p->state == PARTITION_LEAVING)
			continue;
		takeover_stop(p);
		partition_set_state(p, PARTITION_AWAY);
	}
}

void worker_told_paused(void *arg, int paused)
{
	struct worker *w = arg;

	w->told_paused = paused;
	if (paused) /* also when it goes on before the next tick, which then runs what waits */
		w->was_paused = true;
}

void worker_message(void *arg, const rd_kafka_message_t *m)
{
	partition_message(partition_of(arg, m->partition), m);
}

void worker_out_of_range(void *arg, int32_t number)
{
	partition_of(arg, number)->blocked = true;
}

void worker_carrier_said(void *arg, const struct carrier_event *ev)
{
	struct worker *w = arg;
	char id[CALLID_SIZE] = { 0 };
	struct callid parts;
	struct call *c = NULL;

	snprintf(id, sizeof(id), "%s", ev->dial_id);
	if (callid_parse(&parts, id) == 0 && (size_t)parts.partition < w->partition_count &&
	    w->partitions[parts.partition])
		c = call_find(w->partitions[parts.partition], id);
	if (!c) {
		log_debug("leg.stray dial=%s", ev->dial_id);
		return;
	}
	if (call_queue(c, queued_carrier(ev)))
		call_run(c);
}

static void run_calls(struct partition *p)
{
	size_t cursor = 0;
	struct call *c;

	while ((c = table_next(p->calls, &cursor, NULL)))
		call_run(c);
}

void worker_tick(void *arg)
{
	struct worker *w = arg;

	for (size_t i = 0; i < w->partition_count; i++) {
		struct partition *p = w->partitions[i];

		if (!p)
			continue;
		partition_tick(p);
		partition_feed(p);
		if (w->was_paused && !w->told_paused)
			run_calls(p);
	}
	w->was_paused = w->told_paused;
	if (!w->releasing)
		group_flush(w->group);
	handover_check(w);
	loop_timer_set(w->loop, &w->tick, clock_mono() + TICK, worker_tick, w);
}

/* Answers that are still to come find their partitions, so those go after the store. */
void worker_close(struct worker *w)
{
	for (size_t i = 0; i < w->partition_count; i++)
		if (w->partitions[i])
			partition_set_state(w->partitions[i], PARTITION_IDLE);
	group_close(w->group);
	store_close(w->store);
	for (size_t i = 0; i < w->partition_count; i++)
		partition_free(w->partitions[i]);
	free(w->partitions);
	ledger_close(w->ledger);
	if (w->carrier)
		w->carrier->ops->close(w->carrier);
	teller_close(w->teller);
	if (w->loop) {
		loop_timer_clear(w->loop, &w->tick);
		loop_timer_clear(w->loop, &w->handover);
	}
	loop_close(w->loop);
	*w = (struct worker){ 0 };
}
