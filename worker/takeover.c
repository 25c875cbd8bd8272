/*
 * takeover.c - what a new owner of a partition does before anything else
 *
 *   take      a new epoch: whoever had the old one can't save any more
 *   ledger    calls.events from {p}:told to its end: what the world was told
 *   outbox    what was saved and not told goes to Kafka, a call's old events before its new ones
 *   live      calls not yet ended: their phones are adopted, or given up as unknown
 *   commands  from the committed offset
 *
 * A worker that takes over what it never forgot (Redis was away, or restarted
 * with its data; nobody else had the epoch) goes the same way as far as the
 * outbox, and then on from memory: a step that was not answered is asked again
 * with its stamp, a leg or an intent in its own hand is never unknown.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kill_point.h"
#include "log.h"
#include "metrics.h"
#include "must.h"

#define TRY_AGAIN (500 * CLOCK_MS)

struct takeover {
	struct partition *partition;
	bool from_memory;
	struct table *told_names; /* ledger: each "<callLegId>-<seq>", and callLegIds whose end was told */
	struct entry {
		char *name;
		int64_t seq;
		struct bytes packed;
	} * entries; /* outbox */
	size_t entry_count, entry_room;
	size_t untold; /* of them, not yet acknowledged */
	size_t calls;
	int64_t began;
};

/* What an answer belongs to: the partition stays, the round may be over. */
struct asked {
	struct partition *partition;
	uint32_t round;
};

static struct metric takeovers_total =
        METRIC_COUNTER_INIT("callcast_takeovers_total", "from=\"redis\"", "Partitions taken over");
static struct metric takeovers_memory_total =
        METRIC_COUNTER_INIT("callcast_takeovers_total", "from=\"memory\"", "Partitions taken over");
static struct metric takeover_seconds =
        METRIC_HISTOGRAM_INIT("callcast_takeover_seconds", NULL, "From the take to the first command");

static struct asked *asked_new(struct partition *p)
{
	struct asked *a = must_calloc(1, sizeof(*a));

	*a = (struct asked){ p, p->round };
	return a;
}

/* The takeover that this answer is for; NULL: it is over. */
static struct takeover *takeover_of(const struct asked *a)
{
	return a->round == a->partition->round ? a->partition->takeover : NULL;
}

void takeover_stop(struct partition *p)
{
	struct takeover *t = p->takeover;

	if (!t)
		return;
	p->takeover = NULL;
	ledger_stop(p->worker->ledger, p->number);
	for (size_t i = 0; i < t->entry_count; i++) {
		free(t->entries[i].name);
		free(t->entries[i].packed.data);
	}
	free(t->entries);
	table_close(t->told_names);
	free(t);
}

static void begin_again(void *arg)
{
	struct partition *p = arg;

	if (p->state == PARTITION_TAKING)
		takeover_start(p);
}

/* Refused or away: others decide what is next.  Else it is tried again, a little later. */
static void give_up(struct partition *p, enum store_answer a, const char *stage)
{
	takeover_stop(p);
	if (a == STORE_REFUSED) {
		partition_refused(p);
	} else if (a != STORE_AWAY) {
		log_warn("takeover.again partition=%d stage=%s", p->number, stage);
		loop_timer_set(p->worker->loop, &p->ask_again, clock_mono() + TRY_AGAIN, begin_again, p);
	}
}

/* ---- live ---- */

/* The prompts that are heard in the call; one that was only intended is not (decide_taken ends it). */
static size_t plays_of(const struct call_record *rec, struct carrier_play *out)
{
	size_t n = 0;

	for (size_t i = 0; i < rec->operations_count; i++) {
		const struct operation *op = &rec->operations[i];

		if (op->kind == OPERATION_PLAY && op->state == OPERATION_STARTED)
			out[n++] =
			        (struct carrier_play){ op->id, op->audio_file_uri, op->loop, op->started_at };
	}
	return n;
}

/* An app that is leaving while somebody may still ring has no such time yet. */
static int64_t left_at(const struct call *c)
{
	return c->record.ended_at ? c->record.ended_at : store_now(c->partition->worker->store);
}

