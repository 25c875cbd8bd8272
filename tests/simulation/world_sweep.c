/* world_sweep.c - random worlds: faults of Redis, Kafka and the workers, and one whole run from a seed */
#include "simulation/world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"

/* ---- faults from outside ---- */

void world_redis_away(struct world *w, int64_t time)
{
	world_log(w, "redis: away for %lld us", (long long)time);
	if (w->redis.back_at < w->now + time)
		w->redis.back_at = w->now + time;
	for (int i = 0; i < w->rules.workers; i++)
		node_cut(&w->nodes[i]);
}

void world_redis_restart(struct world *w, int64_t time)
{
	w->redis.process++; /* what is on its way to the old one finds nobody */
	world_redis_away(w, time);
}

void world_kafka_stuck(struct world *w, int64_t time)
{
	world_log(w, "kafka: stuck for %lld us", (long long)time);
	if (w->kafka.stuck_until < w->now + time)
		w->kafka.stuck_until = w->now + time;
}

void world_rewind(struct world *w, int partition, int64_t by)
{
	int64_t *committed = &w->kafka.group.committed[partition];

	if (*committed < 0)
		return;
	*committed = *committed > by ? *committed - by : 0;
	world_log(w, "kafka: partition %d goes back to command %lld", partition, (long long)*committed);
	world_rebalance(w);
}

void world_lose_commits(struct world *w, bool lose)
{
	w->kafka.group.lose_commits = lose;
}

/* ---- random faults ---- */

enum fault {
	FAULT_KILL,
	FAULT_PAUSE,
	FAULT_CUT,
	FAULT_AWAY,
	FAULT_RESTART,
	FAULT_STUCK,
	FAULT_REBALANCE,
	FAULT_REWIND,
	FAULT_COMMITS,
	FAULT_TELLER,
	FAULT_DRAIN,
	FAULT_SLOW,
	FAULT_REPEAT,
	FAULT_POISON,
	FAULTS,
};

struct faults {
	unsigned kinds; /* a bit each */
	int left;
	unsigned rarity; /* one message in so many */
	int64_t until;
};

static void restarted(struct message *m)
{
	node_start(&the_world->nodes[((struct message *)m)->link]);
}

void start_later(struct world *w, struct node *n)
{
	struct message *m = message_new(NULL, sizeof(*m), restarted, NULL);

	m->link = (uint32_t)n->number;
	message_send(w, m, w->now + (int64_t)draw(w, 2 * CLOCK_SEC));
}

static int64_t some_time(struct world *w)
{
	static const int64_t most[] = { 5 * CLOCK_MS, 300 * CLOCK_MS, 1500 * CLOCK_MS, 4 * CLOCK_SEC };

	return (int64_t)draw(w, (uint64_t)most[draw(w, 4)]);
}

static void strike(struct world *w, enum fault f)
{
	struct node *n = &w->nodes[draw(w, (uint64_t)w->rules.workers)];
	const int p = (int)draw(w, (uint64_t)w->rules.partitions);

	switch (f) {
	case FAULT_KILL:
		node_kill(n);
		start_later(w, n);
		break;
	case FAULT_PAUSE:
		node_pause(n, some_time(w));
		break;
	case FAULT_CUT:
		node_cut(n);
		break;
	case FAULT_AWAY:
		world_redis_away(w, some_time(w));
		break;
	case FAULT_RESTART:
		world_redis_restart(w, some_time(w));
		break;
	case FAULT_STUCK:
		world_kafka_stuck(w, some_time(w));
		break;
	case FAULT_REBALANCE:
		world_rebalance(w);
		break;
	case FAULT_REWIND:
		world_rewind(w, p, 1 + (int64_t)draw(w, 6));
		break;
	case FAULT_COMMITS:
		world_lose_commits(w, !w->kafka.group.lose_commits);
		break;
	case FAULT_TELLER:
		node_teller_fatal(n);
		break;
	case FAULT_DRAIN:
		node_drain(n); /* started again when it has gone */
		break;
	case FAULT_SLOW:
		w->slow = chance(w, 50) ? 60 * CLOCK_MS : some_time(w) + 1;
		break;
	case FAULT_REPEAT:
		world_repeat(w, p);
		break;
	case FAULT_POISON:
		world_poison(w, p, 6);
		break;
	case FAULTS:
		break;
	}
}

static void faults_end(struct world *w)
{
	w->each = NULL;
	w->slow = 60 * CLOCK_MS;
	world_log(w, "faults end");
	memset(w->moments, 0, sizeof(w->moments));
	world_disarm(w);
	if (w->faults->kinds & 1u << FAULT_COMMITS) { /* what was not committed is read again */
		world_lose_commits(w, false);
		world_rebalance(w);
	}
	for (int i = 0; i < w->rules.workers; i++)
		if (!w->nodes[i].alive)
			node_start(&w->nodes[i]);
}

