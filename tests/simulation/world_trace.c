/* world_trace.c - what was reached, what then is done, and what is said of it; see world.h */
#include "simulation/world_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* ---- what was reached ---- */

static const char *const point_names[POINTS] = {
	[POINT_TAKE] = "take",         [POINT_SAVE] = "save",         [POINT_CONFIRM] = "confirm",
	[POINT_CLEAR] = "clear",       [POINT_LOAD] = "load",         [POINT_REFUSED] = "refused",
	[POINT_STALE] = "stale",       [POINT_SAVE_ANSWER] = "saved", [POINT_CONFIRM_ANSWER] = "confirmed",
	[POINT_TELL] = "tell",         [POINT_TOLD] = "told",         [POINT_LEDGER] = "ledger",
	[POINT_DIAL] = "dial",         [POINT_PHONE] = "phone",       [POINT_ADOPT] = "adopt",
	[POINT_HANG_UP] = "hangup",    [POINT_FORGET] = "forget",     [POINT_PLAY] = "play",
	[POINT_ASSIGNED] = "assigned", [POINT_REVOKED] = "revoked",   [POINT_ASK] = "ask",
	[POINT_MESSAGE] = "message",   [POINT_LOOKED] = "look",
};

static void trace(struct world *w, const char *word)
{
	const size_t len = strlen(word);

	if (w->trace_len + len + 2 > w->trace_room) {
		w->trace_room = (w->trace_room + len) * 2 + 256;
		w->trace = must_realloc(w->trace, w->trace_room);
	}
	if (w->trace_len)
		w->trace[w->trace_len++] = ' ';
	memcpy(w->trace + w->trace_len, word, len + 1);
	w->trace_len += len;
}

void world_reach(struct world *w, enum world_point point, struct node *n)
{
	if (!point)
		return;
	w->counts[point]++;
	if (w->rules.steady && point != POINT_LOOKED) /* which is always followed by a dial */
		trace(w, point_names[point]);
	if (point != POINT_MESSAGE)
		world_log(w, "  %s", point_names[point]);
	for (size_t i = 0; i < sizeof(w->moments) / sizeof(*w->moments); i++) {
		struct moment *m = &w->moments[i];

		if (m->act && m->point == point && !--m->nth) {
			world_act_fn *act = m->act;

			m->act = NULL;
			act(w, n); /* may be long: a worker can be stopped in it */
		}
	}
}

void world_when(struct world *w, enum world_point point, int nth, world_act_fn *act)
{
	if (point == POINT_LOOKED)
		w->stops = true;
	for (size_t i = 0; i < sizeof(w->moments) / sizeof(*w->moments); i++) {
		if (w->moments[i].act)
			continue;
		w->moments[i] = (struct moment){ point, nth, act };
		return;
	}
	abort(); /* a story with more moments than there is room for */
}

const char *world_trace(const struct world *w)
{
	return w->trace ? w->trace : "";
}

void world_trace_clear(struct world *w)
{
	w->trace_len = 0;
	if (w->trace)
		w->trace[0] = '\0';
}

int world_count(const struct world *w, enum world_point point)
{
	return w->counts[point];
}

int world_late_rings(const struct world *w)
{
	return w->late_rings;
}

uint64_t world_hash(const struct world *w)
{
	return w->hash;
}

/* ---- words ---- */

/* FNV-1a */
static void hash(struct world *w, const char *text)
{
	if (!w->hash)
		w->hash = UINT64_C(0xcbf29ce484222325);
	for (; *text; text++)
		w->hash = (w->hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
}

static void print_line(struct world *w, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void print_line(struct world *w, const char *fmt, va_list ap)
{
	char line[1024];
	int n;

	n = snprintf(line, sizeof(line), "%4lld.%06lld ", (long long)(w->now / CLOCK_SEC),
	             (long long)(w->now % CLOCK_SEC));
	if (w->running)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "worker-%d.%u ", w->running->number,
		              w->running->life);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if (w->rules.verbose)
		fprintf(stderr, "%s\n", line);
	if (w->rules.hashed)
		hash(w, line);
}

static bool nobody_listens(const struct world *w)
{
	return !w || !(w->rules.verbose || w->rules.hashed);
}

void world_log(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (nobody_listens(w))
		return;
	va_start(ap, fmt);
	print_line(w, fmt, ap);
	va_end(ap);
}

/* The workers' own lines stand among the world's, with its time. */
void __wrap_log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	if (nobody_listens(the_world) || (the_world->running && the_world->running->dying))
		return;
	va_start(ap, fmt);
	print_line(the_world, fmt, ap);
	va_end(ap);
}

void world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof(w->failure), fmt, ap);
	va_end(ap);
	world_log(w, "FAILED: %s", w->failure);
}

const char *world_failure(const struct world *w)
{
	return w->failure[0] ? w->failure : NULL;
}
