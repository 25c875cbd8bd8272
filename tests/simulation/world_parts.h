/*
 * world_parts.h - what the parts of the world share
 *
 * world.c is time and messages, world_trace.c what was reached, world_node.c the workers' processes,
 * world_kill.c where they die, world_fiber.c how they stand still in the middle of something,
 * world_redis.c, world_store.c, world_kafka.c, world_group.c and world_phone.c what they stand on,
 * world_calls.c the commands, world_check.c the promises, world_sweep.c the random worlds.
 */
#ifndef WORLD_PARTS_H
#define WORLD_PARTS_H

#include "clock.h"
#include "must.h"
#include "world.h"
#include "worker.h"

/* ---- world.c: messages ---- */

/*
 * Something that happens later.  First member of whatever it carries.  `to`
 * NULL: it happens in the world itself.  A message to a worker waits while that
 * is paused, and is dropped when it is gone; it is free()d after fn or drop.
 */
struct message {
	int64_t due;
	uint64_t order; /* of sending: of equal due times the first goes first */
	struct node *to;
	uint32_t life; /* of the worker that it is for */
	enum world_point point;
	void (*fn)(struct message *m);   /* it happens; frees what m holds */
	void (*drop)(struct message *m); /* it never does; frees what m holds; NULL: nothing to free */
	/* where it came from, for cuts: a worker's connection */
	const struct node *from;
	uint32_t from_life, link;
};

/* `size` bytes, zeroed, whose first member is the message. */
void *message_new(struct node *to, size_t size, void (*fn)(struct message *), void (*drop)(struct message *));
/* Takes it. */
void message_send(struct world *w, struct message *m, int64_t due);
/* A message that could not arrive yet: a copy of it, `size` bytes, comes later, in the order that it had. */
void message_wait(struct world *w, const struct message *m, size_t size, int64_t due);
/* Later by delay, but not before what went the same way: *last. */
int64_t way(struct world *w, int64_t *last, int64_t delay);
int64_t world_delay(struct world *w); /* of a network and the program behind it */
/*
 * What `from` had on its way over `link` gets no further than a point drawn at
 * random, in the order of sending; what does may be `late` by so much.
 */
void messages_cut(struct world *w, void (*fn)(struct message *), const struct node *from, uint32_t life,
                  uint32_t link, int64_t late);

