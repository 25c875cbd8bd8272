/*
 * world_phone.c - phones, and the carrier through which a worker has them
 *
 * A phone is one for the whole world and lives on when its worker dies: whoever
 * adopts it hears what was missed.  What it does stands in the last two digits
 * of its number, as with the simulated carrier (there: README), but much faster:
 *
 *   00  rings, answers, stays until we hang up
 *   01  answers, presses 1 once a prompt starts
 *   10  answers, hangs up after a while
 *   20  busy    21  rings, never answered    22  declines    24  network failure
 *   25  says nothing at all    30  answers and hangs up at once
 */
#include "simulation/world_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING   (200 * CLOCK_MS)
#define TALK   (1500 * CLOCK_MS)
#define PRESS  (100 * CLOCK_MS)
#define PROMPT (500 * CLOCK_MS)

struct phone {
	struct phone *next;
	char dial_id[CALLID_SIZE + 24], address[24];
	int script, dials;
	enum { PHONE_DIALLED, PHONE_RINGS, PHONE_TALKS, PHONE_OVER } state;
	int code;                                     /* of its end */
	bool had[WORLD_WORKERS], knew[WORLD_WORKERS]; /* as long as it is not over; and afterwards */
	bool bridged, left;                           /* with the others; by its app */
	struct prompt {
		struct prompt *next;
		char *play;
		bool kept; /* begun by a worker that took the leg over */
		bool stopped, over;
	} * prompts;
};

struct fake_carrier {
	struct carrier carrier;
	struct node *node;
	carrier_event_fn *fn;
	void *arg;
};

/* To one worker, or the next thing that a phone does by itself. */
struct say {
	struct message message;
	struct phone *phone;
	enum carrier_event_kind kind;
	int code;
	char *play;
};

static struct phone *phone_of(struct world *w, const char *dial_id)
{
	struct phone *ph = w->phones;

	while (ph && strcmp(ph->dial_id, dial_id))
		ph = ph->next;
	return ph;
}

int phone_dials(struct world *w, const char *call)
{
	int n = 0;

	for (const struct phone *ph = w->phones; ph; ph = ph->next)
		if (!strncmp(ph->dial_id, call, CALLID_LEN))
			n += ph->dials;
	return n;
}

int phone_bridged(struct world *w, const char *call)
{
	int n = 0;

	for (const struct phone *ph = w->phones; ph; ph = ph->next)
		n += !strncmp(ph->dial_id, call, CALLID_LEN) && ph->state == PHONE_TALKS && ph->bridged;
	return n;
}

int phone_prompts(struct world *w, const char *call)
{
	int n = 0;

	for (const struct phone *ph = w->phones; ph; ph = ph->next)
		for (const struct prompt *p = ph->prompts; p; p = p->next)
			n += !strncmp(ph->dial_id, call, CALLID_LEN) && ph->state == PHONE_TALKS &&
			     !p->stopped && !p->over;
	return n;
}

void phones_forget(struct node *n)
{
	for (struct phone *ph = n->world->phones; ph; ph = ph->next)
		ph->had[n->number] = ph->knew[n->number] = false;
}

void phones_clear_all(struct world *w)
{
	struct phone *ph;
	struct prompt *p;

	while ((ph = w->phones)) {
		w->phones = ph->next;
		while ((p = ph->prompts)) {
			ph->prompts = p->next;
			free(p->play);
			free(p);
		}
		free(ph);
	}
}

/* ---- what it says ---- */

static void say_drop(struct message *m)
{
	free(((struct say *)m)->play);
}

static void heard(struct message *m)
{
	struct say *s = (struct say *)m;
	struct fake_carrier *c = (struct fake_carrier *)m->to->worker.carrier;
	const struct carrier_event ev = { .kind = s->kind,
		                          .dial_id = s->phone->dial_id,
		                          .digit = '1',
		                          .play = s->play,
		                          .played = PLAYED_OK,
		                          .code = s->code,
		                          .reason = "so it is" };

	if (s->phone->had[m->to->number])
		c->fn(c->arg, &ev);
	if (s->kind == CARRIER_ENDED) {
		s->phone->knew[m->to->number] = s->phone->had[m->to->number];
		s->phone->had[m->to->number] = false;
	}
	say_drop(m);
}