static void each(struct world *w)
{
	struct faults *f = w->faults;
	unsigned kind;

	if (w->now > f->until || !f->left) {
		faults_end(w);
		return;
	}
	if (draw(w, f->rarity))
		return;
	do
		kind = (unsigned)draw(w, FAULTS);
	while (!(f->kinds & 1u << kind));
	f->left--;
	strike(w, (enum fault)kind);
}

/* ---- faults that are aimed: at the worker that is about to hear this ---- */

static void aimed_kill(struct world *w, struct node *n)
{
	node_kill(n);
	start_later(w, n);
}

static void aimed_sleep(struct world *w, struct node *n)
{
	node_pause(n, (int64_t)draw(w, 6 * CLOCK_SEC));
}

static void aimed_cut(struct world *w, struct node *n)
{
	(void)w;
	node_cut(n);
}

/* In this world the seed's own kill point is armed; every world has its turn at every one. */
static void arm_kill_points(struct world *w)
{
	size_t n;
	const struct kill_count *k = world_kill_counts(&n);
	const char *name = k[w->rules.seed % n].name;
	int64_t sleep = chance(w, 20) ? 1 + (int64_t)draw(w, 6 * CLOCK_SEC) : 0;

	world_arm(w, name, chance(w, 40) ? 1 : 1 + (int)draw(w, 6), NULL, sleep);
	if (chance(w, 30)) /* and a second one after it, which finds the first one's successor */
		world_arm(w, k[draw(w, n)].name, 1 + (int)draw(w, 3), NULL, 0);
	if (chance(w, 5))
		world_when(w, POINT_LOOKED, 1 + (int)draw(w, 3), aimed_sleep);
}

static void take_aim(struct world *w)
{
	static const enum world_point points[] = { POINT_SAVE_ANSWER,    POINT_CONFIRM_ANSWER,
		                                   POINT_CONFIRM_ANSWER, POINT_TOLD,
		                                   POINT_PHONE,          POINT_ASSIGNED,
		                                   POINT_REVOKED,        POINT_MESSAGE };
	static world_act_fn *const acts[] = { aimed_kill, aimed_sleep, aimed_sleep, aimed_cut };

	for (uint64_t n = draw(w, 4); n; n--)
		world_when(w, points[draw(w, sizeof(points) / sizeof(*points))], 1 + (int)draw(w, 8),
		           acts[draw(w, sizeof(acts) / sizeof(*acts))]);
	if (chance(w, 85))
		arm_kill_points(w);
}

/* ---- calls ---- */

struct later_command {
	struct message message;
	int call, kind;
};

static void command_comes(struct message *m)
{
	struct later_command *l = (struct later_command *)m;
	struct world *w = the_world;
	static const char *const phones[] = { "0",  "1",  "10",   "20",   "21",       "22",  "24",
		                              "25", "30", "0 20", "21 0", "20 10 30", "0 1", "1 10 0" };
	static const char *const invited[] = { "0", "1", "10", "20", "21", "30", "0 20", "25 1", "10 0 22" };

	switch (l->kind) {
	case 0:
		world_create(w, l->call, phones[draw(w, sizeof(phones) / sizeof(*phones))]);
		break;
	case 1:
		world_create_old(w, l->call, "0");
		break;
	case 2:
		world_play(w, l->call, "play-1", "one");
		break;
	case 3:
		world_play(w, l->call, "play-2", "two");
		break;
	case 4:
		world_hang_up(w, l->call, "hang-up");
		break;
	case 5:
		world_repeat(w, w->calls[l->call].partition);
		break;
	case 6:
		world_create_misfit(w, l->call);
		break;
	case 7: /* from before its first save: later, Redis would have lost what it had of the call */
		world_spoil(w, l->call, true);
		world_create(w, l->call, "0");
		break;
	case 8:
		world_play_loop(w, l->call, "play-3", "three");
		break;
	case 9:
		world_cancel(w, l->call, "cancel");
		break;
	case 11:
		world_invite(w, l->call, "invite-1", invited[draw(w, sizeof(invited) / sizeof(*invited))]);
		break;
	case 12:
		world_invite(w, l->call, "invite-2", invited[draw(w, sizeof(invited) / sizeof(*invited))]);
		break;
	case 13:
		world_remove(w, l->call, "remove-1", chance(w, 50) ? "create" : "invite-1", (int)draw(w, 2));
		break;
	case 15:
		world_create(w, l->call, "0 1");
		break;
	case 14:
		world_delete(w, l->call, "delete");
		break;
	default:
		world_poison(w, w->calls[l->call].partition, 6);
	}
}

static void command_at(struct world *w, int call, int kind, int64_t at)
{
	struct later_command *l = message_new(NULL, sizeof(*l), command_comes, NULL);

	l->call = call;
	l->kind = kind;
	message_send(w, &l->message, at);
}

