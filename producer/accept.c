/* accept.c - see accept.h */
#include "accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kafka.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"

static struct metric kafka_errors =
        METRIC_COUNTER_INIT("callcast_kafka_errors_total", NULL, "Commands that Kafka did not acknowledge");
static struct metric kafka_fatal =
        METRIC_COUNTER_INIT("callcast_kafka_fatal_total", NULL, "Producers given up and opened anew");

/* One command on its way; in the order in which they came. */
struct pending {
	struct pending *next, *prev;
	struct accept *accept;
	accept_fn *fn; /* NULL: answered; only the report is waited for */
	void *arg;
	char *key, *tenant, *command_id;
	int kind;
	struct bytes value;
	int32_t partition;
	int64_t since;
	int producers; /* that had it: more than one, and no report of the last speaks for the others */
};

#define WARM_UP   (600 * CLOCK_MS)
#define ASK_FIRST (50 * CLOCK_MS) /* a broker that is there answers in one or two */

struct accept {
	struct loop *loop;
	const struct settings *settings;
	const char *topic;
	rd_kafka_t *rk;
	struct kafka_wake *wake;
	bool fatal;          /* seen in a callback, where nothing can be closed */
	struct pending open; /* a ring; this is its head */
	size_t count;
	int64_t opened; /* the first producer */
	struct loop_timer patience;
};

static void pending_free(struct pending *p)
{
	p->prev->next = p->next;
	p->next->prev = p->prev;
	p->accept->count--;
	free(p->key);
	free(p->tenant);
	free(p->command_id);
	free(p->value.data);
	free(p);
}

static void pending_answer(struct pending *p, const struct accept_result *result)
{
	accept_fn *fn = p->fn;

	p->fn = NULL;
	if (!fn)
		return; /* answered and counted when its time was over */
	if (result->outcome != ACCEPT_DONE)
		metric_add(&kafka_errors, 1);
	fn(p->arg, result);
}

static bool is_fatal(struct accept *a, rd_kafka_resp_err_t err)
{
	char why[8];

	return err == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_fatal_error(a->rk, why, sizeof(why));
}

/* Delivery report.  What a dead producer gives back stays in the ring for the next one. */
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct accept *a = opaque;
	struct pending *p = m->_private;
	struct accept_result result = { .partition = m->partition, .offset = m->offset };

	if (rk != a->rk)
		return;
	if (m->err && is_fatal(a, m->err)) {
		a->fatal = true;
		return;
	}
	if (m->err) {
		bool unwritten = rd_kafka_message_status(m) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;

		result.why = rd_kafka_err2name(m->err);
		result.outcome = unwritten && p->producers == 1 ? ACCEPT_REFUSED : ACCEPT_UNKNOWN;
	}
	pending_answer(p, &result);
	pending_free(p);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct accept *a = opaque;

	if (err == RD_KAFKA_RESP_ERR__FATAL && rk == a->rk)
		a->fatal = true;
	else
		log_warn("kafka.failed error=%s reason=\"%s\"", rd_kafka_err2name(err), reason);
}

static rd_kafka_resp_err_t produce(struct accept *a, struct pending *p)
{
	const char *kind = command_kind_name(p->kind);
	rd_kafka_resp_err_t err;

	err = rd_kafka_producev(
	        a->rk, RD_KAFKA_V_TOPIC(a->topic), RD_KAFKA_V_PARTITION(p->partition),
	        RD_KAFKA_V_KEY(p->key, strlen(p->key)), RD_KAFKA_V_VALUE(p->value.data, p->value.len),
	        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADER("tenant", p->tenant, -1),
	        RD_KAFKA_V_HEADER("kind", kind, -1), RD_KAFKA_V_HEADER("commandId", p->command_id, -1),
	        RD_KAFKA_V_OPAQUE(p), RD_KAFKA_V_END);
	if (!err)
		p->producers++;
	return err;
}

static void on_wake(void *arg);

static int producer_open(struct accept *a)
{
	rd_kafka_conf_t *conf = kafka_conf(a->settings, KAFKA_PRODUCER, NULL);
	char why[256];

	if (!conf)
		return -EIO;
	rd_kafka_conf_set_opaque(conf, a);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_error_cb(conf, on_error);
	a->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!a->rk) {
		rd_kafka_conf_destroy(conf);
		log_error("kafka.open_failed reason=\"%s\"", why);
		return -EIO;
	}
	/* not for its answer: so that a connection is there when the id is asked for */
	kafka_partitions(a->rk, a->topic, ASK_FIRST);
	return kafka_wake_open(&a->wake, a->loop, rd_kafka_queue_get_main(a->rk), on_wake, a);
}

