/*
 * kafka.c - see kafka.h
 *
 * A conf is made in three layers: what every handle has, what its use needs,
 * and the user's kafka.* pairs.  The pairs come last: those that would void a
 * promise never get here.
 */
#include "kafka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "settings.h"

struct property {
	const char *name, *value;
};

static const struct property common[] = {
	{ "socket.nagle.disable", "true" }, /* else an acknowledgement takes 41 ms */
	{ "socket.timeout.ms", "10000" },   /* a broker that hangs is left within this */
	{ "reconnect.backoff.ms", "50" },
	{ "reconnect.backoff.max.ms", "1000" },
	{ "topic.metadata.refresh.interval.ms", "10000" },
	{ NULL, NULL },
};

static const struct property producing[] = {
	{ "enable.idempotence", "true" },
	{ "acks", "all" },
	{ "linger.ms", "1" },
	{ "compression.codec", "none" },
	{ "queue.buffering.max.messages", "100000" },
	{ "queue.buffering.max.kbytes", "65536" },
	{ NULL, NULL },
};

static const struct property consuming[] = {
	{ "enable.auto.commit", "false" },
	{ "enable.auto.offset.store", "false" },
	{ "auto.offset.reset", "error" },
	{ "allow.auto.create.topics", "false" },
	{ "fetch.wait.max.ms", "10" },
	{ "fetch.error.backoff.ms", "20" },
	{ "fetch.max.bytes", "8388608" },
	{ "queued.max.messages.kbytes", "16384" },
	{ NULL, NULL },
};

/* ---- topics ---- */

static const char *const topics[TOPICS] = {
	[TOPIC_COMMANDS] = "calls.commands",
	[TOPIC_EVENTS] = "calls.events",
	[TOPIC_DEAD] = "calls.dead",
	[TOPIC_WEBHOOKS_DEAD] = "webhooks.dead",
};

const char *kafka_topic(const struct settings *s, enum kafka_topic t)
{
	/* one for each prefix ever asked for; a program has one prefix */
	static struct named {
		char *name[TOPICS];
		struct named *next;
	} * known;
	struct named *n;

	for (n = known; n; n = n->next) {
		size_t len = strlen(n->name[0]) - strlen(topics[0]);

		if (len == strlen(s->topic_prefix) && !strncmp(n->name[0], s->topic_prefix, len))
			return n->name[t];
	}
	n = must_calloc(1, sizeof(*n));
	for (size_t i = 0; i < TOPICS; i++)
		n->name[i] = must_printf("%s%s", s->topic_prefix, topics[i]);
	n->next = known;
	known = n;
	return n->name[t];
}

/* ---- librdkafka's log ---- */

static enum log_level level_of(int syslog_level, const char *facility)
{
	/* 3, LOG_ERR, is where brokers that come and go are told: we cope, and metrics and /readyz say so */
	static const enum log_level levels[] = { LOG_ERROR, LOG_ERROR, LOG_ERROR, LOG_WARN,
		                                 LOG_WARN,  LOG_INFO,  LOG_INFO,  LOG_DEBUG };

	/* the embedded broker is too old to be told not to create topics; every start checks them anyway */
	/* a broker that has just started is not ready for idempotent producers: asked again until it is */
	if (!strcmp(facility, "GETPID"))
		return LOG_INFO;
	/* about properties that we set on purpose; the user's were checked when they were read */
	if (!strcmp(facility, "CONFWARN"))
		return LOG_DEBUG;
	if (!strcmp(facility, "AUTOCREATE"))
		return LOG_DEBUG;
	return levels[syslog_level & 7];
}

/* Runs on any of librdkafka's threads. */
static void on_log(const rd_kafka_t *rk, int syslog_level, const char *facility, const char *text)
{
	char quoted[512];
	size_t i;

	for (i = 0; i < sizeof(quoted) - 1 && text[i]; i++)
		quoted[i] = text[i] == '"' ? '\'' : text[i];
	quoted[i] = '\0';
	log_line(level_of(syslog_level, facility), "kafka.log client=%s fac=%s msg=\"%s\"",
	         rk ? rd_kafka_name(rk) : "-", facility, quoted);
}

/* ---- configuration ---- */

static int set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	log_error("kafka.misconfigured property=%s why=\"%s\"", name, why);
	return -EINVAL;
}

static int set_all(rd_kafka_conf_t *conf, const struct property *p)
{
	for (; p->name; p++) {
		if (set(conf, p->name, p->value) < 0)
			return -EINVAL;
	}
	return 0;
}

static int set_ms(rd_kafka_conf_t *conf, const char *name, int64_t us)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)(us / CLOCK_MS));
	return set(conf, name, text);
}

/* librdkafka's own list of properties, as its documentation prints it: "name  |  C  | ..." a line. */
static const char *property_list(void)
{
	static char *list;
	size_t size;
	FILE *f;

	if (list)
		return list;
	f = open_memstream(&list, &size);
	if (!f)
		return "";
	rd_kafka_conf_properties_show(f);
	fclose(f);
	return list;
}

/*
 * A consumer's property on a producer does nothing but fill the log with
 * warnings, at every handle, and the other way round.
 */
static bool applies(const char *name, bool producer)
{
	size_t len = strlen(name);
	const char *p = property_list();

	for (; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (strncmp(p, name, len) != 0 || (p[len] != ' ' && p[len] != '|'))
			continue;
		p += len + strspn(p + len, " |");
		return *p == '*' || *p == (producer ? 'P' : 'C');
	}
	return true; /* not listed: librdkafka knows best */
}

