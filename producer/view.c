/* view.c - see view.h */
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "redis.h"

#define STAMP_LEN 32 /* version and stamp, before the record */

struct look {
	struct loop *loop;
	struct loop_timer patience;
	view_fn *fn; /* NULL: answered by the clock */
	void *arg;
	char call[CALLID_SIZE];
};

static void answer(struct look *l, enum view_answer a, const struct call_record *record)
{
	view_fn *fn = l->fn;

	loop_timer_clear(l->loop, &l->patience);
	l->fn = NULL;
	if (fn)
		fn(l->arg, a, record);
}

/* The reply still comes, and finds nobody waiting. */
static void on_patience(void *arg)
{
	answer(arg, VIEW_AWAY, NULL);
}

static void on_value(struct look *l, const char *value, size_t len)
{
	struct call_record record = { 0 };
	const char *why = "too short";
	int r = -EBADMSG;

	if (len > STAMP_LEN)
		r = record_decode(RECORD_CALL_RECORD, &record, value + STAMP_LEN, len - STAMP_LEN, &why);
	if (r < 0) {
		log_warn("view.broken call=%s reason=\"%s\"", l->call, why);
		answer(l, VIEW_BROKEN, NULL);
		return;
	}
	answer(l, VIEW_FOUND, &record);
	call_record_clear(&record);
}

static void on_reply(void *arg, const redisReply *reply)
{
	struct look *l = arg;

	if (!l->fn)
		;
	else if (reply && reply->type == REDIS_REPLY_STRING)
		on_value(l, reply->str, reply->len);
	else if (reply && reply->type == REDIS_REPLY_NIL)
		answer(l, VIEW_NONE, NULL);
	else
		answer(l, VIEW_AWAY, NULL);
	free(l);
}

int view_ask(struct loop *loop, struct redis *redis, const char *call, int32_t partition, int64_t wait,
             view_fn *fn, void *arg)
{
	struct look *l = calloc(1, sizeof(*l));
	char key[64];

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->fn = fn;
	l->arg = arg;
	snprintf(l->call, sizeof(l->call), "%s", call);
	snprintf(key, sizeof(key), "{%d}:call:%s", (int)partition, call);
	loop_timer_set(loop, &l->patience, clock_mono() + wait, on_patience, l);
	redis_words(redis, on_reply, l, "GET", key, (char *)NULL);
	return 0;
}
