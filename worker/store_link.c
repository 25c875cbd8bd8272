/* store_link.c - see store_link.h */
#include "store_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "embedded.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "redis.h"
#include "settings.h"
#include "store.h"

#define SHA_SIZE     41
#define TIME_EVERY   CLOCK_SEC
#define TIME_TOO_OLD (10 * CLOCK_SEC)
#define ERROR_SIZE   200
#define ERROR_PAUSE  CLOCK_SEC /* a Redis without memory is asked again once a second, not in a circle */

static const char *const script_names[STORE_SCRIPTS] = {
	[SCRIPT_TAKE] = "worker/scripts/take.lua",   [SCRIPT_SAVE] = "worker/scripts/save.lua",
	[SCRIPT_CLEAR] = "worker/scripts/clear.lua", [SCRIPT_OUTBOX] = "worker/scripts/outbox.lua",
	[SCRIPT_LIVE] = "worker/scripts/live.lua",
};

static struct metric errors =
        METRIC_COUNTER_INIT("callcast_store_errors_total", NULL, "Errors that Redis answered to the worker");

struct store_link {
	struct redis *redis;
	struct loop *loop;
	struct store_handler handler;
	struct loop_timer timer; /* while up: TIME; after an error: the next try */
	bool up;                 /* scripts and clock are here */
	bool announced;          /* up() was called, down() not yet */
	bool failing;            /* an error came; what was asked before is being answered */
	size_t open;
	char error[ERROR_SIZE]; /* of the last request that Redis can't carry out */
	char sha[STORE_SCRIPTS][SHA_SIZE];
	int loaded;         /* scripts so far */
	int64_t offset;     /* Redis's clock minus clock_mono() */
	int64_t measured;   /* when; clock_mono() */
	int64_t round_trip; /* of that measurement: the offset is wrong by half of it at most */
	int64_t time_asked;
};

static void prepare(struct store_link *l);

/* ---- an error of Redis ---- */

static void on_retry(void *arg)
{
	struct store_link *l = arg;

	if (redis_is_up(l->redis))
		prepare(l);
}

static void announce_down(struct store_link *l)
{
	if (!l->announced)
		return;
	l->announced = false;
	if (l->handler.down)
		l->handler.down(l->handler.arg);
}

static bool has_word(const char *error, const char *const *words)
{
	for (; *words; words++)
		if (strstr(error, *words))
			return true;
	return false;
}

/*
 * About what this one request touched: others may well succeed.  Anything else
 * (no memory, read only, a lost script, no permission, or what we don't know) is
 * the server's, and none would.
 */
static bool is_of_the_request(const char *error)
{
	static const char *const servers[] = { "OOM",     "READONLY", "LOADING",    "MASTERDOWN",
		                               "MISCONF", "NOSCRIPT", "NOREPLICAS", "CLUSTERDOWN",
		                               "NOAUTH",  "NOPERM",   "BUSY",       "TRYAGAIN",
		                               "MOVED",   NULL };
	static const char *const requests[] = { "WRONGTYPE", "exceeds maximum allowed size", "user_script",
		                                NULL };

	return !has_word(error, servers) && has_word(error, requests);
}

void store_link_set_error(struct store_link *l, const char *error)
{
	snprintf(l->error, sizeof(l->error), "%s", error);
}

const char *store_link_error(const struct store_link *l)
{
	return l->error;
}

/* All that was asked before the error has been answered. */
static void on_drained(void *arg, const redisReply *reply)
{
	struct store_link *l = arg;

	l->failing = false;
	if (!reply)
		return; /* the connection went, too: on_down() and on_up() see to it */
	announce_down(l);
	loop_timer_set(l->loop, &l->timer, clock_mono() + ERROR_PAUSE, on_retry, l);
}

static void fail(struct store_link *l, const redisReply *reply)
{
	if (l->failing)
		return; /* said so already; on_drained() is on its way */
	metric_add(&errors, 1);
	log_error("store.failed error=\"%s\"", reply->type == REDIS_REPLY_ERROR ? reply->str : "odd answer");
	l->up = false;
	l->failing = true;
	loop_timer_clear(l->loop, &l->timer);
	redis_words(l->redis, on_drained, l, "PING", (char *)NULL);
}

/* ---- the clock ---- */

static void ask_time(void *arg);

/* -EBADMSG: not what TIME answers. */
static int parse_time(const redisReply *reply, int64_t *at)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !reply->element[0]->str ||
	    !reply->element[1]->str)
		return -EBADMSG;
	*at = strtoll(reply->element[0]->str, NULL, 10) * CLOCK_SEC +
	      strtoll(reply->element[1]->str, NULL, 10);
	return 0;
}

