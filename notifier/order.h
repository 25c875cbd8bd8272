/*
 * order.h - who waits behind whom: the events of a call leave for an endpoint in the order of their numbers
 *
 * A line is a call and an endpoint; only its first item may be on its way.  An
 * item waits behind a lower one that is in hand, never behind one that is not
 * here: what was finished before a partition came to us is not read again.
 * Calls that nothing was heard of are forgotten (order_sweep), and the oldest
 * ones when there are more than ORDER_CALLS.
 *
 * Pure: no clock, no socket.  Times are any clock of the caller's.
 */
#ifndef ORDER_H
#define ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORDER_CALLS 32768

struct order;
struct order_line;

/* Part of what waits; zeroed is "in no line". */
struct order_item {
	int64_t number;
	struct order_line *line;
	struct order_item *next, *prev;
};

int order_open(struct order **out);
void order_close(struct order *o); /* NULL is fine; items are their owners' */

/*
 * Of two records of one seq the first counts: false for the second.  What was
 * seen counts until order_restart(): records are then read again from the
 * committed offset, those that were dropped among them.
 */
bool order_first(struct order *o, const char *call, int64_t seq, int64_t now);
void order_restart(struct order *o);

enum order_place {
	ORDER_GO,    /* nothing lower is in hand */
	ORDER_WAITS, /* order_remove() of the one before will name it */
	ORDER_DONE,  /* this number, or a higher one, is finished; the item is in no line */
	ORDER_HELD,  /* an item of this number is in hand: *held; this one is in no line */
};
/* item->number is set by the caller. */
enum order_place order_add(struct order *o, const char *call, const char *endpoint, struct order_item *item,
                           int64_t now, struct order_item **held);

/* True once for each line and restart: may another process have delivered some of it? */
bool order_ask(struct order *o, struct order_item *item);
/* Everything up to `number` is finished there. */
void order_raise(struct order_item *item, int64_t number);
/* Has its number been finished meanwhile? */
bool order_is_done(const struct order_item *item);

/*
 * Takes the item out of its line; `done`: its number is finished.  Returns the
 * item that may go now because of it, or NULL.
 */
struct order_item *order_remove(struct order_item *item, bool done);

/* Forgets calls with nothing in hand that were last touched before `before`. */
void order_sweep(struct order *o, int64_t before);
size_t order_calls(const struct order *o);

#endif
