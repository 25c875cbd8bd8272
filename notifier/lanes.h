/*
 * lanes.h - whose turn it is: endpoints take turns, none has more than its share
 *
 * One lane per endpoint.  What is ready to be sent stands in its endpoint's
 * lane; lanes_next() goes round the lanes and passes those that have as many
 * transfers on their way as one endpoint may have.  So a slow endpoint holds
 * up itself only.
 */
#ifndef LANES_H
#define LANES_H

#include <stdbool.h>
#include <stddef.h>

struct lanes;
struct lane;

/* Part of what is sent; zeroed is "in no lane". */
struct lane_item {
	struct lane *lane;
	struct lane_item *next, **prev;
	bool sent;
};

/* `share`: transfers at once per endpoint. */
int lanes_open(struct lanes **out, size_t share);
void lanes_close(struct lanes *l); /* NULL is fine; items are their owners' */

/* Puts the item at the end of its endpoint's lane.  -ENOMEM. */
int lanes_add(struct lanes *l, const char *endpoint, struct lane_item *item);
/* Whose turn it is, counted as on its way until lanes_leave(); NULL: nobody's. */
struct lane_item *lanes_next(struct lanes *l);
/* Its transfer is over, or it need not be sent any more; in no lane is fine. */
void lanes_leave(struct lanes *l, struct lane_item *item);

size_t lanes_count(const struct lanes *l);

#endif
