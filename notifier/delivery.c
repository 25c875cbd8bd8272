/* delivery.c - see delivery.h.  A delivery's stage is changed by the functions named after the stages only. */
#include "delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "clock.h"
#include "delivered.h"
#include "digest.h"
#include "gone.h"
#include "lanes.h"
#include "letters.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "order.h"
#include "poster.h"
#include "settings.h"
#include "tenants.h"
#include "verdict.h"
#include "webhook.h"

#define ENDPOINT_SHARE  16 /* transfers at once to one endpoint */
#define ANSWERS_KEPT    5
#define SWEEP_EVERY     (60 * CLOCK_SEC)
#define CALL_IDLE_LIMIT (600 * CLOCK_SEC) /* a call that nothing was heard of so long is forgotten */
/* answerBy lies at most 1 s ahead; what is further is a clock gone wrong, and must not hold a webhook for hours */
#define EARLY_LIMIT (5 * CLOCK_SEC)

static struct metric delivered_total =
        METRIC_COUNTER_INIT("callcast_webhooks_total", "result=\"delivered\"", "Webhooks by result");
static struct metric retried_total =
        METRIC_COUNTER_INIT("callcast_webhooks_total", "result=\"retried\"", "Webhooks by result");
static struct metric dead_total =
        METRIC_COUNTER_INIT("callcast_webhooks_total", "result=\"dead\"", "Webhooks by result");
static struct metric skipped_total =
        METRIC_COUNTER_INIT("callcast_webhooks_total", "result=\"already_delivered\"", "Webhooks by result");
static struct metric seconds =
        METRIC_HISTOGRAM_INIT("callcast_webhook_seconds", NULL, "From the event to its webhook's 2xx");
static struct metric waiting = METRIC_GAUGE_INIT("callcast_webhooks_waiting", NULL, "Events in memory");
static struct metric waiting_bytes = METRIC_GAUGE_INIT("callcast_webhooks_waiting_bytes", NULL, "Their size");
static struct metric gone_total =
        METRIC_COUNTER_INIT("callcast_webhook_endpoints_disabled_total", NULL, "Endpoints that answered 410");
static struct metric early_total = METRIC_COUNTER_INIT("callcast_webhooks_early_total", NULL,
                                                       "Events that came before answerBy and waited for it");
static struct metric unread_total = METRIC_COUNTER_INIT("callcast_events_undecodable_total", NULL,
                                                        "Records of calls.events set aside unread");

static struct metric *const shown[] = { &delivered_total, &retried_total, &dead_total,    &skipped_total,
	                                &seconds,         &waiting,       &waiting_bytes, &gone_total,
	                                &early_total,     &unread_total };

enum stage { STAGE_LINE, STAGE_ASKED, STAGE_EARLY, STAGE_READY, STAGE_SENT, STAGE_RETRY, STAGE_DEAD };

struct delivery {
	struct order_item item; /* in no line: a record that could not be read */
	struct lane_item lane;
	struct delivery *next, **prev; /* of all */
	struct deliveries *set;
	enum stage stage;
	struct intake_ticket ticket;
	bool old;
	struct call_event ev;
	struct bytes key, value; /* as read, for the letter */
	char id[ENVELOPE_ID_SIZE];
	char *endpoint;
	struct loop_timer timer;
	struct delivered_ask *ask;
	int tries;
	struct dead_answer answers[ANSWERS_KEPT]; /* oldest first; errors are fixed texts */
	size_t answer_count;
};

struct deliveries {
	struct delivery_parts parts;
	enum envelope_form form;
	struct order *order;
	struct lanes *lanes;
	struct gone gone;
	struct delivery *first;
	size_t count, bytes, on_way;
	bool draining, pumping;
	bool taken_away; /* no partition is ours, until records come again */
	struct loop_timer sweep;
};

static void go(struct delivery *d);
static void ready(struct delivery *d);
static void pump(struct deliveries *s);

#define of(ptr, member) ((struct delivery *)((char *)(ptr)-offsetof(struct delivery, member)))

/* ---- what is in hand ---- */

static size_t weight(const struct delivery *d)
{
	/* the record, and about as much again decoded */
	return sizeof(*d) + 2 * d->value.len + d->key.len;
}

static void weigh(struct deliveries *s)
{
	int64_t count = (int64_t)s->count, bytes = (int64_t)s->bytes;
	const struct settings *set = s->parts.settings;

	metric_set(&waiting, (double)count);
	metric_set(&waiting_bytes, (double)bytes);
	if (count >= set->webhook_waiting || bytes >= set->webhook_waiting_bytes)
		intake_hold(s->parts.intake, true);
	else if (count * 4 < set->webhook_waiting * 3 && bytes * 4 < set->webhook_waiting_bytes * 3)
		intake_hold(s->parts.intake, s->draining);
}

