/* world_node.c - the workers' processes: they start, die, sleep and are told to go; see world.h */
#include "world/world_parts.h"

#include <stdlib.h>

struct node *world_node(struct world *w, int number)
{
	return &w->nodes[number];
}

int node_number(const struct node *n)
{
	return n->number;
}

struct worker *node_worker(struct node *n)
{
	return n->alive ? &n->worker : NULL;
}

/* As main.c opens a worker. */
static void open_worker(struct node *n)
{
	struct worker *k = &n->worker;
	const struct store_handler store = { worker_redis_up, worker_redis_down, k };
	const struct group_handler group = { worker_assigned, worker_revoked, worker_message,
		                             worker_out_of_range, k };

	k->settings = n->world->settings;
	if (loop_open(&k->loop) < 0)
		abort();
	teller_open(&k->teller, k->loop, k->settings, worker_told_paused, k);
	carrier_fake_open(&k->carrier, n, worker_carrier_said, k);
	store_open(&k->store, k->loop, k->settings, &store);
	ledger_open(&k->ledger, k->loop, k->settings);
	group_open(&k->group, k->loop, k->settings, &group);
	worker_tick(k);
}

void node_start(struct node *n)
{
	struct world *w = n->world;
	struct node *running = w->running;

	if (n->alive)
		return;
	world_log(w, "worker %d starts", n->number);
	n->alive = true;
	n->paused = false;
	n->worker = (struct worker){ 0 };
	w->opening = w->running = n;
	open_worker(n);
	n->next_timer = loop_run_due(n->worker.loop) - CLOCK_SEC;
	w->opening = NULL;
	w->running = running;
}

/* What it had sent stays on its way as far as chance lets it. */
static void end(struct node *n, int64_t late)
{
	struct world *w = n->world;
	struct node *running = w->running;

	n->alive = false;
	store_cut(n->worker.store, late);
	teller_cut(n->worker.teller, late);
	w->running = n;
	worker_close(&n->worker);
	w->running = running;
	phones_forget(n);
	n->life++;
}

void node_kill(struct node *n)
{
	struct world *w = n->world;

	if (!n->alive || n == w->running)
		return;
	world_log(w, "worker %d is killed", n->number);
	group_died(n);
	end(n, chance(w, 30) ? 2 * CLOCK_SEC : 0);
}

void node_drain(struct node *n)
{
	struct node *running = n->world->running;

	if (!n->alive)
		return;
	if (n->worker.drained) { /* it leaves its group by itself */
		world_log(n->world, "worker %d has gone", n->number);
		end(n, 0);
		if (n->world->faults)
			start_later(n->world, n);
		return;
	}
	world_log(n->world, "worker %d is drained", n->number);
	n->world->running = n;
	worker_drain(&n->worker);
	n->next_timer = loop_run_due(n->worker.loop) - CLOCK_SEC;
	n->world->running = running;
}

void node_pause(struct node *n, int64_t time)
{
	struct world *w = n->world;

	if (!n->alive || n == w->running)
		return;
	world_log(w, "worker %d sleeps for %lld us", n->number, (long long)time);
	n->paused = true;
	if (n->wakes_at < w->now + time)
		n->wakes_at = w->now + time;
	group_slept(n, time);
}

void node_cut(struct node *n)
{
	if (!n->alive)
		return;
	world_log(n->world, "worker %d loses Redis", n->number);
	store_cut(n->worker.store, chance(n->world, 30) ? 2 * CLOCK_SEC : 0);
	n->next_timer = loop_run_due(n->worker.loop) - CLOCK_SEC;
}

void node_teller_fatal(struct node *n)
{
	if (!n->alive)
		return;
	world_log(n->world, "worker %d gets a fatal Kafka error", n->number);
	teller_reopen(n->worker.teller);
}
