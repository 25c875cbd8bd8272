/* letters.c - see letters.h.  Open letters stand in a list, in the order in which they came. */
#include "letters.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "settings.h"

/* after a failed try, and after a fatal error */
#define PAUSE CLOCK_SEC

static struct metric sent =
        METRIC_COUNTER_INIT("callcast_dead_letters_total", NULL, "Dead letters acknowledged");

struct letter {
	struct letter *next, **prev;
	struct letters *l;
	enum kafka_topic topic;
	int32_t partition;
	struct bytes key, value;
	letters_done_fn *fn;
	void *arg;
	bool produced; /* to the producer that we have now */
};

struct letters {
	struct loop *loop;
	const struct settings *settings;
	rd_kafka_t *rk; /* NULL: could not be opened, tried again */
	struct kafka_wake *wake;
	struct loop_timer timer; /* sends what is not produced; opens a new producer */
	bool fatal;
	int partitions[TOPICS];
	struct letter *first, **last;
	size_t count;
};

static void serve(void *arg);
static void try_again(void *arg);

static void later(struct letters *l)
{
	loop_timer_set(l->loop, &l->timer, clock_mono() + PAUSE, try_again, l);
}

static void acknowledged(struct letter *letter)
{
	*letter->prev = letter->next;
	if (letter->next)
		letter->next->prev = letter->prev;
	else
		letter->l->last = letter->prev;
	letter->l->count--;
	metric_add(&sent, 1);
	letter->fn(letter->arg);
	free(letter->key.data);
	free(letter->value.data);
	free(letter);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct letters *l = opaque;
	struct letter *letter = m->_private;

	(void)rk;
	if (!m->err) {
		acknowledged(letter);
		return;
	}
	letter->produced = false;
	log_warn("letter.retried topic=%s error=%s", kafka_topic(l->settings, letter->topic),
	         rd_kafka_err2name(m->err));
	later(l);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct letters *l = opaque;

	(void)rk;
	(void)reason;
	if (code != RD_KAFKA_RESP_ERR__FATAL || l->fatal)
		return;
	log_error("letters.fatal: the producer failed for good, a new one takes over");
	l->fatal = true;
	/* not from within its own callback */
	loop_timer_set(l->loop, &l->timer, clock_mono(), try_again, l);
}

static int open_producer(struct letters *l)
{
	rd_kafka_conf_t *conf;
	rd_kafka_queue_t *queue;
	char why[256];
	int r;

	conf = kafka_conf(l->settings, KAFKA_TELLER, NULL);
	if (!conf)
		return -EINVAL;
	rd_kafka_conf_set_opaque(conf, l);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_error_cb(conf, on_error);
	l->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!l->rk) {
		log_error("letters.failed reason=\"%s\"", why);
		rd_kafka_conf_destroy(conf);
		return -EINVAL;
	}
	queue = rd_kafka_queue_get_main(l->rk);
	r = kafka_wake_open(&l->wake, l->loop, queue, serve, l);
	if (r < 0) {
		rd_kafka_destroy(l->rk);
		l->rk = NULL;
	}
	return r;
}

static void close_producer(struct letters *l)
{
	kafka_wake_close(l->wake);
	l->wake = NULL;
	if (!l->rk)
		return;
	rd_kafka_purge(l->rk,
	               RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	rd_kafka_destroy(l->rk);
	l->rk = NULL;
}

int letters_open(struct letters **out, struct loop *loop, const struct settings *s)
{
	struct letters *l;
	int r;

	l = must_calloc(1, sizeof(*l));
	l->loop = loop;
	l->settings = s;
	l->last = &l->first;
	r = open_producer(l);
	if (r < 0) {
		letters_close(l);
		return r;
	}
	metric_register(&sent);
	*out = l;
	return 0;
}

void letters_close(struct letters *l)
{
	struct letter *letter;

	if (!l)
		return;
	close_producer(l);
	loop_timer_clear(l->loop, &l->timer);
	while ((letter = l->first)) {
		l->first = letter->next;
		free(letter->key.data);
		free(letter->value.data);
		free(letter);
	}
	free(l);
}

void letters_partitions(struct letters *l, enum kafka_topic topic, int count)
{
	l->partitions[topic] = count;
}

static void produce(struct letters *l, struct letter *letter)
{
	bool known = letter->partition >= 0 && letter->partition < l->partitions[letter->topic];
	rd_kafka_resp_err_t err;

	err = rd_kafka_producev(l->rk, RD_KAFKA_V_TOPIC(kafka_topic(l->settings, letter->topic)),
	                        RD_KAFKA_V_PARTITION(known ? letter->partition : RD_KAFKA_PARTITION_UA),
	                        RD_KAFKA_V_KEY(letter->key.data, letter->key.len),
	                        RD_KAFKA_V_VALUE(letter->value.data, letter->value.len),
	                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(letter),
	                        RD_KAFKA_V_END);
	if (!err) {
		letter->produced = true;
		return;
	}
	log_warn("letter.retried topic=%s error=%s", kafka_topic(l->settings, letter->topic),
	         rd_kafka_err2name(err));
	later(l);
}

static void serve(void *arg)
{
	struct letters *l = arg;

	rd_kafka_poll(l->rk, 0);
}

static void try_again(void *arg)
{
	struct letters *l = arg;
	struct letter *letter;

	if (l->fatal || !l->rk) {
		close_producer(l);
		for (letter = l->first; letter; letter = letter->next)
			letter->produced = false;
		l->fatal = open_producer(l) < 0;
		if (l->fatal) {
			later(l);
			return;
		}
	}
	for (letter = l->first; letter; letter = letter->next)
		if (!letter->produced)
			produce(l, letter);
}

/*
 * A record may be as large as the broker takes them; with a letter around it it
 * would be refused.  Where it stands is in the letter, so the copy can be left out.
 */
#define COPY_MAX (512 * 1024)

static void encode(struct letter *letter, const struct dead_letter *from)
{
	struct dead_letter cut = *from;

	if (cut.value.len > COPY_MAX)
		cut.value = (struct bytes){ 0 };
	if (record_encode(RECORD_DEAD_LETTER, &cut, &letter->value) < 0)
		abort(); /* no enum is in it: out of memory, as must.h */
	letter->key.data = must_copy(from->key.data, from->key.len);
	letter->key.len = from->key.len;
}

void letters_send(struct letters *l, enum kafka_topic topic, const struct dead_letter *from,
                  letters_done_fn *fn, void *arg)
{
	struct letter *letter;

	letter = must_calloc(1, sizeof(*letter));
	letter->l = l;
	letter->topic = topic;
	letter->partition = from->partition;
	letter->fn = fn;
	letter->arg = arg;
	encode(letter, from);
	letter->prev = l->last;
	*l->last = letter;
	l->last = &letter->next;
	l->count++;
	if (l->rk && !l->fatal)
		produce(l, letter);
}

size_t letters_open_count(const struct letters *l)
{
	return l->count;
}

void letters_ready(const struct letters *l, FILE *reasons)
{
	if (l->fatal)
		fputs("the producer for dead letters failed, a new one is on its way\n", reasons);
}

rd_kafka_t *letters_handle(struct letters *l)
{
	return l->rk;
}
