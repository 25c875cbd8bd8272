/*
 * teller.h - tells: records to Kafka, in order, never given up
 *
 * One idempotent producer with message.timeout.ms=0.  Records of one partition
 * are acknowledged in the order in which they were sent.  After a fatal error a
 * new producer is opened and all that is unacknowledged goes to it first, in
 * order.  On the loop's thread.
 */
#ifndef TELLER_H
#define TELLER_H

#include <stddef.h>
#include <stdint.h>

#include "kafka.h"
#include "records.h"

struct loop;
struct settings;
struct teller;
struct telling;

typedef void told_fn(struct telling *t);

#define TELLING_HEADERS 4

/* One record on its way.  Made by the caller, who frees it from within `fn` or later. */
struct telling {
	enum kafka_topic topic;
	int32_t partition; /* -1: the library's choice, by key */
	char *key;
	struct bytes value;
	struct {
		const char *name; /* static */
		char *value;
	} headers[TELLING_HEADERS];
	told_fn *fn; /* Kafka has it: offset is set.  From the loop, never from within teller_send() */
	void *arg;   /* one malloc, or NULL: teller_close() frees it with what was never told */

	int64_t offset;
	/* the teller's own */
	struct telling *before, *after;
	int sent;
};

/* `paused` says that the bound worker.unacked is reached (or no longer): the caller sends no more meanwhile. */
typedef void teller_paused_fn(void *arg, int paused);
int teller_open(struct teller **out, struct loop *loop, const struct settings *s, teller_paused_fn *fn,
                void *arg);
/* What is unacknowledged stays untold (its outbox entry is told by the next owner): each is freed. */
void teller_close(struct teller *t); /* NULL is fine */

void teller_send(struct teller *t, struct telling *what); /* takes `what` until fn */
size_t teller_unacked(const struct teller *t);            /* bytes */
size_t teller_waiting(const struct teller *t);            /* records */
rd_kafka_t *teller_kafka(struct teller *t);               /* for questions about topics */

void telling_free(struct telling *t); /* NULL is fine */

/*
 * Headers and value in one piece, as the outbox keeps them, so that whoever
 * tells it tells the same bytes: "name=value\n"... "\n" then the value.
 */
struct bytes telling_pack(const struct telling *t);
/* Takes a packed one apart.  -EBADMSG: that is none of ours. */
int telling_unpack(struct telling *out, const void *data, size_t len);

#endif
