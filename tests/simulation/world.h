/*
 * world.h - workers, one Redis, one Kafka and the phones, in one process and one virtual time
 *
 * The workers are the real ones from their events down to the step; what they
 * stand on (store.h, teller.h, ledger.h, group.h, carrier.h, clock.h) is played
 * by the world.  All that is asked is a message: it is carried out later and
 * answered later still, after delays drawn from the world's seed, in the order
 * that a connection or a partition keeps in reality.  The time jumps to the next
 * message.  One world at a time, one thread.
 *
 * A worker can be killed or stopped anywhere: between two messages, or in the
 * middle of one at its kill points (worker/kill_point.h).
 *
 * While it runs the world checks the promises; the first one that is broken ends
 * the run and stands in world_failure().
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"

#define WORLD_WORKERS    3
#define WORLD_PARTITIONS 3
#define WORLD_CALLS      12

struct world;
struct node;

/* Where something happened, or (answers) is about to be heard. */
enum world_point {
	POINT_NONE,
	POINT_TAKE,           /* Redis: a new epoch */
	POINT_SAVE,           /* Redis: a step was saved, or had been */
	POINT_CONFIRM,        /* Redis: the same with an entry to clear */
	POINT_CLEAR,          /* Redis: entries were cleared */
	POINT_LOAD,           /* Redis: a call was read */
	POINT_REFUSED,        /* Redis: a script said no */
	POINT_STALE,          /* Redis: another version */
	POINT_SAVE_ANSWER,    /* about to be heard by the worker */
	POINT_CONFIRM_ANSWER, /* the same */
	POINT_TELL,           /* Kafka: an event was appended */
	POINT_TOLD,           /* the acknowledgement is about to be heard */
	POINT_LEDGER,         /* Kafka: the end of calls.events was read */
	POINT_LOOKED,   /* a dial was asked of the carrier: the clock was looked at, the packet is to leave */
	POINT_DIAL,     /* a phone was dialled */
	POINT_PHONE,    /* a phone's word is about to be heard */
	POINT_ADOPT,    /* a leg was adopted */
	POINT_HANG_UP,  /* a leg was hung up */
	POINT_FORGET,   /* a leg was dropped without a word */
	POINT_PLAY,     /* a prompt was started */
	POINT_ASSIGNED, /* the worker is about to hear of its partitions */
	POINT_REVOKED,  /* or of their loss */
	POINT_ASK,      /* the group was asked whether the partition is still ours */
	POINT_MESSAGE,  /* a command is about to be read */
	POINTS,
};

struct world_rules {
	uint64_t seed;
	int workers, partitions;
	/* of the workers' settings, us; 0: the world's own default */
	int64_t dial_bound, redis_timeout, handover_timeout, ring_timeout, call_max;
	int64_t unacked; /* bytes */
	int64_t commands, inflight;
	int64_t keep; /* call.keep: Redis drops the record of an ended call after it; 0: never */
	bool steady;  /* every delay is the same: for stories whose order is pinned */
	bool verbose;
	bool hashed; /* all that is logged makes world_hash() */
};

struct world *world_open(const struct world_rules *rules);
void world_close(struct world *w);
const char *world_failure(const struct world *w); /* NULL: no promise was broken so far */
void world_fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- time ---- */

int64_t world_now(const struct world *w); /* us since the world began */
void world_run(struct world *w, int64_t time);
/*
 * Until all that was asked for is told and over, every promise is kept and
 * nothing is left behind anywhere; what still is not after `time` is the failure.
 */
bool world_settle(struct world *w, int64_t time);

/* When `point` is reached for the nth time from now on (1: the next), `act` is done, once. */
typedef void world_act_fn(struct world *w, struct node *n);
void world_when(struct world *w, enum world_point point, int nth, world_act_fn *act);

/*
 * From now on: the nth time that a worker (NULL: whichever) passes the kill point
 * of that name it dies there, or stands still for `sleep`.  One order after the
 * other: a second one counts from when the first was carried out.
 */
void world_arm(struct world *w, const char *kill_point, int nth, struct node *n, int64_t sleep);

/* How often all worlds so far came there. */
struct kill_count {
	const char *name;
	long passed, crashed, stopped;
};
const struct kill_count *world_kill_counts(size_t *n);

