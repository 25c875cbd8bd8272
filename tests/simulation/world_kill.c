/*
 * world_kill.c - the worker's kill points (worker/kill_point.h), as the world has them
 *
 * The worker's objects are compiled once more for the simulation, with their
 * kill points; what a test build does there with a signal is done here.  A
 * worker that dies at a point runs on to the end of what it was doing, because
 * it is code in our own process, but nothing of that has an effect: whatever it
 * asks of Redis, Kafka, its group and the phones is swallowed.  One that is
 * stopped stands there, on its fiber, until it wakes.
 */
#include "simulation/world_parts.h"

#include <stdlib.h>
#include <string.h>

#define CALLCAST_KILL_POINTS /* here they are carried out */
#include "kill_point.h"

/* All there are: one that is missing here fails the first world that passes it. */
static struct kill_count counts[] = {
	{ .name = "before-save" },       { .name = "save-asked" },     { .name = "saved" },
	{ .name = "before-act" },        { .name = "acted" },          { .name = "produced" },
	{ .name = "acknowledged" },      { .name = "before-clear" },   { .name = "cleared" },
	{ .name = "before-commit" },     { .name = "before-confirm" }, { .name = "confirm-asked" },
	{ .name = "confirmed" },         { .name = "before-dial" },    { .name = "dialled" },
	{ .name = "dial-acknowledged" }, { .name = "taken" },          { .name = "ledger-read" },
	{ .name = "outbox-told" },       { .name = "live-read" },      { .name = "before-release" },
};

const struct kill_count *world_kill_counts(size_t *n)
{
	*n = sizeof(counts) / sizeof(*counts);
	return counts;
}

static struct kill_count *count_of(const char *name)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if (!strcmp(counts[i].name, name))
			return &counts[i];
	return NULL;
}

void world_arm(struct world *w, const char *name, int nth, struct node *n, int64_t sleep)
{
	if (w->order_count == WORLD_ORDERS || !count_of(name))
		abort(); /* a story with a name that does not exist, or more than there is room for */
	w->orders[w->order_count++] = (struct order){ name, nth, n, sleep };
	if (sleep)
		w->stops = true;
}

/* The first order waits until it is carried out, and then the next one counts. */
static void next_order(struct world *w)
{
	w->order_count--;
	memmove(w->orders, w->orders + 1, w->order_count * sizeof(*w->orders));
}

void world_disarm(struct world *w)
{
	w->order_count = 0;
}

void kill_point(const char *name)
{
	struct world *w = the_world;
	struct node *n = w ? w->running : NULL;
	struct kill_count *count = count_of(name);
	const struct order *o = w && w->order_count ? &w->orders[0] : NULL;
	int64_t sleep;

	if (!n || node_is_gone(n))
		return;
	if (!count) {
		world_fail(w, "world_kill.c does not know the kill point %s", name);
		return;
	}
	count->passed++;
	if (!o || strcmp(o->name, name) || (o->node && o->node != n) || --w->orders[0].nth)
		return;
	sleep = o->sleep;
	next_order(w);
	if (!sleep) {
		count->crashed++;
		world_log(w, "dies at %s", name);
		node_kill(n);
		n->starts_again = w->faults != NULL;
	} else if (n->fiber) {
		count->stopped++;
		world_log(w, "stops at %s", name);
		n->in_gap = !strcmp(name, "before-dial"); /* it has looked at the clock */
		node_pause(n, sleep);
	}
}
