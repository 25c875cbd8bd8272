/*
 * redis.h - one asynchronous Redis connection (hiredis) on the loop, that comes back by itself
 *
 * Belongs to the loop's thread.  hiredis 0.14 has no asynchronous time-outs:
 * they are kept here.  An answer later than the timeout counts as none: the
 * connection is dropped, all that was asked is answered NULL, and a new
 * connection is tried every timeout / 4, for ever.
 */
#ifndef REDIS_H
#define REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

struct loop;
struct redis;

#define REDIS_RUN_SIZE 41

struct redis_handler {
	void (*up)(void *arg);   /* connected, run_id known; NULL is fine */
	void (*down)(void *arg); /* after all open requests were answered NULL; NULL is fine */
	void *arg;
};

/* `address` is host:port.  `timeout` in us.  -EINVAL: not an address.  No connection is waited for. */
int redis_open(struct redis **out, struct loop *loop, const char *address, int64_t timeout,
               const struct redis_handler *h);
void redis_close(
        struct redis *r); /* NULL is fine; open requests are answered NULL, handlers are not called */

bool redis_is_up(const struct redis *r);
/* run_id of the Redis process at the other end; while down: of the last one; "" before the first. */
const char *redis_run_id(const struct redis *r);
size_t redis_open_requests(const struct redis *r);

/*
 * reply is borrowed for the time of the call; NULL: no answer, assume neither
 * done nor undone.  Called exactly once, always from a later turn of the loop,
 * in the order of the requests.
 */
typedef void redis_reply_fn(void *arg, const redisReply *reply);
/* argv's bytes are copied.  While down it is answered NULL. */
void redis_command(struct redis *r, redis_reply_fn *fn, void *arg, int argc, const char *const *argv,
                   const size_t *lengths);
/* For the short ones: words are strings, the list ends with NULL. */
void redis_words(struct redis *r, redis_reply_fn *fn, void *arg, ...) __attribute__((sentinel));

#endif
