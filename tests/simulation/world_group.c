/*
 * world_group.c - group.h and its coordinator: eager `range`, as librdkafka shows it
 *
 * A rebalance takes everything from every member; each gives back and joins
 * again; when all have, or the time is up, the partitions are handed out.  A
 * member that slept for longer than its session was put out meanwhile, and
 * learns so some time after it woke.
 */
#include "simulation/world_parts.h"

#include <stdlib.h>
#include <string.h>

#define SESSION    (1500 * CLOCK_MS)
#define REBALANCE  (2 * CLOCK_SEC) /* who has not joined by then is put out */
#define HEARTBEAT  (200 * CLOCK_MS)
#define READ_BATCH 3

struct group {
	struct node *node;
	struct group_handler handler;
	enum { GROUP_JOINING, GROUP_ASSIGNED, GROUP_REVOKING } state;
	bool asked;                  /* a join is on its way */
	uint32_t member, generation; /* of the assignment that we have */
	int64_t there;               /* the way of joins and commits */
	struct place {
		bool assigned, paused, reading;
		int64_t next, began;
		uint32_t place; /* of reading: one more with each seek, pause and assignment */
		int64_t commit; /* gathered; -1: none */
	} places[WORLD_PARTITIONS];
};

/* One word between a member and the coordinator. */
struct word {
	struct message message;
	const struct node *node;
	uint32_t life, member, generation;
	int32_t partition;
	int64_t offset;
	bool late, valid;
	group_word_fn *fn;
	void *arg;
	uint32_t place;
	size_t count;
	int32_t partitions[WORLD_PARTITIONS];
};

static struct coordinator *coordinator_of(struct world *w)
{
	return &w->kafka.group;
}

static struct member *member_of(struct coordinator *c, uint32_t id)
{
	for (struct member *m = c->members; m; m = m->next)
		if (m->id == id)
			return m;
	return NULL;
}

/* To the coordinator: from this member, at its generation. */
static struct word *word_up(struct group *g, void (*fn)(struct message *))
{
	struct word *x = message_new(NULL, sizeof(*x), fn, NULL);

	x->node = g->node;
	x->life = g->node->life;
	x->member = g->member;
	x->generation = g->generation;
	return x;
}

static void send_up(struct group *g, struct word *x)
{
	struct world *w = g->node->world;

	if (g->node->dying)
		free(x);
	else
		message_send(w, &x->message, way(w, &g->there, world_delay(w)));
}

/* To the member, one after the other. */
static struct word *word_down(struct member *m, void (*fn)(struct message *))
{
	struct word *x = message_new(m->node, sizeof(*x), fn, NULL);

	x->message.life = m->life;
	x->node = m->node;
	x->member = m->id;
	return x;
}

static void send_down(struct world *w, struct word *x, int64_t delay)
{
	message_send(w, &x->message, way(w, &x->message.to->from_group, delay));
}

/* ---- reading commands ---- */

static void read_on(struct group *g, int32_t p);

static void reads(struct message *m)
{
	struct word *x = (struct word *)m;
	struct group *g = m->to->worker.group;
	struct world *w = m->to->world;
	struct place *at = &g->places[x->partition];
	const struct log *log = &w->kafka.commands[x->partition];

	if (at->place != x->place)
		return;
	at->reading = false;
	for (int i = 0; i < READ_BATCH && at->next < (int64_t)log->count; i++) {
		const struct log_record *r = &log->records[at->next];
		const rd_kafka_message_t message = { .partition = x->partition,
			                             .payload = r->value.data,
			                             .len = r->value.len,
			                             .key = (void *)r->key,
			                             .key_len = strlen(r->key),
			                             .offset = at->next };

		if (g->state != GROUP_ASSIGNED)
			return;
		at->next++;
		g->handler.message(g->handler.arg, &message);
		if (at->place != x->place)
			return;
	}
	read_on(g, x->partition);
}

