/* main.c - callcast-worker: commands in, calls carried out, events out */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "kafka.h"
#include "exit_within.h"
#include "log.h"
#include "metrics.h"
#include "worker.h"

/* At the start Kafka is asked for its topics: so often, for so long, and SIGTERM is heard in between. */
#define KAFKA_WAIT  (500 * CLOCK_MS)
#define KAFKA_TRIES 30

static void ready(void *arg, FILE *out)
{
	const struct worker *w = arg;
	size_t taking = 0;

	if (w->draining)
		fprintf(out, "draining\n");
	if (!store_is_up(w->store))
		fprintf(out, "redis %s does not answer\n", w->settings->redis);
	if (!group_is_member(w->group))
		fprintf(out, "no partitions of %s assigned yet\n", kafka_topic(w->settings, TOPIC_COMMANDS));
	if (w->told_paused)
		fprintf(out, "kafka does not acknowledge: %zu bytes of events wait\n",
		        teller_unacked(w->teller));
	for (size_t i = 0; i < w->partition_count; i++) {
		const struct partition *p = w->partitions[i];

		if (!p || !p->assigned)
			continue;
		if (p->blocked)
			fprintf(out,
			        "partition %d stands still: a newer program's record, or an offset out of "
			        "range\n",
			        p->number);
		taking += p->state != PARTITION_ACTIVE;
	}
	if (taking)
		fprintf(out, "%zu partitions are being taken over\n", taking);
}

static void signalled(void *arg, int signo)
{
	struct worker *w = arg;

	if (signo == SIGHUP || w->draining)
		return;
	exit_within(w->settings->drain_timeout, EXIT_FAILURE); /* not handed over, in the end */
	worker_drain(w);
}

/* ---- open, run, close ---- */

static int check_topic(struct worker *w, enum kafka_topic topic)
{
	const char *name = kafka_topic(w->settings, topic);
	int n = -EAGAIN;

	for (int i = 0; i < KAFKA_TRIES && n == -EAGAIN && !w->draining; i++) {
		n = kafka_partitions(teller_kafka(w->teller), name, KAFKA_WAIT);
		loop_turn(w->loop, clock_mono());
	}
	if (w->draining)
		return -EINTR;
	if (n == -ENOENT)
		log_error("topic.missing topic=%s help=\"callcast topics create makes it\"", name);
	else if (n < 0)
		log_error("kafka.silent brokers=%s", w->settings->kafka);
	return n;
}

static int check_topics(struct worker *w)
{
	const int commands = check_topic(w, TOPIC_COMMANDS);
	const int events = commands < 0 ? commands : check_topic(w, TOPIC_EVENTS);
	const int dead = events < 0 ? events : check_topic(w, TOPIC_DEAD);

	if (dead < 0)
		return dead;
	if (events < commands) {
		log_error("topic.small topic=%s partitions=%d needed=%d",
		          kafka_topic(w->settings, TOPIC_EVENTS), events, commands);
		return -EINVAL;
	}
	return 0;
}

static int open_all(struct worker *w, struct admin **admin)
{
	const struct store_handler store = { worker_redis_up, worker_redis_down, w };
	const struct group_handler group = { worker_assigned, worker_revoked, worker_message,
		                             worker_out_of_range, w };
	int r;

	r = loop_open(&w->loop);
	if (r < 0)
		return r;
	r = loop_signals(w->loop, signalled, w);
	if (r < 0)
		return r;
	r = teller_open(&w->teller, w->loop, w->settings, worker_told_paused, w);
	if (r < 0)
		return r;
	r = check_topics(w);
	if (r < 0)
		return r;
	r = carrier_sim_open(&w->carrier, w->loop, w->settings, worker_carrier_said, w);
	if (r < 0)
		return r;
	r = store_open(&w->store, w->loop, w->settings, &store);
	if (r < 0)
		return r;
	r = ledger_open(&w->ledger, w->loop, w->settings);
	if (r < 0)
		return r;
	r = group_open(&w->group, w->loop, w->settings, &group);
	if (r < 0)
		return r;
	r = admin_open(admin, w->loop, w->settings->admin_listen, ready, w);
	if (r < 0)
		log_error("admin.refused listen=%s error=\"%s\"", w->settings->admin_listen, strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	struct worker w = { 0 };
	struct settings *settings = NULL;
	struct admin *admin = NULL;
	char why[256];
	int r;

	r = settings_load(&settings, WORKER, argc, argv, NULL);
	if (r)
		return r > 0 ? 0 : 2;
	w.settings = settings;
	log_level_parse(&log_threshold, settings->log_level);
	r = records_open(settings->schema_write, settings->schema_registry, why, sizeof(why));
	if (r < 0) {
		log_error("schemas.unusable reason=\"%s\"", why);
		settings_free(settings);
		return 1;
	}
	partitions_register_metrics();
	steps_register_metrics();
	dead_register_metrics();
	handovers_register_metrics();
	r = open_all(&w, &admin);
	if (r == 0) {
		log_info("worker.started name=%s admin=%d", settings->worker_name, admin_port(admin));
		worker_tick(&w);
		r = loop_run(w.loop);
		log_info("worker.stopped handed_over=%d", w.drained);
	}
	r = r < 0 && r != -EINTR ? EXIT_FAILURE
	                         : EXIT_SUCCESS; /* stopped before it began is stopped as asked */
	exit_within(EXIT_CLOSE, r);
	admin_close(admin);
	worker_close(&w);
	records_close();
	settings_free(settings);
	return r;
}
