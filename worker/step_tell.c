/* step_tell.c - a step's events: their bytes, on their way to Kafka, and what follows when Kafka has them */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kill_point.h"
#include "must.h"
#include "worker.h"

static void unlink_untold(struct untold *u)
{
	if (!u->call)
		return;
	if (u->before)
		u->before->after = u->after;
	else
		u->call->untold = u->after;
	if (u->after)
		u->after->before = u->before;
}

/*
 * The dial is in the ledger: its confirm is the call's next step.  It takes the
 * event out of the outbox itself; where it can't come soon, or at all, that is
 * left to the ordinary clear, and the next owner finds an intent that was told.
 * A call tells its events in order, so legs with lower numbers are in the ledger too.
 */
static void confirm_next(struct call *c, const struct untold *u)
{
	if (c->partition->state == PARTITION_LEAVING || !call_has_intent(&c->record)) {
		partition_acked(c->partition, u->name);
	} else {
		if (c->confirm)
			partition_acked(c->partition, c->confirm);
		free(c->confirm);
		c->confirm = must_strdup(u->name);
	}
	if (call_has_intent(&c->record))
		call_queue(c, queued_confirm(u->announced));
}

/* From the teller, on the loop's thread. */
static void event_told(struct telling *t)
{
	struct untold *u = t->arg;
	struct partition *p = u->partition;
	struct call *c = u->call;

	KILL_POINT(u->announced ? "dial-acknowledged" : "acknowledged");
	p->untold--;
	unlink_untold(u);
	if (t->offset + 1 > p->told)
		p->told = t->offset + 1;
	if (c && u->announced)
		confirm_next(c, u);
	else if (c || u->round == p->round || p->owned)
		partition_acked(p, u->name); /* told is told, also by a takeover that came to no end */
	if (u->round && u->round == p->round)
		takeover_entry_told(p);
	if (c) {
		call_told(c, u->seq);
		call_run(c);
	}
	free(u);
	telling_free(t);
	partition_feed(p);
	handover_check(p->worker);
}

static void set_header(struct telling *t, int i, const char *name, char *value)
{
	t->headers[i].name = name;
	t->headers[i].value = value;
}

static struct untold *untold_new(struct partition *p, const char *name, int64_t seq)
{
	struct untold *u = must_calloc(1, sizeof(*u));

	u->partition = p;
	u->seq = seq;
	snprintf(u->name, sizeof(u->name), "%s", name);
	return u;
}

static void tell(struct call *c, struct telling *t)
{
	struct untold *u = t->arg;

	u->call = c;
	u->after = c->untold;
	if (c->untold)
		c->untold->before = u;
	c->untold = u;
	c->partition->untold++;
	teller_send(c->partition->worker->teller, t);
}

void step_tell(struct step *s)
{
	for (size_t i = 0; i < s->event_count; i++) {
		tell(s->call, s->tellings[i]);
		s->tellings[i] = NULL;
	}
}

int step_tell_entry(struct partition *p, const char *name, const struct bytes *packed)
{
	struct telling *t = must_calloc(1, sizeof(*t));
	struct untold *u;

	if (strlen(name) <= CALLID_LEN || telling_unpack(t, packed->data, packed->len) < 0) {
		telling_free(t);
		return -EBADMSG;
	}
	u = untold_new(p, name, 0);
	u->round = p->round;
	t->topic = TOPIC_EVENTS;
	t->partition = p->number;
	t->key = must_printf("%.*s", CALLID_LEN, name);
	t->fn = event_told;
	t->arg = u;
	p->untold++;
	teller_send(p->worker->teller, t);
	return 0;
}

/* ---- encode ---- */

static struct telling *telling_of_event(struct call *c, const struct call_event *e)
{
	struct telling *t = must_calloc(1, sizeof(*t));
	struct untold *u;
	char name[sizeof(u->name)];

	snprintf(name, sizeof(name), "%s-%lld", c->id, (long long)e->seq);
	u = untold_new(c->partition, name, e->seq);
	for (size_t i = 0; i < e->dials_count; i++)
		if (e->dials[i].leg > u->announced)
			u->announced = e->dials[i].leg;
	t->topic = TOPIC_EVENTS;
	t->partition = c->partition->number;
	t->key = must_strdup(c->id);
	set_header(t, 0, "type", must_strdup(event_type_name(e->type)));
	set_header(t, 1, "tenant", must_strdup(e->tenant));
	set_header(t, 2, "number", must_printf("%lld", (long long)e->number));
	set_header(t, 3, "traceparent", must_strdup(e->traceparent));
	t->fn = event_told;
	t->arg = u;
	return t;
}

/* Left free by commands, so that what follows from them (digits, results, the end) fits. */
#define MARGIN 4096

int step_encode(struct step *s, bool bounded)
{
	int r = record_encode(RECORD_CALL_RECORD, &s->next, &s->record);

	if (r < 0)
		return r;
	if (bounded && s->record.len > CALL_RECORD_MAX - MARGIN)
		return -E2BIG;
	s->tellings = must_calloc(s->plan.event_count + 1, sizeof(struct telling *));
	s->events = must_calloc(s->plan.event_count + 1, sizeof(*s->events));
	for (size_t i = 0; i < s->plan.event_count; i++) {
		struct telling *t = telling_of_event(s->call, &s->plan.events[i]);

		s->tellings[i] = t;
		s->events[i].name = must_strdup(((struct untold *)t->arg)->name);
		s->event_count++;
		r = record_encode(RECORD_CALL_EVENT, &s->plan.events[i], &t->value);
		if (r < 0)
			return r;
		if (bounded && t->value.len > CALL_EVENT_MAX - MARGIN)
			return -E2BIG;
		s->events[i].packed = telling_pack(t);
	}
	return 0;
}
