/*
 * worker.h - the worker's own structures: worker, partition, call in memory, step
 *
 * Reading order: main.c opens everything; worker.c hears what happens;
 * partition.c owns partitions and takes commands in, dead.c those that are none;
 * step.c decides, saves and acts, with call.h for what is decided and step_tell.c
 * for the telling (step_read.c, step_fail.c: what memory lacks, what Redis can't do);
 * takeover.c is what a new owner does first; handover.c what an old one does
 * last; calls.c keeps calls in memory.  What they stand on: store.h is Redis,
 * teller.h, ledger.h and group.h are Kafka.  All on the loop's thread.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"
#include "callid.h"
#include "carrier.h"
#include "group.h"
#include "ledger.h"
#include "loop.h"
#include "offsets.h"
#include "settings.h"
#include "store.h"
#include "table.h"
#include "teller.h"

struct partition;

struct worker {
	struct loop *loop;
	const struct settings *settings;
	struct store *store;
	struct teller *teller;
	struct ledger *ledger;
	struct group *group;
	struct carrier *carrier;
	struct partition **partitions; /* by number; made when first assigned, never freed before the end */
	size_t partition_count;
	size_t in_flight;                /* steps on their way to Redis; bounded by worker.inflight */
	struct call *ready, *ready_last; /* calls that wait for room in flight */
	bool told_paused;                /* too much is unacknowledged: no new steps */
	bool was_paused;                 /* since the last tick, if only for a moment */
	bool draining, drained;          /* SIGTERM; all handed over */
	bool releasing;                  /* a revoke is being answered */
	struct loop_timer tick, handover;
};

enum partition_state {
	PARTITION_IDLE,    /* not assigned; what is in memory waits for the next assignment */
	PARTITION_AWAY,    /* assigned, but Redis is away */
	PARTITION_ASKING,  /* refused by a script: is it still ours? */
	PARTITION_TAKING,  /* a takeover is under way */
	PARTITION_ACTIVE,  /* ours */
	PARTITION_LEAVING, /* being given back: steps in hand are finished, none is begun */
};

/* A command that was read, and not yet given to its call. */
struct intake {
	struct intake *next;
	int64_t offset;
	struct call_command command;
	struct bytes raw; /* as it was read, for calls.dead */
};

struct partition {
	struct worker *worker;
	int32_t number;
	enum partition_state state;
	bool assigned;
	struct store_epoch epoch; /* ours; text "" before the first takeover */
	int64_t epoch_number;     /* the n in it */
	bool owned;               /* a takeover under this epoch came to its end: memory is complete */
	struct table *calls;      /* callLegId: struct call */

	struct intake *intake, *intake_last;
	size_t intake_count;
	struct offsets offsets;
	int64_t below_next;   /* {p}:next at the takeover: what is below was told before */
	int64_t next_stored;  /* {p}:next as we last raised it */
	bool paused, blocked; /* not reading; blocked: a newer program's record came */

	size_t steps;  /* on their way to Redis */
	size_t untold; /* records on their way to Kafka */
	int64_t told;  /* offset after the last acknowledged event; -1: none yet */
	char **acked;  /* outbox entries that Kafka has and Redis does not know of yet */
	size_t acked_count, acked_room;
	bool clearing;
	struct loop_timer clear_soon, ask_again;

	struct takeover *takeover; /* while TAKING */
	uint32_t round;            /* of takeovers: answers of an older round are void */
};

/* One input that waits for its turn; owns what `in` points to. */
struct queued {
	struct queued *next;
	struct input in;
	int64_t offset; /* of the command; -1 */
	struct call_command command;
	struct bytes raw; /* COMMAND: as it was read, for calls.dead */
	struct carrier_event carrier;
	char *dial_id, *play, *reason;
	int64_t tries; /* that came to nothing; at command.tries it is given up */
};

/* Kafka has not acknowledged it yet; the call it is about may be forgotten meanwhile. */
struct untold {
	struct untold *before, *after; /* of the same call */
	struct partition *partition;
	struct call *call; /* NULL: forgotten, or told for an owner before us */
	uint32_t round;    /* of the takeover that told it from the outbox; 0: our own */
	int64_t seq;
	int32_t announced;           /* it announces dials, of legs up to this number; 0: none */
	char name[CALLID_SIZE + 22]; /* in the outbox */
};

/* A command whose effects are saved; done when the call's events up to `seq` are acknowledged. */
struct waiting_offset {
	int64_t offset, seq;
};

struct call {
	char id[CALLID_SIZE];
	struct partition *partition;
	enum { CALL_UNREAD, CALL_READING, CALL_READ } memory; /* do we know what Redis has of it? */
	struct call_record record; /* as last saved; call_leg_id NULL: there is none */
	int64_t version;
	struct queued *first, *last;
	size_t queued_count;
	struct step *step; /* on its way to Redis, or to be asked again; NULL: none */
	struct untold *untold;
	int64_t acked_seq;
	struct waiting_offset *waiting;
	size_t waiting_count;
	char *confirm; /* outbox entry that the next confirm takes out; NULL */
	struct loop_timer deadline;
	struct call *ready_next;
	bool is_ready, deadline_queued;
	bool forgotten; /* out of the table; freed when its step or reading is answered */
	bool fresh;     /* just loaded at a takeover */
	bool failing;   /* an input was tried in vain as often as it may be: the next ones are tried once */
};