/* Most can be carried out. */
static int kind_of_create(struct world *w)
{
	switch (draw(w, 64)) {
	case 0:
	case 1:
		return 1;
	case 2:
		return 6;
	case 3:
		return 7;
	default:
		return 0;
	}
}

static void draw_calls(struct world *w)
{
	const int n = 1 + (int)draw(w, 6);

	for (int i = 0; i < n; i++) {
		const int call = world_call(w, (int)draw(w, (uint64_t)w->rules.partitions));
		int64_t at = (int64_t)draw(w, 2 * CLOCK_SEC);

		if (chance(w, 20)) { /* two who talk, and an app that leaves them */
			command_at(w, call, 15, at);
			command_at(w, call, 4, at + (int64_t)draw(w, 2 * CLOCK_SEC));
		} else if (chance(w, 96)) {
			command_at(w, call, kind_of_create(w), at);
		}
		if (chance(w, 10))
			command_at(w, call, 5, at + 1);
		if (chance(w, 3))
			command_at(w, call, 10, at);
		if (chance(w, 60))
			command_at(w, call, 2, at + (int64_t)draw(w, 800 * CLOCK_MS));
		if (chance(w, 30))
			command_at(w, call, 3, at + (int64_t)draw(w, 2 * CLOCK_SEC));
		if (chance(w, 20))
			command_at(w, call, 8, at + (int64_t)draw(w, 2 * CLOCK_SEC));
		if (chance(w, 20))
			command_at(w, call, 9, at + (int64_t)draw(w, 3 * CLOCK_SEC));
		if (chance(w, 25))
			command_at(w, call, 11, at + 300 * CLOCK_MS + (int64_t)draw(w, 2 * CLOCK_SEC));
		if (chance(w, 15))
			command_at(w, call, 12, at + (int64_t)draw(w, 3 * CLOCK_SEC));
		if (chance(w, 20))
			command_at(w, call, 13, at + (int64_t)draw(w, 3 * CLOCK_SEC));
		if (chance(w, 15))
			command_at(w, call, 14, at + (int64_t)draw(w, 5 * CLOCK_SEC));
		if (chance(w, 60))
			command_at(w, call, 4,
			           at + (int64_t)draw(w, chance(w, 30) ? 20 * CLOCK_MS : 3 * CLOCK_SEC));
	}
}

/* ---- one run ---- */

static struct world_rules draw_rules(uint64_t seed, bool verbose, bool hashed)
{
	return (struct world_rules){
		.seed = seed,
		.workers = 1 + (int)(seed % 3),
		.partitions = 1 + (int)(seed / 3 % 3),
		/* every second world lets an answer come later than the bound of a dial */
		.redis_timeout = seed / 9 % 2 ? 250 * CLOCK_MS : 1200 * CLOCK_MS,
		/* shorter and longer than it takes to put a sleeping member out */
		.dial_bound = seed / 18 % 2 ? 400 * CLOCK_MS : 2500 * CLOCK_MS,
		.unacked = seed % 7 ? 0 : 1500,
		.commands = seed % 5 ? 0 : 3,
		.inflight = seed % 11 ? 0 : 2,
		.verbose = verbose,
		.hashed = hashed,
	};
}

static void sum_up(const struct world *w, struct world_sum *sum)
{
	sum->seeds++;
	sum->dials += (uint64_t)world_count(w, POINT_DIAL);
	sum->takeovers += (uint64_t)world_count(w, POINT_TAKE);
	sum->late_rings += (uint64_t)world_late_rings(w);
	for (int i = 0; i < w->call_count; i++) {
		sum->calls += w->calls[i].created;
		sum->left += w->calls[i].left;
		sum->joined += strstr(w->calls[i].story, "invite:completed") != NULL;
		sum->unknown += w->calls[i].final && w->calls[i].outcome == OUTCOME_UNKNOWN;
	}
	sum->hash = world_hash(w);
}

int world_sweep(uint64_t seed, bool verbose, struct world_sum *sum, char *why, size_t size)
{
	const struct world_rules rules = draw_rules(seed, verbose, sum->hashed);
	struct world *w = world_open(&rules);
	struct faults f = { 0 };
	int r;

	/* all kinds at once, or a few: some faults hide others */
	f.kinds = chance(w, 30) ? (1u << FAULTS) - 1 : 1u << draw(w, FAULTS) | 1u << draw(w, FAULTS);
	f.left = chance(w, 10) ? 0 : 1 + (int)draw(w, 12);
	f.rarity = 5 + (unsigned)draw(w, 150);
	f.until = 8 * CLOCK_SEC;
	w->faults = &f;
	w->each = each;
	if (f.left)
		take_aim(w);
	draw_calls(w);
	world_run(w, 5 * CLOCK_SEC);
	world_settle(w, 60 * CLOCK_SEC);
	r = world_failure(w) ? -1 : 0;
	snprintf(why, size, "%s", r ? world_failure(w) : "");
	sum_up(w, sum);
	world_close(w);
	return r;
}