static void say_to(struct node *n, struct phone *ph, enum carrier_event_kind kind, const char *play)
{
	struct say *s;

	if (!n->alive || !ph->had[n->number])
		return;
	s = message_new(n, sizeof(*s), heard, say_drop);
	s->message.point = POINT_PHONE;
	s->phone = ph;
	s->kind = kind;
	s->code = ph->code;
	s->play = must_strdup(play);
	message_send(n->world, &s->message, n->world->now);
}

static void say(struct world *w, struct phone *ph, enum carrier_event_kind kind, const char *play)
{
	for (int i = 0; i < w->rules.workers; i++)
		say_to(&w->nodes[i], ph, kind, play);
}

static void over(struct world *w, struct phone *ph, int code)
{
	if (ph->state == PHONE_OVER)
		return;
	ph->state = PHONE_OVER;
	ph->code = code;
	say(w, ph, CARRIER_ENDED, NULL);
}

/* ---- what it does by itself ---- */

static void goes_on(struct message *m);

static void later(struct world *w, struct phone *ph, int64_t wait, void (*fn)(struct message *),
                  const char *play)
{
	struct say *s = message_new(NULL, sizeof(*s), fn, say_drop);

	s->phone = ph;
	s->play = must_strdup(play);
	message_send(w, &s->message, w->now + wait);
}

static void rings(struct world *w, struct phone *ph)
{
	static const struct {
		int script, code;
	} ends[] = { { 20, 486 }, { 22, 603 }, { 24, 503 } };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (ends[i].script == ph->script) {
			over(w, ph, ends[i].code);
			return;
		}
	}
	ph->state = PHONE_RINGS;
	say(w, ph, CARRIER_RINGING, NULL);
	if (ph->script != 21)
		later(w, ph, RING, goes_on, NULL);
}

static void goes_on(struct message *m)
{
	struct phone *ph = ((struct say *)m)->phone;
	struct world *w = the_world;

	if (ph->state == PHONE_DIALLED) {
		rings(w, ph);
	} else if (ph->state == PHONE_RINGS) {
		ph->state = PHONE_TALKS;
		say(w, ph, CARRIER_ANSWERED, NULL);
		if (ph->script == 10 || ph->script == 30)
			later(w, ph, ph->script == 10 ? TALK : 0, goes_on, NULL);
	} else if (ph->state == PHONE_TALKS) {
		over(w, ph, 200);
	}
	say_drop(m);
}

static void presses(struct message *m)
{
	struct say *s = (struct say *)m;

	if (s->phone->state == PHONE_TALKS)
		say(the_world, s->phone, CARRIER_DIGIT, NULL);
	say_drop(m);
}

static struct prompt *prompt_of(struct phone *ph, const char *play)
{
	struct prompt *p = ph->prompts;

	while (p && strcmp(p->play, play))
		p = p->next;
	return p;
}

static void played(struct message *m)
{
	struct say *s = (struct say *)m;
	struct prompt *p = prompt_of(s->phone, s->play);

	if (s->phone->state == PHONE_TALKS && !p->stopped) {
		p->over = true;
		say(the_world, s->phone, CARRIER_PLAYED, s->play);
	}
	say_drop(m);
}

/* ---- carrier.h ---- */

static struct node *node_of(struct carrier *c)
{
	return ((struct fake_carrier *)c)->node;
}

/* The phone, if this worker has it. */
static struct phone *hand_of(struct carrier *c, const char *dial_id)
{
	struct phone *ph = phone_of(the_world, dial_id);

	return ph && ph->had[node_of(c)->number] && !node_of(c)->dying ? ph : NULL;
}

