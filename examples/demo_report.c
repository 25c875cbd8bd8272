/* demo_report.c - see demo_report.h */
#include "demo_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "demo_api.h"
#include "demo_calls.h"
#include "demo_hook.h"

#define ROWS_MAX 32
#define BAR      40

static double seconds_since(int64_t started)
{
	return (double)(clock_mono() - started) / CLOCK_SEC;
}

void report_progress(const struct calls *c, int64_t started)
{
	static int64_t due;
	const bool terminal = isatty(STDOUT_FILENO);
	const bool over = c->steps[STEP_ENDED] == c->count;

	if (clock_mono() < due && !over)
		return;
	due = clock_mono() + (terminal ? 100 * CLOCK_MS : 2 * CLOCK_SEC);
	printf("%s%5.1f s   asked %4zu   ringing %4zu   talking %4zu   ended %4zu of %zu   webhooks %zu%s",
	       terminal ? "\r" : "", seconds_since(started), c->steps[STEP_WAITING] + c->steps[STEP_ASKED],
	       c->steps[STEP_RINGING], c->steps[STEP_TALKING] + c->steps[STEP_HANGING_UP],
	       c->steps[STEP_ENDED], c->count, hook_counts(c->hook).received,
	       terminal && !over ? "  " : "\n");
	fflush(stdout);
}

/* In people's words.  What isn't here is shown as the API names it. */
static const char *words(const char *outcome)
{
	static const struct {
		const char *outcome, *words;
	} known[] = {
		{ "noAnswer", "no answer" },      { "noSuchNumber", "no such number" },
		{ "network", "network failure" }, { "unreachable", "unreachable: nothing came back" },
		{ "unknown", "fate unknown" },    { "refused", "refused by the API" },
		{ "", "not ended in time" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].outcome, outcome))
			return known[i].words;
	return outcome;
}

struct row {
	char name[48];
	size_t count;
	bool answered;
};

static void row_of(const struct call *call, struct row *out)
{
	out->answered = call->answered && !strcmp(call->outcome, "completed");
	if (!out->answered)
		snprintf(out->name, sizeof(out->name), "%s", words(call->outcome));
	else if (*call->tone)
		snprintf(out->name, sizeof(out->name), "answered, pressed %s", call->tone);
	else
		snprintf(out->name, sizeof(out->name), "answered, no digit");
}

/* Answered ones first; within them, and the others, the largest first. */
static int by_size(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->answered != y->answered)
		return y->answered - x->answered;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static size_t count_rows(const struct calls *c, struct row rows[ROWS_MAX])
{
	size_t n = 0, at;

	for (size_t i = 0; i < c->count; i++) {
		struct row row = { 0 };

		row_of(&c->list[i], &row);
		for (at = 0; at < n && strcmp(rows[at].name, row.name) != 0; at++)
			;
		if (at == ROWS_MAX)
			continue;
		if (at == n)
			rows[n++] = row;
		rows[at].count++;
	}
	qsort(rows, n, sizeof(*rows), by_size);
	return n;
}

static void write_table(const struct calls *c)
{
	static const char bar[BAR + 1] = "########################################";
	struct row rows[ROWS_MAX] = { 0 };
	const size_t n = count_rows(c, rows);

	printf("\n  %-32s %6s\n", "outcome", "calls");
	for (size_t i = 0; i < n; i++)
		printf("  %-32s %6zu  %.*s\n", rows[i].name, rows[i].count,
		       (int)((rows[i].count * BAR + c->count - 1) / c->count), bar);
	printf("  %-32s %6zu\n\n", "all", c->count);
}

bool report_end(const struct calls *c, int64_t started)
{
	const struct hook_counts h = hook_counts(c->hook);
	const size_t valid = h.received - h.unsigned_;

	write_table(c);
	printf("  webhooks: %zu received, %zu with a valid signature, %zu in order", h.received, valid,
	       c->in_order);
	printf(", %zu out of order, %zu repeated\n", c->out_of_order, c->repeated);
	if (h.malformed)
		printf("  %zu webhooks were not of the promised form\n", h.malformed);
	if (api_repeats(c->api))
		printf("  %zu requests had to be sent again\n", api_repeats(c->api));
	if (c->refused)
		printf("  %zu requests were refused, the last with %s\n", c->refused, c->refusal);
	printf("  %zu of %zu calls ended, in %.1f s\n", c->steps[STEP_ENDED], c->count,
	       seconds_since(started));

	return c->steps[STEP_ENDED] == c->count && !c->refused && !h.unsigned_ && !h.malformed &&
	       !c->out_of_order && c->in_order == valid - c->repeated;
}
