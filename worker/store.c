/*
 * store.c - see store.h: open, close, and the steps of a call
 *
 * What writes is one script each; what only reads asks for the epoch in the same
 * command and compares it here.  The parts: store_link.c is the connection,
 * store_request.c builds and sends, store_takeover.c is what a new owner asks.
 */
#include "store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "settings.h"
#include "store_request.h"

/* ---- open and close ---- */

int store_open(struct store **out, struct loop *loop, const struct settings *s, const struct store_handler *h)
{
	struct store *st = calloc(1, sizeof(*st));
	int r;

	if (!st)
		return -ENOMEM;
	snprintf(st->keep, sizeof(st->keep), "%" PRId64, s->call_keep > 1000 ? s->call_keep / 1000 : 1);
	r = store_link_open(&st->link, loop, s, h);
	if (r < 0) {
		free(st);
		return r;
	}
	*out = st;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_link_close(s->link);
	free(s->words);
	free(s->lengths);
	free(s);
}

bool store_is_up(const struct store *s)
{
	return store_link_is_up(s->link);
}

const char *store_run_id(const struct store *s)
{
	return store_link_run_id(s->link);
}

size_t store_open_requests(const struct store *s)
{
	return store_link_open_requests(s->link);
}

const char *store_error(const struct store *s)
{
	return store_link_error(s->link);
}

int64_t store_now(const struct store *s)
{
	return store_link_now(s->link);
}

/* ---- steps ---- */

static void loaded_with(struct request *q, enum store_answer a, int64_t version, struct bytes record)
{
	q->fn.loaded(q->arg, a, version, record.data, record.len);
	request_free(q);
}

static void on_load_refused(struct store_request *link, const redisReply *reply)
{
	loaded_with((struct request *)link, request_no(reply), 0, (struct bytes){ 0 });
}

static void on_load(struct store_request *link, const redisReply *reply)
{
	struct request *q = (struct request *)link;
	struct bytes record = { 0 };
	int64_t version = 0;

	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    !request_epoch_holds(reply->element[0], &q->epoch)) {
		on_load_refused(link, reply);
		return;
	}
	if (request_split_value(reply->element[1], &version, &record) < 0) {
		store_link_set_error(q->store->link, "the call's value is too short, or has no version");
		loaded_with(q, STORE_FAILED, 0, (struct bytes){ 0 });
		return;
	}
	loaded_with(q, STORE_DONE, version, record);
}

void store_load(struct store *s, int32_t p, const struct store_epoch *e, const char *call_leg_id,
                store_loaded_fn *fn, void *arg)
{
	struct request *q = request_new(s, p, e, arg);
	char epoch[STORE_KEY], call[STORE_KEY];

	q->fn.loaded = fn;
	request_command(s, "MGET");
	request_word(s, request_key(epoch, p, "epoch"));
	request_word(s, request_call_key(call, p, call_leg_id));
	request_send_fenced(q, on_load, on_load_refused);
}

/* What is written for the call: head and record.  The caller frees it. */
static struct bytes make_value(const struct store_save *save)
{
	struct bytes v = { .len = STORE_HEAD + save->record.len };
	char head[STORE_HEAD + 1];

	snprintf(head, sizeof(head), "%016" PRIx64 "%016" PRIx64, (uint64_t)save->version + 1, save->stamp);
	v.data = must_calloc(1, v.len);
	memcpy(v.data, head, STORE_HEAD);
	if (save->record.len)
		memcpy((char *)v.data + STORE_HEAD, save->record.data, save->record.len);
	return v;
}

void store_save(struct store *s, const struct store_save *save, store_done_fn *fn, void *arg)
{
	struct request *q = request_new(s, save->partition, save->epoch, arg);
	char keys[6][STORE_KEY], version[STORE_NUMBER], deadline[STORE_NUMBER], told[STORE_NUMBER],
	        next[STORE_NUMBER], cleared[STORE_NUMBER];
	struct bytes value = make_value(save);
	int32_t p = save->partition;
	size_t i;

	q->fn.done = fn;
	request_script(s, SCRIPT_SAVE, "6");
	request_word(s, request_key(keys[0], p, "epoch"));
	request_word(s, request_call_key(keys[1], p, save->call_leg_id));
	request_word(s, request_key(keys[2], p, "live"));
	request_word(s, request_key(keys[3], p, "outbox"));
	request_word(s, request_key(keys[4], p, "told"));
	request_word(s, request_key(keys[5], p, "next"));
	request_word(s, save->epoch->text);
	snprintf(version, sizeof(version), "%016" PRIx64, (uint64_t)save->version);
	request_word(s, version);
	request_word_bytes(s, value.data, value.len);
	request_word(s, save->call_leg_id);
	request_word_number(s, deadline, save->deadline);
	request_word(s, save->ended ? s->keep : "0");
	request_word_number(s, told, save->told);
	request_word_number(s, next, save->next);
	request_word_number(s, cleared, (int64_t)save->cleared_count);
	for (i = 0; i < save->cleared_count; i++)
		request_word(s, save->cleared[i]);
	for (i = 0; i < save->event_count; i++) {
		request_word(s, save->events[i].name);
		request_word_bytes(s, save->events[i].packed.data, save->events[i].packed.len);
	}
	request_send_fenced(q, request_on_done, request_on_refused);
	free(value.data);
}

void store_clear(struct store *s, const struct store_clear *c, store_done_fn *fn, void *arg)
{
	struct request *q = request_new(s, c->partition, c->epoch, arg);
	char keys[4][STORE_KEY], told[STORE_NUMBER], next[STORE_NUMBER];
	size_t i;

	q->fn.done = fn;
	request_script(s, SCRIPT_CLEAR, "4");
	request_word(s, request_key(keys[0], c->partition, "epoch"));
	request_word(s, request_key(keys[1], c->partition, "outbox"));
	request_word(s, request_key(keys[2], c->partition, "told"));
	request_word(s, request_key(keys[3], c->partition, "next"));
	request_word(s, c->epoch->text);
	request_word_number(s, told, c->told);
	request_word_number(s, next, c->next);
	for (i = 0; i < c->cleared_count; i++)
		request_word(s, c->cleared[i]);
	request_send_fenced(q, request_on_done, request_on_refused);
}
