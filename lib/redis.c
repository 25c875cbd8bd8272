/*
 * redis.c - see redis.h
 *
 * The list of requests is ours; hiredis only carries bytes and tells which
 * answer is next.  So a connection can be dropped at any moment, also from
 * within an answer: what was asked stays in the list until the loop's next turn
 * answers it NULL, in order, together with what was asked while down.
 *
 * A connection is used once `INFO` told the run_id and that no data is still
 * being loaded: a Redis that reads its files answers everything else -LOADING.
 */
#include "redis.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <hiredis/async.h>

#include "address.h"
#include "clock.h"
#include "loop.h"
#include "must.h"

#define WORDS_MAX 32

struct request {
	redis_reply_fn *fn;
	void *arg;
	int64_t asked;
	struct request *next;
};

/* One connection.  hiredis keeps it until it has let go of the context, which may be after redis_close(). */
struct link {
	struct redis *redis;   /* NULL: dropped */
	redisAsyncContext *ac; /* NULL: hiredis is done with it */
	struct loop *loop;
	int fd;
	uint32_t events; /* watched for; 0: not at all */
	bool busy;       /* on_event() is on the stack */
};

struct redis {
	struct loop *loop;
	struct redis_handler handler;
	char host[ADDRESS_HOST_SIZE];
	int port;
	int64_t timeout;
	struct link *link; /* NULL: none */
	bool up;
	bool announced; /* up() was called, down() not yet */
	bool busy;      /* some of our callers' functions are on the stack, and we go on after them */
	bool closed;    /* by one of them */
	char run_id[REDIS_RUN_SIZE];
	struct request *first, **last;
	size_t open;
	int64_t connecting;         /* since when */
	struct loop_timer patience; /* for the oldest request, or for the connection to come up */
	struct loop_timer flush;    /* answers NULL to all that is open while down */
	struct loop_timer retry;
};

static void on_flush(void *arg);
static void on_retry(void *arg);
static void on_patience(void *arg);

/* ---- the list of requests ---- */

static struct request *take_first(struct redis *r)
{
	struct request *q = r->first;

	r->first = q->next;
	if (!r->first)
		r->last = &r->first;
	r->open--;
	return q;
}

static void answer(struct request *q, const redisReply *reply)
{
	redis_reply_fn *fn = q->fn;
	void *arg = q->arg;

	free(q); /* before the call: from within it the whole redis may be closed */
	if (fn)
		fn(arg, reply);
}

/*
 * Answers NULL to all that is open now; what these functions ask for comes
 * later.  One of them may close the redis: false, it is gone.
 */
static bool answer_none(struct redis *r)
{
	r->busy = true;
	for (size_t n = r->open; n && r->first; n--)
		answer(take_first(r), NULL);
	r->busy = false;
	if (!r->closed)
		return true;
	free(r);
	return false;
}

/* ---- hiredis's hooks ---- */

static void drop(struct redis *r);

static void on_event(void *arg, uint32_t events)
{
	struct link *k = arg;

	k->busy = true;
	/* with an error on the socket hiredis must read or write to see it */
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		redisAsyncHandleRead(k->ac);
	if (k->ac && events & EPOLLOUT)
		redisAsyncHandleWrite(k->ac);
	k->busy = false;
	if (!k->ac)
		free(k);
}

static void watch(struct link *k, uint32_t events)
{
	if (events == k->events)
		return;
	if (!events)
		loop_unwatch(k->loop, k->fd);
	else if (loop_watch(k->loop, k->fd, events, on_event, k) < 0)
		return; /* no memory: nothing comes any more, and patience ends the connection */
	k->events = events;
}

static void add_read(void *arg)
{
	struct link *k = arg;

	watch(k, k->events | EPOLLIN);
}

static void del_read(void *arg)
{
	struct link *k = arg;

	watch(k, k->events & ~(uint32_t)EPOLLIN);
}

