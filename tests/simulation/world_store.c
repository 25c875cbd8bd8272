/* world_store.c - store.h as a worker sees it: one connection, answers in the order of the requests */
#include "simulation/world_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What waits for its answer at the worker. */
struct ask {
	struct ask *next;
	enum ask_kind kind;
	union {
		store_taken_fn *taken;
		store_done_fn *done;
		store_entries_fn *entries;
		store_loaded_fn *loaded;
	} fn;
	void *arg;
	int64_t asked;
};

struct store {
	struct node *node;
	struct store_handler handler;
	bool up, announced;
	uint32_t link;    /* number of the connection */
	uint32_t process; /* of the Redis behind it */
	char run_id[STORE_RUN_SIZE];
	int64_t there, back; /* the ways of requests and of answers */
	struct ask *first, *last;
	size_t open;
	bool flushing;
	struct loop_timer patience;
};

struct answer {
	struct message message;
	struct request *request; /* for what is left of it */
	struct ask *ask;
	uint32_t link;
	enum store_answer a;
	struct result_of result;
};

struct knock {
	struct message message;
	struct store *store;
	bool arrived;
};

static void request_drop(struct message *m)
{
	struct request *q = (struct request *)m;

	free(q->call);
	free(q->record.data);
	for (size_t i = 0; i < q->event_count; i++) {
		free((char *)q->events[i].name);
		free(q->events[i].packed.data);
	}
	free(q->events);
	for (size_t i = 0; i < q->name_count; i++)
		free(q->names[i]);
	free(q->names);
}

/* ---- up and down ---- */

static void answer_away(struct ask *k)
{
	if (k->kind == ASK_TAKE)
		k->fn.taken(k->arg, STORE_AWAY, &(struct store_taken){ .told = -1, .next = -1 });
	else if (k->kind == ASK_OUTBOX || k->kind == ASK_LIVE)
		k->fn.entries(k->arg, STORE_AWAY, NULL, 0, false);
	else if (k->kind == ASK_LOAD)
		k->fn.loaded(k->arg, STORE_AWAY, 0, NULL, 0);
	else
		k->fn.done(k->arg, STORE_AWAY);
	free(k);
}

static struct ask *take_first(struct store *s)
{
	struct ask *k = s->first;

	s->first = k->next;
	if (!s->first)
		s->last = NULL;
	s->open--;
	return k;
}

static void flush(struct store *s)
{
	for (size_t n = s->open; n; n--)
		answer_away(take_first(s));
}

static void knock(struct store *s, int64_t wait);

static void knocked(struct message *m)
{
	struct knock *k = (struct knock *)m;
	struct store *s = k->store;
	struct world *w = s->node->world;
	struct knock *next;

	if (w->now < w->redis.back_at) {
		knock(s, w->settings->redis_timeout / 4);
		return;
	}
	if (!k->arrived) { /* connected: INFO, scripts, TIME */
		next = message_new(s->node, sizeof(*next), knocked, NULL);
		next->store = s;
		next->arrived = true;
		message_send(w, &next->message, w->now + world_delay(w));
		return;
	}
	s->process = w->redis.process;
	redis_run_of(s->run_id, s->process);
	s->up = s->announced = true;
	s->there = s->back = w->now;
	flush(s); /* what was asked too early is not sent */
	s->handler.up(s->handler.arg);
}

static void knock(struct store *s, int64_t wait)
{
	struct knock *k = message_new(s->node, sizeof(*k), knocked, NULL);

	k->store = s;
	message_send(s->node->world, &k->message, s->node->world->now + wait);
}

static void flushed(struct message *m)
{
	struct store *s = ((struct knock *)m)->store;

	s->flushing = false;
	if (s->up)
		return;
	flush(s);
	if (!s->announced)
		return;
	s->announced = false;
	s->handler.down(s->handler.arg);
}

/* From a later turn: all that is open is answered AWAY, and then the store is down. */
static void flush_soon(struct store *s)
{
	struct knock *k;

	if (s->flushing)
		return;
	s->flushing = true;
	k = message_new(s->node, sizeof(*k), flushed, NULL);
	k->store = s;
	message_send(s->node->world, &k->message, s->node->world->now);
}

static void arrive(struct message *m);

void store_cut(struct store *s, int64_t late)
{
	struct world *w = s->node->world;

	messages_cut(w, arrive, s->node, s->node->life, s->link, late);
	s->link++;
	if (!s->node->alive || !s->up)
		return;
	s->up = false;
	loop_timer_clear(s->node->worker.loop, &s->patience);
	flush_soon(s);
	knock(s, w->settings->redis_timeout / 4);
}

