/* world_kafka.c - teller.h and ledger.h on the world's Kafka: logs that only grow */
#include "simulation/world_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- logs ---- */

static int64_t append(struct log *log, const char *key, const struct bytes *value)
{
	if (log->count == log->room) {
		log->room = log->room ? log->room * 2 : 32;
		log->records = must_realloc(log->records, log->room * sizeof(*log->records));
	}
	log->records[log->count] =
	        (struct log_record){ .value = { must_copy(value->data, value->len), value->len } };
	snprintf(log->records[log->count].key, CALLID_SIZE, "%s", key);
	return (int64_t)log->count++;
}

void kafka_append_command(struct world *w, int32_t p, const char *key, const struct bytes *value)
{
	append(&w->kafka.commands[p], key, value);
	group_commands_came(w, p);
}

static void log_clear(struct log *log)
{
	for (size_t i = 0; i < log->count; i++)
		free(log->records[i].value.data);
	free(log->records);
}

void kafka_clear_all(struct world *w)
{
	struct member *m;

	for (int p = 0; p < WORLD_PARTITIONS; p++) {
		log_clear(&w->kafka.commands[p]);
		log_clear(&w->kafka.events[p]);
	}
	while ((m = w->kafka.group.members)) {
		w->kafka.group.members = m->next;
		free(m);
	}
}

/* ---- teller ---- */

#define RECORD_BOUND 1000000 /* librdkafka's message.max.bytes, which is not set */

struct teller {
	struct node *node;
	teller_paused_fn *fn;
	void *arg;
	struct telling *first, *last; /* unacknowledged, in the order of sending */
	size_t bytes, count;
	uint32_t producer; /* one more after each fatal error */
	int64_t there, back;
	int paused;
};

struct record {
	struct message message;
	struct telling *telling; /* while its worker lives, and its producer */
	enum kafka_topic topic;
	int32_t partition;
	struct bytes value;
	char key[CALLID_SIZE];
};

struct ack {
	struct message message;
	struct telling *telling;
	uint32_t producer;
	int64_t offset;
};

static void check_bound(struct teller *t)
{
	const size_t bound = (size_t)t->node->world->settings->worker_unacked;
	const int paused = t->paused ? t->bytes > bound / 2 : t->bytes > bound;

	if (paused == t->paused)
		return;
	t->paused = paused;
	t->fn(t->arg, paused);
}

static void unlink_telling(struct teller *t, struct telling *w)
{
	if (w->before)
		w->before->after = w->after;
	else
		t->first = w->after;
	if (w->after)
		w->after->before = w->before;
	else
		t->last = w->before;
	w->before = w->after = NULL;
	t->bytes -= w->value.len;
	t->count--;
}

static void acknowledged(struct message *m)
{
	struct ack *k = (struct ack *)m;
	struct teller *t = m->to->worker.teller;

	if (k->producer != t->producer)
		return;
	unlink_telling(t, k->telling);
	k->telling->offset = k->offset;
	k->telling->fn(k->telling);
	check_bound(t);
}

static void record_drop(struct message *m)
{
	free(((struct record *)m)->value.data);
}

/* At the broker. */
static void record_arrives(struct message *m)
{
	struct record *r = (struct record *)m;
	const struct node *n = m->from;
	struct world *w = n->world;
	int64_t offset;
	struct ack *k;

	if (w->now < w->kafka.stuck_until) {
		message_wait(w, m, sizeof(*r), w->kafka.stuck_until);
		return;
	}
	if (r->topic == TOPIC_EVENTS) {
		offset = append(&w->kafka.events[r->partition], r->key, &r->value);
		check_append(w, r->partition, &r->value);
		world_reach(w, POINT_TELL, NULL);
	} else {
		offset = (int64_t)w->kafka.dead++;
		check_letter(w, &r->value);
	}
	if (n->alive && n->life == m->from_life && n->worker.teller->producer == m->link) {
		k = message_new((struct node *)n, sizeof(*k), acknowledged, NULL);
		k->telling = r->telling;
		k->producer = m->link;
		k->offset = offset;
		k->message.point = POINT_TOLD;
		message_send(w, &k->message, way(w, &n->worker.teller->back, world_delay(w)));
	}
	record_drop(m);
}

static void produce(struct teller *t, struct telling *what)
{
	struct world *w = t->node->world;
	struct record *r = message_new(NULL, sizeof(*r), record_arrives, record_drop);

	r->message.from = t->node;
	r->message.from_life = t->node->life;
	r->message.link = t->producer;
	r->telling = what;
	r->topic = what->topic;
	r->partition = what->partition;
	r->value = (struct bytes){ must_copy(what->value.data, what->value.len), what->value.len };
	snprintf(r->key, sizeof(r->key), "%s", what->key);
	message_send(w, &r->message, way(w, &t->there, world_delay(w)));
}

void teller_cut(struct teller *t, int64_t late)
{
	messages_cut(t->node->world, record_arrives, t->node, t->node->life, t->producer, late);
}