struct step {
	struct call *call;
	struct queued *input;
	struct call_record next; /* the record as it will be */
	struct plan plan;
	uint64_t stamp;
	struct bytes record;
	struct telling **tellings; /* one for each event */
	struct store_event *events;
	size_t event_count;
	int64_t decided;         /* Redis's clock */
	int64_t sent;            /* clock_mono(), before the request left */
	struct loop_timer again; /* Redis could not do it: the next try */
	bool asked;              /* an answer is outstanding */
	char *confirm;           /* outbox entry that this confirm takes out; NULL */
	bool told;               /* saved, and its events were given to the teller */
	size_t acted;            /* so many acts were carried out */
};

/* ---- worker.c: what the parts tell it; `arg` is the worker ---- */
void worker_redis_up(void *arg);
void worker_redis_down(void *arg);
void worker_told_paused(void *arg, int paused);
void worker_message(void *arg, const rd_kafka_message_t *m);
void worker_out_of_range(void *arg, int32_t partition);
void worker_carrier_said(void *arg, const struct carrier_event *ev);
void worker_tick(void *arg); /* sets its own timer again */
/* Closes what is open of it, as it stands. */
void worker_close(struct worker *w);

/* ---- partition.c ---- */
struct partition *partition_of(struct worker *w, int32_t number); /* made when new */
void partition_message(struct partition *p, const rd_kafka_message_t *m);
void partition_feed(struct partition *p);                 /* gives commands that were read to their calls */
void partition_reset_intake(struct partition *p);         /* they come again after the next assignment */
void partition_forget(struct partition *p);               /* its calls, and what Kafka acknowledged of them */
void partition_done(struct partition *p, int64_t offset); /* all that this command caused is told */
void partition_acked(struct partition *p, const char *name); /* Kafka has this outbox entry: clear it */
void partition_clear_soon(struct partition *p);
void partition_ask(struct partition *p);     /* is it still ours?  Then it is taken over (again) */
void partition_refused(struct partition *p); /* a script said so: ask the group */
void partition_tick(struct partition *p);
bool partition_quiet(const struct partition *p); /* nothing is on its way */
/* Next offset that may be stored and committed; -1: none yet. */
int64_t partition_next(const struct partition *p);
void partition_stored(struct partition *p, int64_t next); /* {p}:next has it: commit */
const char *partition_state_name(const struct partition *p);
void partition_set_state(struct partition *p, enum partition_state state);
void partition_free(struct partition *p);
void partitions_register_metrics(void);

/* ---- dead.c: commands that can't be carried out; `why` is one sentence for the dead letter ---- */
/* `misfit`: what it was decoded as, and why that won't do; NULL: it is no command at all.  Borrowed. */
void dead_message(struct partition *p, const rd_kafka_message_t *m, const struct call_command *misfit,
                  const char *why);
/*
 * An input of the call was tried as often as it may be; takes q.  A command is set
 * aside; where it was a create its call ends as failed.  So does a call of which
 * nothing that happens can be saved.
 */
void dead_input(struct call *c, struct queued *q, const char *why);
void dead_register_metrics(void);

/* ---- calls.c ---- */
struct call *call_find(struct partition *p, const char *id);
struct call *call_get(struct partition *p, const char *id); /* made, UNREAD, when new */
/* Takes q.  False: the call's queue is full (only digits are refused), q was freed. */
bool call_queue(struct call *c, struct queued *q);
void call_queue_first(struct call *c, struct queued *q);
struct queued *call_pop(struct call *c);
struct queued *queued_new(enum input_kind kind);
struct queued *queued_carrier(const struct carrier_event *ev);
struct queued *queued_confirm(int32_t announced);
void queued_free(struct queued *q);
void call_drop_commands(struct call *c); /* at a revoke: they come again */
void call_set_deadline(struct call *c);
/* Kafka has the call's events up to seq. */
void call_told(struct call *c, int64_t seq);
void call_wait_told(struct call *c, int64_t offset); /* the command is done once all so far is told */
/* Lets go of it if nothing is left to do and nothing to remember. */
void call_release(struct call *c);
/* Another owner has it, or may have: no word to the phones. */
void call_forget(struct call *c);
void calls_forget(struct partition *p);
/* An answer for a forgotten call came: it can go now. */
void call_answered_late(struct call *c);

/* ---- step.c ---- */
void call_run(struct call *c); /* begins the next step, if it can */
void calls_run_ready(struct worker *w);
void step_ask_again(struct call *c); /* after a takeover from memory: same stamp, same bytes */
void step_free(struct step *s);
void steps_register_metrics(void);

/* ---- step_tell.c ---- */
/*
 * The record's and the events' bytes.  -E2BIG: over a bound, and `bounded`: only
 * what lets a call grow is, because what has happened must be told, and what ends
 * something carried out (their size follows from what was let in: one escaped
 * context, all open operations, the roster).  Others: these values have no Avro
 * form, and never will.
 */
int step_encode(struct step *s, bool bounded);
void step_tell(struct step *s); /* saved: its events go to Kafka, in order */
/* Tells what a predecessor left in the outbox; `name` and `packed` are copied.  -EBADMSG: unreadable. */
int step_tell_entry(struct partition *p, const char *name, const struct bytes *packed);

/* ---- takeover.c ---- */
void takeover_start(struct partition *p);
void takeover_stop(struct partition *p);       /* not under way is fine */
void takeover_entry_told(struct partition *p); /* one outbox entry of the takeover was acknowledged */

/* ---- handover.c ---- */
void worker_assigned(void *arg, const int32_t *partitions, size_t n);
void worker_revoked(void *arg, bool lost);
void handover_check(struct worker *w); /* releases, or ends the drain, once all is quiet */
void worker_drain(struct worker *w);
void handovers_register_metrics(void);

#endif
