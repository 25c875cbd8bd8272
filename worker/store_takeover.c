/* store_takeover.c - see store.h: the epoch, and reading all that the owner before left */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "must.h"
#include "store_request.h"
#include "visible.h"

#define LIVE_PART 100

/* ---- the epoch ---- */

static int64_t offset_of(const redisReply *value)
{
	int64_t n = value->type == REDIS_REPLY_STRING ? strtoll(value->str, NULL, 10) : -1;

	return n < 0 ? -1 : n;
}

/* "<epoch> <run_id>", and more; what does not fit is not ours and is left out. */
static void parse_epoch(const redisReply *value, char text[STORE_EPOCH_SIZE], char run_id[STORE_RUN_SIZE])
{
	const char *run;
	size_t len;

	text[0] = run_id[0] = '\0';
	if (value->type != REDIS_REPLY_STRING)
		return;
	len = strcspn(value->str, " ");
	snprintf(text, STORE_EPOCH_SIZE, "%.*s", (int)len, value->str);
	run = value->str + len + strspn(value->str + len, " ");
	snprintf(run_id, STORE_RUN_SIZE, "%.*s", (int)strcspn(run, " "), run);
}

static void on_taken(struct store_request *link, const redisReply *reply)
{
	struct request *q = (struct request *)link;
	struct store_taken t = { .told = -1, .next = -1 };
	enum store_answer a = request_no(reply);

	if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 5) {
		struct redisReply **v = reply->element;

		parse_epoch(v[0], t.epoch.text, t.epoch.run_id);
		memcpy(t.epoch.run_id, q->epoch.run_id, sizeof(t.epoch.run_id));
		parse_epoch(v[1], t.previous, t.previous_run);
		t.told = offset_of(v[2]);
		t.next = offset_of(v[3]);
		t.kept = v[4]->type == REDIS_REPLY_INTEGER && v[4]->integer;
		/* without an epoch that scripts can compare, nothing was taken */
		if (t.epoch.text[0] && visible_text(t.epoch.text))
			a = STORE_DONE;
	}
	q->fn.taken(q->arg, a, &t);
	request_free(q);
}

void store_take(struct store *s, int32_t p, int64_t known, const char *ours, store_taken_fn *fn, void *arg)
{
	struct request *q = request_new(s, p, NULL, arg);
	char epoch[STORE_KEY], told[STORE_KEY], next[STORE_KEY], n[STORE_NUMBER], hex[33];
	unsigned char random[16];

	q->fn.taken = fn;
	digest_random(random, sizeof(random));
	hex_encode(hex, random, sizeof(random));
	snprintf(q->epoch.run_id, sizeof(q->epoch.run_id), "%s", store_link_run_id(s->link));
	request_script(s, SCRIPT_TAKE, "3");
	request_word(s, request_key(epoch, p, "epoch"));
	request_word(s, request_key(told, p, "told"));
	request_word(s, request_key(next, p, "next"));
	request_word_number(s, n, known);
	request_word(s, hex);
	request_word(s, q->epoch.run_id);
	request_word(s, ours ? ours : "");
	request_send(q, on_taken);
}

static void on_checked(struct store_request *link, const redisReply *reply)
{
	struct request *q = (struct request *)link;

	request_done(q, reply && request_epoch_holds(reply, &q->epoch) ? STORE_DONE : request_no(reply));
}

void store_check(struct store *s, int32_t p, const struct store_epoch *e, store_done_fn *fn, void *arg)
{
	struct request *q = request_new(s, p, e, arg);
	char epoch[STORE_KEY];

	q->fn.done = fn;
	request_command(s, "GET");
	request_word(s, request_key(epoch, p, "epoch"));
	request_send_fenced(q, on_checked, request_on_refused);
}

/* ---- the outbox and the live calls, part by part ---- */

static void entries_end(struct request *q, enum store_answer a)
{
	q->fn.entries(q->arg, a, NULL, 0, false);
	request_free(q);
}

static void on_entries_refused(struct store_request *link, const redisReply *reply)
{
	entries_end((struct request *)link, request_no(reply));
}

static bool all_texts(const redisReply *list)
{
	for (size_t i = 0; i < list->elements; i++)
		if (list->element[i]->type != REDIS_REPLY_STRING)
			return false;
	return true;
}

/* { cursor, { name, bytes, name, bytes ... } }: all of it is read below as it stands */
static bool is_outbox_part(const redisReply *reply)
{
	return reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	       reply->element[0]->type == REDIS_REPLY_STRING &&
	       reply->element[1]->type == REDIS_REPLY_ARRAY && all_texts(reply->element[1]);
}