static void add_write(void *arg)
{
	struct link *k = arg;

	watch(k, k->events | EPOLLOUT);
}

static void del_write(void *arg)
{
	struct link *k = arg;

	watch(k, k->events & ~(uint32_t)EPOLLOUT);
}

/* The connection is not ours any more: what is open is answered from the loop's next turn. */
static void lost(struct redis *r)
{
	r->link = NULL;
	r->up = false;
	loop_timer_clear(r->loop, &r->patience);
	loop_timer_set(r->loop, &r->flush, clock_mono(), on_flush, r);
	loop_timer_set(r->loop, &r->retry, clock_mono() + r->timeout / 4, on_retry, r);
}

/* hiredis frees the context: its own wish after an error, or ours. */
static void on_cleanup(void *arg)
{
	struct link *k = arg;
	struct redis *r = k->redis;

	watch(k, 0);
	k->ac = NULL;
	if (r)
		lost(r);
	if (!k->busy)
		free(k);
}

static void drop(struct redis *r)
{
	struct link *k = r->link;

	if (!k)
		return;
	k->redis = NULL; /* first: hiredis now calls back for every request, which we answer ourselves */
	watch(k, 0);
	lost(r);
	redisAsyncFree(k->ac);
}

/* ---- coming up ---- */

/* The text after "\n<name>:" up to the end of the line; "" if there is none. */
static void info_field(char *out, size_t size, const char *info, const char *name)
{
	const char *p = info;
	size_t len = strlen(name);

	out[0] = '\0';
	while ((p = strstr(p, name)) != NULL) {
		if ((p == info || p[-1] == '\n') && p[len] == ':') {
			p += len + 1;
			len = strcspn(p, "\r\n");
			if (len < size) {
				memcpy(out, p, len);
				out[len] = '\0';
			}
			return;
		}
		p += len;
	}
}

static void set_patience(struct redis *r)
{
	int64_t since = r->up ? r->first->asked : r->connecting;

	loop_timer_set(r->loop, &r->patience, since + r->timeout, on_patience, r);
}

static void on_info(redisAsyncContext *ac, void *reply, void *arg)
{
	struct link *k = ac->ev.data;
	struct redis *r = k->redis;
	const redisReply *info = reply;
	char run_id[REDIS_RUN_SIZE], loading[8];

	(void)arg;
	if (!r || !info)
		return;
	run_id[0] = loading[0] = '\0';
	if (info->type == REDIS_REPLY_STRING) {
		info_field(run_id, sizeof(run_id), info->str, "run_id");
		info_field(loading, sizeof(loading), info->str, "loading");
	}
	if (!run_id[0] || strcmp(loading, "0") != 0) {
		drop(r);
		return;
	}
	memcpy(r->run_id, run_id, sizeof(run_id));
	loop_timer_clear(r->loop, &r->patience);
	loop_timer_clear(r->loop, &r->flush);
	/* what was asked too early is not sent; what these answers ask for is */
	r->up = true;
	if (!answer_none(r) || !r->up)
		return;
	r->announced = true;
	if (r->handler.up)
		r->handler.up(r->handler.arg);
}

static struct link *link_new(struct redis *r, redisAsyncContext *ac)
{
	struct link *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->redis = r;
	k->ac = ac;
	k->loop = r->loop;
	k->fd = ac->c.fd;
	ac->ev.data = k;
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = on_cleanup;
	return k;
}

static void on_retry(void *arg)
{
	struct redis *r = arg;
	/* a host that is a name is looked up here, and that waits: prefer addresses */
	redisAsyncContext *ac = redisAsyncConnect(r->host, r->port);

	if (ac && !ac->err)
		r->link = link_new(r, ac);
	if (!r->link) {
		if (ac)
			redisAsyncFree(ac);
		loop_timer_set(r->loop, &r->retry, clock_mono() + r->timeout / 4, on_retry, r);
		return;
	}
	r->connecting = clock_mono();
	set_patience(r);
	redisAsyncCommand(ac, on_info, NULL, "INFO");
}

