/* partitions.c - see partitions.h */
#include "partitions.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "kafka.h"
#include "log.h"

#define PATIENCE (1000 * CLOCK_MS) /* one question to the broker */

enum fault { NOT_KNOWN, COMMANDS_MISSING, EVENTS_MISSING, EVENTS_FEWER, TOO_MANY, NONE };

static const char *const faults[] = {
	[NOT_KNOWN] = "kafka: the topics' partitions are not known: no answer from the broker",
	[COMMANDS_MISSING] = "kafka: topic calls.commands is missing",
	[EVENTS_MISSING] = "kafka: topic calls.events is missing",
	[EVENTS_FEWER] = "kafka: calls.events has fewer partitions than calls.commands",
	[TOO_MANY] = "kafka: calls.commands has more partitions than an id can name",
	[NONE] = NULL,
};

struct partitions {
	const char *commands_topic, *events_topic;
	rd_kafka_t *rk;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool started, stop; /* under lock */
	atomic_int commands, fault;
};

#define PARTITIONS_MAX 65536 /* two bytes of the id */

/* On the own thread.  An unanswered question changes nothing: what was known stays known. */
static void ask(struct partitions *p)
{
	int commands = kafka_partitions(p->rk, p->commands_topic, PATIENCE);
	int events = commands == -EAGAIN ? -EAGAIN : kafka_partitions(p->rk, p->events_topic, PATIENCE);
	enum fault fault = NONE, before = (enum fault)atomic_load(&p->fault);

	if (commands == -EAGAIN || events == -EAGAIN)
		return;
	if (commands <= 0)
		fault = COMMANDS_MISSING;
	else if (events <= 0)
		fault = EVENTS_MISSING;
	else if (events < commands)
		fault = EVENTS_FEWER;
	else if (commands > PARTITIONS_MAX)
		fault = TOO_MANY;

	if (fault == NONE && (before != NONE || atomic_load(&p->commands) != commands))
		log_info("partitions.known commands=%d events=%d", commands, events);
	else if (fault != NONE && before != fault)
		log_error("partitions.refused commands=%d events=%d reason=\"%s\"", commands, events,
		          faults[fault]);
	atomic_store(&p->commands, fault == NONE ? commands : 0);
	atomic_store(&p->fault, (int)fault);
}

/* On the own thread. */
static void *run(void *arg)
{
	struct partitions *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct timespec until;

		pthread_mutex_unlock(&p->lock);
		ask(p);
		pthread_mutex_lock(&p->lock);
		/* the system's clock: nobody steps it to hurry a look-up */
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += atomic_load(&p->fault) == NONE ? PARTITIONS_AGAIN / CLOCK_SEC : 1;
		while (!p->stop && pthread_cond_timedwait(&p->wake, &p->lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int start(struct partitions *p, const struct settings *s)
{
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_PRODUCER, NULL);
	char why[256];

	if (!conf)
		return -EIO;
	p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!p->rk) {
		rd_kafka_conf_destroy(conf);
		log_error("kafka.open_failed reason=\"%s\"", why);
		return -EIO;
	}
	if (pthread_create(&p->thread, NULL, run, p))
		return -EAGAIN;
	p->started = true;
	return 0;
}

int partitions_open(struct partitions **out, const struct settings *s)
{
	struct partitions *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	int r;

	if (!p)
		return -ENOMEM;
	p->commands_topic = kafka_topic(s, TOPIC_COMMANDS);
	p->events_topic = kafka_topic(s, TOPIC_EVENTS);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	r = start(p, s);
	if (r < 0) {
		partitions_close(p);
		return r;
	}
	*out = p;
	return 0;
}

void partitions_close(struct partitions *p)
{
	if (!p)
		return;
	if (p->started) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_signal(&p->wake);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	if (p->rk)
		rd_kafka_destroy(p->rk);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int32_t partitions_commands(const struct partitions *p)
{
	return atomic_load(&p->commands);
}

const char *partitions_fault(const struct partitions *p)
{
	return faults[atomic_load(&p->fault)];
}
