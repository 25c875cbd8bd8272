/*
 * step.c - one step of one call: decide, save, tell, act
 *
 *   call_run        takes the next input; call_decide() changes a copy of the record
 *   step_ask        one script: epoch, version, stamp; record and outbox; as the confirm, also
 *                   what Kafka has acknowledged
 *   step_saved      the copy becomes the record; events go to Kafka, acts to the carrier
 *   event_told      Kafka has an event; where it announced dials, the confirm is the next step
 *
 * The order is the promise.  Saved before told and acted on: a new owner finds
 * it.  A dial only after Kafka knows of it and the confirm has made it GO: what
 * is still INTENT was surely not dialled.  And only within dial.bound of the
 * moment the confirm was sent: a new owner waits that long.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "digest.h"
#include "kill_point.h"
#include "log.h"
#include "metrics.h"
#include "must.h"
#include "result.h"
#include "step_parts.h"

static struct metric steps_total = METRIC_COUNTER_INIT("callcast_steps_total", NULL, "Steps saved");
static struct metric step_seconds =
        METRIC_HISTOGRAM_INIT("callcast_save_seconds", NULL, "From a save's sending to its answer");
static struct metric late_seconds =
        METRIC_HISTOGRAM_INIT("callcast_step_late_seconds", NULL,
                              "From when a leg did something, by its own schedule, to the save");
static struct metric in_flight =
        METRIC_GAUGE_INIT("callcast_steps_in_flight", NULL, "Steps on their way to Redis");
static struct metric dials_total =
        METRIC_COUNTER_INIT("callcast_dials_total", NULL, "Dials asked of the carrier");
static struct metric late_dials_total = METRIC_COUNTER_INIT(
        "callcast_dials_confirmed_again_total", NULL, "Dials not made because their confirm was too old");
static struct metric late_total = METRIC_COUNTER_INIT("callcast_inputs_ignored_total", NULL,
                                                      "Commands and leg events that changed nothing");

void steps_register_metrics(void)
{
	metric_register(&steps_total);
	metric_register(&step_seconds);
	metric_register(&late_seconds);
	metric_register(&in_flight);
	metric_register(&dials_total);
	metric_register(&late_dials_total);
	metric_register(&late_total);
}

void step_free(struct step *s)
{
	if (!s)
		return;
	loop_timer_clear(s->call->partition->worker->loop, &s->again);
	queued_free(s->input);
	call_record_clear(&s->next);
	plan_clear(&s->plan);
	free(s->record.data);
	free(s->confirm);
	for (size_t i = 0; i < s->event_count; i++) {
		if (s->tellings && s->tellings[i]) {
			free(s->tellings[i]->arg);
			telling_free(s->tellings[i]);
		}
		free((char *)s->events[i].name);
		free(s->events[i].packed.data);
	}
	free(s->tellings);
	free(s->events);
	free(s);
}

/* ---- decide ---- */

static struct call_rules rules_of(const struct partition *p)
{
	const struct worker *w = p->worker;

	return (struct call_rules){
		.ring_timeout = w->settings->ring_timeout,
		.call_max = w->settings->call_max,
		.hangup_timeout = w->settings->hangup_timeout,
		.dial_bound = w->settings->dial_bound,
		.carrier = w->carrier,
		.epoch = p->epoch.text,
		.redis_run = p->epoch.run_id,
		.now = store_now(w->store),
	};
}

struct step *step_decide(struct call *c, struct queued *q, decide_fn *decide)
{
	const struct call_rules rules = rules_of(c->partition);
	struct step *s = must_calloc(1, sizeof(*s));

	s->call = c;
	s->decided = rules.now;
	if (call_exists(&c->record) && call_record_copy(&s->next, &c->record) < 0)
		abort(); /* as must_calloc() */
	decide(&s->plan, &s->next, &q->in, &rules, c->version + 1);
	return s;
}