static int set_pairs(rd_kafka_conf_t *conf, const struct settings *s, bool producer)
{
	for (size_t i = 0; i < s->kafka_pair_count; i++) {
		const struct settings_pair *p = &s->kafka_pairs[i];

		if (applies(p->name, producer) && set(conf, p->name, p->value) < 0)
			return -EINVAL;
	}
	return 0;
}

static int set_group(rd_kafka_conf_t *conf, const struct settings *s, const char *group)
{
	char *name = must_printf("%s%s", s->topic_prefix, group);
	int r = set(conf, "group.id", name);

	free(name);
	return r;
}

static int set_member(rd_kafka_conf_t *conf, const struct settings *s, const char *group)
{
	/* range, not cooperative-sticky: that one loses assignments when a commit meets a rebalance */
	if (set(conf, "partition.assignment.strategy", "range") < 0 ||
	    set_ms(conf, "session.timeout.ms", s->group_session) < 0 ||
	    set_ms(conf, "heartbeat.interval.ms", s->group_heartbeat) < 0 ||
	    set(conf, "enable.partition.eof", "false") < 0)
		return -EINVAL;
	return set_group(conf, s, group);
}

/* rd_kafka_assign() wants a group's name although nothing is joined or committed. */
static int set_reader(rd_kafka_conf_t *conf, const struct settings *s)
{
	if (set(conf, "enable.partition.eof", "true") < 0)
		return -EINVAL;
	return set_group(conf, s, "readers");
}

static int set_use(rd_kafka_conf_t *conf, const struct settings *s, enum kafka_use use, const char *group)
{
	bool producer = use == KAFKA_PRODUCER || use == KAFKA_TELLER;

	if (set_all(conf, common) < 0 || set_all(conf, producer ? producing : consuming) < 0 ||
	    set(conf, "bootstrap.servers", s->kafka) < 0)
		return -EINVAL;
	switch (use) {
	case KAFKA_PRODUCER:
		if (set(conf, "message.timeout.ms", "3500") < 0)
			return -EINVAL;
		break;
	case KAFKA_TELLER:
		if (set(conf, "message.timeout.ms", "0") < 0)
			return -EINVAL;
		break;
	case KAFKA_GROUP:
		if (set_member(conf, s, group) < 0)
			return -EINVAL;
		break;
	case KAFKA_READER:
		if (set_reader(conf, s) < 0)
			return -EINVAL;
		break;
	}
	return set_pairs(conf, s, producer);
}

rd_kafka_conf_t *kafka_conf(const struct settings *s, enum kafka_use use, const char *group)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	rd_kafka_conf_set_log_cb(conf, on_log);
	if (set_use(conf, s, use, group) < 0) {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	return conf;
}

/* ---- partitions ---- */

static int count_partitions(const struct rd_kafka_metadata *m, const char *topic)
{
	for (int i = 0; i < m->topic_cnt; i++) {
		const struct rd_kafka_metadata_topic *t = &m->topics[i];

		if (strcmp(t->topic, topic) != 0)
			continue;
		if (t->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			return -ENOENT;
		return t->partition_cnt > 0 ? t->partition_cnt : -EAGAIN; /* being made just now */
	}
	return -ENOENT;
}

int kafka_partitions(rd_kafka_t *rk, const char *topic, int64_t wait)
{
	const struct rd_kafka_metadata *m;
	int r;

	/* all topics: asking for one by name may create it, with somebody else's partition count */
	if (rd_kafka_metadata(rk, 1, NULL, &m, (int)(wait / CLOCK_MS)) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return -EAGAIN;
	r = count_partitions(m, topic);
	rd_kafka_metadata_destroy(m);
	return r;
}

/* ---- waking the loop ---- */

struct kafka_wake {
	struct loop *loop;
	rd_kafka_queue_t *queue;
	int fd; /* eventfd that librdkafka writes when the queue is no longer empty */
	kafka_wake_fn *fn;
	void *arg;
};

static const uint64_t one = 1;

static void on_wake(void *arg, uint32_t events)
{
	struct kafka_wake *w = arg;
	uint64_t n;

	(void)events;
	if (read(w->fd, &n, sizeof(n)) == sizeof(n))
		w->fn(w->arg); /* last: it may close w */
}

void kafka_wake_again(struct kafka_wake *w)
{
	ssize_t n = write(w->fd, &one, sizeof(one));

	(void)n; /* EAGAIN: the counter is full, so it wakes anyway */
}

int kafka_wake_open(struct kafka_wake **out, struct loop *l, rd_kafka_queue_t *q, kafka_wake_fn *fn,
                    void *arg)
{
	struct kafka_wake *w = must_calloc(1, sizeof(*w));
	int r;

	*w = (struct kafka_wake){ .loop = l, .queue = q, .fn = fn, .arg = arg };
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->fd < 0 ? -errno : loop_watch(l, w->fd, EPOLLIN, on_wake, w);
	if (r < 0) {
		kafka_wake_close(w);
		return r;
	}
	rd_kafka_queue_io_event_enable(q, w->fd, &one, sizeof(one));
	kafka_wake_again(w); /* for what stood in the queue before */
	*out = w;
	return 0;
}

void kafka_wake_close(struct kafka_wake *w)
{
	if (!w)
		return;
	rd_kafka_queue_io_event_enable(w->queue, -1, NULL, 0);
	rd_kafka_queue_destroy(w->queue);
	loop_unwatch(w->loop, w->fd);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}
