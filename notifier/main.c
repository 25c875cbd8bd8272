/* main.c - callcast-notifier: events in from calls.events, webhooks out, at least once and in order per call */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "callback.h"
#include "clock.h"
#include "delivered.h"
#include "delivery.h"
#include "intake.h"
#include "kafka.h"
#include "letters.h"
#include "exit_within.h"
#include "log.h"
#include "loop.h"
#include "poster.h"
#include "reader.h"
#include "records.h"
#include "redis.h"
#include "settings.h"
#include "tenants.h"

#define BROKER_PATIENCE (30 * CLOCK_SEC) /* at start; then whoever started us may try again */
#define DRAIN_LOOK      (10 * CLOCK_MS)

struct notifier {
	struct settings *settings;
	struct loop *loop;
	struct tenants *tenants;
	struct callback_rules *rules;
	struct redis *redis;
	struct delivered *delivered;
	struct letters *letters;
	struct poster *poster;
	struct intake *intake;
	struct deliveries *deliveries;
	struct admin *admin;
	bool stopping; /* SIGTERM came */
};

/* ---- what the intake tells ---- */

static void on_record(void *arg, const struct intake_record *r)
{
	struct notifier *n = arg;

	reader_take(n->deliveries, n->intake, r);
}

static void on_assigned(void *arg)
{
	struct notifier *n = arg;

	deliveries_restart(n->deliveries);
}

static void on_revoked(void *arg)
{
	struct notifier *n = arg;

	deliveries_drop(n->deliveries);
}

static bool is_busy(void *arg)
{
	struct notifier *n = arg;

	return deliveries_on_way(n->deliveries) > 0;
}

/* ---- signals and health ---- */

static void reload_tenants(struct notifier *n)
{
	struct tenants *fresh;
	char why[256];

	if (tenants_load(&fresh, n->settings->tenants, why, sizeof(why)) < 0) {
		log_error("tenants.kept reason=\"%s\"", why);
		return;
	}
	deliveries_tenants(n->deliveries, fresh);
	tenants_free(n->tenants);
	n->tenants = fresh;
	log_info("tenants.read");
}

static void on_signal(void *arg, int signo)
{
	struct notifier *n = arg;

	if (signo == SIGHUP) {
		if (n->deliveries)
			reload_tenants(n);
		return;
	}
	n->stopping = true;
	loop_stop(n->loop);
}

static void write_reasons(void *arg, FILE *reasons)
{
	struct notifier *n = arg;

	if (n->stopping)
		fputs("draining\n", reasons);
	intake_ready(n->intake, reasons);
	letters_ready(n->letters, reasons);
}

/* ---- start ---- */

/* Waits for the broker for a while; a topic that is not there is a fault that waiting does not mend. */
static int check_topic(struct notifier *n, enum kafka_topic topic)
{
	const char *name = kafka_topic(n->settings, topic);
	int64_t until = clock_mono() + BROKER_PATIENCE;
	int count;

	do {
		count = kafka_partitions(intake_handle(n->intake), name, CLOCK_SEC);
		loop_turn(n->loop, clock_mono()); /* a signal may be waiting */
		if (n->stopping)
			return -EINTR;
	} while (count == -EAGAIN && clock_mono() < until);

	if (count == -EAGAIN)
		log_error("kafka.away brokers=%s", n->settings->kafka);
	else if (count <= 0)
		log_error("topic.missing topic=%s: `callcast topics create` makes it", name);
	if (count <= 0)
		return count ? count : -ENOENT;
	letters_partitions(n->letters, topic, count);
	return 0;
}

static int check_topics(struct notifier *n)
{
	static const enum kafka_topic topics[] = { TOPIC_EVENTS, TOPIC_WEBHOOKS_DEAD, TOPIC_DEAD };
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(topics) / sizeof(topics[0]); i++)
		r = check_topic(n, topics[i]);
	return r;
}

