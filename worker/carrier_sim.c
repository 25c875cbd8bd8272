/*
 * carrier_sim.c - see carrier.h: simulated phones, for the demo, for tests, for trying a campaign out
 *
 * sim_phone.c knows what a phone does; here are the timers, one per phone, and
 * the ledger.  A timer tells what is due, one step after the other, and is set again before
 * each, so whatever is asked from within an event finds the phone in order.
 */
#include "carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "settings.h"
#include "sim_phone.h"
#include "table.h"

static struct metric dials =
        METRIC_COUNTER_INIT("callcast_sim_dials_total", NULL, "Phones that the simulator rang");
static struct metric ledger_errors = METRIC_COUNTER_INIT("callcast_sim_ledger_errors_total", NULL,
                                                         "Dials that could not be written to sim.ledger");
static struct metric late = METRIC_HISTOGRAM_INIT(
        "callcast_sim_late_seconds", NULL, "How late simulated phones were, against their own schedule");

/* How long a phone is remembered after its end. */
#define KEPT (10 * CLOCK_SEC)

struct sim {
	struct carrier carrier; /* first: what the caller holds */
	struct loop *loop;
	carrier_event_fn *fn;
	void *arg;
	struct sim_times times;
	struct sim_outcomes outcomes;
	struct table *phones; /* by dial id */
	int ledger;           /* -1: none */
	char *worker;
};

struct phone {
	struct sim *sim;
	char *dial_id;
	struct loop_timer timer;
	struct sim_phone phone;
	bool lost; /* could not be adopted: only its end is to be told */
	bool over; /* its end was told; it is kept for KEPT, to be stored */
};

/* ---- phones ---- */

static struct sim *sim_of(struct carrier *c)
{
	return (struct sim *)c;
}

static struct phone *phone_of(struct carrier *c, const char *dial_id)
{
	return table_get(sim_of(c)->phones, dial_id);
}

/* One that something can be asked of; NULL: none. */
static struct phone *live_phone_of(struct carrier *c, const char *dial_id)
{
	struct phone *ph = phone_of(c, dial_id);

	return ph && !ph->over ? ph : NULL;
}

static struct phone *phone_new(struct sim *sim, const char *dial_id)
{
	struct phone *ph = must_calloc(1, sizeof(*ph));

	ph->sim = sim;
	ph->dial_id = must_strdup(dial_id);
	if (table_put(sim->phones, dial_id, ph) < 0)
		abort(); /* as must.h says: a phone without its events would hang a call */
	return ph;
}

static void phone_free(struct phone *ph)
{
	loop_timer_clear(ph->sim->loop, &ph->timer);
	sim_phone_clear(&ph->phone);
	free(ph->dial_id);
	free(ph);
}

static void on_time(void *arg);

static void set_timer(struct phone *ph, int64_t at)
{
	if (loop_timer_set(ph->sim->loop, &ph->timer, clock_mono() + at - clock_utc(), on_time, ph) < 0)
		abort();
}

/* Its schedule may have changed: wait for what comes next. */
static void phone_wait(struct phone *ph)
{
	struct sim_step step;

	if (ph->lost)
		set_timer(ph, clock_utc());
	else if (sim_phone_next(&ph->phone, &ph->sim->times, &step))
		set_timer(ph, step.at);
	else
		loop_timer_clear(ph->sim->loop, &ph->timer);
}

/* ---- what they do ---- */

static void phone_drop(struct phone *ph)
{
	table_remove(ph->sim->phones, ph->dial_id);
	phone_free(ph);
}

/* Its end is saved some time later, or by a new owner who adopts it and hears it again. */
static void tell_end(struct phone *ph, int64_t due, int code, const char *reason)
{
	struct sim *sim = ph->sim;
	char *dial_id = must_strdup(ph->dial_id);
	struct carrier_event ev = {
		.kind = CARRIER_ENDED, .dial_id = dial_id, .due = due, .code = code, .reason = reason
	};

	if (ph->lost) {
		phone_drop(ph);
	} else {
		ph->over = true;
		set_timer(ph, clock_utc() + KEPT);
	}
	sim->fn(sim->arg, &ev);
	free(dial_id);
}

static void tell(struct phone *ph, const struct sim_step *step)
{
	static const enum carrier_event_kind kinds[] = {
		[SIM_TRYING] = CARRIER_TRYING,     [SIM_RINGING] = CARRIER_RINGING,
		[SIM_ANSWERED] = CARRIER_ANSWERED, [SIM_DIGIT] = CARRIER_DIGIT,
		[SIM_PLAYED] = CARRIER_PLAYED,
	};
	struct carrier_event ev = { .kind = kinds[step->kind], .due = step->at, .digit = step->digit };
	/* copies: what the event leads to may free phone and play */
	char *dial_id = must_strdup(ph->dial_id), *play = NULL;
	struct sim *sim = ph->sim;

	ev.dial_id = dial_id;
	if (step->kind == SIM_PLAYED) {
		ev.play = play = must_strdup(ph->phone.plays[step->play].id);
		ev.played = ph->phone.plays[step->play].fault;
	}
	sim_phone_done(&ph->phone, step);
	phone_wait(ph);
	sim->fn(sim->arg, &ev);
	free(dial_id);
	free(play);
}

