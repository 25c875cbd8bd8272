/* story.c - see story.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulation/story.h"

struct world *story_make(struct world_rules rules)
{
	struct world *w;

	rules.steady = true;
	rules.verbose = getenv("VERBOSE") && !getenv("SEED");
	rules.partitions = rules.partitions ? rules.partitions : 1;
	rules.redis_timeout = rules.redis_timeout ? rules.redis_timeout : 10 * CLOCK_SEC;
	w = world_open(&rules);
	world_run(w, 500 * CLOCK_MS); /* all joined, all taken */
	world_trace_clear(w);
	return w;
}

struct world *story_workers(int n)
{
	return story_make((struct world_rules){ .workers = n });
}

void story_end(struct world *w)
{
	world_settle(w, 60 * CLOCK_SEC);
	if (world_failure(w))
		fail_msg("%s", world_failure(w));
	world_close(w);
}

void story_starts_with(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)))
		fail_msg("\"%.160s\" does not start with \"%s\"", text, start);
}

/* ---- what happens at a moment ---- */

void killed(struct world *w, struct node *n)
{
	(void)w;
	node_kill(n);
}

void sleeps_shortly(struct world *w, struct node *n)
{
	(void)w;
	node_pause(n, 600 * CLOCK_MS); /* longer than dial.bound, shorter than a session */
}

void sleeps_long(struct world *w, struct node *n)
{
	(void)w;
	node_pause(n, 4 * CLOCK_SEC); /* longer than a session */
}

void rebalanced(struct world *w, struct node *n)
{
	(void)n;
	world_rebalance(w);
}

void redis_leaves(struct world *w, struct node *n)
{
	(void)n;
	world_redis_away(w, CLOCK_SEC);
}

void redis_restarts(struct world *w, struct node *n)
{
	(void)n;
	world_redis_restart(w, CLOCK_SEC);
}

void kafka_sticks(struct world *w, struct node *n)
{
	(void)n;
	world_kafka_stuck(w, CLOCK_SEC);
}

/* ---- what the environment asks for ---- */

uint64_t story_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}
