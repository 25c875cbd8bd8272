/* world_node.c - the workers' processes: they start, die, sleep and are told to go; see world.h */
#include "simulation/world_parts.h"

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

bool node_is_gone(const struct node *n)
{
	return !n->alive || n->dying;
}

bool node_is_stopped(const struct node *n)
{
	return n->fiber && n != n->world->running;
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
	n->paused = n->dying = n->starts_again = n->in_gap = false;
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

static void die(struct node *n)
{
	struct world *w = n->world;

	world_log(w, "worker %d is dead", n->number);
	group_died(n);
	end(n, chance(w, 30) ? 2 * CLOCK_SEC : 0);
	if (n->starts_again && w->faults)
		start_later(w, n);
}

/* Its code is back, or stands still. */
static void worked(struct node *n, bool to_its_end)
{
	if (!to_its_end)
		return;
	if (n->dying)
		die(n);
	else if (n->worker.drained)
		node_drain(n); /* it was asked to, and has come to its end */
}

void node_work(struct node *n, node_fn *fn, void *arg)
{
	struct world *w = n->world;
	struct node *running = w->running;
	bool to_its_end = true;

	w->running = n;
	if (w->stops)
		to_its_end = fiber_run(n, fn, arg);
	else
		fn(n, arg);
	w->running = running;
	worked(n, to_its_end);
}

void node_go_on(struct node *n)
{
	struct world *w = n->world;
	struct node *running = w->running;
	bool to_its_end;

	w->running = n;
	to_its_end = fiber_go_on(n);
	w->running = running;
	worked(n, to_its_end);
}

/* In the middle of what it does it first comes to the end of that, without effect. */
void node_kill(struct node *n)
{
	struct world *w = n->world;

	if (node_is_gone(n))
		return;
	world_log(w, "worker %d is killed", n->number);
	n->dying = true;
	if (node_is_stopped(n))
		node_go_on(n);
	else if (n != w->running)
		die(n);
}

static void drains(struct node *n, void *arg)
{
	(void)arg;
	worker_drain(&n->worker);
	if (!n->dying)
		n->next_timer = loop_run_due(n->worker.loop) - CLOCK_SEC;
}

static void drain_comes(struct message *m)
{
	worker_drain(&m->to->worker);
}

void node_drain(struct node *n)
{
	struct world *w = n->world;

	if (node_is_gone(n))
		return;
	if (n->worker.drained) { /* it leaves its group by itself */
		world_log(w, "worker %d has gone", n->number);
		end(n, 0);
		if (w->faults)
			start_later(w, n);
		return;
	}
	world_log(w, "worker %d is drained", n->number);
	if (n->paused || n->fiber || n == w->running) /* a signal waits until it can be heard */
		message_send(w, message_new(n, sizeof(struct message), drain_comes, NULL), w->now);
	else
		node_work(n, drains, NULL);
}

void node_pause(struct node *n, int64_t time)
{
	struct world *w = n->world;

	if (node_is_gone(n) || (n == w->running && !n->fiber))
		return;
	world_log(w, "worker %d sleeps for %lld us", n->number, (long long)time);
	n->paused = true;
	if (n->wakes_at < w->now + time)
		n->wakes_at = w->now + time;
	group_slept(n, time);
	if (n == w->running)
		fiber_stop(n);
}

void node_cut(struct node *n)
{
	if (!n->alive)
		return;
	world_log(n->world, "worker %d loses Redis", n->number);
	store_cut(n->worker.store, chance(n->world, 30) ? 2 * CLOCK_SEC : 0);
}

void node_teller_fatal(struct node *n)
{
	if (!n->alive)
		return;
	world_log(n->world, "worker %d gets a fatal Kafka error", n->number);
	teller_reopen(n->worker.teller);
}