static struct delivery *new_delivery(struct deliveries *s, const struct intake_record *r)
{
	struct delivery *d;

	d = must_calloc(1, sizeof(*d));
	d->set = s;
	d->ticket = r->ticket;
	d->old = r->old;
	d->key = (struct bytes){ must_copy(r->key, r->key_len), r->key_len };
	d->value = (struct bytes){ must_copy(r->value, r->value_len), r->value_len };
	d->prev = &s->first;
	d->next = s->first;
	if (d->next)
		d->next->prev = &d->next;
	s->first = d;
	s->count++;
	s->bytes += weight(d);
	return d;
}

static void free_delivery(struct delivery *d)
{
	struct deliveries *s = d->set;

	*d->prev = d->next;
	if (d->next)
		d->next->prev = d->prev;
	s->count--;
	s->bytes -= weight(d);
	lanes_leave(s->lanes, &d->lane);
	delivered_forget(d->ask);
	loop_timer_clear(s->parts.loop, &d->timer);
	call_event_clear(&d->ev);
	free(d->key.data);
	free(d->value.data);
	free(d->endpoint);
	free(d);
}

/* Its offset is finished, or (not `done`) somebody will read it again.  Who may go now, or NULL. */
static struct delivery *take_out(struct delivery *d, bool done)
{
	struct deliveries *s = d->set;
	struct order_item *next = NULL;
	struct intake_ticket ticket = d->ticket;

	if (d->stage == STAGE_SENT || d->stage == STAGE_DEAD)
		s->on_way--;
	if (d->item.line)
		next = order_remove(&d->item, done);
	free_delivery(d);
	if (done)
		intake_done(s->parts.intake, &ticket);
	weigh(s);
	return next && of(next, item)->stage == STAGE_LINE ? of(next, item) : NULL;
}

static struct delivery *skip(struct delivery *d)
{
	metric_add(&skipped_total, 1);
	log_debug("webhook.skipped call=%s event=%s", d->ev.call_leg_id, d->id);
	return take_out(d, true);
}

static void leave(struct delivery *d, bool done)
{
	struct delivery *next = take_out(d, done);

	if (next)
		go(next);
}

/* ---- dead ---- */

static void buried(void *arg)
{
	leave(arg, true);
}

static void dead(struct delivery *d, enum kafka_topic topic, const char *reason)
{
	struct deliveries *s = d->set;
	struct dead_letter letter = {
		.value = d->value,
		.key = d->key,
		.reason = (char *)reason,
		.topic = (char *)kafka_topic(s->parts.settings, TOPIC_EVENTS),
		.partition = d->ticket.partition,
		.offset = d->ticket.offset,
		.at = clock_utc(),
		.attempts = d->tries,
		.answers = d->answers,
		.answers_count = d->answer_count,
	};

	lanes_leave(s->lanes, &d->lane);
	if (d->stage != STAGE_SENT)
		s->on_way++;
	d->stage = STAGE_DEAD;
	letters_send(s->parts.letters, topic, &letter, buried, d);
}

static void give_up(struct delivery *d, const char *reason)
{
	metric_add(&dead_total, 1);
	log_error("webhook.dead call=%s event=%s tries=%d endpoint=%s reason=\"%s\"", d->ev.call_leg_id,
	          d->id, d->tries, d->endpoint ? d->endpoint : "none", reason);
	dead(d, TOPIC_WEBHOOKS_DEAD, reason);
}

/* ---- sent ---- */

static void retry_due(void *arg)
{
	ready(arg);
}

static void retry(struct delivery *d, const struct post_answer *a)
{
	const struct settings *set = d->set->parts.settings;
	uint32_t dice;
	int64_t delay;

	digest_random(&dice, sizeof(dice));
	delay = verdict_delay(d->tries, set->webhook_retry, set->webhook_retry_max, a->retry_after, dice);
	metric_add(&retried_total, 1);
	log_warn(
	        "webhook.retried call=%s event=%s tries=%d endpoint=%s status=%d error=\"%s\" in_ms=%" PRId64,
	        d->ev.call_leg_id, d->id, d->tries, d->endpoint, a->status, a->error ? a->error : "",
	        delay / CLOCK_MS);
	d->set->on_way--;
	d->stage = STAGE_RETRY;
	loop_timer_set(d->set->parts.loop, &d->timer, clock_mono() + delay, retry_due, d);
}