static void log_ignored(const struct call *c, const struct queued *q, const char *note)
{
	if (q->in.kind == INPUT_COMMAND || q->in.kind == INPUT_CARRIER)
		metric_add(&late_total, 1);
	if (q->in.kind == INPUT_COMMAND)
		log_info("command.ignored call=%s command=%s kind=%s reason=%s", c->id, q->command.command_id,
		         command_kind_name(q->command.kind), note ? note : "");
	else
		log_debug("input.ignored call=%s reason=%s", c->id, note ? note : "");
}

void step_confirm_back(struct step *s)
{
	struct call *c = s->call;

	if (!s->confirm)
		return;
	if (c->confirm) { /* of a later announcement: that one goes with its own confirm */
		partition_acked(c->partition, s->confirm);
		free(s->confirm);
	} else {
		c->confirm = s->confirm;
	}
	s->confirm = NULL;
}

void step_confirm_is_ordinary(struct call *c)
{
	if (!c->confirm)
		return;
	partition_acked(c->partition, c->confirm);
	free(c->confirm);
	c->confirm = NULL;
}

void step_ignored(struct call *c, struct queued *q, const char *note)
{
	log_ignored(c, q, note);
	if (q->in.kind == INPUT_CONFIRM)
		step_confirm_is_ordinary(c);
	call_wait_told(c, q->offset);
	queued_free(q);
}

/* ---- save ---- */

/* So late against its decision a dial is worth a save of its own. */
#define DIALLED_LATE (500 * CLOCK_MS)

static void step_answered(void *arg, enum store_answer a);

void step_ask(struct step *s)
{
	struct call *c = s->call;
	struct partition *p = c->partition;
	/* told already: only its confirm is asked again, and what it saves has become the call's record */
	const struct call_record *next = s->told ? &c->record : &s->next;
	const bool confirm = s->confirm;
	const char *cleared[1] = { s->confirm };
	const struct store_save save = {
		.partition = p->number,
		.epoch = &p->epoch,
		.call_leg_id = c->id,
		.version = c->version,
		.stamp = s->stamp,
		.record = s->record,
		.deadline = next->deadline ? next->deadline : next->ends_by,
		.ended = call_is_over(next),
		.events = s->events,
		.event_count = s->event_count,
		.cleared = cleared,
		.cleared_count = confirm ? 1 : 0,
		.told = confirm ? p->told : -1,
		.next = -1,
	};

	KILL_POINT(confirm ? "before-confirm" : "before-save");
	s->sent = clock_mono(); /* before it leaves: an answer may be old when it is read */
	s->asked = true;
	p->steps++;
	p->worker->in_flight++;
	metric_set(&in_flight, (double)p->worker->in_flight);
	store_save(p->worker->store, &save, step_answered, s);
	KILL_POINT(confirm ? "confirm-asked" : "save-asked");
}

static void step_answered(void *arg, enum store_answer a)
{
	struct step *s = arg;
	struct call *c = s->call;
	struct partition *p = c->partition;
	struct worker *w = p->worker;

	s->asked = false;
	p->steps--;
	w->in_flight--;
	metric_set(&in_flight, (double)w->in_flight);
	metric_observe(&step_seconds, (double)(clock_mono() - s->sent) / 1e6);
	if (c->forgotten) {
		call_answered_late(c);
	} else if (a == STORE_DONE && !(s->plan.dials && p->state == PARTITION_IDLE)) {
		c->failing = false;
		if (!s->told)
			metric_add(&steps_total, 1);
		step_saved(s);
	} else if (a == STORE_STALE) {
		step_stale(s);
	} else if (a == STORE_FAILED) {
		step_failed(s);
	} else if (a == STORE_REFUSED) {
		partition_refused(p); /* the step stays as it is, to be asked again or forgotten */
	}
	/* A confirm that came after the release: nothing is dialled; it is asked again if the partition comes back. */
	/* AWAY: it stays as it is; the store's down() moves the partition */
	calls_run_ready(w);
	handover_check(w);
}

void step_ask_again(struct call *c)
{
	struct step *s = c->step;

	if (!s || s->asked)
		return;
	loop_timer_clear(c->partition->worker->loop, &s->again);
	step_ask(s);
}

/* ---- act ---- */

