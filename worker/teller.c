/* teller.c - see teller.h */
#include "teller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "settings.h"

struct teller {
	struct loop *loop;
	const struct settings *settings;
	rd_kafka_t *kafka;
	struct kafka_wake *wake;
	struct telling *first, *last; /* unacknowledged, in the order of sending */
	struct telling *unsent;       /* the first that the library had no room for; NULL: all sent */
	size_t bytes, count;
	int paused, fatal;
	struct loop_timer again;
	teller_paused_fn *fn;
	void *arg;
};

static struct metric told_total = METRIC_COUNTER_INIT(
        "callcast_told_total", NULL, "Records acknowledged by Kafka: events and dead letters");
static struct metric reopened_total = METRIC_COUNTER_INIT("callcast_teller_reopened_total", NULL,
                                                          "Kafka producers replaced after a fatal error");
static struct metric unacked_bytes =
        METRIC_GAUGE_INIT("callcast_unacked_bytes", NULL, "Events sent to Kafka and not yet acknowledged");

static void unlink_telling(struct teller *t, struct telling *w)
{
	if (w->before)
		w->before->after = w->after;
	else
		t->first = w->after;
	if (w->after)
		w->after->before = w->before;
	else
		t->last = w->before;
	w->before = w->after = NULL;
}

static void check_bound(struct teller *t)
{
	const size_t bound = (size_t)t->settings->worker_unacked;
	const int paused = t->paused ? t->bytes > bound / 2 : t->bytes > bound;

	metric_set(&unacked_bytes, (double)t->bytes);
	if (paused == t->paused)
		return;
	t->paused = paused;
	if (paused)
		log_warn("events.wait reason=kafka-does-not-acknowledge bytes=%zu", t->bytes);
	t->fn(t->arg, paused);
}

/* On the loop's thread, from rd_kafka_poll(). */
static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct teller *t = opaque;
	struct telling *w = m->_private;

	if (rk != t->kafka) /* the one that was given up: all goes to the new one */
		return;
	if (m->err) {
		/* nothing is skipped: it and all after it go out again, in order */
		log_error("event.refused key=%s error=\"%s\"", w->key, rd_kafka_err2str(m->err));
		t->fatal = 1;
		return;
	}
	w->offset = m->offset;
	unlink_telling(t, w);
	t->bytes -= w->value.len;
	t->count--;
	metric_add(&told_total, 1);
	w->fn(w);
}

static rd_kafka_resp_err_t produce(struct teller *t, struct telling *w)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(TELLING_HEADERS);
	rd_kafka_resp_err_t e;

	for (int i = 0; i < TELLING_HEADERS; i++)
		if (w->headers[i].value)
			rd_kafka_header_add(headers, w->headers[i].name, -1, w->headers[i].value, -1);
	e = rd_kafka_producev(t->kafka, RD_KAFKA_V_TOPIC(kafka_topic(t->settings, w->topic)),
	                      RD_KAFKA_V_PARTITION(w->partition), RD_KAFKA_V_KEY(w->key, strlen(w->key)),
	                      RD_KAFKA_V_VALUE(w->value.data, w->value.len), RD_KAFKA_V_HEADERS(headers),
	                      RD_KAFKA_V_OPAQUE(w), RD_KAFKA_V_END);
	if (e)
		rd_kafka_headers_destroy(headers);
	return e;
}

static void pump(struct teller *t);

static void pump_again(void *arg)
{
	pump(arg);
}

/* Sends from the first unsent one on; what the library has no room for waits its turn. */
static void pump(struct teller *t)
{
	rd_kafka_resp_err_t e;

	while (t->unsent && !t->fatal) {
		e = produce(t, t->unsent);
		if (e == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			loop_timer_set(t->loop, &t->again, clock_mono() + 10 * CLOCK_MS, pump_again, t);
			return;
		}
		if (e) {
			log_error("event.refused key=%s error=\"%s\"", t->unsent->key, rd_kafka_err2str(e));
			t->fatal = 1;
			break;
		}
		t->unsent->sent = 1;
		t->unsent = t->unsent->after;
	}
	if (t->fatal)
		kafka_wake_again(t->wake);
}