static void on_patience(void *arg)
{
	struct store *s = arg;
	const int64_t due = s->first ? s->first->asked + s->node->world->settings->redis_timeout : 0;

	if (!s->first)
		return;
	if (clock_mono() < due)
		loop_timer_set(s->node->worker.loop, &s->patience, due, on_patience, s);
	else
		store_cut(s, 0); /* what was asked may be carried out yet */
}

/* ---- asking ---- */

static void give(struct answer *an, struct ask *k)
{
	struct result_of *r = &an->result;

	switch (k->kind) {
	case ASK_TAKE:
		k->fn.taken(k->arg, an->a, &r->taken);
		break;
	case ASK_OUTBOX:
	case ASK_LIVE:
		k->fn.entries(k->arg, an->a, r->entries, r->entry_count, an->a == STORE_DONE && r->more);
		break;
	case ASK_LOAD:
		k->fn.loaded(k->arg, an->a, r->version, r->record.data, r->record.len);
		break;
	default:
		k->fn.done(k->arg, an->a);
	}
}

static void answer_drop(struct message *m)
{
	struct answer *an = (struct answer *)m;

	for (size_t i = 0; i < an->result.entry_count; i++) {
		free((char *)an->result.entries[i].name);
		free(an->result.entries[i].value.data);
	}
	free(an->result.entries);
	free(an->result.record.data);
	if (an->request) {
		request_drop(&an->request->message);
		free(an->request);
	}
}

static void send_on(struct store *s, struct request *q, struct ask *k);

static void heard(struct message *m)
{
	struct answer *an = (struct answer *)m;
	struct store *s = m->to->worker.store;
	struct ask *k;

	if (an->link == s->link && s->up) {
		k = take_first(s);
		if (k != an->ask)
			abort();
		if (an->result.more && an->a == STORE_DONE) { /* the next part is a request of its own */
			struct ask *next = must_calloc(1, sizeof(*next));

			*next = *k;
			next->next = NULL;
			give(an, k);
			send_on(s, an->request, next);
			an->request = NULL;
		} else {
			give(an, k);
		}
		free(k);
	}
	answer_drop(m);
}

/* At Redis. */
static void arrive(struct message *m)
{
	struct request *q = (struct request *)m;
	const struct node *n = m->from;
	struct world *w = n->world;
	struct result_of result = { 0 };
	enum store_answer a;
	struct answer *an;

	if (q->process != w->redis.process) {
		request_drop(m);
		return;
	}
	if (w->now < w->redis.back_at) { /* in the network, until it is back */
		message_wait(w, m, sizeof(*q), w->redis.back_at);
		return;
	}
	a = redis_do(w, q, &result);
	an = message_new((struct node *)n, sizeof(*an), heard, answer_drop);
	an->message.life = m->from_life;
	if (q->kind == ASK_SAVE && a == STORE_DONE)
		an->message.point = q->name_count ? POINT_CONFIRM_ANSWER : POINT_SAVE_ANSWER;
	an->ask = q->ask;
	an->link = m->link;
	an->a = a;
	an->result = result;
	an->request = must_copy(q, sizeof(*q));
	if (n->alive && n->life == m->from_life)
		message_send(w, &an->message, way(w, &n->worker.store->back, world_delay(w)));
	else
		message_send(w, &an->message, w->now);
}

static void send_on(struct store *s, struct request *q, struct ask *k)
{
	struct world *w = s->node->world;

	k->asked = clock_mono();
	s->open++;
	if (s->last)
		s->last->next = k;
	else
		s->first = k;
	s->last = k;
	if (!s->up || s->node->dying) {
		request_drop(&q->message);
		free(q);
		if (!s->node->dying)
			flush_soon(s);
		return;
	}
	if (q->kind != ASK_TAKE && strcmp(q->epoch.run_id, s->run_id))
		q->kind = ASK_NOTHING;
	q->message = (struct message){ .fn = arrive,
		                       .drop = request_drop,
		                       .from = s->node,
		                       .from_life = s->node->life,
		                       .link = s->link };
	q->ask = k;
	q->process = s->process;
	if (!s->patience.slot)
		loop_timer_set(s->node->worker.loop, &s->patience, k->asked + w->settings->redis_timeout,
		               on_patience, s);
	message_send(w, &q->message, way(w, &s->there, world_delay(w)));
}

static struct request *request_of(enum ask_kind kind, int32_t p, const struct store_epoch *e)
{
	struct request *q = must_calloc(1, sizeof(*q));

	q->kind = kind;
	q->partition = p;
	if (e)
		q->epoch = *e;
	return q;
}