/* Phones that another owner dialled: ours from here on. */
static void adopt_legs(struct call *c)
{
	struct carrier *carrier = c->partition->worker->carrier;
	const struct call_record *rec = &c->record;
	struct carrier_play *plays = must_calloc(rec->operations_count + 1, sizeof(*plays));
	const size_t play_count = plays_of(rec, plays);
	size_t talking = 0;

	for (size_t i = 0; i < rec->legs_count; i++)
		talking += rec->legs[i].state == LEG_TALKING;
	for (size_t i = 0; i < rec->legs_count; i++) {
		const struct leg *leg = &rec->legs[i];

		if (!leg->carrier_record.len || leg->state == LEG_ENDED)
			continue;
		carrier->ops->adopt(carrier, leg->dial_id, &leg->carrier_record);
		/* what its owner saved, and could not ask for any more, is not in the leg's own record */
		if (leg->state == LEG_TALKING) {
			carrier->ops->keep_plays(carrier, leg->dial_id, plays, play_count);
			if (talking > 1)
				carrier->ops->bridge(carrier, leg->dial_id, c->id);
			if (rec->state == CALL_LEFT || rec->state == CALL_TERMINATING)
				carrier->ops->leave(carrier, leg->dial_id, left_at(c));
		}
		if (leg->state == LEG_ENDING) /* asked for once already; it does no harm twice */
			carrier->ops->hang_up(carrier, leg->dial_id);
	}
	free(plays);
}

static void load_call(struct takeover *t, const struct store_entry *e)
{
	struct partition *p = t->partition;
	struct call_record rec = { 0 };
	const char *why = NULL;
	struct call *c;
	int r;

	if (table_get(t->told_names, e->name)) { /* its end was told, though Redis could not keep it */
		log_warn("call.told_over call=%s partition=%d", e->name, p->number);
		return;
	}
	if (strlen(e->name) != CALLID_LEN || !e->value.len) {
		log_error("call.missing call=%s partition=%d", e->name, p->number);
		return;
	}
	r = record_decode(RECORD_CALL_RECORD, &rec, e->value.data, e->value.len, &why);
	if (r < 0) {
		log_error("call.unreadable call=%s error=%d reason=\"%s\"", e->name, r,
		          why ? why : "newer schema");
		p->blocked |= r == -ENOTSUP; /* to a newer program it means something: nothing is done here */
		return;
	}
	c = call_get(p, e->name);
	call_record_clear(&c->record);
	c->record = rec;
	c->version = e->version;
	c->memory = CALL_READ;
	c->acked_seq = rec.next_seq - 1; /* the outbox is told */
	c->fresh = true;
	t->calls++;
}

static void go_on_fresh(struct call *c)
{
	c->fresh = false;
	adopt_legs(c);
	call_set_deadline(c);
	call_queue(c, queued_new(INPUT_TAKEN));
	if (call_has_intent(&c->record)) /* the outbox is told: the ledger knows of it */
		call_queue(c, queued_confirm(INT32_MAX));
}

/* ---- commands ---- */

static void go_on(struct takeover *t)
{
	struct partition *p = t->partition;
	const bool from_memory = t->from_memory;
	const size_t loaded = t->calls;
	size_t cursor = 0;
	struct call *c;

	KILL_POINT("live-read");
	metric_observe(&takeover_seconds, (double)(clock_mono() - t->began) / 1e6);
	metric_add(from_memory ? &takeovers_memory_total : &takeovers_total, 1);
	takeover_stop(p);
	p->owned = true;
	partition_set_state(p, PARTITION_ACTIVE);
	log_info("partition.taken partition=%d epoch=%s from=%s calls=%zu", p->number, p->epoch.text,
	         from_memory ? "memory" : "redis", from_memory ? table_count(p->calls) : loaded);
	while ((c = table_next(p->calls, &cursor, NULL))) {
		if (c->fresh)
			go_on_fresh(c);
		step_ask_again(c);
		call_run(c); /* may let go of it */
	}
	partition_feed(p);
}

