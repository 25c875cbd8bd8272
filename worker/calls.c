/* calls.c - calls in memory: finding them, what waits for them, letting them go */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "must.h"

/* Digits that wait while Redis or Kafka is away; other inputs are few by their nature. */
#define QUEUED_DIGITS_MAX 256

static struct metric digits_dropped = METRIC_COUNTER_INIT(
        "callcast_digits_dropped_total", NULL, "Digits dropped because too many waited in one call");
static struct metric calls_live =
        METRIC_GAUGE_INIT("callcast_calls_in_memory", NULL, "Calls that this worker has in memory");

struct call *call_find(struct partition *p, const char *id)
{
	return table_get(p->calls, id);
}

struct call *call_get(struct partition *p, const char *id)
{
	struct call *c = call_find(p, id);

	if (c)
		return c;
	c = must_calloc(1, sizeof(*c));
	memcpy(c->id, id, CALLID_LEN);
	c->partition = p;
	if (table_put(p->calls, c->id, c) < 0)
		abort(); /* as must_calloc() */
	metric_add(&calls_live, 1);
	return c;
}

/* ---- the queue ---- */

struct queued *queued_new(enum input_kind kind)
{
	struct queued *q = must_calloc(1, sizeof(*q));

	q->in.kind = kind;
	q->offset = -1;
	return q;
}

struct queued *queued_carrier(const struct carrier_event *ev)
{
	struct queued *q = queued_new(INPUT_CARRIER);

	q->carrier = *ev;
	q->carrier.dial_id = q->dial_id = must_strdup(ev->dial_id);
	q->carrier.play = q->play = must_strdup(ev->play);
	q->carrier.reason = q->reason = must_strdup(ev->reason);
	q->in.carrier = &q->carrier;
	return q;
}

struct queued *queued_confirm(int32_t announced)
{
	struct queued *q = queued_new(INPUT_CONFIRM);

	q->in.announced = announced;
	return q;
}

void queued_free(struct queued *q)
{
	if (!q)
		return;
	call_command_clear(&q->command);
	free(q->raw.data);
	free(q->dial_id);
	free(q->play);
	free(q->reason);
	free(q);
}

bool call_queue(struct call *c, struct queued *q)
{
	if (c->queued_count >= QUEUED_DIGITS_MAX && q->in.kind == INPUT_CARRIER &&
	    q->carrier.kind == CARRIER_DIGIT) {
		metric_add(&digits_dropped, 1);
		log_warn("digit.dropped call=%s reason=too-many-wait", c->id);
		queued_free(q);
		return false;
	}
	q->next = NULL;
	if (c->last)
		c->last->next = q;
	else
		c->first = q;
	c->last = q;
	c->queued_count++;
	return true;
}

void call_queue_first(struct call *c, struct queued *q)
{
	q->next = c->first;
	c->first = q;
	if (!c->last)
		c->last = q;
	c->queued_count++;
}

struct queued *call_pop(struct call *c)
{
	struct queued *q = c->first;

	if (!q)
		return NULL;
	c->first = q->next;
	if (!c->first)
		c->last = NULL;
	c->queued_count--;
	return q;
}

void call_drop_commands(struct call *c)
{
	struct queued *q = c->first, *next;

	c->first = c->last = NULL;
	c->queued_count = 0;
	c->waiting_count = 0;
	for (; q; q = next) {
		next = q->next;
		if (q->offset >= 0)
			queued_free(q);
		else
			call_queue(c, q);
	}
}

/* ---- deadlines ---- */

static void deadline_came(void *arg)
{
	struct call *c = arg;

	if (c->deadline_queued)
		return;
	c->deadline_queued = true;
	call_queue(c, queued_new(INPUT_DEADLINE));
	call_run(c);
}

void call_set_deadline(struct call *c)
{
	struct worker *w = c->partition->worker;

	if (!c->record.deadline || !call_exists(&c->record)) {
		loop_timer_clear(w->loop, &c->deadline);
		return;
	}
	/* the record's time is Redis's; the timer's is this machine's */
	loop_timer_set(w->loop, &c->deadline, clock_mono() + c->record.deadline - store_now(w->store),
	               deadline_came, c);
}

/* ---- what is told ---- */

void call_wait_told(struct call *c, int64_t offset)
{
	const int64_t seq = call_exists(&c->record) ? c->record.next_seq - 1 : 0;

	if (offset < 0)
		return;
	if (c->acked_seq >= seq) {
		partition_done(c->partition, offset);
		return;
	}
	c->waiting = must_realloc(c->waiting, (c->waiting_count + 1) * sizeof(*c->waiting));
	c->waiting[c->waiting_count++] = (struct waiting_offset){ offset, seq };
}

void call_told(struct call *c, int64_t seq)
{
	size_t kept = 0;

	if (seq > c->acked_seq)
		c->acked_seq = seq;
	for (size_t i = 0; i < c->waiting_count; i++) {
		if (c->waiting[i].seq <= c->acked_seq)
			partition_done(c->partition, c->waiting[i].offset);
		else
			c->waiting[kept++] = c->waiting[i];
	}
	c->waiting_count = kept;
}

/* ---- letting go ---- */

static void unready(struct call *c)
{
	struct worker *w = c->partition->worker;
	struct call **at = &w->ready, *last = NULL;

	for (; *at && *at != c; at = &(*at)->ready_next)
		last = *at;
	if (*at)
		*at = c->ready_next;
	if (w->ready_last == c)
		w->ready_last = last;
	c->is_ready = false;
}

static void call_free(struct call *c)
{
	struct queued *q;

	while ((q = call_pop(c)))
		queued_free(q);
	step_free(c->step);
	call_record_clear(&c->record);
	free(c->waiting);
	free(c->confirm);
	free(c);
}

/* Out of reach: what is told of it later finds no call. */
static void detach(struct call *c)
{
	struct worker *w = c->partition->worker;

	table_remove(c->partition->calls, c->id);
	metric_add(&calls_live, -1);
	loop_timer_clear(w->loop, &c->deadline);
	if (c->is_ready)
		unready(c);
	for (struct untold *u = c->untold; u; u = u->after)
		u->call = NULL;
	c->untold = NULL;
	c->forgotten = true;
}

void call_answered_late(struct call *c)
{
	if (!c->step || !c->step->asked)
		call_free(c);
}

void call_release(struct call *c)
{
	const bool over = !call_exists(&c->record) || call_is_over(&c->record);

	if (!over || c->memory == CALL_READING || c->step || c->first || c->untold || c->waiting_count)
		return;
	detach(c);
	call_free(c);
}

void call_forget(struct call *c)
{
	struct carrier *carrier = c->partition->worker->carrier;

	for (size_t i = 0; i < c->record.legs_count; i++)
		if (c->record.legs[i].dial_id)
			carrier->ops->forget(carrier, c->record.legs[i].dial_id);
	detach(c);
	if (c->memory != CALL_READING && (!c->step || !c->step->asked))
		call_free(c); /* else when the answer comes */
}

void calls_forget(struct partition *p)
{
	size_t cursor = 0, n = 0;
	struct call *c;

	while ((c = table_next(p->calls, &cursor, NULL))) {
		call_forget(c);
		n++;
	}
	if (n)
		log_info("calls.forgotten partition=%d calls=%zu", p->number, n);
}
