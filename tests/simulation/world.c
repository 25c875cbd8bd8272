/* world.c - virtual time, and messages that arrive later; see world.h */
#include "simulation/world_parts.h"

#include <stdlib.h>
#include <sys/types.h>

/* The machine's clock when the world begins. */
#define BIRTH (INT64_C(1800000000) * CLOCK_SEC)

/* More than any run needs: a worker that asks again and again at one moment ends it. */
#define TURNS 1000000

struct world *the_world;

int64_t clock_mono(void)
{
	return the_world ? CLOCK_SEC + the_world->now : CLOCK_SEC;
}

int64_t clock_utc(void)
{
	return BIRTH + clock_mono();
}

int64_t world_now(const struct world *w)
{
	return w->now;
}

/* ---- chance: xoshiro256**, so that a seed means the same world everywhere ---- */

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

static uint64_t next_random(struct world *w)
{
	uint64_t *s = w->random;
	const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static void seed_random(struct world *w, uint64_t seed)
{
	for (int i = 0; i < 4; i++) { /* splitmix64 */
		uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		w->random[i] = z ^ z >> 31;
	}
}

uint64_t draw(struct world *w, uint64_t below)
{
	return below ? next_random(w) % below : 0;
}

bool chance(struct world *w, unsigned percent)
{
	return draw(w, 100) < percent;
}

int64_t world_delay(struct world *w)
{
	uint64_t kind;

	if (w->rules.steady)
		return 500;
	kind = draw(w, 100);
	if (kind < 80)
		return 50 + (int64_t)draw(w, 2000);
	if (kind < 97)
		return 500 + (int64_t)draw(w, 20000);
	return (int64_t)draw(w, (uint64_t)w->slow);
}

int64_t way(struct world *w, int64_t *last, int64_t delay)
{
	if (w->now + delay > *last)
		*last = w->now + delay;
	return *last;
}

/* tables are walked in an order that this draws */
ssize_t __wrap_getrandom(void *out, size_t len, unsigned int flags);
ssize_t __wrap_getrandom(void *out, size_t len, unsigned int flags)
{
	(void)flags;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = the_world ? (uint8_t)draw(the_world, 256) : 0x5a;
	return (ssize_t)len;
}

/* ---- messages: a heap by time and order ---- */

static bool before(const struct message *a, const struct message *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void sift_down(struct world *w, size_t i)
{
	struct message *m = w->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < w->heap_count) {
		if (child + 1 < w->heap_count && before(w->heap[child + 1], w->heap[child]))
			child++;
		if (!before(w->heap[child], m))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = m;
}

static void push(struct world *w, struct message *m)
{
	size_t i;

	if (w->heap_count == w->heap_room) {
		w->heap_room = w->heap_room ? w->heap_room * 2 : 256;
		w->heap = must_realloc(w->heap, w->heap_room * sizeof(struct message *));
	}
	for (i = w->heap_count++; i && before(m, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = m;
}

static struct message *pop(struct world *w)
{
	struct message *m = w->heap[0];

	w->heap[0] = w->heap[--w->heap_count];
	if (w->heap_count)
		sift_down(w, 0);
	return m;
}

void *message_new(struct node *to, size_t size, void (*fn)(struct message *), void (*drop)(struct message *))
{
	struct message *m = must_calloc(1, size);

	m->to = to;
	m->life = to ? to->life : 0;
	m->fn = fn;
	m->drop = drop;
	return m;
}

void message_send(struct world *w, struct message *m, int64_t due)
{
	m->due = due < w->now ? w->now : due;
	m->order = ++w->order;
	push(w, m);
}

void message_wait(struct world *w, const struct message *m, size_t size, int64_t due)
{
	struct message *copy = must_copy(m, size);

	copy->due = due;
	push(w, copy);
}

static void drop(struct message *m)
{
	if (m->drop)
		m->drop(m);
	free(m);
}

static int by_order(const void *a, const void *b)
{
	const struct message *x = *(struct message *const *)a, *y = *(struct message *const *)b;

	return (x->order > y->order) - (x->order < y->order);
}

void messages_cut(struct world *w, void (*fn)(struct message *), const struct node *from, uint32_t life,
                  uint32_t link, int64_t late)
{
	struct message **found = must_calloc(w->heap_count + 1, sizeof(struct message *));
	size_t n = 0, rest = 0, kept;
	int64_t last = w->now;

	for (size_t i = 0; i < w->heap_count; i++) {
		struct message *m = w->heap[i];

		if (m->fn == fn && m->from == from && m->from_life == life && m->link == link)
			found[n++] = m;
		else
			w->heap[rest++] = m;
	}
	w->heap_count = rest;
	qsort(found, n, sizeof(struct message *), by_order);
	kept = draw(w, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (i >= kept) {
			drop(found[i]);
			continue;
		}
		if (late && found[i]->due > last)
			last = found[i]->due;
		if (late)
			last += (int64_t)draw(w, (uint64_t)late);
		if (last > found[i]->due)
			found[i]->due = last;
		w->heap[w->heap_count++] = found[i];
	}
	for (size_t i = w->heap_count / 2; i-- > 0;)
		sift_down(w, i);
	free(found);
}

/* ---- time goes on ---- */

static int64_t timer_of(const struct node *n)
{
	if (!n->alive)
		return INT64_MAX;
	if (node_is_stopped(n))
		return n->wakes_at;
	return n->paused && n->wakes_at > n->next_timer ? n->wakes_at : n->next_timer;
}

static struct node *next_timer(struct world *w)
{
	struct node *first = NULL;

	for (int i = 0; i < w->rules.workers; i++) {
		struct node *n = &w->nodes[i];

		if (n->paused && n->wakes_at <= w->now)
			n->paused = false;
		if (!first || timer_of(n) < timer_of(first))
			first = n;
	}
	return first;
}

/* What it hears, if anything, and then its timers. */
static void hears(struct node *n, void *arg)
{
	struct message *m = arg;

	if (m) {
		m->fn(m);
		free(m);
	}
	if (!n->dying)
		n->next_timer = loop_run_due(n->worker.loop) - CLOCK_SEC;
}

static void run_timers(struct node *n)
{
	if (node_is_stopped(n))
		node_go_on(n);
	else
		node_work(n, hears, NULL);
}

static void deliver(struct world *w, struct message *m)
{
	struct node *n = m->to;

	if (!n) {
		m->fn(m);
		free(m);
		return;
	}
	if (node_is_stopped(n) && !n->paused)
		node_go_on(n);
	if (!n->alive || n->life != m->life) {
		drop(m);
		return;
	}
	if (m->point && !n->paused) {
		const enum world_point point = m->point;

		m->point = POINT_NONE; /* reached once, also when the worker is then paused */
		world_reach(w, point, n);
	}
	if (!n->alive || n->life != m->life) {
		drop(m);
	} else if (n->paused) {
		m->due = n->wakes_at;
		push(w, m); /* with the order it had */
	} else {
		node_work(n, hears, m);
	}
}

/* One message or one worker's timers.  False: nothing is due before `until`. */
static bool turn(struct world *w, int64_t until)
{
	struct node *n = next_timer(w);
	const int64_t timer = timer_of(n), message = w->heap_count ? w->heap[0]->due : INT64_MAX;
	const int64_t due = timer < message ? timer : message;

	if (due > until)
		return false;
	if (due > w->now)
		w->now = due;
	next_timer(w); /* wakes who wakes now */
	/* who wakes finds both: what it does first is chance */
	if (timer < message || (timer == message && chance(w, 50)))
		run_timers(n);
	else
		deliver(w, pop(w));
	if (w->each)
		w->each(w);
	if (++w->turns > TURNS)
		world_fail(w, "turns in a circle");
	return true;
}

void world_run(struct world *w, int64_t time)
{
	const int64_t until = w->now + time;

	while (!w->failure[0] && turn(w, until))
		;
	if (!w->failure[0])
		w->now = until;
}

/* ---- open, close ---- */

static struct settings *make_settings(const struct world_rules *r)
{
	static struct settings *defaults;
	struct settings *s = must_calloc(1, sizeof(*s));

	if (!defaults) {
		char why[256];

		if (settings_default(&defaults, WORKER) < 0 || records_open("", "", why, sizeof(why)) < 0)
			abort();
	}
	*s = *defaults;
	s->dial_bound = r->dial_bound ? r->dial_bound : 400 * CLOCK_MS;
	s->redis_timeout = r->redis_timeout ? r->redis_timeout : CLOCK_SEC;
	s->handover_timeout = r->handover_timeout ? r->handover_timeout : 300 * CLOCK_MS;
	s->ring_timeout = r->ring_timeout ? r->ring_timeout : 3 * CLOCK_SEC;
	s->call_max = r->call_max ? r->call_max : 12 * CLOCK_SEC;
	s->hangup_timeout = CLOCK_SEC;
	s->group_session = 1500 * CLOCK_MS;
	if (r->unacked)
		s->worker_unacked = r->unacked;
	if (r->commands)
		s->worker_commands = r->commands;
	if (r->inflight)
		s->worker_inflight = r->inflight;
	return s;
}

struct world *world_open(const struct world_rules *rules)
{
	struct world *w = must_calloc(1, sizeof(*w));

	w->rules = *rules;
	seed_random(w, rules->seed);
	w->slow = 60 * CLOCK_MS;
	w->redis.process = 1;
	for (int p = 0; p < WORLD_PARTITIONS; p++) {
		w->redis.partitions[p].told = w->redis.partitions[p].next = -1;
		w->kafka.group.committed[p] = -1;
	}
	the_world = w;
	w->settings = make_settings(rules);
	for (int i = 0; i < rules->workers; i++) {
		w->nodes[i] = (struct node){ .world = w, .number = i };
		node_start(&w->nodes[i]);
	}
	return w;
}

void world_close(struct world *w)
{
	if (!w)
		return;
	for (int i = 0; i < w->rules.workers; i++)
		if (w->nodes[i].alive)
			node_kill(&w->nodes[i]);
	while (w->heap_count)
		drop(pop(w));
	redis_clear_all(w);
	kafka_clear_all(w);
	phones_clear_all(w);
	for (int i = 0; i < w->call_count; i++) {
		for (size_t k = 0; k < w->calls[i].count; k++)
			free(w->calls[i].events[k].value.data);
		free(w->calls[i].events);
		for (int k = 0; k < w->calls[i].result_count; k++)
			free(w->calls[i].results[k]);
		for (int k = 0; k < w->calls[i].announced_count; k++)
			free(w->calls[i].announced[k]);
	}
	free(w->heap);
	free(w->spare_stack);
	free(w->trace);
	free(w->settings);
	the_world = NULL;
	free(w);
}