static int open_rules(struct notifier *n)
{
	struct settings *s = n->settings;
	char why[256];
	int r;

	r = records_open(s->schema_write, s->schema_registry, why, sizeof(why));
	if (r < 0) {
		log_error("schema.failed reason=\"%s\"", why);
		return r;
	}
	r = callback_rules_open(&n->rules, s->callbacks_allow, why, sizeof(why));
	if (r < 0) {
		log_error("callbacks.allow.failed reason=\"%s\"", why);
		return r;
	}
	r = tenants_load(&n->tenants, s->tenants, why, sizeof(why));
	if (r < 0)
		log_error("tenants.failed reason=\"%s\"", why);
	return r;
}

/* What deliveries need, then they, then what reads for them. */
static int open_parts(struct notifier *n)
{
	const struct redis_handler handler = { 0 };
	const struct intake_reader reader = { on_record, on_assigned, on_revoked, is_busy, n };
	struct settings *s = n->settings;
	struct delivery_parts parts;
	int r;

	r = redis_open(&n->redis, n->loop, s->redis, s->redis_timeout, &handler);
	if (!r)
		r = delivered_open(&n->delivered, n->loop, n->redis, s->call_keep);
	if (!r)
		r = letters_open(&n->letters, n->loop, s);
	if (!r)
		r = poster_open(&n->poster, n->loop, n->rules, (size_t)s->webhook_transfers,
		                s->webhook_timeout);
	if (!r)
		r = intake_open(&n->intake, n->loop, s, &reader);
	if (r < 0)
		return r;
	parts = (struct delivery_parts){ n->loop,      s,         n->intake, n->letters,
		                         n->delivered, n->poster, n->rules,  n->tenants };
	return deliveries_open(&n->deliveries, &parts);
}

static int start(struct notifier *n)
{
	int r;

	r = loop_open(&n->loop);
	if (!r)
		r = loop_signals(n->loop, on_signal, n);
	if (!r)
		r = open_rules(n);
	if (!r)
		r = open_parts(n);
	if (!r)
		r = admin_open(&n->admin, n->loop, n->settings->admin_listen, write_reasons, n);
	if (!r)
		r = check_topics(n);
	if (!r)
		r = intake_start(n->intake);
	return r;
}

/* ---- end ---- */

/* What is on its way is finished, nothing is begun; then commit and leave, all within drain.timeout. */
static void drain(struct notifier *n)
{
	int64_t until = clock_mono() + n->settings->drain_timeout;

	log_info("notifier.draining on_way=%zu", deliveries_on_way(n->deliveries));
	deliveries_drain(n->deliveries);
	while (deliveries_on_way(n->deliveries) && clock_mono() < until)
		loop_turn(n->loop, until);
	intake_leave(n->intake);
	while (!intake_has_left(n->intake) && clock_mono() < until)
		loop_turn(n->loop, clock_mono() + DRAIN_LOOK);
	log_info("notifier.drained on_way=%zu", deliveries_on_way(n->deliveries));
}

static void stop(struct notifier *n)
{
	admin_close(n->admin);
	deliveries_close(n->deliveries);
	intake_close(n->intake);
	poster_close(n->poster);
	letters_close(n->letters);
	redis_close(n->redis);
	delivered_close(n->delivered);
	tenants_free(n->tenants);
	callback_rules_close(n->rules);
	records_close();
	loop_close(n->loop);
	settings_free(n->settings);
}

int main(int argc, char **argv)
{
	struct notifier n = { 0 };
	int r;

	r = settings_load(&n.settings, NOTIFIER, argc, argv, NULL);
	if (r)
		return r > 0 ? EXIT_SUCCESS : 2; /* wrong usage, as all our programs say it */
	log_level_parse(&log_threshold, n.settings->log_level);

	r = start(&n);
	if (!r) {
		log_info("notifier.started admin=%d", admin_port(n.admin));
		r = loop_run(n.loop);
		if (n.stopping)
			drain(&n);
	}
	if (r < 0 && !n.stopping)
		log_error("notifier.failed error=%d", r);
	r = r < 0 && !n.stopping ? EXIT_FAILURE : EXIT_SUCCESS;
	exit_within(EXIT_CLOSE, r);
	stop(&n);
	return r;
}
