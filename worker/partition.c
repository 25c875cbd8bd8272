/* partition.c - one partition of calls.commands: commands in, offsets out, and what Redis is told of Kafka's word */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kill_point.h"
#include "log.h"
#include "metrics.h"
#include "must.h"

/* Acknowledged events wait this long for others, so that one script clears several. */
#define CLEAR_DELAY (5 * CLOCK_MS)
#define CLEAR_MAX   500
#define ASK_AGAIN   (500 * CLOCK_MS)

static struct metric commands_total = METRIC_COUNTER_INIT("callcast_commands_total", NULL, "Commands read");
static struct metric refused_total = METRIC_COUNTER_INIT(
        "callcast_refused_total", NULL, "Steps refused by Redis because the partition was taken over");

void partitions_register_metrics(void)
{
	metric_register(&commands_total);
	metric_register(&refused_total);
}

struct partition *partition_of(struct worker *w, int32_t number)
{
	const size_t n = (size_t)number;
	struct partition *p;

	if (n >= w->partition_count) {
		w->partitions = must_realloc(w->partitions, (n + 1) * sizeof(struct partition *));
		while (w->partition_count <= n)
			w->partitions[w->partition_count++] = NULL;
	}
	if (w->partitions[n])
		return w->partitions[n];
	p = must_calloc(1, sizeof(*p));
	p->worker = w;
	p->number = number;
	p->told = -1;
	p->below_next = p->next_stored = -1;
	offsets_init(&p->offsets);
	if (table_open(&p->calls) < 0)
		abort(); /* as must_calloc() */
	w->partitions[n] = p;
	return p;
}

static void intake_free(struct intake *in)
{
	call_command_clear(&in->command);
	free(in->raw.data);
	free(in);
}

static void drop_intake(struct partition *p)
{
	struct intake *in = p->intake, *next;

	for (; in; in = next) {
		next = in->next;
		intake_free(in);
	}
	p->intake = p->intake_last = NULL;
	p->intake_count = 0;
	offsets_clear(&p->offsets);
}

static void forget_acked(struct partition *p)
{
	for (size_t i = 0; i < p->acked_count; i++)
		free(p->acked[i]);
	p->acked_count = 0;
}

void partition_forget(struct partition *p)
{
	p->owned = false;
	calls_forget(p);
	forget_acked(p);
	p->told = -1;
}

void partition_free(struct partition *p)
{
	if (!p)
		return;
	takeover_stop(p);
	drop_intake(p);
	calls_forget(p);
	table_close(p->calls);
	offsets_clear(&p->offsets);
	forget_acked(p);
	free(p->acked);
	loop_timer_clear(p->worker->loop, &p->clear_soon);
	loop_timer_clear(p->worker->loop, &p->ask_again);
	free(p);
}

const char *partition_state_name(const struct partition *p)
{
	static const char *const names[] = { "idle", "redis-away", "asking", "taking", "active", "leaving" };

	return names[p->state];
}

void partition_set_state(struct partition *p, enum partition_state state)
{
	if (p->state == state)
		return;
	p->state = state;
	log_debug("partition.moved partition=%d to=%s", p->number, partition_state_name(p));
}

/* ---- commands in ---- */

/* Pauses the reading, or goes on: between worker.commands in hand and half of it nothing changes. */
static void read_or_pause(struct partition *p)
{
	const size_t bound = (size_t)p->worker->settings->worker_commands;
	const size_t in_hand = p->offsets.count;
	const bool pause =
	        p->blocked || p->worker->told_paused || (p->paused ? in_hand > bound / 2 : in_hand >= bound);

	if (pause == p->paused || !p->assigned)
		return;
	p->paused = pause;
	group_pause(p->worker->group, p->number, pause);
}

/* NULL: it says of which call it is, and that call lives here. */
static const char *nowhere(const struct partition *p, const struct call_command *c)
{
	struct callid id;

	if (!c->call_leg_id || callid_parse(&id, c->call_leg_id) < 0)
		return "callLegId is not an id";
	if (id.partition != p->number)
		return "callLegId belongs to another partition";
	if (!c->command_id || !*c->command_id || !c->tenant || !*c->tenant)
		return "commandId or tenant is missing";
	return NULL;
}

