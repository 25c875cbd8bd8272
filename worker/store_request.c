/* store_request.c - see store_request.h */
#include "store_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

/* ---- words ---- */

void request_word_bytes(struct store *s, const void *data, size_t len)
{
	if (s->word_count == s->word_size) {
		s->word_size = s->word_size ? 2 * s->word_size : 64;
		s->words = must_realloc(s->words, s->word_size * sizeof(s->words[0]));
		s->lengths = must_realloc(s->lengths, s->word_size * sizeof(s->lengths[0]));
	}
	s->words[s->word_count] = len ? data : "";
	s->lengths[s->word_count++] = len;
}

void request_word(struct store *s, const char *text)
{
	request_word_bytes(s, text, strlen(text));
}

/* The number's text stays in `room` until the request is sent. */
void request_word_number(struct store *s, char room[STORE_NUMBER], int64_t n)
{
	snprintf(room, STORE_NUMBER, "%" PRId64, n);
	request_word(s, room);
}

void request_command(struct store *s, const char *command)
{
	s->word_count = 0;
	request_word(s, command);
}

void request_script(struct store *s, enum store_script script, const char *key_count)
{
	request_command(s, "EVALSHA");
	request_word(s, store_link_sha(s->link, script));
	request_word(s, key_count);
}

const char *request_key(char room[STORE_KEY], int32_t p, const char *name)
{
	snprintf(room, STORE_KEY, "{%" PRId32 "}:%s", p, name);
	return room;
}

const char *request_call_key(char room[STORE_KEY], int32_t p, const char *call_leg_id)
{
	snprintf(room, STORE_KEY, "{%" PRId32 "}:call:%s", p, call_leg_id);
	return room;
}

/* ---- requests ---- */

struct request *request_new(struct store *s, int32_t p, const struct store_epoch *e, void *arg)
{
	struct request *q = must_calloc(1, sizeof(*q));

	q->store = s;
	q->p = p;
	q->arg = arg;
	if (e)
		q->epoch = *e;
	return q;
}

void request_free(struct request *q)
{
	while (q->id_count)
		free(q->ids[--q->id_count]);
	free(q->ids);
	free(q);
}

void request_send(struct request *q, request_answer_fn *answer)
{
	struct store *s = q->store;

	q->link.answer = answer;
	store_link_ask(s->link, &q->link, (int)s->word_count, s->words, s->lengths);
}

/* The epoch of a takeover at another Redis process proves nothing at this one: not even asked. */
static bool other_redis(const struct store *s, const struct store_epoch *e)
{
	return strcmp(store_link_run_id(s->link), e->run_id) != 0;
}

/* Sends what request_command() began; a request that this Redis must not see is refused in its turn. */
void request_send_fenced(struct request *q, request_answer_fn *answer, request_answer_fn *refused)
{
	if (!store_link_is_up(q->store->link) || !other_redis(q->store, &q->epoch)) {
		request_send(q, answer);
		return;
	}
	q->link.answer = refused;
	store_link_skip(q->store->link, &q->link);
}

/* What an answer means that is none of those hoped for: nothing that we may act on. */
enum store_answer request_no(const redisReply *reply)
{
	if (!reply)
		return STORE_AWAY;
	return reply->type == REDIS_REPLY_ERROR ? STORE_FAILED : STORE_REFUSED;
}

static enum store_answer request_answer(const redisReply *reply)
{
	static const enum store_answer answers[] = { STORE_REFUSED, STORE_DONE, STORE_STALE };

	if (!reply || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > 2)
		return request_no(reply);
	return answers[reply->integer];
}

/* Is the value of {p}:epoch, "<epoch> <run_id>", this one's? */
bool request_epoch_holds(const redisReply *value, const struct store_epoch *e)
{
	size_t len = strlen(e->text);

	return value->type == REDIS_REPLY_STRING && (size_t)value->len > len &&
	       !memcmp(value->str, e->text, len) && value->str[len] == ' ';
}

void request_done(struct request *q, enum store_answer a)
{
	store_done_fn *fn = q->fn.done;
	void *arg = q->arg;

	request_free(q);
	fn(arg, a);
}

void request_on_done(struct store_request *link, const redisReply *reply)
{
	request_done((struct request *)link, request_answer(reply));
}

void request_on_refused(struct store_request *link, const redisReply *reply)
{
	request_done((struct request *)link, request_no(reply));
}

/* The number in the first 16 characters of a call's value; its bytes follow the head.  -EBADMSG. */
int request_split_value(const redisReply *value, int64_t *version, struct bytes *record)
{
	char digits[17], *end;

	*version = 0;
	*record = (struct bytes){ 0 };
	if (value->type != REDIS_REPLY_STRING)
		return 0;
	if (value->len < STORE_HEAD)
		return -EBADMSG;
	memcpy(digits, value->str, 16);
	digits[16] = '\0';
	*version = (int64_t)strtoull(digits, &end, 16);
	if (*end)
		return -EBADMSG;
	record->data = value->str + STORE_HEAD;
	record->len = (size_t)value->len - STORE_HEAD;
	return 0;
}
