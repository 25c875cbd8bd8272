/* order.c - see order.h */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "table.h"

struct call {
	struct call *older, *newer; /* by the last touch */
	int64_t touched;
	int64_t seq;    /* the highest seen */
	uint64_t since; /* the restart that seq belongs to */
	struct order_line *lines;
	char name[];
};

struct order_line {
	struct order_line *next;         /* of the same call */
	int64_t done;                    /* finished up to this number */
	uint64_t asked;                  /* restart in which order_ask() said yes */
	struct order_item *first, *last; /* by number */
	char endpoint[];
};

struct order {
	struct table *calls;
	struct call *oldest, *newest;
	uint64_t restart;
};

int order_open(struct order **out)
{
	struct order *o;
	int r;

	o = must_calloc(1, sizeof(*o));
	r = table_open(&o->calls);
	if (r < 0) {
		free(o);
		return r;
	}
	o->restart = 1;
	*out = o;
	return 0;
}

static void unlink_call(struct order *o, struct call *c)
{
	*(c->older ? &c->older->newer : &o->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &o->newest) = c->older;
}

static void link_newest(struct order *o, struct call *c)
{
	c->older = o->newest;
	c->newer = NULL;
	*(o->newest ? &o->newest->newer : &o->oldest) = c;
	o->newest = c;
}

static void forget(struct order *o, struct call *c)
{
	struct order_line *line;

	unlink_call(o, c);
	table_remove(o->calls, c->name);
	while ((line = c->lines)) {
		c->lines = line->next;
		free(line);
	}
	free(c);
}

void order_close(struct order *o)
{
	if (!o)
		return;
	while (o->oldest)
		forget(o, o->oldest);
	table_close(o->calls);
	free(o);
}

static bool is_idle(const struct call *c)
{
	for (const struct order_line *line = c->lines; line; line = line->next)
		if (line->first)
			return false;
	return true;
}

/* Makes room for one more: the oldest idle one goes.  What is in hand is bounded elsewhere. */
static void make_room(struct order *o)
{
	struct call *c = o->oldest;

	if (table_count(o->calls) < ORDER_CALLS)
		return;
	while (c && !is_idle(c))
		c = c->newer;
	if (c)
		forget(o, c);
}

static struct call *touch(struct order *o, const char *name, int64_t now)
{
	struct call *c = table_get(o->calls, name);
	size_t len = strlen(name);

	if (c) {
		unlink_call(o, c);
	} else {
		make_room(o);
		c = must_calloc(1, sizeof(*c) + len + 1);
		memcpy(c->name, name, len + 1);
		if (table_put(o->calls, name, c) < 0)
			abort(); /* as must.h: out of memory */
	}
	link_newest(o, c);
	c->touched = now;
	return c;
}

bool order_first(struct order *o, const char *call, int64_t seq, int64_t now)
{
	struct call *c = touch(o, call, now);

	/* a call's records stand in the log in the order of their seq, repeats aside */
	if (c->since == o->restart && seq <= c->seq)
		return false;
	c->since = o->restart;
	c->seq = seq;
	return true;
}

void order_restart(struct order *o)
{
	o->restart++;
}

static struct order_line *line_of(struct call *c, const char *endpoint)
{
	struct order_line *line;
	size_t len = strlen(endpoint);

	for (line = c->lines; line; line = line->next)
		if (!strcmp(line->endpoint, endpoint))
			return line;
	line = must_calloc(1, sizeof(*line) + len + 1);
	memcpy(line->endpoint, endpoint, len + 1);
	line->next = c->lines;
	c->lines = line;
	return line;
}

enum order_place order_add(struct order *o, const char *call, const char *endpoint, struct order_item *item,
                           int64_t now, struct order_item **held)
{
	struct order_line *line = line_of(touch(o, call, now), endpoint);
	struct order_item *before = line->last;

	if (item->number <= line->done)
		return ORDER_DONE;
	while (before && before->number > item->number) /* mostly none: they come in order */
		before = before->prev;
	if (before && before->number == item->number) {
		*held = before;
		return ORDER_HELD;
	}
	/* the first one may be on its way already: a lower one then goes beside it, at once */
	item->line = line;
	item->prev = before;
	item->next = before ? before->next : line->first;
	*(before ? &before->next : &line->first) = item;
	*(item->next ? &item->next->prev : &line->last) = item;
	return before ? ORDER_WAITS : ORDER_GO;
}

bool order_ask(struct order *o, struct order_item *item)
{
	if (item->line->asked == o->restart)
		return false;
	item->line->asked = o->restart;
	return true;
}

void order_raise(struct order_item *item, int64_t number)
{
	if (number > item->line->done)
		item->line->done = number;
}

bool order_is_done(const struct order_item *item)
{
	return item->number <= item->line->done;
}

struct order_item *order_remove(struct order_item *item, bool done)
{
	struct order_line *line = item->line;
	bool first = line->first == item;

	*(item->prev ? &item->prev->next : &line->first) = item->next;
	*(item->next ? &item->next->prev : &line->last) = item->prev;
	if (done)
		order_raise(item, item->number);
	item->line = NULL;
	item->next = item->prev = NULL;
	return first ? line->first : NULL;
}

void order_sweep(struct order *o, int64_t before)
{
	struct call *c, *newer;

	for (c = o->oldest; c && c->touched < before; c = newer) {
		newer = c->newer;
		if (is_idle(c))
			forget(o, c);
	}
}

size_t order_calls(const struct order *o)
{
	return table_count(o->calls);
}