/* ---- going down ---- */

static void on_flush(void *arg)
{
	struct redis *r = arg;

	if (!answer_none(r) || !r->announced)
		return;
	r->announced = false;
	if (r->handler.down)
		r->handler.down(r->handler.arg);
}

static void on_patience(void *arg)
{
	struct redis *r = arg;

	if (r->up && !r->first)
		return;
	if (clock_mono() < (r->up ? r->first->asked : r->connecting) + r->timeout)
		set_patience(r);
	else
		drop(r);
}

/* ---- asking ---- */

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	struct link *k = ac->ev.data;
	struct redis *r = k->redis;

	(void)arg;
	/* NULL: hiredis gives the connection up, and on_cleanup() sees to all of them */
	if (r && reply)
		answer(take_first(r), reply);
}

static struct request *request_add(struct redis *r, redis_reply_fn *fn, void *arg)
{
	struct request *q = must_calloc(1, sizeof(*q));

	q->fn = fn;
	q->arg = arg;
	q->asked = clock_mono();
	*r->last = q;
	r->last = &q->next;
	r->open++;
	return q;
}

void redis_command(struct redis *r, redis_reply_fn *fn, void *arg, int argc, const char *const *argv,
                   const size_t *lengths)
{
	request_add(r, fn, arg);
	if (!r->up) {
		if (!r->flush.slot)
			loop_timer_set(r->loop, &r->flush, clock_mono(), on_flush, r);
		return;
	}
	if (redisAsyncCommandArgv(r->link->ac, on_reply, NULL, argc, (const char **)argv, lengths) !=
	    REDIS_OK)
		drop(r); /* no memory, or hiredis is about to give up; it was not sent */
	else if (!r->patience.slot)
		set_patience(r);
}

void redis_words(struct redis *r, redis_reply_fn *fn, void *arg, ...)
{
	const char *argv[WORDS_MAX];
	const char *word;
	int argc = 0;
	va_list ap;

	va_start(ap, arg);
	while ((word = va_arg(ap, const char *)) != NULL) {
		if (argc == WORDS_MAX)
			abort();
		argv[argc++] = word;
	}
	va_end(ap);
	redis_command(r, fn, arg, argc, argv, NULL);
}

bool redis_is_up(const struct redis *r)
{
	return r->up;
}

const char *redis_run_id(const struct redis *r)
{
	return r->run_id;
}

size_t redis_open_requests(const struct redis *r)
{
	return r->open;
}

/* ---- open and close ---- */

/* hiredis writes with write(2): a connection closed by Redis would end a program that did not think of it. */
static void ignore_sigpipe(void)
{
	struct sigaction now, ignore = { .sa_handler = SIG_IGN };

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		sigaction(SIGPIPE, &ignore, NULL);
}

int redis_open(struct redis **out, struct loop *loop, const char *address, int64_t timeout,
               const struct redis_handler *h)
{
	struct redis *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->timeout = timeout;
	r->last = &r->first;
	if (h)
		r->handler = *h;
	if (address_split(address, r->host, &r->port) < 0 || r->port == 0) {
		free(r);
		return -EINVAL;
	}
	if (loop_timer_set(loop, &r->retry, clock_mono(), on_retry, r) < 0) {
		free(r);
		return -ENOMEM;
	}
	ignore_sigpipe();
	*out = r;
	return 0;
}

void redis_close(struct redis *r)
{
	if (!r)
		return;
	r->handler = (struct redis_handler){ 0 };
	drop(r);
	while (r->first)
		answer(take_first(r), NULL); /* what these ask for is answered here too */
	loop_timer_clear(r->loop, &r->patience);
	loop_timer_clear(r->loop, &r->flush);
	loop_timer_clear(r->loop, &r->retry);
	r->closed = true;
	if (!r->busy)
		free(r); /* else answer_none() does */
}