static void on_time(void *arg, const redisReply *reply)
{
	struct store_link *l = arg;
	int64_t now = clock_mono(), trip = now - l->time_asked, at;

	if (!reply)
		return;
	if (parse_time(reply, &at) < 0) {
		fail(l, reply);
		return;
	}
	/* behind a full pipeline the middle of the round trip says little: a better one stays for a while */
	if (!l->up || trip <= 2 * l->round_trip || now - l->measured > TIME_TOO_OLD) {
		l->offset = at - (l->time_asked + trip / 2);
		l->round_trip = trip;
		l->measured = now;
	}
	loop_timer_set(l->loop, &l->timer, now + TIME_EVERY, ask_time, l);
	if (l->up)
		return;
	l->up = true;
	l->announced = true;
	log_info("store.up run=%s round_trip_us=%lld", redis_run_id(l->redis), (long long)trip);
	if (l->handler.up)
		l->handler.up(l->handler.arg);
}

static void ask_time(void *arg)
{
	struct store_link *l = arg;

	l->time_asked = clock_mono();
	redis_words(l->redis, on_time, l, "TIME", (char *)NULL);
}

/* ---- coming up ---- */

static const char *script_text(const char *name)
{
	const struct embedded *e;

	for (e = embedded_scripts; e->name; e++)
		if (!strcmp(e->name, name))
			return e->text;
	return NULL;
}

static void load_next(struct store_link *l);

static void on_loaded(void *arg, const redisReply *reply)
{
	struct store_link *l = arg;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_STRING || reply->len != SHA_SIZE - 1) {
		fail(l, reply);
		return;
	}
	memcpy(l->sha[l->loaded++], reply->str, SHA_SIZE);
	load_next(l);
}

static void load_next(struct store_link *l)
{
	if (l->loaded < STORE_SCRIPTS)
		redis_words(l->redis, on_loaded, l, "SCRIPT", "LOAD", script_text(script_names[l->loaded]),
		            (char *)NULL);
	else
		ask_time(l);
}

/* A restart loses the scripts, so each connection loads them again. */
static void prepare(struct store_link *l)
{
	l->loaded = 0;
	load_next(l);
}

static void on_up(void *arg)
{
	prepare(arg);
}

static void on_down(void *arg)
{
	struct store_link *l = arg;

	l->up = false;
	loop_timer_clear(l->loop, &l->timer);
	if (l->announced)
		log_warn("store.down run=%s", redis_run_id(l->redis));
	announce_down(l);
}

/* ---- asking ---- */

static void on_reply(void *arg, const redisReply *reply)
{
	struct store_request *q = arg;
	struct store_link *l = q->link;

	l->open--;
	if (reply && reply->type == REDIS_REPLY_ERROR && !q->away) {
		if (is_of_the_request(reply->str)) {
			metric_add(&errors, 1);
			store_link_set_error(l, reply->str);
		} else
			fail(l, reply);
	}
	q->answer(q, store_link_is_up(l) && !q->away ? reply : NULL);
}

void store_link_ask(struct store_link *l, struct store_request *q, int argc, const char *const *argv,
                    const size_t *lengths)
{
	if (!store_link_is_up(l)) {
		store_link_skip(l, q);
		return;
	}
	q->link = l;
	q->away = false;
	l->open++;
	redis_command(l->redis, on_reply, q, argc, argv, lengths);
}

/* A PING keeps its place among the answers; that is rare enough not to be worth a list of our own. */
void store_link_skip(struct store_link *l, struct store_request *q)
{
	q->link = l;
	q->away = !store_link_is_up(l);
	l->open++;
	redis_words(l->redis, on_reply, q, "PING", (char *)NULL);
}

/* ---- open, close, look ---- */

int store_link_open(struct store_link **out, struct loop *loop, const struct settings *s,
                    const struct store_handler *h)
{
	struct redis_handler below = { .up = on_up, .down = on_down };
	struct store_link *l;
	int i, r;

	for (i = 0; i < STORE_SCRIPTS; i++)
		if (!script_text(script_names[i]))
			return -ENOENT;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->loop = loop;
	if (h)
		l->handler = *h;
	metric_register(&errors);
	below.arg = l;
	r = redis_open(&l->redis, loop, s->redis, s->redis_timeout, &below);
	if (r < 0) {
		free(l);
		return r;
	}
	*out = l;
	return 0;
}

void store_link_close(struct store_link *l)
{
	if (!l)
		return;
	l->up = false;
	redis_close(l->redis);
	loop_timer_clear(l->loop, &l->timer);
	free(l);
}

bool store_link_is_up(const struct store_link *l)
{
	return l->up && redis_is_up(l->redis);
}

const char *store_link_run_id(const struct store_link *l)
{
	return redis_run_id(l->redis);
}

size_t store_link_open_requests(const struct store_link *l)
{
	return l->open;
}

int64_t store_link_now(const struct store_link *l)
{
	/* on the steady clock: a step of this machine's clock does not move Redis's time */
	return store_link_is_up(l) ? clock_mono() + l->offset : clock_utc();
}

const char *store_link_sha(const struct store_link *l, enum store_script script)
{
	return l->sha[script];
}
