/*
 * delivered.h - what was delivered, kept in Redis for whoever gets the partition next
 *
 * `delivered:<callLegId>:<endpoint>` holds the last number delivered; it is
 * raised, never lowered, and expires after call.keep.  It only spares a receiver
 * repeats after a restart or a rebalance: with Redis away everything goes on,
 * at least once as promised.
 */
#ifndef DELIVERED_H
#define DELIVERED_H

#include <stdint.h>

struct delivered;
struct loop;
struct redis;

/* At most so long is waited for an answer (us). */
#define DELIVERED_PATIENCE INT64_C(5000)

/* `redis` is borrowed.  `keep`: us. */
int delivered_open(struct delivered **out, struct loop *loop, struct redis *redis, int64_t keep);
/* After redis_close(), which answers what is open.  NULL is fine. */
void delivered_close(struct delivered *d);

void delivered_raise(struct delivered *d, const char *call, const char *endpoint, int64_t number);

struct delivered_ask;
/* number 0: none, or Redis did not say in time. */
typedef void delivered_fn(void *arg, int64_t number);
/* Answered once, from a later turn of the loop; NULL: Redis is away, nobody will be called. */
struct delivered_ask *delivered_ask(struct delivered *d, const char *call, const char *endpoint,
                                    delivered_fn *fn, void *arg);
void delivered_forget(struct delivered_ask *a); /* fn is not called any more; NULL is fine */

#endif
