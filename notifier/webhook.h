/*
 * webhook.h - one event as one POST: body, id, time, signature
 */
#ifndef WEBHOOK_H
#define WEBHOOK_H

#include "envelope.h"
#include "poster.h"

struct tenant;

/*
 * Signed at the time of the try; id and body are the same each time.  -EINVAL:
 * no webhook can be made of this record; -EAGAIN: no transfer is to be had.
 */
int webhook_send(struct poster *p, enum envelope_form form, const struct call_event *ev,
                 const struct tenant *tenant, post_done_fn *fn, void *arg);

#endif
