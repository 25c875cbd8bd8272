/*
 * accept.h - a command is accepted when Kafka has it: produce, and hear of it exactly once
 *
 * Runs on the loop's thread.  What is not acknowledged is kept: when librdkafka
 * declares the producer dead (a fatal error), a new one is opened and is given
 * all of it again, in order; the worker drops what came twice.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "records.h"

struct accept;
struct loop;
struct settings;

enum accept_outcome {
	ACCEPT_DONE,    /* the broker has it */
	ACCEPT_REFUSED, /* it was surely not written */
	ACCEPT_UNKNOWN, /* it may have been */
};

struct accept_result {
	enum accept_outcome outcome;
	int32_t partition;
	int64_t offset;
	const char *why; /* of a failure */
};

typedef void accept_fn(void *arg, const struct accept_result *result);

/* -EIO: no producer could be made (its reason is logged). */
int accept_open(struct accept **out, struct loop *loop, const struct settings *s);
void accept_close(struct accept *a); /* NULL is fine; what is open is ACCEPT_UNKNOWN, from within */

/*
 * Takes a copy.  0: fn is called once, from a later turn of the loop (or from
 * accept_close()), within ACCEPT_WAIT.  Else fn is not called: -EAGAIN too much is on its way, -EINVAL
 * the partition is not there, -ENOMEM.
 */
#define ACCEPT_WAIT                                                                                          \
	(INT64_C(4800) * 1000) /* us: message.timeout.ms and what a new producer may add; under 5 s */
int accept_command(struct accept *a, const struct call_command *c, int32_t partition, accept_fn *fn,
                   void *arg);

size_t accept_open_commands(const struct accept *a);
/*
 * A new producer asks for its id half a second after it was opened, not sooner
 * (librdkafka's timer); a command would wait for that, and be answered late.
 */
bool accept_is_warm(const struct accept *a);
/* The producer of the moment; for tests, which make it fail. */
rd_kafka_t *accept_kafka(struct accept *a);

#endif
