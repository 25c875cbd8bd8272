/* main.c - callcast-producer: HTTP in, commands out */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "accept.h"
#include "admin.h"
#include "api.h"
#include "body.h"
#include "callback.h"
#include "clock.h"
#include "exit_within.h"
#include "log.h"
#include "loop.h"
#include "partitions.h"
#include "rate.h"
#include "records.h"
#include "redis.h"
#include "server.h"
#include "settings.h"
#include "traffic.h"

#define BODIES_MAX  (32 * 1024 * 1024) /* bytes of bodies in memory at once */
#define DRAIN_TICK  (20 * CLOCK_MS)
#define REFUSED_MAX 256
#define DESCRIPTORS 128

struct producer {
	struct settings *settings;
	struct loop *loop;
	struct callback_rules *callbacks;
	struct admin *admin;
	struct server *server;
	struct api api;
	struct loop_timer drain;
	int64_t drain_until;
	bool draining;
};

static void ready(void *arg, FILE *reasons)
{
	const struct producer *p = arg;
	const char *fault = p->api.partitions ? partitions_fault(p->api.partitions) : NULL;

	if (fault)
		fprintf(reasons, "%s\n", fault);
	if (p->api.accept && !accept_is_warm(p->api.accept))
		fprintf(reasons, "kafka: the producer was opened just now\n");
	if (p->draining)
		fprintf(reasons, "draining\n");
}

/* Connections with nothing to say are closed already; the others end with their answer. */
static void drain_tick(void *arg)
{
	struct producer *p = arg;
	bool over = !p->api.inflight && !server_connections(p->server);

	if (over || clock_mono() >= p->drain_until) {
		log_info("producer.drained inflight=%zu connections=%zu", p->api.inflight,
		         server_connections(p->server));
		loop_stop(p->loop);
		return;
	}
	loop_timer_set(p->loop, &p->drain, clock_mono() + DRAIN_TICK, drain_tick, p);
}

static void reload(struct producer *p)
{
	struct tenants *fresh;
	char why[REFUSED_MAX];
	int r = tenants_load(&fresh, p->settings->tenants, why, sizeof(why));

	if (r < 0) {
		log_error("tenants.refused reason=\"%s\" kept=before", why);
		return;
	}
	tenants_free(p->api.tenants);
	p->api.tenants = fresh;
	log_info("tenants.loaded");
}

static void on_signal(void *arg, int signo)
{
	struct producer *p = arg;

	if (signo == SIGHUP) {
		reload(p);
		return;
	}
	if (p->draining)
		return;
	p->draining = true;
	p->drain_until = clock_mono() + p->settings->drain_timeout;
	log_info("producer.draining inflight=%zu", p->api.inflight);
	server_drain(p->server);
	drain_tick(p);
}

/* Everything that a wrong setting or file can spoil, before anything is opened. */
static int read_everything(struct producer *p)
{
	struct settings *s = p->settings;
	char why[REFUSED_MAX] = "";
	int r;

	log_level_parse(&log_threshold, s->log_level);
	r = records_open(s->schema_write, s->schema_registry, why, sizeof(why));
	if (!r)
		r = tenants_load(&p->api.tenants, s->tenants, why, sizeof(why));
	if (!r)
		r = callback_rules_open(&p->callbacks, s->callbacks_allow, why, sizeof(why));
	if (!r) {
		r = former_parse(&p->api.former, s->commands_former);
		snprintf(why, sizeof(why),
		         "commands.former: must be <partitions>@<time>Z, separated by commas");
	}
	if (r < 0)
		log_error("producer.refused reason=\"%s\"", why);
	return r;
}

/* A descriptor per connection, and some for Kafka, Redis and the admin port. */
static void raise_descriptors(int64_t connections)
{
	rlim_t wanted = (rlim_t)connections + DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
		log_warn("http.descriptors_few have=%llu wanted=%llu", (unsigned long long)limit.rlim_cur,
		         (unsigned long long)wanted);
}

static int open_server(struct producer *p)
{
	struct server_handler handler = api_handler(&p->api);
	struct server_limits limits = {
		.deadline = p->settings->http_deadline,
		.connections = (unsigned)p->settings->http_connections,
		.per_address = (unsigned)p->settings->http_connections_address,
		.body = BODY_MAX,
		.bodies = BODIES_MAX,
	};
	int r;

	raise_descriptors(p->settings->http_connections);
	r = server_open(&p->server, p->loop, p->settings->http_listen, &limits, &handler);

	if (r < 0)
		log_error("http.refused listen=%s error=\"%s\"", p->settings->http_listen, strerror(-r));
	else
		log_info("http.listening port=%d", server_port(p->server));
	return r;
}

static int open_everything(struct producer *p)
{
	struct settings *s = p->settings;
	const struct redis_handler nobody = { 0 };
	int r;

	p->api.settings = s;
	p->api.callbacks = p->callbacks;
	traffic_open();
	r = loop_open(&p->loop);
	if (r < 0)
		return r;
	p->api.loop = p->loop;
	r = loop_signals(p->loop, on_signal, p);
	if (!r)
		r = rate_open(&p->api.rate, s->http_rate);
	if (!r)
		r = redis_open(&p->api.redis, p->loop, s->redis, s->redis_timeout, &nobody);
	if (!r)
		r = accept_open(&p->api.accept, p->loop, s);
	if (!r)
		r = partitions_open(&p->api.partitions, s);
	if (!r)
		r = admin_open(&p->admin, p->loop, s->admin_listen, ready, p);
	if (!r)
		r = open_server(p);
	if (r < 0)
		log_error("producer.failed error=\"%s\"", strerror(-r));
	else
		log_info("admin.listening port=%d", admin_port(p->admin));
	return r;
}

/* Redis first: it answers who still asks, and some of these go on to Kafka.  The server sends what they say. */
static void close_everything(struct producer *p)
{
	admin_close(p->admin);
	partitions_close(p->api.partitions);
	redis_close(p->api.redis);
	accept_close(p->api.accept);
	server_close(p->server);
	rate_close(p->api.rate);
	if (p->loop)
		loop_timer_clear(p->loop, &p->drain);
	loop_close(p->loop);
	callback_rules_close(p->callbacks);
	tenants_free(p->api.tenants);
	records_close();
	settings_free(p->settings);
}

int main(int argc, char **argv)
{
	struct producer p = { 0 };
	int r;

	r = settings_load(&p.settings, PRODUCER, argc, argv, NULL);
	if (r)
		return r > 0 ? EXIT_SUCCESS : 2; /* wrong usage, as all our programs say it */
	r = read_everything(&p);
	if (!r)
		r = open_everything(&p);
	if (!r)
		r = loop_run(p.loop);
	r = r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	exit_within(EXIT_CLOSE, r);
	close_everything(&p);
	return r;
}