uint64_t draw(struct world *w, uint64_t below); /* 0 .. below - 1 */
bool chance(struct world *w, unsigned percent);
void world_log(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Reached: counts, traces, and does what waits for it.  `n` may be NULL. */
void world_reach(struct world *w, enum world_point point, struct node *n);

/* ---- the parts ---- */

struct fiber;

struct node {
	struct world *world;
	int number;
	bool alive, paused;
	bool dying;          /* killed in the middle of what it does: nothing of it has an effect any more */
	bool starts_again;   /* after that */
	bool in_gap;         /* stopped between its look at the clock and the dial that follows */
	struct fiber *fiber; /* what its code runs on, or stands still on; NULL: neither */
	uint32_t life;       /* one more with every death */
	int64_t wakes_at;
	int64_t next_timer;
	struct worker worker;
	int64_t from_group; /* the way of the coordinator's words */
	int64_t wait_until;
};

struct redis_call {
	char id[CALLID_SIZE];
	int64_t version;
	uint64_t stamp;
	struct bytes record;
	bool ended;
	int64_t gone_at;  /* it expires then; 0: it does not */
	int64_t deadline; /* in live, while it has not ended */
	struct redis_call *next;
};

struct redis_entry {
	char name[CALLID_SIZE + 22];
	struct bytes packed;
	struct redis_entry *next;
};

struct redis_partition {
	char epoch[STORE_EPOCH_SIZE], run_id[STORE_RUN_SIZE]; /* "": none */
	char memory[STORE_EPOCH_SIZE];                        /* that the taker's memory was of; "": none */
	int64_t told, next;
	struct redis_call *calls;
	struct redis_entry *outbox;
};

struct fake_redis {
	uint32_t process; /* of it: one more with every restart */
	int64_t back_at;  /* before this nobody reaches it */
	struct redis_partition partitions[WORLD_PARTITIONS];
};

struct log {
	struct log_record {
		struct bytes value;
		char key[CALLID_SIZE];
		int letters; /* of a command: in calls.dead */
	} * records;
	size_t count, room;
};

struct member {
	uint32_t id;
	struct node *node;
	uint32_t life;
	bool joined;
	struct member *next;
};

struct coordinator {
	uint32_t generation, ids;
	bool joining;
	uint32_t round;                      /* of joinings */
	struct member *members;              /* by id */
	int64_t committed[WORLD_PARTITIONS]; /* -1: none */
	bool lose_commits;
};

struct fake_kafka {
	struct log commands[WORLD_PARTITIONS], events[WORLD_PARTITIONS];
	size_t dead;
	int64_t stuck_until;
	struct coordinator group;
};

struct phone;

/* What calls.events and the commands say about a call. */
#define WORLD_RESULTS 64
#define WORLD_DIALS   32

struct told_call {
	char id[CALLID_SIZE];
	int32_t partition;
	bool created, old;       /* a create stands on calls.commands; past its time */
	bool spoilt, was_spoilt; /* Redis can neither save nor load it */
	struct told_event {
		struct bytes value;
		int64_t number;
	} * events; /* by seq - 1: the first record of each */
	size_t count, room;
	int64_t numbers;
	bool final, left, gone; /* the app's last event; because it left; all are gone then */
	int64_t final_at;
	int outcome;
	char story[512];
	int commands;
	char *results[WORLD_RESULTS]; /* of what: a prompt's context, an invite's and the participant */
	int result_count, results_owed;
	char *announced[WORLD_DIALS]; /* dial ids that the ledger knows of */
	int announced_count;
};

#define WORLD_ORDERS 4

/* A worker dies, or is stopped, at a kill point. */
struct order {
	const char *name;
	int nth;
	const struct node *node; /* NULL: whichever passes it */
	int64_t sleep;           /* 0: it dies */
};

struct world {
	struct world_rules rules;
	struct settings *settings;
	uint64_t random[4];
	int64_t now;
	size_t turns;
	int64_t slow; /* the longest ordinary delay */
	struct message **heap;
	size_t heap_count, heap_room;
	uint64_t order;
	struct node nodes[WORLD_WORKERS];
	struct node *running; /* whose code runs now */
	struct node *opening;
	struct fake_redis redis;
	struct fake_kafka kafka;
	struct phone *phones;
	struct told_call calls[WORLD_CALLS];
	int call_count;
	char failure[512], missing[256];
	struct moment {
		enum world_point point;
		int nth;
		world_act_fn *act;
	} moments[8];
	struct order orders[WORLD_ORDERS];
	size_t order_count;
	bool stops; /* a worker may be stopped in the middle of what it does: they run on fibers */
	char *spare_stack;
	int counts[POINTS];
	int late_rings;
	uint64_t hash; /* of all that was logged, with rules.hashed */
	char *trace;
	size_t trace_len, trace_room;
	void (*each)(struct world *w); /* after every message, for the random faults */
	struct faults *faults;
};

extern struct world *the_world;

/* world_node.c */
typedef void node_fn(struct node *n, void *arg);
void node_work(struct node *n, node_fn *fn,
               void *arg);                  /* the worker's own code runs, and what follows from that */
void node_go_on(struct node *n);            /* it was stopped in the middle of that */
bool node_is_gone(const struct node *n);    /* dead, or what it still does has no effect */
bool node_is_stopped(const struct node *n); /* in the middle of what it does */
/* world_kill.c */
void world_disarm(struct world *w);
/* world_fiber.c: false: it was stopped before the end */
bool fiber_run(struct node *n, node_fn *fn, void *arg);
bool fiber_go_on(struct node *n);
void fiber_stop(struct node *n);
/* world_redis.c */
struct redis_partition *redis_of(struct world *w, int32_t p);
struct redis_call *redis_find(struct redis_partition *r, const char *id);
bool redis_is_clean(struct world *w, char *why, size_t size); /* outbox and live are empty */
void redis_clear_all(struct world *w);
const char *redis_run_of(char out[STORE_RUN_SIZE], uint32_t process);
/* world_store.c */
void store_cut(struct store *s, int64_t late);
/* world_kafka.c */
void kafka_append_command(struct world *w, int32_t p, const char *key, const struct bytes *value);
void teller_cut(struct teller *t, int64_t late); /* its process ends */
void teller_reopen(struct teller *t);
void kafka_clear_all(struct world *w);
/* world_group.c */
void group_died(struct node *n);
void group_slept(struct node *n, int64_t time);
void group_commands_came(struct world *w, int32_t p);
/* world_phone.c */
void carrier_fake_open(struct carrier **out, struct node *n, carrier_event_fn *fn, void *arg);
void phones_forget(struct node *n);
void phones_clear_all(struct world *w);
int phone_dials(struct world *w, const char *call);
int phone_prompts(struct world *w, const char *call); /* that it hears now */
int phone_bridged(struct world *w, const char *call); /* how many talk with each other */
/* world_check.c */
void check_append(struct world *w, int32_t p, const struct bytes *value);
void check_letter(struct world *w, const struct bytes *value);
void check_dial(struct world *w, const char *dial_id, const struct node *n);
struct told_call *told_of(struct world *w, const char *id);
/* world_sweep.c: it has ended, and starts again some time later */
void start_later(struct world *w, struct node *n);

#endif