static struct ask *ask_of(enum ask_kind kind, void *arg)
{
	struct ask *k = must_calloc(1, sizeof(*k));

	k->kind = kind;
	k->arg = arg;
	return k;
}

/* ---- store.h ---- */

int store_open(struct store **out, struct loop *loop, const struct settings *settings,
               const struct store_handler *h)
{
	struct store *s = must_calloc(1, sizeof(*s));

	(void)loop, (void)settings;
	s->node = the_world->opening;
	s->handler = *h;
	knock(s, 0);
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	s->up = false;
	flush(s);
	flush(s); /* what those answers asked for */
	loop_timer_clear(s->node->worker.loop, &s->patience);
	free(s);
}

bool store_is_up(const struct store *s)
{
	return s->up;
}

const char *store_error(const struct store *s)
{
	(void)s;
	return "WRONGTYPE, says the world";
}

const char *store_run_id(const struct store *s)
{
	return s->run_id;
}

size_t store_open_requests(const struct store *s)
{
	return s->open;
}

int64_t store_now(const struct store *s)
{
	(void)s;
	return clock_utc();
}

void store_take(struct store *s, int32_t p, int64_t known, const char *ours, store_taken_fn *fn, void *arg)
{
	struct request *q = request_of(ASK_TAKE, p, NULL);
	struct ask *k = ask_of(ASK_TAKE, arg);

	q->known = known;
	snprintf(q->ours, sizeof(q->ours), "%s", ours ? ours : "");
	k->fn.taken = fn;
	send_on(s, q, k);
}

void store_check(struct store *s, int32_t p, const struct store_epoch *e, store_done_fn *fn, void *arg)
{
	struct ask *k = ask_of(ASK_CHECK, arg);

	k->fn.done = fn;
	send_on(s, request_of(ASK_CHECK, p, e), k);
}

void store_outbox(struct store *s, int32_t p, const struct store_epoch *e, store_entries_fn *fn, void *arg)
{
	struct ask *k = ask_of(ASK_OUTBOX, arg);

	k->fn.entries = fn;
	send_on(s, request_of(ASK_OUTBOX, p, e), k);
}

void store_live(struct store *s, int32_t p, const struct store_epoch *e, store_entries_fn *fn, void *arg)
{
	struct ask *k = ask_of(ASK_LIVE, arg);

	k->fn.entries = fn;
	send_on(s, request_of(ASK_LIVE, p, e), k);
}

void store_load(struct store *s, int32_t p, const struct store_epoch *e, const char *call_leg_id,
                store_loaded_fn *fn, void *arg)
{
	struct request *q = request_of(ASK_LOAD, p, e);
	struct ask *k = ask_of(ASK_LOAD, arg);

	q->call = must_strdup(call_leg_id);
	k->fn.loaded = fn;
	send_on(s, q, k);
}

static void copy_names(struct request *q, const char *const *names, size_t n)
{
	q->names = must_calloc(n + 1, sizeof(*q->names));
	for (size_t i = 0; i < n; i++)
		q->names[q->name_count++] = must_strdup(names[i]);
}

void store_save(struct store *s, const struct store_save *save, store_done_fn *fn, void *arg)
{
	struct request *q = request_of(ASK_SAVE, save->partition, save->epoch);
	struct ask *k = ask_of(ASK_SAVE, arg);

	q->call = must_strdup(save->call_leg_id);
	q->version = save->version;
	q->stamp = save->stamp;
	q->record = (struct bytes){ must_copy(save->record.data, save->record.len), save->record.len };
	q->deadline = save->deadline;
	q->ended = save->ended;
	q->told = save->told;
	q->next = save->next;
	q->events = must_calloc(save->event_count + 1, sizeof(*q->events));
	for (size_t i = 0; i < save->event_count; i++) {
		const struct store_event *e = &save->events[i];

		q->events[q->event_count++] =
		        (struct store_event){ must_strdup(e->name),
			                      { must_copy(e->packed.data, e->packed.len), e->packed.len } };
	}
	copy_names(q, save->cleared, save->cleared_count);
	k->fn.done = fn;
	send_on(s, q, k);
}

void store_clear(struct store *s, const struct store_clear *c, store_done_fn *fn, void *arg)
{
	struct request *q = request_of(ASK_CLEAR, c->partition, c->epoch);
	struct ask *k = ask_of(ASK_CLEAR, arg);

	q->told = c->told;
	q->next = c->next;
	copy_names(q, c->cleared, c->cleared_count);
	k->fn.done = fn;
	send_on(s, q, k);
}
