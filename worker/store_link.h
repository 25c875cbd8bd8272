/*
 * store_link.h - the connection under the store: scripts loaded, clock measured, up and down
 *
 * What is asked is answered once, in order, from a later turn of the loop.  An
 * error of the server (no memory, read-only, scripts flushed) is treated like a
 * lost connection, because nobody can say more about the step than after one: what
 * is open is answered NULL, down() is called, and a second later all is set up anew.
 * An error about the keys of one request is its own affair, and given to it.
 */
#ifndef STORE_LINK_H
#define STORE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

struct loop;
struct settings;
struct store_handler;
struct store_link;

enum store_script { SCRIPT_TAKE, SCRIPT_SAVE, SCRIPT_CLEAR, SCRIPT_OUTBOX, SCRIPT_LIVE, STORE_SCRIPTS };

int store_link_open(struct store_link **out, struct loop *loop, const struct settings *s,
                    const struct store_handler *h);
void store_link_close(struct store_link *l); /* NULL is fine */

bool store_link_is_up(const struct store_link *l);
const char *store_link_run_id(const struct store_link *l);
size_t store_link_open_requests(const struct store_link *l);
int64_t store_link_now(const struct store_link *l);
/* What was wrong with the request that was answered last with an error of its own. */
const char *store_link_error(const struct store_link *l);
void store_link_set_error(struct store_link *l, const char *error); /* also where the value was no good */

/* What EVALSHA wants; valid while up. */
const char *store_link_sha(const struct store_link *l, enum store_script script);

/* Stands at the head of the asker's own struct, which it frees when answered. */
struct store_request {
	struct store_link *link;
	/* An error is about this request's keys; NULL: no answer.  Borrowed for the time of the call. */
	void (*answer)(struct store_request *q, const redisReply *reply);
	bool away; /* asked while down: the answer is NULL, whatever comes */
};

void store_link_ask(struct store_link *l, struct store_request *q, int argc, const char *const *argv,
                    const size_t *lengths);
/* Answered in its turn, without asking for anything. */
void store_link_skip(struct store_link *l, struct store_request *q);

#endif