static void live_read(void *arg, enum store_answer a, const struct store_entry *entries, size_t n, bool more)
{
	struct asked *k = arg;
	struct takeover *t = takeover_of(k);
	struct partition *p = k->partition;

	if (!more)
		free(k);
	if (!t)
		return;
	if (a != STORE_DONE) {
		give_up(p, a, "live");
		return;
	}
	for (size_t i = 0; i < n; i++)
		load_call(t, &entries[i]);
	if (!more)
		go_on(t);
}

static void outbox_told(struct takeover *t)
{
	struct partition *p = t->partition;

	KILL_POINT("outbox-told");
	if (t->from_memory)
		go_on(t);
	else
		store_live(p->worker->store, p->number, &p->epoch, live_read, asked_new(p));
}

/* ---- outbox ---- */

static int by_call_and_seq(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int c = strncmp(x->name, y->name, CALLID_LEN);

	return c ? c : (x->seq > y->seq) - (x->seq < y->seq);
}

void takeover_entry_told(struct partition *p)
{
	struct takeover *t = p->takeover;

	if (t && t->untold && !--t->untold)
		outbox_told(t);
}

/*
 * Our own memory is telling it.  Not so what a step in hand has saved without
 * hearing of it: that step may turn out stale, and the same bytes twice do no harm.
 */
static bool in_hand(const struct takeover *t, const struct entry *e)
{
	char id[CALLID_SIZE] = { 0 };
	const struct call *c;

	memcpy(id, e->name, CALLID_LEN);
	c = t->from_memory ? call_find(t->partition, id) : NULL;
	for (const struct untold *u = c ? c->untold : NULL; u; u = u->after)
		if (u->seq == e->seq)
			return true;
	return false;
}

static void tell_outbox(struct takeover *t)
{
	struct partition *p = t->partition;

	if (t->entry_count)
		qsort(t->entries, t->entry_count, sizeof(*t->entries), by_call_and_seq);
	t->untold = 1; /* ours, until all are on their way */
	for (size_t i = 0; i < t->entry_count; i++) {
		struct entry *e = &t->entries[i];

		if (i && !strcmp(e->name, e[-1].name))
			continue; /* HSCAN may give an entry twice */
		if (table_get(t->told_names, e->name)) {
			partition_acked(p, e->name);
		} else if (!in_hand(t, e)) {
			t->untold++;
			if (step_tell_entry(p, e->name, &e->packed) < 0) {
				log_error("outbox.unreadable partition=%d entry=%s", p->number, e->name);
				t->untold--;
			}
		}
	}
	takeover_entry_told(p);
}

static void add_entry(struct takeover *t, const struct store_entry *e)
{
	const size_t len = strlen(e->name);
	struct entry *entry;

	if (len < CALLID_LEN + 2 || e->name[CALLID_LEN] != '-') {
		log_error("outbox.unreadable partition=%d entry=%s", t->partition->number, e->name);
		return;
	}
	if (t->entry_count == t->entry_room) {
		t->entry_room = t->entry_room ? t->entry_room * 2 : 64;
		t->entries = must_realloc(t->entries, t->entry_room * sizeof(*t->entries));
	}
	entry = &t->entries[t->entry_count++];
	entry->name = must_strdup(e->name);
	entry->seq = strtoll(e->name + CALLID_LEN + 1, NULL, 10);
	entry->packed.data = must_copy(e->value.data, e->value.len);
	entry->packed.len = e->value.len;
}

