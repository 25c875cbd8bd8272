/*
 * view.h - a call as Redis has it: for GET, and for a look before a command
 *
 * On the loop's thread.  Redis being away is never an error here: the worker
 * decides, the look only tells the caller sooner.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "callid.h"
#include "records.h"

struct loop;
struct redis;

enum view_answer {
	VIEW_FOUND,
	VIEW_NONE,
	VIEW_AWAY /* no answer in time */,
	VIEW_BROKEN /* not to be read */
};

/* `record` is borrowed, and there with VIEW_FOUND only. */
typedef void view_fn(void *arg, enum view_answer answer, const struct call_record *record);

/* fn is called once, from a later turn of the loop, within `wait` us.  -ENOMEM: it is not. */
int view_ask(struct loop *loop, struct redis *redis, const char *call, int32_t partition, int64_t wait,
             view_fn *fn, void *arg);

/* What the app is told: "established".  A call that it has left is over for it. */
const char *view_state(const struct call_record *r);

/* The body of GET; malloc'ed.  NULL: no memory. */
char *view_json(const struct call_record *r);
/* For an id whose command is still on its way. */
char *view_json_idle(const char *call);
/*
 * The body of GET participants: who talks now.  Nobody before the call is
 * established and after its end; NULL: no record yet.
 */
char *view_participants(const struct call_record *r);

#endif
