/*
 * dead.c - commands that can't be carried out: calls.dead gets them, and what they would have begun is ended
 *
 * First the letter, with the command's bytes, its place and why.  Once Kafka has
 * that, a create among them becomes an input of its own (INPUT_DEAD), which ends
 * its call as failed.  Only when both records are acknowledged is the offset done:
 * a new owner reads the command again, and comes to the same end.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "must.h"
#include "worker.h"

/*
 * Of a dead command so much is kept: with the rest of the letter it must stay
 * under librdkafka's message.max.bytes (1,000,000), though a broker lets in more.
 * A record that Kafka never takes would stop the teller for good.
 */
#define DEAD_VALUE_MAX (512 * 1024)
#define DEAD_KEY_MAX   1024

static struct metric dead_total =
        METRIC_COUNTER_INIT("callcast_commands_dead_total", NULL, "Commands set aside in calls.dead");

void dead_register_metrics(void)
{
	metric_register(&dead_total);
}

/* A letter on its way; one malloc, as teller.h wants it. */
struct letter {
	struct partition *partition;
	int64_t offset;
	size_t len; /* of the create whose call is to end; 0: none */
	char create[];
};

/* False: there is no call to end. */
static bool end_call(struct partition *p, const struct letter *d)
{
	struct queued *q = queued_new(INPUT_DEAD);
	const char *why;
	struct call *c;

	if (record_decode(RECORD_CALL_COMMAND, &q->command, d->create, d->len, &why) < 0) {
		queued_free(q);
		return false;
	}
	q->offset = d->offset;
	q->in.command = &q->command; /* also where it is not begun by call_run() */
	c = call_get(p, q->command.call_leg_id);
	call_queue(c, q);
	call_run(c);
	return true;
}

/* From the teller: the letter is safe. */
static void letter_told(struct telling *t)
{
	struct letter *d = t->arg;
	struct partition *p = d->partition;
	/* else it was given back meanwhile, and is read again; or was told long ago */
	const bool ends = d->len && offsets_hold(&p->offsets, d->offset) && d->offset >= p->below_next;

	p->untold--;
	if (!ends || !end_call(p, d))
		partition_done(p, d->offset);
	free(d);
	telling_free(t);
	partition_feed(p);
	handover_check(p->worker);
}

static struct bytes at_most(const void *data, size_t len, size_t max)
{
	return (struct bytes){ (void *)data, len < max ? len : max };
}

static void set_aside(struct partition *p, int64_t offset, struct bytes key, struct bytes value, bool ends,
                      const char *why)
{
	const struct dead_letter letter = {
		.value = at_most(value.data, value.len, DEAD_VALUE_MAX),
		.key = at_most(key.data, key.len, DEAD_KEY_MAX),
		.reason = (char *)why,
		.topic = (char *)kafka_topic(p->worker->settings, TOPIC_COMMANDS),
		.partition = p->number,
		.offset = offset,
		.at = clock_utc(),
	};
	struct telling *t = must_calloc(1, sizeof(*t));
	struct letter *d = must_calloc(1, sizeof(*d) + (ends ? value.len : 0));

	metric_add(&dead_total, 1);
	log_error("command.dead partition=%d offset=%lld reason=\"%s\"", p->number, (long long)offset, why);
	if (record_encode(RECORD_DEAD_LETTER, &letter, &t->value) <
	    0) { /* in the form that schema.write asks for */
		log_error("command.no_letter partition=%d offset=%lld", p->number, (long long)offset);
		p->blocked = true;
		telling_free(t);
		free(d);
		return;
	}
	d->partition = p;
	d->offset = offset;
	d->len = ends ? value.len : 0;
	if (d->len)
		memcpy(d->create, value.data, d->len);
	t->topic = TOPIC_DEAD;
	t->partition = -1;
	t->key = must_printf("%.*s", (int)letter.key.len, letter.key.len ? (const char *)key.data : "");
	t->fn = letter_told;
	t->arg = d;
	p->untold++;
	teller_send(p->worker->teller, t);
}

void dead_message(struct partition *p, const rd_kafka_message_t *m, const struct call_command *misfit,
                  const char *why)
{
	set_aside(p, m->offset, (struct bytes){ m->key, m->key_len }, (struct bytes){ m->payload, m->len },
	          misfit && misfit->kind == COMMAND_CREATE, why);
}

void dead_input(struct call *c, struct queued *q, const char *why)
{
	if (q->in.kind == INPUT_COMMAND) {
		set_aside(c->partition, q->offset, (struct bytes){ c->id, CALLID_LEN }, q->raw,
		          q->command.kind == COMMAND_CREATE, why);
	} else {
		log_error("input.dead call=%s tries=%lld reason=\"%s\"", c->id, (long long)q->tries, why);
		call_queue_first(c, queued_new(INPUT_DEAD));
	}
	queued_free(q);
}