static void delivered(struct delivery *d)
{
	int64_t took = clock_utc() - d->ev.at;

	metric_add(&delivered_total, 1);
	metric_observe(&seconds, took > 0 ? (double)took / CLOCK_SEC : 0);
	log_info("webhook.delivered call=%s event=%s tries=%d endpoint=%s", d->ev.call_leg_id, d->id,
	         d->tries, d->endpoint);
	delivered_raise(d->set->parts.delivered, d->ev.call_leg_id, d->endpoint, d->ev.number);
	leave(d, true);
}

static void note(struct delivery *d, const struct post_answer *a)
{
	if (d->answer_count == ANSWERS_KEPT)
		memmove(d->answers, d->answers + 1, --d->answer_count * sizeof(d->answers[0]));
	d->answers[d->answer_count++] = (struct dead_answer){ clock_utc(), a->status, (char *)a->error };
}

static void failed(struct delivery *d, const struct post_answer *a, enum verdict v)
{
	struct deliveries *s = d->set;
	char reason[64];

	if (v == VERDICT_GONE && gone_add(&s->gone, d->ev.tenant, d->ev.callback_uri)) {
		metric_add(&gone_total, 1);
		log_error("endpoint.disabled tenant=%s endpoint=%s: it answered 410", d->ev.tenant,
		          d->endpoint);
	}
	/* taken from us, or the program ends: whoever reads it next tries it again */
	if (!intake_is_current(s->parts.intake, &d->ticket) ||
	    ((s->draining || s->taken_away) && v == VERDICT_RETRY)) {
		leave(d, false);
		return;
	}
	if (v == VERDICT_RETRY && d->tries < s->parts.settings->webhook_tries) {
		retry(d, a);
		return;
	}
	if (a->status)
		snprintf(reason, sizeof(reason), "answered %d", a->status);
	else
		snprintf(reason, sizeof(reason), "%s", a->error ? a->error : "no answer");
	give_up(d, reason);
}

static void answered(void *arg, const struct post_answer *a)
{
	struct delivery *d = arg;
	struct deliveries *s = d->set;
	enum verdict v = verdict_of(a->status, a->refused);

	lanes_leave(s->lanes, &d->lane);
	d->tries++;
	note(d, a);
	if (v == VERDICT_DELIVERED)
		delivered(d);
	else
		failed(d, a, v);
	pump(s);
}

/* NULL: it may be sent.  Looked at before each try, because tenants and endpoints change. */
static const char *forbidden(struct delivery *d, const struct tenant **tenant)
{
	struct deliveries *s = d->set;

	*tenant = tenants_by_name(s->parts.tenants, d->ev.tenant);
	if (!*tenant)
		return "no such tenant any more";
	if (gone_has(&s->gone, d->ev.tenant, d->ev.callback_uri))
		return "the endpoint is disabled: it answered 410";
	if (callback_refused(s->parts.rules, d->ev.callback_uri, (*tenant)->callbacks,
	                     (*tenant)->callback_count))
		return "the callback address is not allowed";
	return NULL;
}

static void send_it(struct delivery *d)
{
	const struct post_answer none = { .retry_after = -1, .error = "no transfer to be had" };
	const struct tenant *tenant;
	const char *why = forbidden(d, &tenant);
	int r;

	if (why) {
		give_up(d, why);
		return;
	}
	d->set->on_way++;
	d->stage = STAGE_SENT;
	r = webhook_send(d->set->parts.poster, d->set->form, &d->ev, tenant, answered, d);
	if (!r)
		return;
	lanes_leave(d->set->lanes, &d->lane);
	d->tries++;
	note(d, &none);
	if (r == -EINVAL)
		give_up(d, "no webhook can be made of this record");
	else
		failed(d, &none, VERDICT_RETRY);
}

static void pump(struct deliveries *s)
{
	struct lane_item *item;

	if (s->pumping || s->draining)
		return;
	s->pumping = true;
	while (!poster_is_full(s->parts.poster) && (item = lanes_next(s->lanes)))
		send_it(of(item, lane));
	s->pumping = false;
}

/* ---- from the line to ready ---- */

static void ready(struct delivery *d)
{
	struct deliveries *s = d->set;

	d->stage = STAGE_READY;
	if (lanes_add(s->lanes, d->endpoint, &d->lane) < 0)
		abort(); /* out of memory, as must.h */
	pump(s);
}

static void early_over(void *arg)
{
	ready(arg);
}

static void wait_for_answer(struct delivery *d)
{
	int64_t wait = d->ev.answer_by - clock_utc();

	if (wait <= 0) {
		ready(d);
		return;
	}
	metric_add(&early_total, 1);
	d->stage = STAGE_EARLY;
	loop_timer_set(d->set->parts.loop, &d->timer,
	               clock_mono() + (wait < EARLY_LIMIT ? wait : EARLY_LIMIT), early_over, d);
}