static void ask_outbox(struct request *q, const char *cursor);

static void on_outbox(struct store_request *link, const redisReply *reply)
{
	struct request *q = (struct request *)link;
	struct store_entry *entries;
	const redisReply *list;
	char cursor[STORE_NUMBER];
	size_t i, n;
	bool more;

	if (!is_outbox_part(reply)) {
		entries_end(q, request_no(reply));
		return;
	}
	snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
	more = strcmp(cursor, "0") != 0;
	list = reply->element[1];
	n = list->elements / 2;
	entries = must_calloc(n + 1, sizeof(*entries));
	for (i = 0; i < n; i++) {
		entries[i].name = list->element[2 * i]->str;
		entries[i].value.data = list->element[2 * i + 1]->str;
		entries[i].value.len = (size_t)list->element[2 * i + 1]->len;
	}
	q->fn.entries(q->arg, STORE_DONE, entries, n, more);
	free(entries);
	if (more)
		ask_outbox(q, cursor);
	else
		request_free(q);
}

static void ask_outbox(struct request *q, const char *cursor)
{
	struct store *s = q->store;
	char epoch[STORE_KEY], outbox[STORE_KEY];

	request_script(s, SCRIPT_OUTBOX, "2");
	request_word(s, request_key(epoch, q->p, "epoch"));
	request_word(s, request_key(outbox, q->p, "outbox"));
	request_word(s, q->epoch.text);
	request_word(s, cursor);
	request_send_fenced(q, on_outbox, on_entries_refused);
}

void store_outbox(struct store *s, int32_t p, const struct store_epoch *e, store_entries_fn *fn, void *arg)
{
	struct request *q = request_new(s, p, e, arg);

	q->fn.entries = fn;
	ask_outbox(q, "0");
}

static void ask_live(struct request *q);

static void on_live(struct store_request *link, const redisReply *reply)
{
	struct request *q = (struct request *)link;
	struct store_entry entries[LIVE_PART];
	size_t i;
	bool more;

	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != q->id_part + 1 ||
	    !request_epoch_holds(reply->element[0], &q->epoch)) {
		entries_end(q, request_no(reply));
		return;
	}
	for (i = 0; i < q->id_part; i++) {
		entries[i].name = q->ids[q->id_next + i];
		/* a value that is not ours counts as missing: the caller knows what to do with such a call */
		if (request_split_value(reply->element[i + 1], &entries[i].version, &entries[i].value) < 0)
			entries[i].value = (struct bytes){ 0 };
	}
	q->id_next += q->id_part;
	more = q->id_next < q->id_count;
	q->fn.entries(q->arg, STORE_DONE, entries, q->id_part, more);
	if (more)
		ask_live(q);
	else
		request_free(q);
}

static void ask_live(struct request *q)
{
	struct store *s = q->store;
	char epoch[STORE_KEY], keys[LIVE_PART][STORE_KEY];
	size_t left = q->id_count - q->id_next, i;

	q->id_part = left < LIVE_PART ? left : LIVE_PART;
	request_command(s, "MGET");
	request_word(s, request_key(epoch, q->p, "epoch"));
	for (i = 0; i < q->id_part; i++)
		request_word(s, request_call_key(keys[i], q->p, q->ids[q->id_next + i]));
	request_send_fenced(q, on_live, on_entries_refused);
}

static void on_live_ids(struct store_request *link, const redisReply *reply)
{
	struct request *q = (struct request *)link;
	size_t i;

	if (!reply || reply->type != REDIS_REPLY_ARRAY || !all_texts(reply)) {
		entries_end(q, request_no(reply));
		return;
	}
	q->ids = must_calloc(reply->elements + 1, sizeof(q->ids[0]));
	for (i = 0; i < reply->elements; i++)
		q->ids[q->id_count++] = must_strdup(reply->element[i]->str);
	if (q->id_count)
		ask_live(q);
	else
		entries_end(q, STORE_DONE);
}

void store_live(struct store *s, int32_t p, const struct store_epoch *e, store_entries_fn *fn, void *arg)
{
	struct request *q = request_new(s, p, e, arg);
	char epoch[STORE_KEY], live[STORE_KEY];

	q->fn.entries = fn;
	request_script(s, SCRIPT_LIVE, "2");
	request_word(s, request_key(epoch, p, "epoch"));
	request_word(s, request_key(live, p, "live"));
	request_word(s, e->text);
	request_send_fenced(q, on_live_ids, on_entries_refused);
}
