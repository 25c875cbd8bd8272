/*
 * world_check.c - the promises: what every record and every dial must keep, and what must hold at the end
 *
 * Of two records of one seq the first counts; the second must have its bytes.
 * No run may lose, invent or repeat: the world knows what was asked for, what
 * Redis has, and what every phone was asked to do.
 */
#include "simulation/world_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"

struct told_call *told_of(struct world *w, const char *id)
{
	for (int i = 0; i < w->call_count; i++)
		if (!strncmp(w->calls[i].id, id, CALLID_LEN))
			return &w->calls[i];
	return NULL;
}

static bool same(const struct bytes *a, const struct bytes *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* What follows the event type in a story: "callState:established", "play:failed". */
static const char *word_in(char out[32], const char *data, const char *name)
{
	const char *at = data ? strstr(data, name) : NULL;

	out[0] = '\0';
	if (at)
		snprintf(out, 32, "%.*s", (int)strcspn(at + strlen(name), "\""), at + strlen(name));
	return out;
}

static void tell_story(struct told_call *c, const struct call_event *e)
{
	const size_t len = strlen(c->story);
	char word[32], status[32];

	if (e->final)
		snprintf(word, sizeof(word), "%s:%s", e->state == CALL_LEFT ? "left" : "terminated",
		         outcome_name(e->outcome));
	else if (e->type == EVENT_CALL_STATE && !e->number)
		snprintf(word, sizeof(word), "(gone)");
	else if (e->type == EVENT_CALL_STATE)
		word_in(word, e->data, "\"callState\":\"");
	else if (e->type == EVENT_PLAY_RESULT)
		snprintf(word, sizeof(word), "play:%s",
		         strstr(e->data, "8508")            ? "cancelled"
		         : strstr(e->data, "\"completed\"") ? "completed"
		                                            : "failed");
	else if (e->type == EVENT_INVITE_RESULT)
		snprintf(word, sizeof(word), "invite:%.20s", word_in(status, e->data, "\"status\":\""));
	else if (e->type == EVENT_DTMF)
		snprintf(word, sizeof(word), "digit");
	else
		return;
	snprintf(c->story + len, sizeof(c->story) - len, "%s%s", len ? " " : "", word);
}

/*
 * Each prompt that was taken has one result, and each who was invited; none has
 * two.  A prompt's context tells it from others, with an invite it is context and number.
 */
static void count_results(struct world *w, struct told_call *c, const struct call_event *e)
{
	const char *context = e->operation_context ? e->operation_context : "";
	char of[128], whom[32] = "";

	if (e->type == EVENT_SNAPSHOT && strstr(e->data, "\"command\":\"play\""))
		c->results_owed++;
	if (e->type == EVENT_DIAL)
		c->results_owed += (int)e->dials_count;
	if ((e->type != EVENT_PLAY_RESULT && e->type != EVENT_INVITE_RESULT) ||
	    c->result_count == WORLD_RESULTS)
		return;
	if (e->type == EVENT_INVITE_RESULT)
		word_in(whom, e->data, "\"rawId\":\"");
	snprintf(of, sizeof(of), "%.64s %s", context, whom);
	for (int i = 0; *context && strlen(context) < 64 && i < c->result_count;
	     i++) /* long ones are about size */
		if (!strcmp(c->results[i], of))
			world_fail(w, "%s: a second result for %s", c->id, of);
	c->results[c->result_count++] = must_strdup(of);
}

static void note_dials(struct told_call *c, const struct call_event *e)
{
	for (size_t i = 0; i < e->dials_count && c->announced_count < WORLD_DIALS; i++)
		c->announced[c->announced_count++] = must_strdup(e->dials[i].dial_id);
}

static bool is_announced(const struct told_call *c, const char *dial_id)
{
	for (int i = 0; i < c->announced_count; i++)
		if (!strcmp(c->announced[i], dial_id))
			return true;
	return false;
}

static void check_new(struct world *w, struct told_call *c, const struct call_event *e,
                      const struct bytes *value)
{
	if (c->gone || (c->final && (e->number || !c->left)))
		world_fail(w, "%s: seq %lld was told after the final event", c->id, (long long)e->seq);
	c->gone = c->left && e->state == CALL_TERMINATED;
	if (e->number && e->number != c->numbers + 1)
		world_fail(w, "%s: number %lld follows %lld", c->id, (long long)e->number,
		           (long long)c->numbers);
	if (e->number)
		c->numbers = e->number;
	if (c->count == c->room) {
		c->room = c->room ? c->room * 2 : 16;
		c->events = must_realloc(c->events, c->room * sizeof(*c->events));
	}
	c->events[c->count].value = (struct bytes){ must_copy(value->data, value->len), value->len };
	c->events[c->count++].number = e->number;
	tell_story(c, e);
	count_results(w, c, e);
	note_dials(c, e);
	if (!e->final)
		return;
	if (c->result_count < c->results_owed)
		world_fail(w, "%s: %d of %d prompts and invited have a result at the end", c->id,
		           c->result_count, c->results_owed);
	c->final = true;
	c->left = e->state == CALL_LEFT;
	c->final_at = w->now;
	c->outcome = e->outcome;
}

void check_append(struct world *w, int32_t p, const struct bytes *value)
{
	struct call_event e = { 0 };
	const struct redis_call *saved;
	struct told_call *c;
	const char *why;

	if (record_decode(RECORD_CALL_EVENT, &e, value->data, value->len, &why) < 0) {
		world_fail(w, "calls.events: %s", why);
		return;
	}
	world_log(w, "calls.events-%d: %s-%lld %s %s", p, e.call_leg_id, (long long)e.seq,
	          event_type_name(e.type), e.data);
	c = told_of(w, e.call_leg_id);
	saved = redis_find(redis_of(w, p), e.call_leg_id);
	if (!c || c->partition != p)
		world_fail(w, "%s was told on partition %d", e.call_leg_id, p);
	else if (!c->spoilt && (!saved || saved->version < e.version))
		world_fail(w, "%s-%lld was told before it was saved", c->id, (long long)e.seq);
	else if (e.seq >= 1 && (size_t)e.seq <= c->count && !same(&c->events[e.seq - 1].value, value))
		world_fail(w, "%s-%lld was told with other bytes", c->id, (long long)e.seq);
	else if (e.seq == (int64_t)c->count + 1)
		check_new(w, c, &e, value);
	else if (e.seq < 1 || (size_t)e.seq > c->count)
		world_fail(w, "%s: seq %lld follows %zu", c->id, (long long)e.seq, c->count);
	call_event_clear(&e);
}

/* ---- letters ---- */

/* It names a command by its place, and has that command's bytes. */
void check_letter(struct world *w, const struct bytes *value)
{
	struct dead_letter d = { 0 };
	struct log_record *r = NULL;
	const char *why;

	if (record_decode(RECORD_DEAD_LETTER, &d, value->data, value->len, &why) < 0) {
		world_fail(w, "calls.dead: %s", why);
		return;
	}
	if (d.partition >= 0 && d.partition < w->rules.partitions && d.offset >= 0 &&
	    (size_t)d.offset < w->kafka.commands[d.partition].count)
		r = &w->kafka.commands[d.partition].records[d.offset];
	if (!r || !d.reason || !*d.reason || d.value.len > r->value.len ||
	    memcmp(d.value.data, r->value.data, d.value.len) != 0)
		world_fail(w, "calls.dead: no such command at %d@%lld", d.partition, (long long)d.offset);
	else
		r->letters++;
	dead_letter_clear(&d);
}

/* 1: it must be in calls.dead; 0: it must not; -1: it may. */
static int belongs_to_the_dead(struct world *w, const struct log_record *r)
{
	struct call_command cmd = { 0 };
	const struct told_call *c;
	const char *why;
	int says;

	if (record_decode(RECORD_CALL_COMMAND, &cmd, r->value.data, r->value.len, &why) < 0)
		return 1;
	c = told_of(w, cmd.call_leg_id);
	says = cmd.kind == COMMAND_CREATE && !cmd.create->targets_count ? 1 : c && c->was_spoilt ? -1 : 0;
	call_command_clear(&cmd);
	return says;
}

/* ---- dials ---- */

/* The state that Redis has the dialled leg in; -1: none. */
static int leg_state_in_redis(struct world *w, const struct told_call *c, const char *dial_id)
{
	const struct redis_call *saved = redis_find(redis_of(w, c->partition), c->id);
	struct call_record rec = { 0 };
	const char *why;
	int state = -1;

	if (!saved ||
	    record_decode(RECORD_CALL_RECORD, &rec, saved->record.data, saved->record.len, &why) < 0)
		return -1;
	if (call_is_over(&rec))
		state = LEG_ENDED;
	for (size_t i = 0; i < rec.legs_count; i++)
		if (rec.legs[i].dial_id && !strcmp(rec.legs[i].dial_id, dial_id))
			state = rec.legs[i].state;
	call_record_clear(&rec);
	return state;
}

/*
 * A new owner has reported, or is about to, that nobody can know whether this phone
 * rang.  Of a call with others in it the call's own outcome doesn't say so.
 */
static bool is_late(const struct told_call *c, int state)
{
	if (c->final && c->announced_count == 1)
		return c->outcome == OUTCOME_UNKNOWN;
	return c->final || state == LEG_ENDED;
}

void check_dial(struct world *w, const char *dial_id, const struct node *n)
{
	const struct told_call *c = told_of(w, dial_id);
	int state;

	if (!c || !c->created) {
		world_fail(w, "%s was dialled, but never asked for", dial_id);
		return;
	}
	state = leg_state_in_redis(w, c, dial_id);
	if (!is_announced(c, dial_id))
		world_fail(w, "%s was dialled by worker %d before the ledger knew of it", dial_id, n->number);
	else if (is_late(c, state) && n->in_gap)
		w->late_rings++;
	else if (c->final)
		world_fail(w, "%s was dialled by worker %d after the final event (%s)", dial_id, n->number,
		           outcome_name(c->outcome));
	else if (state < LEG_GO || state == LEG_ENDED)
		world_fail(w, "%s was dialled by worker %d before it was confirmed (%d)", dial_id, n->number,
		           state);
	else if (c->old)
		world_fail(w, "%s was dialled past its time", dial_id);
}

/* ---- the end ---- */

/* Each of these is true where all is as it must be at the end, and else says in w->missing what is not. */

static bool missing(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool missing(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->missing, sizeof(w->missing), fmt, ap);
	va_end(ap);
	return false;
}

static bool needs_a_dial(int outcome)
{
	return outcome != OUTCOME_UNKNOWN && outcome != OUTCOME_CANCELLED && outcome != OUTCOME_EXPIRED &&
	       outcome != OUTCOME_FAILED;
}

static bool call_is_right(struct world *w, const struct told_call *c)
{
	if (!c->created)
		return !c->count || missing(w, "%s: events of a call that nobody created", c->id);
	if (!c->final)
		return missing(w, "%s has no final event", c->id);
	if (c->left && !c->gone)
		return missing(w, "%s was left, and goes on", c->id);
	if (needs_a_dial(c->outcome) && !phone_dials(w, c->id))
		return missing(w, "%s ended as %s, but was never dialled", c->id, outcome_name(c->outcome));
	if (c->spoilt && c->outcome != OUTCOME_FAILED)
		return missing(w, "%s can't be saved, but ended as %s", c->id, outcome_name(c->outcome));
	if (c->old && c->outcome != OUTCOME_EXPIRED)
		return missing(w, "%s came too late, but ended as %s", c->id, outcome_name(c->outcome));
	return true;
}

static bool partition_is_right(struct world *w, int number, const struct partition *p)
{
	if (p->assigned && p->state != PARTITION_ACTIVE)
		return missing(w, "worker %d: partition %d is %s", number, p->number,
		               partition_state_name(p));
	if (table_count(p->calls))
		return missing(w, "worker %d: partition %d has %zu calls in memory", number, p->number,
		               table_count(p->calls));
	return true;
}

/* It is at work, and nothing is left in its memory. */
static bool worker_is_right(struct world *w, const struct node *n)
{
	const struct worker *k = &n->worker;

	if (!n->alive)
		return true;
	if (n->paused || !store_is_up(k->store) || !group_is_member(k->group))
		return missing(w, "worker %d is not at work", n->number);
	if (k->in_flight || teller_waiting(k->teller))
		return missing(w, "worker %d has %zu steps and %zu events in flight", n->number, k->in_flight,
		               teller_waiting(k->teller));
	for (size_t i = 0; i < k->partition_count; i++)
		if (k->partitions[i] && !partition_is_right(w, n->number, k->partitions[i]))
			return false;
	return true;
}

static bool letters_are_right(struct world *w, int p)
{
	for (size_t i = 0; i < w->kafka.commands[p].count; i++) {
		const struct log_record *r = &w->kafka.commands[p].records[i];
		const int says = belongs_to_the_dead(w, r);

		if (says >= 0 && (says > 0) != (r->letters > 0))
			return missing(w, "command %d@%zu is %s calls.dead", p, i,
			               r->letters ? "in" : "not in");
	}
	return true;
}

static bool all_is_right(struct world *w)
{
	if (w->each)
		return missing(w, "the faults have not ended");
	for (int i = 0; i < w->call_count; i++)
		if (!call_is_right(w, &w->calls[i]))
			return false;
	if (!redis_is_clean(w, w->missing, sizeof(w->missing)))
		return false;
	for (int p = 0; p < w->rules.partitions; p++)
		if (world_commands(w, p) && world_committed(w, p) != world_commands(w, p))
			return missing(w, "partition %d: %lld of %lld commands are committed", p,
			               (long long)world_committed(w, p), (long long)world_commands(w, p));
	for (int i = 0; i < w->rules.workers; i++)
		if (!worker_is_right(w, &w->nodes[i]))
			return false;
	for (int p = 0; p < w->rules.partitions; p++)
		if (!letters_are_right(w, p))
			return false;
	return true;
}

bool world_settle(struct world *w, int64_t time)
{
	const int64_t until = w->now + time;

	while (w->now < until && !w->failure[0] && !all_is_right(w))
		world_run(w, 250 * CLOCK_MS);
	world_run(w, 3 * CLOCK_SEC); /* what is late must change nothing */
	if (!w->failure[0] && !all_is_right(w))
		world_fail(w, "%s", w->missing);
	return !w->failure[0];
}