/* False: nothing is due.  What it tells may free the phone. */
static bool tell_next(struct phone *ph)
{
	struct sim_step step;
	int64_t now = clock_utc();

	if (ph->over)
		return false;
	if (ph->lost) {
		tell_end(ph, 0, 481, "Call/Transaction Does Not Exist");
		return true;
	}
	if (!sim_phone_next(&ph->phone, &ph->sim->times, &step))
		return false;
	if (step.at > now) { /* later, or the machine's clock was set back meanwhile */
		set_timer(ph, step.at);
		return false;
	}
	metric_observe(&late, (double)(now - step.at) / CLOCK_SEC);
	if (step.kind == SIM_ENDED)
		tell_end(ph, step.at, step.code, step.reason);
	else
		tell(ph, &step);
	return true;
}

/*
 * All that is due, at once: a phone that was adopted late has an answer behind
 * its ringing, and the deadline of its leg must not come between the two.
 */
static void on_time(void *arg)
{
	struct phone *ph = arg;
	struct sim *sim = ph->sim;
	char *dial_id;

	if (ph->over) {
		phone_drop(ph);
		return;
	}
	dial_id = must_strdup(ph->dial_id);
	while (ph && tell_next(ph))
		ph = table_get(sim->phones, dial_id);
	free(dial_id);
}

/* ---- the ledger ---- */

/* A word of the line: what would break the line apart becomes '?'. */
static const char *ledger_word(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i < size - 1 && text[i]; i++)
		out[i] = text[i] > ' ' && text[i] != 0x7f ? text[i] : '?';
	out[i] = '\0';
	return out;
}

/* One line, one write: many workers append to the same file. */
static void ledger_write(struct sim *sim, const struct carrier_dial *d, int64_t at)
{
	char line[1024], dial_id[160], number[320], worker[160];
	ssize_t r;
	int len;

	if (sim->ledger < 0)
		return;
	len = snprintf(line, sizeof(line), "%s %s %lld %s\n",
	               ledger_word(dial_id, sizeof(dial_id), d->dial_id),
	               ledger_word(number, sizeof(number), d->address), (long long)at,
	               ledger_word(worker, sizeof(worker), sim->worker));
	r = write(sim->ledger, line, (size_t)len);
	if (r == len)
		return;
	metric_add(&ledger_errors, 1);
	log_error("sim.ledger_failed dial=%s error=\"%s\"", d->dial_id,
	          r < 0 ? strerror(errno) : "short write");
}

/* ---- what is asked of it ---- */

static int sim_address_of(struct carrier *c, const struct identifier *id, char **out)
{
	(void)c;
	if (id->kind == IDENTIFIER_NONE || !id->value || !*id->value)
		return -EINVAL;
	*out = strdup(id->value);
	return *out ? 0 : -ENOMEM;
}

static void sim_dial(struct carrier *c, const struct carrier_dial *d)
{
	struct sim *sim = sim_of(c);
	int64_t now = clock_utc();
	struct phone *ph;

	/* first and always: the ledger is there to show a second dial */
	ledger_write(sim, d, now);
	metric_add(&dials, 1);
	if (phone_of(c, d->dial_id)) {
		log_error("sim.dialled_twice dial=%s", d->dial_id);
		return;
	}
	ph = phone_new(sim, d->dial_id);
	sim_phone_dial(&ph->phone, sim_script(d->address, d->dial_id, &sim->outcomes), now);
	phone_wait(ph);
}

static void sim_answer_early(struct carrier *c, const char *dial_id)
{
	(void)c;
	(void)dial_id; /* a simulated phone says nothing before it answers */
}

static void sim_hang_up(struct carrier *c, const char *dial_id)
{
	struct phone *ph = live_phone_of(c, dial_id);

	if (!ph)
		return;
	sim_phone_hang_up(&ph->phone, clock_utc());
	phone_wait(ph);
}

static void sim_play(struct carrier *c, const char *dial_id, const char *play, const char *uri, bool loop,
                     int64_t started_at)
{
	struct phone *ph = live_phone_of(c, dial_id);
	int r;

	if (!ph || ph->lost)
		return;
	r = sim_phone_play(&ph->phone, play, uri ? uri : "", loop, started_at);
	if (r < 0)
		log_error("sim.play_failed dial=%s play=%s error=\"%s\"", dial_id, play, strerror(-r));
	phone_wait(ph);
}

static void sim_stop(struct carrier *c, const char *dial_id, const char *play)
{
	struct phone *ph = live_phone_of(c, dial_id);

	if (!ph)
		return;
	sim_phone_stop(&ph->phone, play);
	phone_wait(ph);
}