static int open_producer(struct teller *t);

/* The old producer is of no use any more: everything unacknowledged goes to a new one. */
static void reopen(void *arg)
{
	struct teller *t = arg;
	rd_kafka_t *old = t->kafka;

	t->kafka = NULL;
	kafka_wake_close(t->wake);
	t->wake = NULL;
	if (old) {
		rd_kafka_purge(old, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(old, 0);
		rd_kafka_destroy(old);
	}
	metric_add(&reopened_total, 1);
	if (open_producer(t) < 0) {
		loop_timer_set(t->loop, &t->again, clock_mono() + CLOCK_SEC, reopen, t);
		return;
	}
	log_warn("teller.reopened records=%zu", t->count);
	t->fatal = 0;
	t->unsent = t->first;
	pump(t);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct teller *t = opaque;

	if (err == RD_KAFKA_RESP_ERR__FATAL && rk == t->kafka) {
		log_error("teller.fatal reason=\"%s\"", reason);
		t->fatal = 1;
	} else {
		log_debug("teller.error error=%s reason=\"%s\"", rd_kafka_err2name(err), reason);
	}
}

static void serve(void *arg)
{
	struct teller *t = arg;

	if (!t->kafka)
		return;
	rd_kafka_poll(t->kafka, 0);
	if (t->fatal)
		loop_timer_set(t->loop, &t->again, clock_mono(), reopen, t);
	check_bound(t);
}

static int open_producer(struct teller *t)
{
	rd_kafka_conf_t *conf = kafka_conf(t->settings, KAFKA_TELLER, NULL);
	char why[512];

	if (!conf)
		return -EINVAL;
	/* a record that is lost for good stops those after it: numbers have no gaps */
	if (rd_kafka_conf_set(conf, "enable.gapless.guarantee", "true", why, sizeof(why)) != RD_KAFKA_CONF_OK)
		log_error("teller.conf reason=\"%s\"", why);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_opaque(conf, t);
	t->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!t->kafka) {
		log_error("teller.open reason=\"%s\"", why);
		rd_kafka_conf_destroy(conf);
		return -EINVAL;
	}
	return kafka_wake_open(&t->wake, t->loop, rd_kafka_queue_get_main(t->kafka), serve, t);
}

int teller_open(struct teller **out, struct loop *loop, const struct settings *s, teller_paused_fn *fn,
                void *arg)
{
	struct teller *t = must_calloc(1, sizeof(*t));
	int r;

	t->loop = loop;
	t->settings = s;
	t->fn = fn;
	t->arg = arg;
	metric_register(&told_total);
	metric_register(&reopened_total);
	metric_register(&unacked_bytes);
	r = open_producer(t);
	if (r < 0) {
		teller_close(t);
		return r;
	}
	*out = t;
	return 0;
}

void teller_close(struct teller *t)
{
	struct telling *next;

	if (!t)
		return;
	loop_timer_clear(t->loop, &t->again);
	kafka_wake_close(t->wake);
	if (t->kafka) {
		rd_kafka_t *kafka = t->kafka;

		t->kafka = NULL; /* so that what comes back now is not taken for told */
		rd_kafka_purge(kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_flush(kafka, 0);
		rd_kafka_destroy(kafka);
	}
	for (struct telling *w = t->first; w; w = next) {
		next = w->after;
		free(w->arg);
		telling_free(w);
	}
	free(t);
}

void teller_send(struct teller *t, struct telling *w)
{
	w->sent = 0;
	w->before = t->last;
	w->after = NULL;
	if (t->last)
		t->last->after = w;
	else
		t->first = w;
	t->last = w;
	t->bytes += w->value.len;
	t->count++;
	if (!t->unsent)
		t->unsent = w;
	if (t->kafka && t->unsent == w)
		pump(t);
	check_bound(t);
}

size_t teller_unacked(const struct teller *t)
{
	return t->bytes;
}

size_t teller_waiting(const struct teller *t)
{
	return t->count;
}

rd_kafka_t *teller_kafka(struct teller *t)
{
	return t->kafka;
}