static void outbox_read(void *arg, enum store_answer a, const struct store_entry *entries, size_t n,
                        bool more)
{
	struct asked *k = arg;
	struct takeover *t = takeover_of(k);
	struct partition *p = k->partition;

	if (!more)
		free(k);
	if (!t)
		return;
	if (a != STORE_DONE) {
		give_up(p, a, "outbox");
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_entry(t, &entries[i]);
	if (!more)
		tell_outbox(t);
}

/* ---- ledger ---- */

static void note_told(struct takeover *t, const struct ledger_record *r)
{
	struct call_event e = { 0 };
	const char *why = NULL;
	char name[CALLID_SIZE + 22];
	int64_t n;
	int error;

	error = record_decode(RECORD_CALL_EVENT, &e, r->data, r->len, &why);
	if (error < 0) {
		log_error("ledger.unreadable partition=%d offset=%lld error=%d reason=\"%s\"",
		          t->partition->number, (long long)r->offset, error, why ? why : "newer schema");
		return;
	}
	snprintf(name, sizeof(name), "%s-%lld", e.call_leg_id ? e.call_leg_id : "", (long long)e.seq);
	if (table_put(t->told_names, name, t) < 0 ||
	    (e.state == CALL_TERMINATED && e.call_leg_id && table_put(t->told_names, e.call_leg_id, t) < 0))
		abort(); /* as must_calloc() */
	n = e.epoch ? strtoll(e.epoch, NULL, 10) : 0;
	if (n > t->partition->epoch_number)
		log_error("ledger.ahead partition=%d epoch=%s ours=%s reason=\"Redis went back\"",
		          t->partition->number, e.epoch, t->partition->epoch.text);
	call_event_clear(&e);
}

static void ledger_was_read(void *arg, int error, const struct ledger_record *r)
{
	struct partition *p = arg;
	struct takeover *t = p->takeover;

	if (!t)
		return;
	if (error < 0) {
		give_up(p, STORE_STALE, "ledger");
		return;
	}
	if (r->data) {
		note_told(t, r);
		return;
	}
	KILL_POINT("ledger-read");
	if (r->offset > p->told)
		p->told = r->offset;
	store_outbox(p->worker->store, p->number, &p->epoch, outbox_read, asked_new(p));
}

/* ---- take ---- */

/*
 * What we remember is not what Redis has.  Commands that were given to calls go
 * with them: they are read again.  At an assignment none was; but a member that
 * others believed dead may take a partition from its owner for a moment, with no
 * rebalance in between.
 */
static void begin_anew(struct partition *p)
{
	const int64_t again = partition_next(p);

	if (table_count(p->calls) && again >= 0) {
		partition_reset_intake(p);
		p->offsets.next = again; /* all below is told, also if no command follows */
		group_seek(p->worker->group, p->number, again);
	}
	partition_forget(p);
}

static void taken(void *arg, enum store_answer a, const struct store_taken *got)
{
	struct asked *k = arg;
	struct takeover *t = takeover_of(k);
	struct partition *p = k->partition;

	free(k);
	if (!t)
		return;
	if (a != STORE_DONE) {
		give_up(p, a, "take");
		return;
	}
	KILL_POINT("taken");
	/* nobody had the partition since we did: what we remember of it is what Redis has */
	t->from_memory = p->owned && got->kept;
	if (!t->from_memory)
		begin_anew(p);
	p->epoch = got->epoch;
	p->epoch_number = strtoll(got->epoch.text, NULL, 10);
	p->below_next = got->next;
	ledger_read(p->worker->ledger, p->number, got->told, ledger_was_read, p);
}

void takeover_start(struct partition *p)
{
	struct takeover *t;

	metric_register(&takeovers_total);
	metric_register(&takeovers_memory_total);
	metric_register(&takeover_seconds);
	takeover_stop(p);
	loop_timer_clear(p->worker->loop, &p->ask_again);
	if (!store_is_up(p->worker->store)) {
		partition_set_state(p, PARTITION_AWAY);
		return;
	}
	partition_set_state(p, PARTITION_TAKING);
	t = must_calloc(1, sizeof(*t));
	t->partition = p;
	t->began = clock_mono();
	if (table_open(&t->told_names) < 0)
		abort(); /* as must_calloc() */
	p->takeover = t;
	p->round++;
	store_take(p->worker->store, p->number, p->epoch_number, p->owned ? p->epoch.text : NULL, taken,
	           asked_new(p));
}