static int address_of(struct carrier *c, const struct identifier *id, char **out)
{
	(void)c;
	if (id->kind != IDENTIFIER_PHONE)
		return -EINVAL;
	*out = must_strdup(id->value);
	return 0;
}

/* No two of the phones that a call is for have the same number. */
static bool rang_before(const struct world *w, const struct carrier_dial *d)
{
	for (const struct phone *ph = w->phones; ph; ph = ph->next)
		if (!strcmp(ph->address, d->address))
			return true;
	return false;
}

static void dial(struct carrier *c, const struct carrier_dial *d)
{
	struct node *n = node_of(c);
	struct world *w = n->world;
	const int64_t looked = w->now;
	struct phone *ph;

	if (n->dying)
		return;
	world_reach(w, POINT_LOOKED, n);
	if (n->dying) /* meanwhile */
		return;
	if (w->now > looked) /* it stood still between its look and the packet */
		n->in_gap = true;
	ph = phone_of(w, d->dial_id);
	world_log(w, "phone %s is dialled", d->dial_id);
	check_dial(w, d->dial_id, n);
	n->in_gap = false;
	if (!ph) {
		if (rang_before(w, d))
			world_fail(w, "%s rings %s a second time", d->dial_id, d->address);
		ph = must_calloc(1, sizeof(*ph));
		snprintf(ph->dial_id, sizeof(ph->dial_id), "%s", d->dial_id);
		snprintf(ph->address, sizeof(ph->address), "%s", d->address);
		ph->script = atoi(d->address + strlen(d->address) - 2);
		ph->next = w->phones;
		w->phones = ph;
		if (ph->script != 25)
			later(w, ph, RING / 4, goes_on, NULL);
	}
	if (ph->dials++)
		world_fail(w, "%s was dialled %d times", d->dial_id, ph->dials);
	ph->had[n->number] = true;
	world_reach(w, POINT_DIAL, n);
}

static void hang_up(struct carrier *c, const char *dial_id)
{
	struct phone *ph = phone_of(the_world, dial_id);

	if (node_of(c)->dying)
		return;
	world_reach(the_world, POINT_HANG_UP, node_of(c));
	if (ph) /* unknown here: ended by its derived ids; then only those who have it hear of it */
		over(the_world, ph, ph->state == PHONE_TALKS ? 200 : 487);
}

static void begin_prompt(struct world *w, struct phone *ph, const char *play_id, bool loop, bool kept)
{
	struct prompt *p = must_calloc(1, sizeof(*p));

	p->play = must_strdup(play_id);
	p->kept = kept;
	p->next = ph->prompts;
	ph->prompts = p;
	if (!loop)
		later(w, ph, PROMPT, played, play_id);
	if (ph->script == 1)
		later(w, ph, PRESS, presses, NULL);
}

static void play(struct carrier *c, const char *dial_id, const char *play_id, const char *uri, bool loop,
                 int64_t started_at)
{
	struct phone *ph = hand_of(c, dial_id);
	struct world *w = the_world;
	const struct prompt *p;

	(void)uri, (void)started_at;
	if (node_of(c)->dying)
		return;
	world_reach(w, POINT_PLAY, node_of(c));
	if (!ph || ph->state != PHONE_TALKS)
		return;
	p = prompt_of(ph, play_id);
	if (!p)
		begin_prompt(w, ph, play_id, loop, false);
	else if (!p->kept) /* else its next owner, while this one stood still, saw that he should hear it */
		world_fail(w, "%s was played twice to %s", play_id, dial_id);
}

static void stop(struct carrier *c, const char *dial_id, const char *play_id)
{
	struct phone *ph = hand_of(c, dial_id);
	struct prompt *p = ph ? prompt_of(ph, play_id) : NULL;

	if (p)
		p->stopped = true;
}