static void read_on(struct group *g, int32_t p)
{
	struct world *w = g->node->world;
	struct place *at = &g->places[p];
	struct word *x;

	if (!at->assigned || at->paused || at->reading || at->next >= (int64_t)w->kafka.commands[p].count)
		return;
	at->reading = true;
	x = message_new(g->node, sizeof(*x), reads, NULL);
	x->message.point = POINT_MESSAGE;
	x->partition = p;
	x->place = at->place;
	message_send(w, &x->message, w->now + world_delay(w));
}

static void read_from(struct group *g, int32_t p, int64_t next)
{
	g->places[p].next = next;
	g->places[p].place++;
	g->places[p].reading = false;
	read_on(g, p);
}

void group_commands_came(struct world *w, int32_t p)
{
	for (int i = 0; i < w->rules.workers; i++)
		if (w->nodes[i].alive && w->nodes[i].worker.group)
			read_on(w->nodes[i].worker.group, p);
}

/* ---- the coordinator ---- */

static void assigned(struct message *m);
static void revoked(struct message *m);
static void put_out(struct message *m);

static void hand_out(struct world *w)
{
	struct coordinator *c = coordinator_of(w);
	const int partitions = w->rules.partitions;
	int members = 0, first = 0, i = 0;

	c->joining = false;
	c->generation++;
	for (const struct member *m = c->members; m; m = m->next)
		members++;
	for (struct member *m = c->members; m; m = m->next, i++) { /* range */
		const int n = partitions / members + (i < partitions % members);
		struct word *x = word_down(m, assigned);

		x->message.point = POINT_ASSIGNED;
		x->generation = c->generation;
		for (int k = 0; k < n; k++)
			x->partitions[x->count++] = first++;
		send_down(w, x, world_delay(w));
		m->joined = false;
	}
}

static void remove_member(struct coordinator *c, uint32_t id)
{
	struct member **at = &c->members, *m;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (!(m = *at))
		return;
	*at = m->next;
	free(m);
}

static void all_joined(struct world *w)
{
	struct coordinator *c = coordinator_of(w);

	if (!c->joining)
		return;
	for (const struct member *m = c->members; m; m = m->next)
		if (!m->joined)
			return;
	if (c->members)
		hand_out(w);
}

/* Who has not joined by now is put out. */
static void time_is_up(struct message *msg)
{
	const struct word *x = (struct word *)msg;
	struct world *w = the_world;
	struct coordinator *c = coordinator_of(w);
	struct member *next;

	if (!c->joining || c->round != x->generation)
		return;
	for (struct member *m = c->members; m; m = next) {
		next = m->next;
		if (m->joined)
			continue;
		if (m->node->alive && m->node->life == m->life)
			send_down(w, word_down(m, put_out), HEARTBEAT);
		remove_member(c, m->id);
	}
	all_joined(w);
}

static void rebalance(struct world *w)
{
	struct coordinator *c = coordinator_of(w);
	struct word *x;

	if (c->joining) {
		all_joined(w);
		return;
	}
	c->joining = true;
	c->round++;
	for (struct member *m = c->members; m; m = m->next) {
		x = word_down(m, revoked);
		x->message.point = POINT_REVOKED;
		if (!m->joined) /* new ones have */
			send_down(w, x, w->rules.steady ? CLOCK_MS : (int64_t)draw(w, HEARTBEAT));
		else
			free(x);
	}
	x = message_new(NULL, sizeof(*x), time_is_up, NULL);
	x->generation = c->round;
	message_send(w, &x->message, w->now + REBALANCE);
	all_joined(w);
}

void world_rebalance(struct world *w)
{
	world_log(w, "group: rebalance");
	rebalance(w);
}

/* A member whose join was answered when its worker had given up on it: its session ends, here at once. */
static void forget_ghosts(struct coordinator *c, const struct node *n, uint32_t life)
{
	struct member *next;

	for (struct member *m = c->members; m; m = next) {
		next = m->next;
		if (m->node == n && m->life == life)
			remove_member(c, m->id);
	}
}