/* NULL: it has the body that its kind needs. */
static const char *bodiless(const struct call_command *c)
{
	if (c->kind == COMMAND_CREATE && (!c->create || !c->create->targets_count))
		return "create without targets";
	if (c->kind == COMMAND_PLAY && (!c->play || !c->play->audio_file_uri))
		return "play without audioFileUri";
	if (c->kind == COMMAND_INVITE && (!c->invite || !c->invite->participants_count))
		return "invite without participants";
	if (c->kind == COMMAND_REMOVE && !c->participant_id)
		return "remove without participantId";
	return NULL;
}

/* False: it was set aside, because it can't be carried out. */
static bool is_sound(struct partition *p, const rd_kafka_message_t *m, const struct call_command *c)
{
	const char *why = nowhere(p, c);

	if (why) {
		dead_message(p, m, NULL, why);
		return false;
	}
	why = bodiless(c);
	if (why)
		dead_message(p, m, c, why);
	return !why;
}

void partition_message(struct partition *p, const rd_kafka_message_t *m)
{
	struct intake *in;
	const char *why = NULL;
	int r;

	if (m->offset < p->offsets.next)
		return; /* read once already */
	if (p->blocked)
		return; /* read again once a newer build has the partition: nothing beyond is committed */
	in = must_calloc(1, sizeof(*in));
	r = record_decode(RECORD_CALL_COMMAND, &in->command, m->payload ? m->payload : "", m->len, &why);
	if (r == -ENOTSUP) {
		log_error("command.newer partition=%d offset=%lld reason=\"written by a newer program\"",
		          p->number, (long long)m->offset);
		free(in);
		p->blocked = true;
		read_or_pause(p);
		return;
	}
	metric_add(&commands_total, 1);
	offsets_add(&p->offsets, m->offset);
	if (r < 0) {
		dead_message(p, m, NULL, why ? why : "not decodable");
		intake_free(in);
	} else if (!is_sound(p, m, &in->command)) {
		intake_free(in);
	} else {
		in->offset = m->offset;
		in->raw = (struct bytes){ must_copy(m->payload, m->len), m->len };
		if (p->intake_last)
			p->intake_last->next = in;
		else
			p->intake = in;
		p->intake_last = in;
		p->intake_count++;
	}
	read_or_pause(p);
	partition_feed(p);
}

void partition_feed(struct partition *p)
{
	while (p->state == PARTITION_ACTIVE && !p->worker->told_paused && p->intake) {
		struct intake *in = p->intake;
		struct queued *q = queued_new(INPUT_COMMAND);
		struct call *c = call_get(p, in->command.call_leg_id);

		p->intake = in->next;
		if (!p->intake)
			p->intake_last = NULL;
		p->intake_count--;
		q->command = in->command;
		q->raw = in->raw;
		q->offset = in->offset;
		q->in.command = &q->command;
		q->in.below_next = in->offset < p->below_next;
		free(in);
		call_queue(c, q);
		call_run(c);
	}
	read_or_pause(p);
}

void partition_reset_intake(struct partition *p)
{
	drop_intake(p);
	if (p->paused && p->assigned)
		group_pause(p->worker->group, p->number, false);
	p->paused = false;
}

/* ---- offsets and acknowledgements out ---- */

void partition_done(struct partition *p, int64_t offset)
{
	if (offsets_done(&p->offsets, offset))
		partition_clear_soon(p);
}

int64_t partition_next(const struct partition *p)
{
	return offsets_told(&p->offsets);
}

void partition_stored(struct partition *p, int64_t next)
{
	/* an answer after the release must not pass for committed when the partition comes back */
	if (!p->assigned || next <= p->next_stored)
		return;
	p->next_stored = next;
	KILL_POINT("before-commit");
	group_commit(p->worker->group, p->number, next);
}

void partition_acked(struct partition *p, const char *name)
{
	if (p->acked_count == p->acked_room) {
		p->acked_room = p->acked_room ? p->acked_room * 2 : 32;
		p->acked = must_realloc(p->acked, p->acked_room * sizeof(*p->acked));
	}
	p->acked[p->acked_count++] = must_strdup(name);
	partition_clear_soon(p);
}

struct clearing {
	struct partition *partition;
	uint32_t round;
	int64_t next;
	char **names;
	size_t count;
};

static void clear(void *arg);

static bool may_clear(const struct partition *p)
{
	const bool ours =
	        p->state == PARTITION_ACTIVE || p->state == PARTITION_LEAVING || p->state == PARTITION_TAKING;

	return ours && !p->clearing && p->epoch.text[0] &&
	       (p->acked_count || (p->assigned && partition_next(p) > p->next_stored));
}

