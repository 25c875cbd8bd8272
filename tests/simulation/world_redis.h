/* world_redis.h - one request between the store of a worker (world_store.c) and Redis (world_redis.c) */
#ifndef WORLD_REDIS_H
#define WORLD_REDIS_H

#include "simulation/world_parts.h"

enum ask_kind { ASK_NOTHING, ASK_TAKE, ASK_CHECK, ASK_OUTBOX, ASK_LIVE, ASK_LOAD, ASK_SAVE, ASK_CLEAR };

struct ask;

/* On the wire: all that it says is its own, it may outlive the worker that sent it. */
struct request {
	struct message message;
	enum ask_kind kind;
	struct ask *ask;  /* waits at the worker, while that lives and the connection holds */
	uint32_t process; /* of the Redis that the connection leads to */
	int32_t partition;
	struct store_epoch epoch;
	char *call;
	int64_t known, version, deadline, told, next;
	char ours[STORE_EPOCH_SIZE]; /* of a take */
	uint64_t stamp;
	struct bytes record;
	bool ended;
	struct store_event *events;
	size_t event_count;
	char **names; /* to clear; OUTBOX, LIVE: what there is to read */
	size_t name_count, name_next;
	bool listed;
};

struct result_of {
	struct store_taken taken;
	int64_t version;
	struct bytes record;
	struct store_entry *entries;
	size_t entry_count;
	bool more;
};

/* Carries it out. */
enum store_answer redis_do(struct world *w, struct request *q, struct result_of *out);

#endif
