/*
 * pulse_carrier.c - phones that press a digit again and again, for bench/steps.sh and bench/stuck.sh
 *
 * Linked before worker.a, so that carrier_sim_open() is this one and all the
 * rest is the real worker.  A phone answers at once.  Then its loop is closed: a
 * digit, which is one whole step (decide, save, tell), comes PULSE_WAIT after the
 * step before it was saved; __wrap_store_save() hears of that.  What else a phone
 * does stands in the last two digits of its number:
 *
 *   00  as above
 *   25  says nothing at all
 *   98  answers; then the answer to its call's next save is kept back, so that all
 *       that comes for the call waits
 *
 * PULSE_SAMPLES names a file, written at the end: for each pulse when its step was
 * saved and how long that took, in us (UTC).
 */
#include "carrier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callid.h"
#include "clock.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "store.h"
#include "table.h"

#define PULSE_WAIT (10 * CLOCK_MS)
#define SILENT     25
#define KEPT_BACK  98

/* As large as the record of a simulated phone. */
#define RECORD_SIZE 64

static struct metric connected = METRIC_GAUGE_INIT("bench_phones", NULL, "Phones that are connected");

struct sample {
	int64_t at;
	int64_t took;
};

struct pulse {
	struct carrier carrier; /* first: what the caller holds */
	struct loop *loop;
	carrier_event_fn *fn;
	void *arg;
	struct table *phones; /* by call: each has one leg */
	struct sample *samples;
	size_t sample_count, sample_room;
};

struct phone {
	struct pulse *pulse;
	char call[CALLID_SIZE];
	char *dial_id;
	int script;
	enum { PHONE_DIALLED, PHONE_ANSWERS, PHONE_PULSES, PHONE_OVER } state;
	int64_t said; /* clock_mono(), when it said what is not saved yet; 0: nothing is on its way */
	struct loop_timer timer;
};

/* __wrap_store_save() is asked by the store's caller, who knows no carrier */
static struct pulse *the_pulse;

static struct phone *phone_of(struct carrier *c, const char *dial_id)
{
	char call[CALLID_SIZE];

	snprintf(call, sizeof(call), "%s", dial_id);
	return table_get(((struct pulse *)c)->phones, call);
}

static void phone_free(struct phone *ph)
{
	if (ph->state == PHONE_PULSES)
		metric_add(&connected, -1);
	loop_timer_clear(ph->pulse->loop, &ph->timer);
	free(ph->dial_id);
	free(ph);
}

/* ---- what it says ---- */

static void end(struct phone *ph)
{
	struct pulse *p = ph->pulse;
	struct carrier_event ev = { .kind = CARRIER_ENDED, .code = 200, .reason = "OK" };
	char *dial_id = must_strdup(ph->dial_id);

	table_remove(p->phones, ph->call);
	phone_free(ph);
	ev.dial_id = dial_id;
	p->fn(p->arg, &ev);
	free(dial_id);
}

static void on_time(void *arg)
{
	struct phone *ph = arg;
	struct carrier_event ev = { .kind = CARRIER_DIGIT, .due = clock_utc(), .digit = '1' };

	if (ph->state == PHONE_OVER) {
		end(ph);
		return;
	}
	if (ph->state == PHONE_DIALLED) {
		ph->state = PHONE_ANSWERS;
		ev.kind = CARRIER_ANSWERED;
	}
	ev.dial_id = ph->dial_id; /* the worker copies it, and no event but the last one frees a phone */
	ph->said = clock_mono();
	ph->pulse->fn(ph->pulse->arg, &ev);
}

static void say_at(struct phone *ph, int64_t at)
{
	if (loop_timer_set(ph->pulse->loop, &ph->timer, at, on_time, ph) < 0)
		abort();
}

static struct phone *phone_new(struct pulse *p, const char *dial_id, int script)
{
	struct phone *ph = must_calloc(1, sizeof(*ph));

	ph->pulse = p;
	ph->script = script;
	ph->dial_id = must_strdup(dial_id);
	snprintf(ph->call, sizeof(ph->call), "%s", dial_id);
	if (table_put(p->phones, ph->call, ph) < 0)
		abort(); /* as must_calloc() */
	return ph;
}

/* ---- saves ---- */

struct heard {
	store_done_fn *fn;
	void *arg;
	char call[CALLID_SIZE];
};

static void note(struct pulse *p, int64_t took)
{
	if (p->sample_count == p->sample_room) {
		p->sample_room = p->sample_room ? 2 * p->sample_room : 1 << 16;
		p->samples = must_realloc(p->samples, p->sample_room * sizeof(*p->samples));
	}
	p->samples[p->sample_count++] = (struct sample){ clock_utc(), took };
}

/* What it said last is saved: the next pulse. */
static void phone_saved(struct phone *ph, int64_t now)
{
	int64_t spread = 0;

	if (ph->state == PHONE_PULSES) {
		note(ph->pulse, now - ph->said);
	} else {
		ph->state = PHONE_PULSES;
		metric_add(&connected, 1);
		spread = rand() % PULSE_WAIT; /* or all would keep step for ever */
	}
	ph->said = 0;
	if (ph->script != KEPT_BACK)
		say_at(ph, now + PULSE_WAIT + spread);
}