static void cleared(void *arg, enum store_answer a)
{
	struct clearing *k = arg;
	struct partition *p = k->partition;

	KILL_POINT("cleared");
	p->clearing = false;
	if (a == STORE_FAILED) { /* as little will come of it the next moment */
		log_error("partition.not_cleared partition=%d error=\"%s\"", p->number,
		          store_error(p->worker->store));
		loop_timer_set(p->worker->loop, &p->clear_soon, clock_mono() + ASK_AGAIN, clear, p);
	}
	if (k->round == p->round && a == STORE_DONE)
		partition_stored(p, k->next);
	for (size_t i = 0; i < k->count; i++) {
		/* Redis may not have heard: say it again, under whichever epoch is ours by now */
		if (a != STORE_DONE && (k->round == p->round || p->owned))
			partition_acked(p, k->names[i]);
		free(k->names[i]);
	}
	if (k->round == p->round && a == STORE_REFUSED)
		partition_refused(p);
	free(k->names);
	free(k);
	if (may_clear(p))
		partition_clear_soon(p);
	handover_check(p->worker);
}

/*
 * Takes what Kafka has out of the outbox, and raises told and next: one script
 * for many events.  Only when that is answered is the offset committed.
 */
static void clear(void *arg)
{
	struct partition *p = arg;
	struct clearing *k;
	struct store_clear c;

	if (!may_clear(p))
		return;
	k = must_calloc(1, sizeof(*k));
	k->partition = p;
	k->round = p->round;
	k->next = partition_next(p);
	k->count = p->acked_count < CLEAR_MAX ? p->acked_count : CLEAR_MAX;
	k->names = must_calloc(k->count + 1, sizeof(*k->names));
	if (k->count) { /* it may be for the offset alone */
		memcpy(k->names, p->acked, k->count * sizeof(*k->names));
		p->acked_count -= k->count;
		memmove(p->acked, p->acked + k->count, p->acked_count * sizeof(*p->acked));
	}
	c = (struct store_clear){
		.partition = p->number,
		.epoch = &p->epoch,
		.cleared = (const char *const *)k->names,
		.cleared_count = k->count,
		/*
		 * It may pass entries that only a later clear takes out: who takes over in
		 * between tells them twice, with the same bytes, which does no harm.
		 */
		.told = p->told,
		.next = k->next,
	};
	p->clearing = true;
	KILL_POINT("before-clear");
	store_clear(p->worker->store, &c, cleared, k);
}

void partition_clear_soon(struct partition *p)
{
	if (!p->clearing && !p->clear_soon.slot)
		loop_timer_set(p->worker->loop, &p->clear_soon, clock_mono() + CLEAR_DELAY, clear, p);
}

void partition_tick(struct partition *p)
{
	if (may_clear(p))
		partition_clear_soon(p);
}

bool partition_quiet(const struct partition *p)
{
	return !p->steps && !p->untold && !p->clearing && !may_clear(p);
}

/* ---- refused ---- */

static void ask(void *arg);

static void group_answered(void *arg, int32_t number, enum group_word word)
{
	struct partition *p = arg;

	(void)number;
	if (p->state != PARTITION_ASKING)
		return;
	if (word == GROUP_MEMBER)
		takeover_start(p);
	else /* left: an assignment or a revoke is on its way; should neither come, ask again */
		loop_timer_set(p->worker->loop, &p->ask_again, clock_mono() + ASK_AGAIN, ask, p);
}

static void ask(void *arg)
{
	struct partition *p = arg;

	if (p->state == PARTITION_ASKING)
		group_ask(p->worker->group, p->number, p->next_stored, group_answered, p);
}

void partition_ask(struct partition *p)
{
	takeover_stop(p);
	partition_set_state(p, PARTITION_ASKING);
	ask(p);
}

/*
 * Another owner, or another Redis.  Nothing more goes to Redis for this
 * partition until the group says that it is still ours, and it was taken over
 * again.  Its legs are left alone: the new owner may have them.
 */
void partition_refused(struct partition *p)
{
	metric_add(&refused_total, 1);
	if (p->state == PARTITION_LEAVING) /* it has left already: nothing of it is waited for */
		partition_set_state(p, PARTITION_IDLE);
	if (p->state != PARTITION_ACTIVE && p->state != PARTITION_TAKING)
		return;
	log_warn("partition.refused partition=%d epoch=%s", p->number, p->epoch.text);
	partition_ask(p);
}
