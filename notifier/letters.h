/*
 * letters.h - dead letters: what could not be read or delivered, put where a person finds it
 *
 * A letter is never given up: it is sent again until Kafka has acknowledged it,
 * over a new producer after a fatal error.  How many there are is bounded by the
 * caller: an event's offset moves only after its letter's acknowledgement.
 */
#ifndef LETTERS_H
#define LETTERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "kafka.h"
#include "records.h"

struct letters;

int letters_open(struct letters **out, struct loop *loop, const struct settings *s);
void letters_close(struct letters *l); /* NULL is fine; what is not acknowledged is dropped */

/*
 * How many partitions each topic has (0: not known), so that a letter can keep
 * its call's partition.
 */
void letters_partitions(struct letters *l, enum kafka_topic topic, int count);

typedef void letters_done_fn(void *arg);
/*
 * Sends `letter` (borrowed) to `topic`, keyed by letter->key; fn is called once
 * Kafka has acknowledged it, from a later turn of the loop.
 */
void letters_send(struct letters *l, enum kafka_topic topic, const struct dead_letter *letter,
                  letters_done_fn *fn, void *arg);
size_t letters_open_count(const struct letters *l);

/* Why not ready, one reason a line. */
void letters_ready(const struct letters *l, FILE *reasons);

/* For tests. */
rd_kafka_t *letters_handle(struct letters *l);

#endif
