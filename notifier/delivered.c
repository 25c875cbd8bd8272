/* delivered.c - see delivered.h */
#include "delivered.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "loop.h"
#include "must.h"
#include "redis.h"

/* Redis that answers nothing must not make us remember without end: beyond this we leave a raise out. */
#define OPEN_MAX 10000

static const char raise_script[] = "local have = tonumber(redis.call('GET', KEYS[1]) or '0') or 0\n"
                                   "if tonumber(ARGV[1]) > have then\n"
                                   "  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                                   "end\n"
                                   "return 1\n";

struct delivered {
	struct loop *loop;
	struct redis *redis;
	int64_t keep;
};

struct delivered_ask {
	struct delivered *d;
	delivered_fn *fn; /* NULL: nobody waits any more */
	void *arg;
	struct loop_timer timer;
};

int delivered_open(struct delivered **out, struct loop *loop, struct redis *redis, int64_t keep)
{
	struct delivered *d;

	d = must_calloc(1, sizeof(*d));
	d->loop = loop;
	d->redis = redis;
	d->keep = keep;
	*out = d;
	return 0;
}

void delivered_close(struct delivered *d)
{
	free(d);
}

static void ignore(void *arg, const redisReply *reply)
{
	(void)arg;
	(void)reply;
}

void delivered_raise(struct delivered *d, const char *call, const char *endpoint, int64_t number)
{
	char value[24], keep[24];
	char *key;

	if (!redis_is_up(d->redis) || redis_open_requests(d->redis) > OPEN_MAX)
		return;
	key = must_printf("delivered:%s:%s", call, endpoint);
	snprintf(value, sizeof(value), "%" PRId64, number);
	snprintf(keep, sizeof(keep), "%" PRId64, d->keep / CLOCK_MS);
	redis_words(d->redis, ignore, NULL, "EVAL", raise_script, "1", key, value, keep, (char *)NULL);
	free(key);
}

static void tell(struct delivered_ask *a, int64_t number)
{
	delivered_fn *fn = a->fn;

	loop_timer_clear(a->d->loop, &a->timer);
	a->fn = NULL;
	if (fn)
		fn(a->arg, number);
}

static void answered(void *arg, const redisReply *reply)
{
	struct delivered_ask *a = arg;

	tell(a, reply && reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0);
	free(a);
}

static void too_late(void *arg)
{
	tell(arg, 0); /* the reply frees it */
}

struct delivered_ask *delivered_ask(struct delivered *d, const char *call, const char *endpoint,
                                    delivered_fn *fn, void *arg)
{
	struct delivered_ask *a;
	char *key;

	if (!redis_is_up(d->redis) || redis_open_requests(d->redis) > OPEN_MAX)
		return NULL;
	a = must_calloc(1, sizeof(*a));
	a->d = d;
	a->fn = fn;
	a->arg = arg;
	loop_timer_set(d->loop, &a->timer, clock_mono() + DELIVERED_PATIENCE, too_late, a);
	key = must_printf("delivered:%s:%s", call, endpoint);
	redis_words(d->redis, answered, a, "GET", key, (char *)NULL);
	free(key);
	return a;
}

void delivered_forget(struct delivered_ask *a)
{
	if (!a)
		return;
	loop_timer_clear(a->d->loop, &a->timer);
	a->fn = NULL;
}