/* Reports that are still on their way are not wanted any more: their commands stay in the ring. */
static void producer_close(struct accept *a)
{
	rd_kafka_t *rk = a->rk;

	kafka_wake_close(a->wake);
	a->wake = NULL;
	a->rk = NULL;
	if (!rk)
		return;
	rd_kafka_purge(rk,
	               RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	rd_kafka_destroy(rk);
}

/*
 * What was answered as unknown is not sent again: its client has been told, and
 * asks again, or not, with the same id.
 */
static void resend(struct accept *a)
{
	for (struct pending *p = a->open.next, *next; p != &a->open; p = next) {
		rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

		next = p->next;
		if (p->fn)
			err = produce(a, p);
		if (err) {
			/* an earlier producer may have written it before it died */
			pending_answer(p, &(struct accept_result){ .outcome = p->producers ? ACCEPT_UNKNOWN
			                                                                   : ACCEPT_REFUSED,
			                                           .why = rd_kafka_err2name(err) });
		}
		if (!p->fn)
			pending_free(p);
	}
}

static void reopen(struct accept *a)
{
	char why[256] = "";

	rd_kafka_fatal_error(a->rk, why, sizeof(why));
	log_error("kafka.fatal open=%zu reason=\"%s\"", a->count, why);
	metric_add(&kafka_fatal, 1);
	a->fatal = false;
	producer_close(a);
	if (producer_open(a) < 0)
		abort(); /* it could be opened before; only memory can be missing */
	resend(a);
}

static void on_wake(void *arg)
{
	struct accept *a = arg;

	rd_kafka_poll(a->rk, 0);
	if (a->fatal)
		reopen(a);
}

/* The ring is in the order of time: who has waited too long stands at its front. */
static void on_patience(void *arg)
{
	struct accept *a = arg;
	int64_t now = clock_mono();
	struct pending *p;

	for (p = a->open.next; p != &a->open; p = p->next) {
		if (p->since + ACCEPT_WAIT > now)
			break;
		if (p->fn)
			pending_answer(
			        p, &(struct accept_result){ .outcome = ACCEPT_UNKNOWN, .why = "timeout" });
	}
	if (p != &a->open)
		loop_timer_set(a->loop, &a->patience, p->since + ACCEPT_WAIT, on_patience, a);
}

int accept_open(struct accept **out, struct loop *loop, const struct settings *s)
{
	struct accept *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->loop = loop;
	a->opened = clock_mono();
	a->settings = s;
	a->topic = kafka_topic(s, TOPIC_COMMANDS);
	a->open.next = a->open.prev = &a->open;
	metric_register(&kafka_errors);
	metric_register(&kafka_fatal);
	r = producer_open(a);
	if (r < 0) {
		accept_close(a);
		return r;
	}
	*out = a;
	return 0;
}

void accept_close(struct accept *a)
{
	if (!a)
		return;
	producer_close(a);
	loop_timer_clear(a->loop, &a->patience);
	while (a->open.next != &a->open) {
		pending_answer(a->open.next,
		               &(struct accept_result){ .outcome = ACCEPT_UNKNOWN, .why = "stopping" });
		pending_free(a->open.next);
	}
	free(a);
}

static struct pending *pending_new(struct accept *a, const struct call_command *c)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->accept = a;
	p->next = &a->open;
	p->prev = a->open.prev;
	p->prev->next = p;
	a->open.prev = p;
	a->count++;
	p->kind = c->kind;
	p->since = clock_mono();
	p->key = strdup(c->call_leg_id);
	p->tenant = strdup(c->tenant);
	p->command_id = strdup(c->command_id);
	if (!p->key || !p->tenant || !p->command_id || record_encode(RECORD_CALL_COMMAND, c, &p->value) < 0) {
		pending_free(p);
		return NULL;
	}
	return p;
}

int accept_command(struct accept *a, const struct call_command *c, int32_t partition, accept_fn *fn,
                   void *arg)
{
	struct pending *p = pending_new(a, c);
	rd_kafka_resp_err_t err;

	if (!p)
		return -ENOMEM;
	p->partition = partition;
	p->fn = fn;
	p->arg = arg;
	err = produce(a, p);
	if (err == RD_KAFKA_RESP_ERR__FATAL) {
		/* its ring is full of others in the same place; the wake that is due sends them all */
		a->fatal = true;
		kafka_wake_again(a->wake);
	} else if (err) {
		pending_free(p);
		return err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? -EAGAIN : -EINVAL;
	}
	if (!a->patience.slot)
		loop_timer_set(a->loop, &a->patience, p->since + ACCEPT_WAIT, on_patience, a);
	return 0;
}

size_t accept_open_commands(const struct accept *a)
{
	return a->count;
}

bool accept_is_warm(const struct accept *a)
{
	return clock_mono() - a->opened >= WARM_UP;
}

rd_kafka_t *accept_kafka(struct accept *a)
{
	return a->rk;
}