static void joins(struct message *msg)
{
	struct word *x = (struct word *)msg;
	struct world *w = x->node->world;
	struct coordinator *c = coordinator_of(w);
	struct member *m = member_of(c, x->member), **at;

	if (!x->node->alive || x->node->life != x->life)
		return;
	x->node->worker.group->asked = false;
	if (!m) { /* new, or unknown: put out meanwhile */
		forget_ghosts(c, x->node, x->life);
		m = must_calloc(1, sizeof(*m));
		m->id = ++c->ids;
		m->node = (struct node *)x->node;
		m->life = x->life;
		for (at = &c->members; *at;)
			at = &(*at)->next;
		*at = m;
		m->node->worker.group->member = m->id; /* with the join's answer */
	}
	m->joined = true;
	rebalance(w);
}

static void leaves(struct message *msg)
{
	const struct word *x = (struct word *)msg;
	struct world *w = x->node->world;

	if (!member_of(coordinator_of(w), x->member))
		return;
	remove_member(coordinator_of(w), x->member);
	rebalance(w);
}

static void commits(struct message *msg)
{
	const struct word *x = (struct word *)msg;
	struct world *w = x->node->world;
	struct coordinator *c = coordinator_of(w);

	if (c->lose_commits || !member_of(c, x->member) || x->generation != c->generation)
		return;
	c->committed[x->partition] = x->offset;
}

/* ---- what the coordinator says, heard by the member ---- */

static void join(struct group *g)
{
	g->state = GROUP_JOINING;
	g->asked = true;
	send_up(g, word_up(g, joins));
}

static void assigned(struct message *m)
{
	struct word *x = (struct word *)m;
	struct group *g = m->to->worker.group;
	struct coordinator *c = coordinator_of(m->to->world);

	if (g->state != GROUP_JOINING || g->member != x->member)
		return;
	g->state = GROUP_ASSIGNED;
	g->generation = x->generation;
	for (size_t i = 0; i < x->count; i++) {
		struct place *at = &g->places[x->partitions[i]];

		at->assigned = true;
		at->paused = false;
		at->commit = -1;
		at->began = c->committed[x->partitions[i]];
		if (at->began < 0)
			at->began = 0;
	}
	g->handler.assigned(g->handler.arg, x->partitions, x->count);
	for (size_t i = 0; i < x->count; i++)
		read_from(g, x->partitions[i], g->places[x->partitions[i]].began);
}

static void revoke(struct group *g, bool lost)
{
	if (g->state != GROUP_ASSIGNED)
		return;
	g->state = GROUP_REVOKING;
	g->handler.revoked(g->handler.arg, lost);
}

static void revoked(struct message *m)
{
	struct group *g = m->to->worker.group;

	if (g->member == ((struct word *)m)->member)
		revoke(g, false);
}

/* Found out by a heartbeat that is answered "unknown member". */
static void put_out(struct message *m)
{
	struct word *x = (struct word *)m, *later;
	struct group *g = m->to->worker.group;
	struct world *w = m->to->world;

	if (!x->late) {
		later = must_copy(x, sizeof(*x));
		later->late = true;
		later->message.point = POINT_REVOKED;
		message_send(w, &later->message, w->now + (int64_t)draw(w, HEARTBEAT));
		return;
	}
	if (g->member != x->member)
		return;
	if (g->state != GROUP_JOINING)
		revoke(g, true);
	else if (!g->asked) /* it had joined, and was put out before all others had */
		join(g);
}

/* ---- death and sleep ---- */

static void expires(struct message *msg)
{
	const struct word *x = (struct word *)msg;
	struct world *w = x->node->world;
	struct member *m = member_of(coordinator_of(w), x->member);
	const bool lives = x->node->alive && x->node->life == x->life;

	if (!m || (lives && !(x->node->paused && x->node->wakes_at > w->now)))
		return;
	world_log(w, "group: member %u of worker %d is put out", m->id, x->node->number);
	if (lives)
		send_down(w, word_down(m, put_out), 0);
	remove_member(coordinator_of(w), x->member);
	rebalance(w);
}

