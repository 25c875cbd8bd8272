/*
 * step_instructions.c - calls for callgrind to count: many worlds, one worker each, so many calls in each
 *
 * What a world costs by itself (a worker starts, takes its partition over) is
 * the same however few calls it has.  So bench/instructions.sh runs as many worlds
 * with CALLS and with 2 * CALLS calls each, and the difference is that of the
 * steps alone.  Prints how many steps were saved.  Only world.h is used: it must
 * fit to an older commit's worlds too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#if __has_include("simulation/world.h")
#include "simulation/world.h"
#else
#include "world/world.h" /* its folder's name up to a57b4c3 */
#endif

static void fail(const char *why)
{
	fprintf(stderr, "step_instructions: %s\n", why);
	exit(1);
}

static long number(const char *text, long most)
{
	char *end;
	const long n = strtol(text, &end, 10);

	if (*end || end == text || n < 1 || n > most)
		fail("usage: step_instructions WORLDS CALLS");
	return n;
}

/* Created, answered, two prompts, hung up; all calls of a world side by side. */
static void make_calls(struct world *w, long calls)
{
	int call[WORLD_CALLS];

	for (long i = 0; i < calls; i++) {
		call[i] = world_call(w, 0);
		world_create(w, call[i], "00");
	}
	world_run(w, CLOCK_SEC);
	for (long i = 0; i < calls; i++)
		world_play(w, call[i], "first", NULL);
	world_run(w, CLOCK_SEC);
	for (long i = 0; i < calls; i++)
		world_play(w, call[i], "second", NULL);
	world_run(w, CLOCK_SEC);
	for (long i = 0; i < calls; i++)
		world_hang_up(w, call[i], "hang-up");
}

static long run_world(uint64_t seed, long calls)
{
	const struct world_rules rules = {
		.seed = seed, .workers = 1, .partitions = 1, .steady = true, .redis_timeout = 10 * CLOCK_SEC
	};
	struct world *w = world_open(&rules);
	long steps;

	world_run(w, CLOCK_SEC); /* joined, taken over */
	make_calls(w, calls);
	world_settle(w, 60 * CLOCK_SEC);
	if (world_failure(w))
		fail(world_failure(w));
	steps = world_count(w, POINT_SAVE) + world_count(w, POINT_CONFIRM);
	world_close(w);
	return steps;
}

int main(int argc, char **argv)
{
	long worlds, calls, steps = 0;

	if (argc != 3)
		fail("usage: step_instructions WORLDS CALLS");
	worlds = number(argv[1], 10000);
	calls = number(argv[2], WORLD_CALLS);
	for (long i = 0; i < worlds; i++)
		steps += run_world((uint64_t)i + 1, calls);
	printf("%ld\n", steps);
	return 0;
}
