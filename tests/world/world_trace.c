/* world_trace.c - what was reached, what then is done, and what is said of it; see world.h */
#include "world/world_parts.h"

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
	[POINT_MESSAGE] = "message",
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
	if (w->rules.steady)
		trace(w, point_names[point]);
	if (w->rules.verbose && point != POINT_MESSAGE)
		world_log(w, "  %s", point_names[point]);
	for (size_t i = 0; i < sizeof(w->moments) / sizeof(*w->moments); i++) {
		struct moment *m = &w->moments[i];

		if (m->act && m->point == point && !--m->nth) {
			world_act_fn *act = m->act;

			m->act = NULL;
			act(w, n);
		}
	}
}

void world_when(struct world *w, enum world_point point, int nth, world_act_fn *act)
{
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

/* ---- words ---- */

static void print_line(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static void print_line(const char *fmt, va_list ap)
{
	const struct world *w = the_world;
	const int64_t now = w ? w->now : 0;

	fprintf(stderr, "%4lld.%06lld ", (long long)(now / CLOCK_SEC), (long long)(now % CLOCK_SEC));
	if (w && w->running)
		fprintf(stderr, "worker-%d.%u ", w->running->number, w->running->life);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void world_log(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->rules.verbose)
		return;
	va_start(ap, fmt);
	print_line(fmt, ap);
	va_end(ap);
}

/* The workers' own lines stand among the world's, with its time. */
void __wrap_log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	if (!the_world || !the_world->rules.verbose)
		return;
	va_start(ap, fmt);
	print_line(fmt, ap);
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