static void told(void *arg, int64_t number)
{
	struct delivery *d = arg;

	d->ask = NULL;
	order_raise(&d->item, number);
	go(d); /* it is asked once for a line, so not again */
}

/* Nothing lower is in hand. */
static void go(struct delivery *d)
{
	struct deliveries *s = d->set;

	/* a loop: Redis may know that a whole line is delivered, and it may be a long one */
	while (d && !s->draining && order_is_done(&d->item))
		d = skip(d);
	if (!d || s->draining)
		return;
	/* written after the partition came to us: nobody else can have delivered it */
	if (d->old && order_ask(s->order, &d->item))
		d->ask = delivered_ask(s->parts.delivered, d->ev.call_leg_id, d->endpoint, told, d);
	if (d->ask)
		d->stage = STAGE_ASKED;
	else
		wait_for_answer(d);
}

/* ---- what the header promises ---- */

static void sweep(void *arg)
{
	struct deliveries *s = arg;

	order_sweep(s->order, clock_mono() - CALL_IDLE_LIMIT);
	loop_timer_set(s->parts.loop, &s->sweep, clock_mono() + SWEEP_EVERY, sweep, s);
}

int deliveries_open(struct deliveries **out, const struct delivery_parts *parts)
{
	struct deliveries *s;
	int r;

	s = must_calloc(1, sizeof(*s));
	s->parts = *parts;
	r = envelope_form_parse(&s->form, parts->settings->callbacks_envelope);
	if (!r)
		r = order_open(&s->order);
	if (!r)
		r = lanes_open(&s->lanes, ENDPOINT_SHARE);
	if (r < 0) {
		deliveries_close(s);
		return r;
	}
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		metric_register(shown[i]);
	sweep(s);
	*out = s;
	return 0;
}

void deliveries_close(struct deliveries *s)
{
	if (!s)
		return;
	while (s->first)
		free_delivery(s->first);
	loop_timer_clear(s->parts.loop, &s->sweep);
	gone_clear(&s->gone);
	lanes_close(s->lanes);
	order_close(s->order);
	free(s);
}

void deliveries_tenants(struct deliveries *s, const struct tenants *t)
{
	s->parts.tenants = t;
}

bool deliveries_first(struct deliveries *s, const struct call_event *ev)
{
	return order_first(s->order, ev->call_leg_id, ev->seq, clock_mono());
}

/* It is in hand already: sent before a rebalance that brought its partition back. */
static void join(struct delivery *held, struct delivery *d)
{
	struct intake *in = d->set->parts.intake;

	if (intake_is_current(in, &held->ticket))
		intake_done(in, &d->ticket);
	else
		held->ticket = d->ticket;
	free_delivery(d);
}

void deliveries_add(struct deliveries *s, const struct intake_record *r, struct call_event *ev)
{
	char endpoint[CALLBACK_URI_MAX + 16];
	struct order_item *held;
	struct delivery *d;

	d = new_delivery(s, r);
	d->ev = *ev;
	*ev = (struct call_event){ 0 };
	d->item.number = d->ev.number;
	if (envelope_id(d->id, &d->ev) < 0 ||
	    callback_endpoint(endpoint, sizeof(endpoint), d->ev.callback_uri) < 0) {
		give_up(d, "no webhook can be made of this record");
		weigh(s);
		return;
	}
	d->endpoint = must_strdup(endpoint);

	switch (order_add(s->order, d->ev.call_leg_id, endpoint, &d->item, clock_mono(), &held)) {
	case ORDER_GO:
		go(d);
		break;
	case ORDER_WAITS:
		break;
	case ORDER_DONE:
		skip(d);
		break;
	case ORDER_HELD:
		join(of(held, item), d);
		break;
	}
	weigh(s);
}

void deliveries_bury(struct deliveries *s, const struct intake_record *r, enum kafka_topic topic,
                     const char *reason)
{
	metric_add(&unread_total, 1);
	dead(new_delivery(s, r), topic, reason);
	weigh(s);
}

void deliveries_restart(struct deliveries *s)
{
	s->taken_away = false;
	order_restart(s->order);
}

void deliveries_drop(struct deliveries *s)
{
	struct delivery *d, *next;

	s->taken_away = true;
	for (d = s->first; d; d = next) {
		next = d->next;
		if (d->stage == STAGE_SENT || d->stage == STAGE_DEAD)
			continue;
		if (d->item.line)
			order_remove(&d->item, false);
		free_delivery(d);
	}
	weigh(s);
}

void deliveries_drain(struct deliveries *s)
{
	s->draining = true;
	intake_hold(s->parts.intake, true);
	deliveries_drop(s);
}

size_t deliveries_on_way(const struct deliveries *s)
{
	return s->on_way;
}

size_t deliveries_count(const struct deliveries *s)
{
	return s->count;
}
