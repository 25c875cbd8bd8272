/* lanes.c - see lanes.h.  A lane exists while something is ready or on its way in it. */
#include "lanes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "table.h"

struct lane {
	struct lane *next_turn;
	bool in_turn; /* stands in the row of lanes that may send */
	struct lane_item *first, **last;
	size_t sent;
	char endpoint[];
};

struct lanes {
	size_t share;
	struct table *table; /* by endpoint */
	struct lane *turn, **turn_end;
};

int lanes_open(struct lanes **out, size_t share)
{
	struct lanes *l;
	int r;

	l = must_calloc(1, sizeof(*l));
	r = table_open(&l->table);
	if (r < 0) {
		free(l);
		return r;
	}
	l->share = share;
	l->turn_end = &l->turn;
	*out = l;
	return 0;
}

void lanes_close(struct lanes *l)
{
	struct lane *lane;
	size_t cursor = 0;

	if (!l)
		return;
	while ((lane = table_next(l->table, &cursor, NULL)))
		free(lane);
	table_close(l->table);
	free(l);
}

static struct lane *find_or_make(struct lanes *l, const char *endpoint)
{
	struct lane *lane = table_get(l->table, endpoint);
	size_t len = strlen(endpoint);

	if (lane)
		return lane;
	lane = must_calloc(1, sizeof(*lane) + len + 1);
	memcpy(lane->endpoint, endpoint, len + 1);
	lane->last = &lane->first;
	if (table_put(l->table, endpoint, lane) < 0) {
		free(lane);
		return NULL;
	}
	return lane;
}

/* At the end of the row, if it has something to send and room to send it. */
static void line_up(struct lanes *l, struct lane *lane)
{
	if (lane->in_turn || !lane->first || lane->sent >= l->share)
		return;
	lane->in_turn = true;
	lane->next_turn = NULL;
	*l->turn_end = lane;
	l->turn_end = &lane->next_turn;
}

static void step_out(struct lanes *l, struct lane *lane)
{
	struct lane **p = &l->turn;

	if (!lane->in_turn)
		return;
	while (*p != lane)
		p = &(*p)->next_turn;
	*p = lane->next_turn;
	if (!*p)
		l->turn_end = p;
	lane->in_turn = false;
}

static void drop_if_empty(struct lanes *l, struct lane *lane)
{
	if (lane->first)
		return;
	step_out(l, lane);
	if (lane->sent)
		return;
	table_remove(l->table, lane->endpoint);
	free(lane);
}

int lanes_add(struct lanes *l, const char *endpoint, struct lane_item *item)
{
	struct lane *lane = find_or_make(l, endpoint);

	if (!lane)
		return -ENOMEM;
	*item = (struct lane_item){ .lane = lane, .prev = lane->last };
	*lane->last = item;
	lane->last = &item->next;
	line_up(l, lane);
	return 0;
}

/* At once from any place: a rebalance drops thousands that stand in one lane. */
static void unlink_item(struct lane *lane, struct lane_item *item)
{
	*item->prev = item->next;
	if (item->next)
		item->next->prev = item->prev;
	else
		lane->last = item->prev;
	item->next = NULL;
}

struct lane_item *lanes_next(struct lanes *l)
{
	struct lane *lane = l->turn;
	struct lane_item *item;

	if (!lane)
		return NULL;
	step_out(l, lane);
	item = lane->first;
	unlink_item(lane, item);
	item->sent = true;
	lane->sent++;
	line_up(l, lane);
	return item;
}

void lanes_leave(struct lanes *l, struct lane_item *item)
{
	struct lane *lane = item->lane;

	if (!lane)
		return;
	if (item->sent) {
		lane->sent--;
		line_up(l, lane);
	} else {
		unlink_item(lane, item);
	}
	*item = (struct lane_item){ 0 };
	drop_if_empty(l, lane);
}

size_t lanes_count(const struct lanes *l)
{
	return table_count(l->table);
}
