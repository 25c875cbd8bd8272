/*
 * step_fail.c - steps and calls that Redis can't carry out, whatever it does for others
 *
 * Nothing else waits for them: they are asked again command.tries times, later each
 * time, and then the input is given up (dead.c).  The end of such a call can't be
 * saved either; it is told all the same, and of two records of one seq the first
 * counts, so that a story which was told before stays as it is.
 */
#include "clock.h"
#include "log.h"
#include "step_parts.h"

/* The first pause before a step is asked again; then twice as long each time, up to 64 times. */
#define TRY_AGAIN (100 * CLOCK_MS)

/* Its end as failed, though Redis can't keep it; takes q, an INPUT_DEAD. */
static void step_end_unsaved(struct call *c, struct queued *q)
{
	struct step *s = step_decide(c, q, call_decide);

	if (s->plan.nothing || step_encode(s, false) < 0) {
		step_ignored(c, q, s->plan.nothing ? s->plan.note : "not-encodable");
		step_free(s);
		call_run(c);
		return;
	}
	log_error("call.not_saved call=%s", c->id);
	s->input = q;
	c->step = s;
	step_saved(s);
}

/* Often enough: the input has come to nothing, and the next one may be tried. */
static void give_up(struct step *s, const char *why)
{
	struct call *c = s->call;
	struct queued *q = s->input;

	step_confirm_back(s);
	s->input = NULL;
	c->step = NULL;
	c->failing = true; /* else a hundred commands for it would keep its partition for minutes */
	step_free(s);
	if (q->in.kind == INPUT_DEAD) {
		step_end_unsaved(c, q);
		return;
	}
	if (q->in.kind == INPUT_CONFIRM)
		step_confirm_is_ordinary(c);
	dead_input(c, q, why);
	call_run(c);
}

/* Where the partition is not ours at the moment, its next owner counts for itself. */
static bool may_try_again(struct step *s)
{
	const struct partition *p = s->call->partition;

	return p->state != PARTITION_ACTIVE || ++s->input->tries < p->worker->settings->command_tries;
}

void step_stale(struct step *s)
{
	struct call *c = s->call;

	log_warn("call.stale call=%s version=%lld", c->id, (long long)c->version);
	if (!may_try_again(s)) {
		give_up(s, "the call in Redis is never the one that was read from it");
		return;
	}
	step_confirm_back(s);
	call_queue_first(c, s->input);
	s->input = NULL;
	c->step = NULL;
	step_free(s);
	call_read(c);
}

static void ask_failed_again(void *arg)
{
	struct step *s = arg;

	if (s->call->partition->state == PARTITION_ACTIVE) /* else it is asked when that comes back */
		step_ask(s);
}

/* Redis can't do this one, whatever it does for others: nothing else waits for it meanwhile. */
void step_failed(struct step *s)
{
	struct worker *w = s->call->partition->worker;
	const char *why = store_error(w->store);
	const int64_t tries = s->input->tries;
	const bool in_vain = s->call->failing && s->call->partition->state == PARTITION_ACTIVE;

	if (in_vain || !may_try_again(s)) {
		give_up(s, why);
		return;
	}
	log_warn("step.again call=%s tries=%lld error=\"%s\"", s->call->id, (long long)s->input->tries, why);
	loop_timer_set(w->loop, &s->again, clock_mono() + (TRY_AGAIN << (tries < 6 ? tries : 6)),
	               ask_failed_again, s);
}

void call_unreadable(struct call *c, const char *why)
{
	struct queued *q;

	log_error("call.unreadable call=%s reason=\"%s\"", c->id, why);
	if (call_exists(&c->record)) { /* but we know what it was: it can be ended as what it is */
		c->memory = CALL_READ;
		step_end_unsaved(c, queued_new(INPUT_DEAD));
		return;
	}
	while ((q = call_pop(c))) {
		if (q->in.kind == INPUT_DEAD) {
			step_end_unsaved(c, q);
			return;
		}
		if (q->in.kind == INPUT_COMMAND)
			dead_input(c, q, why);
		else
			queued_free(q);
	}
	c->deadline_queued = false;
	call_release(c);
}
