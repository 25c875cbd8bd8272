/*
 * store.h - Redis, as the worker sees it: one script per step, fenced by the epoch
 *
 * Asynchronous (hiredis on the loop).  A store belongs to the loop's thread.
 * Each request is answered exactly once through its function, always from a
 * later turn of the loop, in the order of the requests; what it was given is
 * borrowed for the time of the call only.
 *
 * Keys, `{p}` being the partition's number in braces (one hash slot):
 *   {p}:epoch      "<n>.<32 hex digits> <run_id of the Redis at that takeover>", then the epoch that
 *                  its taker's memory was of, if nobody else had the partition since
 *   {p}:call:<id>  32 characters (version and stamp, 16 hex digits each), then the CallRecord
 *   {p}:told       offset of calls.events up to which Redis knows the ledger
 *   {p}:next       command offset below which everything is told
 *   {p}:live       sorted set: calls not yet ended, by their next deadline (us; ends_by if none)
 *   {p}:outbox     hash: "<callLegId>-<seq>" to the event's headers and bytes as packed by the teller
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callid.h"
#include "records.h"

struct loop;
struct settings;
struct store;

enum store_answer {
	STORE_DONE,    /* or had been done by the same step before */
	STORE_REFUSED, /* epoch missing or another's; or Redis is another process than at the takeover */
	STORE_STALE,   /* epoch right, but the call's version is another: load it */
	STORE_AWAY,    /* no answer: assume neither.  The store is down until up() is called again */
	STORE_FAILED,  /* Redis can't do this one, whatever it does for others; nothing was done */
};

#define STORE_RUN_SIZE   41
#define STORE_EPOCH_SIZE 56

/* What a takeover got; every later script of the partition carries it. */
struct store_epoch {
	char text[STORE_EPOCH_SIZE]; /* "<n>.<hex>" */
	char run_id[STORE_RUN_SIZE];
};

struct store_handler {
	void (*up)(void *arg);   /* connected, scripts loaded, run_id and clock known */
	void (*down)(void *arg); /* what was asked is answered AWAY first */
	void *arg;
};

/* Connects in the background and again whenever the connection is lost (every redis.timeout / 4). */
int store_open(struct store **out, struct loop *loop, const struct settings *s,
               const struct store_handler *h);
void store_close(struct store *s); /* NULL is fine; answers AWAY to what is open */

bool store_is_up(const struct store *s);
const char *store_run_id(const struct store *s);
size_t store_open_requests(const struct store *s);
/* What Redis said, from within a function that is answered FAILED. */
const char *store_error(const struct store *s);
/* Redis's clock, us since 1970: measured at connect and once a second; the machine's own while down. */
int64_t store_now(const struct store *s);

/* ---- takeover ---- */

struct store_taken {
	struct store_epoch epoch;        /* the new one */
	char previous[STORE_EPOCH_SIZE]; /* "" if there was none */
	char previous_run[STORE_RUN_SIZE];
	bool kept;    /* nobody else had the partition since the epoch that was given as ours */
	int64_t told; /* -1: missing */
	int64_t next; /* -1: missing */
};
typedef void store_taken_fn(void *arg, enum store_answer a, const struct store_taken *t);
/*
 * Sets a new epoch; its n is one more than Redis's and than `known` (0: none known).
 * `ours`: the epoch that the memory is of; "" or NULL: there is none.  Its answer may
 * be lost: the next take still says whether that memory holds.  Not so where one of
 * our own takes overtakes another: then the memory counts as lost, which is safe.
 */
void store_take(struct store *s, int32_t p, int64_t known, const char *ours, store_taken_fn *fn, void *arg);

typedef void store_done_fn(void *arg, enum store_answer a);
/* Is the epoch still this one, in the same Redis?  DONE or REFUSED. */
void store_check(struct store *s, int32_t p, const struct store_epoch *e, store_done_fn *fn, void *arg);

struct store_entry {
	const char *name;   /* outbox: "<callLegId>-<seq>"; live: callLegId */
	struct bytes value; /* outbox: packed event; live: the CallRecord's bytes, len 0 if it is missing */
	int64_t version;    /* live */
};
/* `more`: another part follows.  Entries are borrowed for the time of the call. */
typedef void store_entries_fn(void *arg, enum store_answer a, const struct store_entry *entries, size_t n,
                              bool more);
/* All of the outbox, in parts (HSCAN), no order; an entry may come twice. */
void store_outbox(struct store *s, int32_t p, const struct store_epoch *e, store_entries_fn *fn, void *arg);
/* All live calls with their records, in parts of at most 100. */
void store_live(struct store *s, int32_t p, const struct store_epoch *e, store_entries_fn *fn, void *arg);

/* ---- steps ---- */

typedef void store_loaded_fn(void *arg, enum store_answer a, int64_t version, const void *data, size_t len);
/* DONE with version 0 and len 0: no such call. */
void store_load(struct store *s, int32_t p, const struct store_epoch *e, const char *call_leg_id,
                store_loaded_fn *fn, void *arg);

struct store_event {
	const char *name; /* "<callLegId>-<seq>" */
	struct bytes packed;
};

/*
 * One step of one call: checks epoch, version and stamp, writes the record, adds
 * events to the outbox, takes told ones out, keeps {p}:live.  With `cleared` it is
 * the confirm.
 */
struct store_save {
	int32_t partition;
	const struct store_epoch *epoch;
	const char *call_leg_id;
	int64_t version; /* the one it follows; 0: none.  The new one is version + 1 */
	uint64_t stamp;  /* of this step: asked again with the same one, the answer is DONE */
	struct bytes record;
	int64_t deadline; /* for {p}:live */
	bool ended;       /* leaves {p}:live, expires after call.keep */
	const struct store_event *events;
	size_t event_count;
	const char *const *cleared; /* outbox entries that Kafka has acknowledged */
	size_t cleared_count;
	int64_t told; /* raises {p}:told to this; -1: leaves it */
	int64_t next; /* raises {p}:next to this; -1: leaves it */
};
void store_save(struct store *s, const struct store_save *save, store_done_fn *fn, void *arg);

/* Takes acknowledged entries out of the outbox, raises told and next (-1: leaves it). */
struct store_clear {
	int32_t partition;
	const struct store_epoch *epoch;
	const char *const *cleared;
	size_t cleared_count;
	int64_t told;
	int64_t next;
};
void store_clear(struct store *s, const struct store_clear *c, store_done_fn *fn, void *arg);

#endif