static void keep_plays(struct carrier *c, const char *dial_id, const struct carrier_play *plays, size_t n)
{
	struct phone *ph = hand_of(c, dial_id);

	for (struct prompt *p = ph ? ph->prompts : NULL; p; p = p->next) {
		size_t k;

		for (k = 0; k < n && strcmp(p->play, plays[k].play); k++)
			;
		if (k == n)
			p->stopped = true;
	}
	for (size_t k = 0; ph && ph->state == PHONE_TALKS && k < n; k++)
		if (!prompt_of(ph, plays[k].play))
			begin_prompt(the_world, ph, plays[k].play, plays[k].loop, true);
}

static void bridge(struct carrier *c, const char *dial_id, const char *name)
{
	struct phone *ph = hand_of(c, dial_id);

	if (strncmp(dial_id, name, CALLID_LEN) != 0)
		world_fail(the_world, "%s was bridged into %s", dial_id, name);
	if (ph)
		ph->bridged = true;
}

/* Who is left to his bridge hangs up some time later. */
static void leave(struct carrier *c, const char *dial_id, int64_t since)
{
	struct phone *ph = hand_of(c, dial_id);

	(void)since;
	if (!ph || ph->left || ph->state != PHONE_TALKS)
		return;
	if (!ph->bridged)
		world_fail(the_world, "%s was left, but is bridged with nobody", dial_id);
	ph->left = true;
	later(the_world, ph, TALK, goes_on, NULL);
}

static int store(struct carrier *c, const char *dial_id, struct bytes *out)
{
	const struct phone *ph = phone_of(the_world, dial_id);

	if (!ph || node_of(c)->dying || !(ph->had[node_of(c)->number] || ph->knew[node_of(c)->number]))
		return -ENOENT;
	*out = (struct bytes){ must_strdup(dial_id), strlen(dial_id) };
	return 0;
}

/* What happened while nobody, or somebody else, had it is heard now. */
static void adopt(struct carrier *c, const char *dial_id, const struct bytes *record)
{
	struct node *n = node_of(c);
	struct phone *ph = phone_of(n->world, dial_id);

	(void)record;
	if (n->dying)
		return;
	if (!ph) {
		world_fail(n->world, "%s was adopted, but never dialled", dial_id);
		return;
	}
	if (ph->had[n->number])
		return;
	world_reach(n->world, POINT_ADOPT, n);
	ph->had[n->number] = true;
	if (ph->state >= PHONE_RINGS)
		say_to(n, ph, CARRIER_RINGING, NULL);
	if (ph->state >= PHONE_TALKS && (ph->state == PHONE_TALKS || ph->code == 200))
		say_to(n, ph, CARRIER_ANSWERED, NULL);
	for (const struct prompt *p = ph->prompts; p; p = p->next)
		if (p->over && !p->stopped)
			say_to(n, ph, CARRIER_PLAYED, p->play);
	if (ph->state == PHONE_OVER)
		say_to(n, ph, CARRIER_ENDED, NULL);
}

static void forget(struct carrier *c, const char *dial_id)
{
	struct phone *ph = hand_of(c, dial_id), *known = phone_of(the_world, dial_id);

	if (known && !node_of(c)->dying)
		known->knew[node_of(c)->number] = false;
	if (!ph)
		return;
	world_reach(the_world, POINT_FORGET, node_of(c));
	ph->had[node_of(c)->number] = ph->knew[node_of(c)->number] = false;
}

static void close_carrier(struct carrier *c)
{
	free(c);
}

static const struct carrier_ops ops = {
	.name = "fake",
	.address_of = address_of,
	.dial = dial,
	.hang_up = hang_up,
	.play = play,
	.stop = stop,
	.keep_plays = keep_plays,
	.bridge = bridge,
	.leave = leave,
	.store = store,
	.adopt = adopt,
	.forget = forget,
	.close = close_carrier,
};

void carrier_fake_open(struct carrier **out, struct node *n, carrier_event_fn *fn, void *arg)
{
	struct fake_carrier *c = must_calloc(1, sizeof(*c));

	c->carrier.ops = &ops;
	c->node = n;
	c->fn = fn;
	c->arg = arg;
	*out = &c->carrier;
}