/* The old one's requests may arrive yet, also after the new one's. */
void teller_reopen(struct teller *t)
{
	struct world *w = t->node->world;

	teller_cut(t, chance(w, 50) ? 100 * CLOCK_MS : 0);
	t->producer++;
	t->there = t->back = w->now;
	for (struct telling *what = t->first; what; what = what->after)
		produce(t, what);
}

int teller_open(struct teller **out, struct loop *loop, const struct settings *s, teller_paused_fn *fn,
                void *arg)
{
	struct teller *t = must_calloc(1, sizeof(*t));

	(void)loop, (void)s;
	t->node = the_world->opening;
	t->fn = fn;
	t->arg = arg;
	*out = t;
	return 0;
}

void teller_close(struct teller *t)
{
	struct telling *next;

	if (!t)
		return;
	for (struct telling *what = t->first; what; what = next) {
		next = what->after;
		free(what->arg); /* the process is gone, with all its memory */
		telling_free(what);
	}
	free(t);
}

void teller_send(struct teller *t, struct telling *what)
{
	what->before = t->last;
	what->after = NULL;
	if (t->last)
		t->last->after = what;
	else
		t->first = what;
	t->last = what;
	t->bytes += what->value.len;
	t->count++;
	if (t->node->dying)
		return;
	if (what->value.len > RECORD_BOUND)
		world_fail(t->node->world, "a record of %zu bytes: Kafka would never take it",
		           what->value.len);
	produce(t, what);
	check_bound(t);
}

size_t teller_unacked(const struct teller *t)
{
	return t->bytes;
}

size_t teller_waiting(const struct teller *t)
{
	return t->count;
}

rd_kafka_t *teller_kafka(struct teller *t)
{
	(void)t;
	return NULL;
}

/* ---- ledger ---- */

struct ledger {
	struct node *node;
	struct reading {
		ledger_fn *fn; /* NULL: none under way */
		void *arg;
		uint32_t number;
		int64_t next;
	} readings[WORLD_PARTITIONS];
};

struct fetch {
	struct message message;
	struct ledger *ledger; /* while its worker lives */
	const struct node *node;
	uint32_t life;
	int32_t partition;
	uint32_t number;
	int64_t from, to; /* what the broker gave */
	bool end, failed;
};

#define FETCH 5

static void fetch(struct ledger *l, int32_t p);

static void fetched(struct message *m)
{
	struct fetch *f = (struct fetch *)m;
	struct reading *r = &f->ledger->readings[f->partition];
	struct world *w = f->node->world;
	ledger_fn *fn = r->fn;

	if (!fn || r->number != f->number)
		return;
	if (f->failed) {
		r->fn = NULL;
		fn(r->arg, -EIO, NULL);
		return;
	}
	for (int64_t i = f->from; i < f->to; i++) {
		const struct log_record *rec = &w->kafka.events[f->partition].records[i];

		fn(r->arg, 0, &(struct ledger_record){ i, rec->value.data, rec->value.len });
		if (!r->fn || r->number != f->number)
			return;
	}
	r->next = f->to;
	if (f->end) {
		r->fn = NULL;
		fn(r->arg, 0, &(struct ledger_record){ f->to, NULL, 0 });
	} else {
		fetch(f->ledger, f->partition);
	}
}

static void fetch_arrives(struct message *m)
{
	struct fetch *f = (struct fetch *)m, *answer;
	struct world *w = f->node->world;
	const int64_t end = (int64_t)w->kafka.events[f->partition].count;

	if (!f->node->alive || f->node->life != f->life)
		return;
	answer = message_new((struct node *)f->node, sizeof(*answer), fetched, NULL);
	answer->ledger = f->ledger;
	answer->node = f->node;
	answer->partition = f->partition;
	answer->number = f->number;
	answer->from = f->from < 0 ? 0 : f->from;
	answer->to = answer->from + FETCH < end ? answer->from + FETCH : end;
	answer->end = answer->to == end;
	answer->failed = !w->rules.steady && chance(w, 2);
	if (answer->end)
		world_reach(w, POINT_LEDGER, NULL);
	message_send(w, &answer->message, w->now + world_delay(w));
}

static void fetch(struct ledger *l, int32_t p)
{
	struct world *w = l->node->world;
	struct fetch *f;

	if (l->node->dying)
		return;
	f = message_new(NULL, sizeof(*f), fetch_arrives, NULL);
	f->ledger = l;
	f->node = l->node;
	f->life = l->node->life;
	f->partition = p;
	f->number = l->readings[p].number;
	f->from = l->readings[p].next;
	message_send(w, &f->message, w->now + world_delay(w));
}

int ledger_open(struct ledger **out, struct loop *loop, const struct settings *s)
{
	struct ledger *l = must_calloc(1, sizeof(*l));

	(void)loop, (void)s;
	l->node = the_world->opening;
	*out = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	free(l);
}

void ledger_read(struct ledger *l, int32_t p, int64_t offset, ledger_fn *fn, void *arg)
{
	struct reading *r = &l->readings[p];

	*r = (struct reading){ fn, arg, r->number + 1, offset };
	fetch(l, p);
}

void ledger_stop(struct ledger *l, int32_t p)
{
	l->readings[p].fn = NULL;
}