static void save_answered(void *arg, enum store_answer a)
{
	const int64_t now = clock_mono();
	struct heard *h = arg;
	struct phone *ph = table_get(the_pulse->phones, h->call);

	if (ph && ph->script == KEPT_BACK && ph->state == PHONE_PULSES && !ph->said)
		return; /* with what it holds: its worker ends with it */
	h->fn(h->arg, a);
	ph = table_get(the_pulse->phones, h->call); /* that may have freed it, or dialled it */
	if (ph && a == STORE_DONE && ph->said && ph->said <= now && ph->state != PHONE_OVER)
		phone_saved(ph, now);
	free(h);
}

void __real_store_save(struct store *s, const struct store_save *save, store_done_fn *fn, void *arg);
void __wrap_store_save(struct store *s, const struct store_save *save, store_done_fn *fn, void *arg);
void __wrap_store_save(struct store *s, const struct store_save *save, store_done_fn *fn, void *arg)
{
	struct heard *h = must_calloc(1, sizeof(*h));

	h->fn = fn;
	h->arg = arg;
	snprintf(h->call, sizeof(h->call), "%s", save->call_leg_id);
	__real_store_save(s, save, save_answered, h);
}

/* ---- what is asked of it ---- */

static int pulse_address_of(struct carrier *c, const struct identifier *id, char **out)
{
	(void)c;
	*out = must_strdup(id->value);
	return *out ? 0 : -EINVAL;
}

static void pulse_dial(struct carrier *c, const struct carrier_dial *d)
{
	const size_t len = strlen(d->address);
	struct phone *ph =
	        phone_new((struct pulse *)c, d->dial_id, atoi(d->address + (len > 2 ? len - 2 : 0)));

	if (ph->script != SILENT)
		say_at(ph, clock_mono());
}

static void pulse_hang_up(struct carrier *c, const char *dial_id)
{
	struct phone *ph = phone_of(c, dial_id);

	if (!ph)
		return;
	if (ph->state == PHONE_PULSES)
		metric_add(&connected, -1);
	ph->state = PHONE_OVER;
	say_at(ph, clock_mono());
}

static void pulse_nothing(struct carrier *c, const char *dial_id)
{
	(void)c, (void)dial_id;
}

static void pulse_play(struct carrier *c, const char *dial_id, const char *play, const char *uri, bool loop,
                       int64_t started_at)
{
	(void)c, (void)dial_id, (void)play, (void)uri, (void)loop, (void)started_at;
}

static void pulse_word(struct carrier *c, const char *dial_id, const char *word)
{
	(void)c, (void)dial_id, (void)word;
}

static int pulse_store(struct carrier *c, const char *dial_id, struct bytes *out)
{
	(void)c, (void)dial_id;
	*out = (struct bytes){ must_calloc(1, RECORD_SIZE), RECORD_SIZE };
	return 0;
}

/* These benchmarks move no calls: one that is moved pulses on. */
static void pulse_keep_plays(struct carrier *c, const char *dial_id, const char *const *plays, size_t n)
{
	(void)c, (void)dial_id, (void)plays, (void)n;
}

static void pulse_adopt(struct carrier *c, const char *dial_id, const struct bytes *record)
{
	struct phone *ph;

	(void)record;
	if (phone_of(c, dial_id))
		return;
	ph = phone_new((struct pulse *)c, dial_id, 0);
	ph->state = PHONE_PULSES;
	metric_add(&connected, 1);
	say_at(ph, clock_mono());
}

static void pulse_forget(struct carrier *c, const char *dial_id)
{
	struct phone *ph = phone_of(c, dial_id);

	if (!ph)
		return;
	table_remove(ph->pulse->phones, ph->call);
	phone_free(ph);
}

static void write_samples(const struct pulse *p, const char *path)
{
	FILE *f = fopen(path, "we");

	for (size_t i = 0; f && i < p->sample_count; i++)
		fprintf(f, "%lld %lld\n", (long long)p->samples[i].at, (long long)p->samples[i].took);
	if (!f || fclose(f))
		fprintf(stderr, "pulse_worker: %s: %s\n", path, strerror(errno));
}

static void pulse_close(struct carrier *c)
{
	struct pulse *p = (struct pulse *)c;
	size_t cursor = 0;
	struct phone *ph;

	if (getenv("PULSE_SAMPLES"))
		write_samples(p, getenv("PULSE_SAMPLES"));
	while ((ph = table_next(p->phones, &cursor, NULL)))
		phone_free(ph);
	table_close(p->phones);
	free(p->samples);
	free(p);
}

static const struct carrier_ops ops = {
	.name = "pulse",
	.address_of = pulse_address_of,
	.dial = pulse_dial,
	.answer_early = pulse_nothing,
	.hang_up = pulse_hang_up,
	.play = pulse_play,
	.stop = pulse_word,
	.bridge = pulse_word,
	.unbridge = pulse_nothing,
	.send_digits = pulse_word,
	.store = pulse_store,
	.adopt = pulse_adopt,
	.keep_plays = pulse_keep_plays,
	.forget = pulse_forget,
	.close = pulse_close,
};

int carrier_sim_open(struct carrier **out, struct loop *loop, const struct settings *s, carrier_event_fn *fn,
                     void *arg)
{
	struct pulse *p = must_calloc(1, sizeof(*p));
	int r;

	(void)s;
	p->carrier.ops = &ops;
	p->loop = loop;
	p->fn = fn;
	p->arg = arg;
	r = table_open(&p->phones);
	if (r < 0) {
		free(p);
		return r;
	}
	metric_register(&connected);
	the_pulse = p;
	*out = &p->carrier;
	return 0;
}