static void sim_keep_plays(struct carrier *c, const char *dial_id, const struct carrier_play *plays, size_t n)
{
	struct phone *ph = live_phone_of(c, dial_id);
	int r;

	if (!ph || ph->lost)
		return;
	r = sim_phone_keep_plays(&ph->phone, plays, n);
	if (r < 0)
		log_error("sim.play_failed dial=%s error=\"%s\"", dial_id, strerror(-r));
	phone_wait(ph);
}

static void sim_leave(struct carrier *c, const char *dial_id, int64_t since)
{
	struct phone *ph = live_phone_of(c, dial_id);

	if (!ph || ph->lost)
		return;
	sim_phone_leave(&ph->phone, since);
	phone_wait(ph);
}

static void sim_bridge(struct carrier *c, const char *dial_id, const char *bridge)
{
	struct phone *ph = live_phone_of(c, dial_id);

	if (ph && sim_phone_bridge(&ph->phone, bridge) < 0)
		log_error("sim.bridge_failed dial=%s error=\"out of memory\"", dial_id);
}

static void sim_unbridge(struct carrier *c, const char *dial_id)
{
	sim_bridge(c, dial_id, NULL);
}

static void sim_send_digits(struct carrier *c, const char *dial_id, const char *digits)
{
	(void)c;
	(void)dial_id;
	(void)digits; /* nobody listens */
}

static int sim_store(struct carrier *c, const char *dial_id, struct bytes *out)
{
	struct phone *ph = phone_of(c, dial_id);

	return ph && !ph->lost ? sim_phone_store(&ph->phone, out) : -ENOENT;
}

static void sim_adopt(struct carrier *c, const char *dial_id, const struct bytes *record)
{
	struct phone *ph = phone_of(c, dial_id);

	if (ph && !ph->over)
		return;
	if (ph)
		phone_drop(ph);
	ph = phone_new(sim_of(c), dial_id);
	ph->lost = sim_phone_restore(&ph->phone, record) < 0;
	phone_wait(ph);
}

static void sim_forget(struct carrier *c, const char *dial_id)
{
	struct phone *ph = table_remove(sim_of(c)->phones, dial_id);

	if (ph)
		phone_free(ph);
}

static void sim_close(struct carrier *c)
{
	struct sim *sim = sim_of(c);
	size_t cursor = 0;
	struct phone *ph;

	while (sim->phones && (ph = table_next(sim->phones, &cursor, NULL)))
		phone_free(ph);
	table_close(sim->phones);
	if (sim->ledger >= 0)
		close(sim->ledger);
	free(sim->worker);
	free(sim);
}

static const struct carrier_ops ops = {
	.name = "sim",
	.address_of = sim_address_of,
	.dial = sim_dial,
	.answer_early = sim_answer_early,
	.hang_up = sim_hang_up,
	.play = sim_play,
	.stop = sim_stop,
	.keep_plays = sim_keep_plays,
	.bridge = sim_bridge,
	.unbridge = sim_unbridge,
	.leave = sim_leave,
	.send_digits = sim_send_digits,
	.store = sim_store,
	.adopt = sim_adopt,
	.forget = sim_forget,
	.close = sim_close,
};

/* ---- opening ---- */

static int configure(struct sim *sim, const struct settings *s)
{
	const char *bad, *ledger = s->sim_ledger ? s->sim_ledger : "";
	int r;

	sim->times = (struct sim_times){ s->sim_ring, s->sim_press, s->sim_talk, s->sim_prompt };
	r = sim_outcomes_parse(&sim->outcomes, s->sim_outcomes ? s->sim_outcomes : "", &bad);
	if (r < 0) {
		log_error("sim.refused setting=sim.outcomes at=\"%s\" error=\"not <script>=<weight>,...\"",
		          bad);
		return r;
	}
	sim->worker = must_strdup(s->worker_name && *s->worker_name ? s->worker_name : "-");
	if (!*ledger)
		return 0;
	sim->ledger = open(ledger, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (sim->ledger >= 0)
		return 0;
	r = -errno;
	log_error("sim.refused setting=sim.ledger path=\"%s\" error=\"%s\"", ledger, strerror(-r));
	return r;
}

int carrier_sim_open(struct carrier **out, struct loop *loop, const struct settings *s, carrier_event_fn *fn,
                     void *arg)
{
	struct sim *sim = must_calloc(1, sizeof(*sim));
	int r;

	sim->carrier.ops = &ops;
	sim->loop = loop;
	sim->fn = fn;
	sim->arg = arg;
	sim->ledger = -1;
	r = table_open(&sim->phones);
	if (r == 0)
		r = configure(sim, s);
	if (r < 0) {
		sim_close(&sim->carrier);
		return r;
	}
	metric_register(&dials);
	metric_register(&ledger_errors);
	metric_register(&late);
	*out = &sim->carrier;
	return 0;
}