static void act(struct worker *w, const struct act *a)
{
	struct carrier *k = w->carrier;
	char number[LOG_NUMBER_SIZE], bridge[CALLID_SIZE];

	switch (a->kind) {
	case ACT_DIAL:
		metric_add(&dials_total, 1);
		log_info("leg.dial dial=%s number=%s", a->dial_id, log_number(number, a->address));
		k->ops->dial(k, &(struct carrier_dial){ a->dial_id, a->address, a->caller });
		break;
	case ACT_HANG_UP:
		k->ops->hang_up(k, a->dial_id);
		break;
	case ACT_PLAY:
		k->ops->play(k, a->dial_id, a->play, a->uri, a->loop,
		             a->since ? a->since : store_now(w->store));
		break;
	case ACT_STOP:
		k->ops->stop(k, a->dial_id, a->play);
		break;
	case ACT_LEAVE:
		k->ops->leave(k, a->dial_id, a->since);
		break;
	case ACT_BRIDGE: /* of the call's name, with which a dial id begins */
		snprintf(bridge, sizeof(bridge), "%s", a->dial_id);
		k->ops->bridge(k, a->dial_id, bridge);
		break;
	}
}

/*
 * Dials whose confirm was sent too long ago are not made: a new owner may be
 * reporting them as unknown.  The confirm is asked again, with the same stamp.
 * False: that was done.
 */
static bool step_act(struct step *s)
{
	struct worker *w = s->call->partition->worker;

	for (; s->acted < s->plan.act_count; s->acted++) {
		if (s->plan.dials && clock_mono() - s->sent >= w->settings->dial_bound) {
			metric_add(&late_dials_total, 1);
			log_warn("dial.late call=%s", s->call->id);
			step_ask(s);
			return false;
		}
		KILL_POINT(s->plan.dials ? "before-dial" : "before-act");
		act(w, &s->plan.acts[s->acted]);
		KILL_POINT(s->plan.dials ? "dialled" : "acted");
	}
	return true;
}

static void log_moved(const struct call *c, int before)
{
	const struct call_record *r = &c->record;

	if (r->state == before)
		return;
	if (call_is_over(r))
		log_info("call.ended call=%s tenant=%s outcome=%s code=%d subcode=%d events=%lld", c->id,
		         r->tenant, outcome_name(r->outcome), r->result_code, r->result_subcode,
		         (long long)r->next_number - 1);
	else
		log_info("call.moved call=%s from=%s to=%s", c->id, call_state_name(before),
		         call_state_name(r->state));
}

/* Its confirm was decided long before Redis carried it out: the deadlines in the record are from then. */
static bool dialled_late(const struct step *s)
{
	const struct worker *w = s->call->partition->worker;

	return store_now(w->store) - s->decided > DIALLED_LATE;
}

/* Saved: from here on it is what happened.  Told first, so that events keep the order of the saves. */
void step_saved(struct step *s)
{
	struct call *c = s->call;
	const int before = c->record.state;

	KILL_POINT(s->plan.dials ? "confirmed" : "saved");
	if (!s->told) { /* it is when a late dial's confirm was asked again */
		s->told = true;
		call_record_clear(&c->record);
		c->record = s->next;
		s->next = (struct call_record){ 0 };
		c->memory = CALL_READ;
		log_moved(c, before);
		step_tell(s);
		KILL_POINT("produced");
		if (s->input->in.kind == INPUT_CARRIER && s->input->carrier.due)
			metric_observe(&late_seconds, (double)(clock_utc() - s->input->carrier.due) / 1e6);
		call_wait_told(c, s->input->offset);
		call_set_deadline(c);
	}
	if (!step_act(s))
		return;
	c->version++;
	if (s->plan.started)
		call_queue_first(c, queued_new(INPUT_STARTED));
	if (s->plan.dials && dialled_late(s))
		call_queue_first(c, queued_new(INPUT_DIALLED));
	if (s->plan.dials && c->partition->state != PARTITION_ACTIVE) /* leave() was before these dials */
		call_queue_first(c, queued_new(INPUT_LEAVING));
	c->step = NULL;
	step_free(s);
	call_run(c);
}

/* ---- the next step ---- */