/* What was reached, as words: "take take save tell told confirm dial ..."; only with rules.steady. */
const char *world_trace(const struct world *w);
void world_trace_clear(struct world *w);
int world_count(const struct world *w, enum world_point point); /* how often so far */
/*
 * Phones that rang after "unknown" had been told: allowed only where the worker
 * was stopped between its look at the clock and the packet, which nothing but a
 * carrier that refuses could prevent.
 */
int world_late_rings(const struct world *w);
uint64_t world_hash(const struct world *w);

/* ---- people and their calls ---- */

/* A call whose id belongs to the partition; no command yet. */
int world_call(struct world *w, int partition);
/* Commands appear on calls.commands at once; phones are the last two digits that the targets' numbers end in. */
void world_create(struct world *w, int call, const char *phones);
void world_create_until(struct world *w, int call, const char *phones, int64_t time); /* expires after it */
void world_create_old(struct world *w, int call, const char *phones);                 /* past its expiresAt */
void world_create_big(struct world *w, int call); /* would not fit into a record */
/* `name` makes the command's id: the same name, the same command. */
void world_play(struct world *w, int call, const char *name, const char *context);
void world_play_loop(struct world *w, int call, const char *name, const char *context); /* until cancelled */
void world_cancel(struct world *w, int call, const char *name);
/* The name's last letter tells its phones from those of another invite. */
void world_invite(struct world *w, int call, const char *name, const char *phones);
void world_remove(struct world *w, int call, const char *name, const char *of,
                  int index); /* of that command */
void world_hang_up(struct world *w, int call, const char *name);
void world_delete(struct world *w, int call, const char *name);
/* The newest command of the partition once more, as a producer's retry would. */
void world_repeat(struct world *w, int partition);
void world_poison(struct world *w, int partition, size_t len); /* bytes that mean nothing */
void world_create_misfit(struct world *w, int call);           /* well-framed, with no targets */
void world_spoil(struct world *w, int call, bool spoilt);      /* Redis can neither save nor load it */
void world_newer(struct world *w, int partition);              /* a well-framed record of a newer program */

/* "busy"; "": not ended.  As calls.events tells it. */
const char *world_outcome(const struct world *w, int call);
int world_dials(const struct world *w, int call);
int world_prompts(const struct world *w, int call);   /* that the call's phones hear now */
int world_bridged(const struct world *w, int call);   /* phones that talk with each other */
size_t world_events(const struct world *w, int call); /* how many seqs were told */
/* "playAudioResult:8509"-like words of the call's events, in order. */
const char *world_story(const struct world *w, int call);
int64_t world_committed(const struct world *w, int partition);
int64_t world_commands(const struct world *w, int partition); /* the log's end */
size_t world_dead_letters(const struct world *w);

/* ---- faults ---- */

struct node *world_node(struct world *w, int number);
int node_number(const struct node *n);
struct worker *node_worker(struct node *n); /* NULL: dead */

void node_kill(struct node *n);                /* -9: what it had sent may still arrive, or not */
void node_start(struct node *n);               /* a new process in its place; nothing if it lives */
void node_drain(struct node *n);               /* SIGTERM */
void node_pause(struct node *n, int64_t time); /* it stands still; what is sent to it waits */
void node_cut(struct node *n);                 /* its connection to Redis breaks */
void node_teller_fatal(struct node *n);        /* its Kafka producer is of no use any more */

void world_redis_away(struct world *w, int64_t time); /* nobody reaches it */
void world_redis_restart(struct world *w,
                         int64_t time); /* the same, and another process comes back, with all data */
void world_kafka_stuck(struct world *w, int64_t time); /* produces and commits are carried out later */
void world_rebalance(struct world *w);                 /* everything is revoked and handed out anew */
void world_rewind(struct world *w, int partition,
                  int64_t by); /* an operator sets the committed offset back */
void world_lose_commits(struct world *w, bool lose);

/* ---- random worlds ---- */

struct world_sum {
	uint64_t seeds, calls, dials, unknown, late_rings, takeovers;
	uint64_t left, joined; /* calls whose app left; invited who came */
	bool hashed;
	uint64_t hash; /* of the newest world's log, if `hashed` */
};

/*
 * One world drawn from the seed, with its calls and its faults, until it has settled; then checked.
 * 0 or -1; what was seen is added to *sum.
 */
int world_sweep(uint64_t seed, bool verbose, struct world_sum *sum, char *why, size_t size);

#endif
