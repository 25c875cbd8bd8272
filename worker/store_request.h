/*
 * store_request.h - one request of the store: its words, its fence, its answer
 *
 * Inside the store only.  Words are collected in the store, because one request
 * is built at a time; they are borrowed until request_send().
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "callid.h"
#include "store.h"
#include "store_link.h"

#define STORE_HEAD   32 /* of a call's value: version and stamp, 16 hex digits each */
#define STORE_KEY    (16 + CALLID_SIZE)
#define STORE_NUMBER 24 /* a 64-bit number as text */

struct store {
	struct store_link *link;
	char keep[STORE_NUMBER]; /* call.keep in ms */
	/* the words of the request being built: grown, then kept */
	const char **words;
	size_t *lengths;
	size_t word_count, word_size;
};

struct request {
	struct store_request link; /* first: the link gives this one back */
	struct store *store;
	int32_t p;
	struct store_epoch epoch;
	void *arg;
	union {
		store_taken_fn *taken;
		store_done_fn *done;
		store_entries_fn *entries;
		store_loaded_fn *loaded;
	} fn;
	/* store_live(): the ids, and which of them are asked for */
	char **ids;
	size_t id_count, id_next, id_part;
};

struct request *request_new(struct store *s, int32_t p, const struct store_epoch *e, void *arg);
void request_free(struct request *q);

/* ---- words: a command or script first, then keys and the rest ---- */

void request_command(struct store *s, const char *command);
void request_script(struct store *s, enum store_script script, const char *key_count);
void request_word(struct store *s, const char *text);
void request_word_bytes(struct store *s, const void *data, size_t len);
/* The number's text stays in `room`. */
void request_word_number(struct store *s, char room[STORE_NUMBER], int64_t n);
/* "{p}:name" and "{p}:call:<id>"; return room. */
const char *request_key(char room[STORE_KEY], int32_t p, const char *name);
const char *request_call_key(char room[STORE_KEY], int32_t p, const char *call_leg_id);

/* ---- sending ---- */

typedef void request_answer_fn(struct store_request *link, const redisReply *reply);

void request_send(struct request *q, request_answer_fn *answer);
/* The epoch of a takeover at another Redis process proves nothing at this one: then `refused`, in its turn, and nothing is sent. */
void request_send_fenced(struct request *q, request_answer_fn *answer, request_answer_fn *refused);

/* ---- answers ---- */

/* For a script that answers 0, 1 or 2, and for one that was not sent; they call fn.done and free. */
void request_on_done(struct store_request *link, const redisReply *reply);
void request_on_refused(struct store_request *link, const redisReply *reply);
void request_done(struct request *q, enum store_answer a);
/* For a reply that is none of those hoped for: AWAY, FAILED or REFUSED. */
enum store_answer request_no(const redisReply *reply);

/* Is the value of {p}:epoch, "<epoch> <run_id>", this one's? */
bool request_epoch_holds(const redisReply *value, const struct store_epoch *e);
/* A call's value: version, and its record (borrowed).  nil: 0 and empty.  -EBADMSG: not ours. */
int request_split_value(const redisReply *value, int64_t *version, struct bytes *record);

#endif