/*
 * A create needs no look-up: the save says if there is such a call already (STALE).
 * But one that is too old to be acted on: it was told before, or ends as expired.
 */
static bool lacks_record(const struct call *c, const struct queued *q)
{
	const struct worker *w = c->partition->worker;

	if (c->memory == CALL_READ)
		return false;
	if (q->in.kind == INPUT_DEAD)
		return false;
	return q->in.kind != INPUT_COMMAND || q->command.kind != COMMAND_CREATE ||
	       (q->command.expires_at && q->command.expires_at <= store_now(w->store));
}

/*
 * While a partition is given back no step is begun but those that the next owner
 * needs: the records of legs, and that a prompt which is heard was started.  Also
 * when a confirm was answered after handover.timeout, and the partition is IDLE:
 * the epoch still keeps out who is too late.
 */
static bool has_its_time(const struct call *c)
{
	const enum partition_state state = c->partition->state;
	const enum input_kind kind = c->first->in.kind;

	return state == PARTITION_ACTIVE || ((state == PARTITION_LEAVING || state == PARTITION_IDLE) &&
	                                     (kind == INPUT_LEAVING || kind == INPUT_STARTED));
}

static bool may_begin(struct call *c)
{
	struct worker *w = c->partition->worker;

	if (c->step || c->memory == CALL_READING || !c->first)
		return false;
	if (!has_its_time(c) || w->told_paused || c->forgotten)
		return false;
	if (w->in_flight < (size_t)w->settings->worker_inflight)
		return true;
	if (!c->is_ready) {
		c->is_ready = true;
		c->ready_next = NULL;
		if (w->ready_last)
			w->ready_last->ready_next = c;
		else
			w->ready = c;
		w->ready_last = c;
	}
	return false;
}

/* What lets a call grow; whatever ends something in it must always be carried out. */
static bool brings_more(const struct queued *q)
{
	const int kind = q->command.kind;

	return q->in.kind == INPUT_COMMAND &&
	       (kind == COMMAND_CREATE || kind == COMMAND_PLAY || kind == COMMAND_INVITE);
}

/* False: it came to nothing, and the next input may be tried. */
static bool begin(struct call *c, struct queued *q)
{
	struct step *s = step_decide(c, q, call_decide);
	int r;

	if (q->in.kind == INPUT_DEADLINE)
		c->deadline_queued = false;
	r = s->plan.nothing ? 0 : s->plan.too_big ? -E2BIG : step_encode(s, brings_more(q));
	if (r == -E2BIG) {
		log_warn("call.too_big call=%s", c->id);
		step_free(s);
		s = step_decide(c, q, call_decide_too_big);
		r = s->plan.nothing ? 0 : step_encode(s, false);
	}
	if (r < 0)
		log_error("step.failed call=%s error=%d", c->id, r);
	if (r < 0 && q->in.kind == INPUT_COMMAND) {
		step_free(s);
		dead_input(c, q, "what it leads to has no form in which it could be saved");
		return false;
	}
	if (r < 0 || s->plan.nothing) {
		step_ignored(c, q, r < 0 ? "not-encodable" : s->plan.note);
		step_free(s);
		call_set_deadline(c);
		return false;
	}
	s->input = q;
	if (q->in.kind == INPUT_CONFIRM) {
		s->confirm = c->confirm;
		c->confirm = NULL;
	}
	digest_random(&s->stamp, sizeof(s->stamp));
	c->step = s;
	step_ask(s);
	return true;
}

void call_run(struct call *c)
{
	struct queued *q;

	while (may_begin(c)) {
		if (lacks_record(c, c->first)) {
			call_read(c);
			return;
		}
		q = call_pop(c);
		q->in.command = q->offset >= 0 ? &q->command : NULL;
		if (begin(c, q))
			return;
	}
	call_release(c);
}

void calls_run_ready(struct worker *w)
{
	struct call *c;

	while (w->ready && w->in_flight < (size_t)w->settings->worker_inflight) {
		c = w->ready;
		w->ready = c->ready_next;
		if (!w->ready)
			w->ready_last = NULL;
		c->is_ready = false;
		call_run(c);
	}
}
