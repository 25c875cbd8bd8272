/*
 * test_random.c - worlds drawn from seeds, each with its own calls and faults; every promise is checked in all of them
 *
 * A seed that fails is printed: SEED=<n> runs from it (VERBOSE=1 tells everything), RUNS=<k> so many.
 * That all this reaches what it is there for is checked as well: at every kill
 * point of the worker enough of them must have died.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulation/story.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 3000
#else
#define SEEDS 10000
#endif

/* Of so many seeds each kill point must have been the end of so many workers. */
#define ENOUGH_SEEDS   10000
#define ENOUGH_CRASHES 50

static void print_sum(const struct world_sum *s)
{
	size_t n;
	const struct kill_count *k = world_kill_counts(&n);

	printf("# seeds %llu, calls %llu, dials %llu, unknown ends %llu, late rings %llu, takeovers %llu\n",
	       (unsigned long long)s->seeds, (unsigned long long)s->calls, (unsigned long long)s->dials,
	       (unsigned long long)s->unknown, (unsigned long long)s->late_rings,
	       (unsigned long long)s->takeovers);
	printf("# calls with somebody who was invited and came %llu, calls that their app left %llu\n",
	       (unsigned long long)s->joined, (unsigned long long)s->left);
	printf("# %-18s %8s %10s %10s\n", "kill point", "passed", "crashed at", "stopped at");
	for (size_t i = 0; i < n; i++)
		printf("# %-18s %8ld %10ld %10ld\n", k[i].name, k[i].passed, k[i].crashed, k[i].stopped);
	fflush(stdout);
}

static uint64_t check_coverage(const struct world_sum *s)
{
	size_t n;
	const struct kill_count *k = world_kill_counts(&n);
	uint64_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		if (k[i].crashed >= ENOUGH_CRASHES)
			continue;
		print_error("only %ld died at %s\n", k[i].crashed, k[i].name);
		bad++;
	}
	if (s->joined < s->seeds / 20 || s->left < s->seeds / 10) {
		print_error("too few were invited, or left\n");
		bad++;
	}
	if (!s->late_rings) {
		print_error("no worker was stopped for long between its look at the clock and the packet\n");
		bad++;
	}
	return bad;
}

static void test_random_worlds(void **state)
{
	const uint64_t from = story_number("SEED", 1), most = story_number("FAILURES", 10);
	const uint64_t runs = story_number("RUNS", getenv("SEED") ? 1 : SEEDS);
	struct world_sum sum = { 0 };
	uint64_t bad = 0;
	char why[512];

	(void)state;
	for (uint64_t seed = from; seed < from + runs && bad < most; seed++) {
		if (world_sweep(seed, getenv("VERBOSE") != NULL, &sum, why, sizeof(why)) == 0)
			continue;
		print_error("seed %llu: %s\n", (unsigned long long)seed, why);
		bad++;
	}
	print_sum(&sum);
	if (!bad && sum.seeds >= ENOUGH_SEEDS)
		bad = check_coverage(&sum);
	assert_int_equal(bad, 0);
}

/* What a seed means must not depend on anything else: a failing one is worth nothing if it can't be seen again. */
static void test_a_seed_is_the_same_world_again(void **state)
{
	const uint64_t from = story_number("SEED", 1);
	struct world_sum first = { .hashed = true }, second = { .hashed = true };
	char why[512];

	(void)state;
	for (uint64_t seed = from; seed < from + 30; seed++) {
		world_sweep(seed, false, &first, why, sizeof(why));
		world_sweep(seed + 1000, false, &second, why, sizeof(why)); /* another one in between */
		world_sweep(seed, false, &second, why, sizeof(why));
		assert_true(first.hash != 0);
		assert_true(first.hash == second.hash);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_worlds),
		cmocka_unit_test(test_a_seed_is_the_same_world_again),
	};

	cmocka_set_test_filter(getenv("TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