void group_died(struct node *n)
{
	struct word *x = word_up(n->worker.group, expires);

	message_send(n->world, &x->message, n->world->now + (int64_t)draw(n->world, SESSION));
}

void group_slept(struct node *n, int64_t time)
{
	struct word *x;

	if (time <= SESSION)
		return;
	x = word_up(n->worker.group, expires);
	message_send(n->world, &x->message, n->world->now + SESSION);
}

/* ---- group.h ---- */

int group_open(struct group **out, struct loop *loop, const struct settings *s, const struct group_handler *h)
{
	struct group *g = must_calloc(1, sizeof(*g));

	(void)loop, (void)s;
	g->node = the_world->opening;
	g->handler = *h;
	for (int p = 0; p < WORLD_PARTITIONS; p++)
		g->places[p].commit = -1;
	*out = g;
	join(g);
	return 0;
}

void group_close(struct group *g)
{
	struct word *x;

	if (!g)
		return;
	if (g->node->worker.drained) {
		x = word_up(g, leaves);
		send_up(g, x);
	}
	free(g);
}

void group_release(struct group *g)
{
	if (g->state != GROUP_REVOKING)
		return;
	group_flush(g);
	for (int p = 0; p < WORLD_PARTITIONS; p++) {
		g->places[p].assigned = g->places[p].reading = false;
		g->places[p].place++;
	}
	join(g);
}

bool group_is_member(const struct group *g)
{
	return g->state == GROUP_ASSIGNED;
}

void group_commit(struct group *g, int32_t p, int64_t next)
{
	g->places[p].commit = next;
}

void group_flush(struct group *g)
{
	for (int p = 0; p < WORLD_PARTITIONS; p++) {
		struct word *x;

		if (g->places[p].commit < 0)
			continue;
		if (g->state != GROUP_JOINING) {
			x = word_up(g, commits);
			x->partition = p;
			x->offset = g->places[p].commit;
			send_up(g, x);
		}
		g->places[p].commit = -1;
	}
}

static void word_came(struct message *m)
{
	const struct word *x = (struct word *)m;
	const struct group *g = m->to->worker.group;
	const bool silent = !m->to->world->rules.steady && chance(m->to->world, 5);

	x->fn(x->arg, x->partition,
	      silent                           ? GROUP_SILENT
	      : x->valid && group_is_member(g) ? GROUP_MEMBER
	                                       : GROUP_LEFT);
}

static void asked(struct message *msg)
{
	struct word *x = (struct word *)msg, *answer;
	struct world *w = x->node->world;
	struct coordinator *c = coordinator_of(w);

	if (!x->node->alive || x->node->life != x->life)
		return;
	answer = message_new((struct node *)x->node, sizeof(*answer), word_came, NULL);
	answer->fn = x->fn;
	answer->arg = x->arg;
	answer->partition = x->partition;
	answer->valid = member_of(c, x->member) && x->generation == c->generation;
	if (answer->valid && !c->lose_commits)
		c->committed[x->partition] = x->offset;
	message_send(w, &answer->message, w->now + world_delay(w));
}

void group_ask(struct group *g, int32_t p, int64_t next, group_word_fn *fn, void *arg)
{
	struct word *x;

	if (g->node->dying)
		return;
	x = word_up(g, asked);
	world_reach(g->node->world, POINT_ASK, NULL);
	x->partition = p;
	x->offset = next < 0 ? g->places[p].began : next;
	x->fn = fn;
	x->arg = arg;
	send_up(g, x);
}

void group_seek(struct group *g, int32_t p, int64_t offset)
{
	if (g->places[p].assigned)
		read_from(g, p, offset);
}

void group_pause(struct group *g, int32_t p, bool pause)
{
	g->places[p].paused = pause;
	if (pause) { /* what was fetched already is dropped */
		g->places[p].place++;
		g->places[p].reading = false;
	} else {
		read_on(g, p);
	}
}
