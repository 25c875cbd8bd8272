/*
 * kafka.h - librdkafka handles set up the one way that keeps our promises
 *
 * Every handle has socket.nagle.disable; producers are idempotent with acks=all
 * and linger.ms=1; group consumers use `range`, a short heartbeat, no auto
 * commit and auto.offset.reset=error.  kafka.* settings pass through, except
 * those that would void a promise: settings_load() refuses them.
 */
#ifndef KAFKA_H
#define KAFKA_H

#include <stdbool.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

struct loop;
struct settings;

enum kafka_topic { TOPIC_COMMANDS, TOPIC_EVENTS, TOPIC_DEAD, TOPIC_WEBHOOKS_DEAD, TOPICS };

/* "<prefix>calls.commands"; lives as long as the program. */
const char *kafka_topic(const struct settings *s, enum kafka_topic t);

enum kafka_use {
	KAFKA_PRODUCER, /* message.timeout.ms 3,500: the HTTP producer's */
	KAFKA_TELLER,   /* message.timeout.ms 0: never given up: worker's and notifier's */
	KAFKA_GROUP,    /* member of `group` */
	KAFKA_READER,   /* no group: reads partitions from offsets it is told, with end-of-partition events */
};

/*
 * A conf to which the caller adds callbacks, and from which it makes the handle
 * (rd_kafka_new takes it).  `group` is for KAFKA_GROUP, without prefix.
 * librdkafka's own log lines go to log.h.  On failure NULL; the reason is logged.
 */
rd_kafka_conf_t *kafka_conf(const struct settings *s, enum kafka_use use, const char *group);

/*
 * How many partitions the topic has: > 0, -ENOENT: no such topic,
 * -EAGAIN: the broker did not answer within `wait` us.
 */
int kafka_partitions(rd_kafka_t *rk, const char *topic, int64_t wait);

/*
 * Wakes fn on the loop's thread whenever something stands in the queue.
 * The queue's reference is taken.  fn serves until the queue is empty or calls
 * kafka_wake_again() when it stops early.
 */
struct kafka_wake;
typedef void kafka_wake_fn(void *arg);
int kafka_wake_open(struct kafka_wake **out, struct loop *l, rd_kafka_queue_t *q, kafka_wake_fn *fn,
                    void *arg);
void kafka_wake_again(struct kafka_wake *w);
void kafka_wake_close(struct kafka_wake *w); /* NULL is fine */

#endif
