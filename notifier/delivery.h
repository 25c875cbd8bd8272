/*
 * delivery.h - the life of each webhook: in line, not before the answer, tried, delivered or set aside
 *
 *   line     behind a lower number of its call and endpoint          (order.h)
 *   asked    has another process delivered it? only after a rebalance (delivered.h)
 *   early    not before answerBy
 *   ready    its endpoint's turn                                      (lanes.h)
 *   sent     on its way                                               (poster.h)
 *   retry    a delay, then ready again                                (verdict.h)
 *   dead     its letter is on its way to Kafka                        (letters.h)
 *
 * A record's offset is finished when its webhook is delivered, or its letter
 * acknowledged; never before.  How much is in hand is bounded: beyond
 * webhook.waiting or webhook.waiting.bytes nothing more is read.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "envelope.h"
#include "intake.h"
#include "kafka.h"
#include "records.h"

struct callback_rules;
struct deliveries;
struct delivered;
struct letters;
struct loop;
struct poster;
struct settings;
struct tenants;

/* All borrowed. */
struct delivery_parts {
	struct loop *loop;
	const struct settings *settings;
	struct intake *intake;
	struct letters *letters;
	struct delivered *delivered;
	struct poster *poster;
	const struct callback_rules *rules;
	const struct tenants *tenants;
};

int deliveries_open(struct deliveries **out, const struct delivery_parts *parts);
void deliveries_close(struct deliveries *s); /* NULL is fine; before the parts are closed */

/* Another tenants file counts from now on. */
void deliveries_tenants(struct deliveries *s, const struct tenants *t);

/* The first record of this seq of its call?  If not, it is to be passed over. */
bool deliveries_first(struct deliveries *s, const struct call_event *ev);
/* `ev` is taken (and left empty). */
void deliveries_add(struct deliveries *s, const struct intake_record *r, struct call_event *ev);
/* Not to be read or delivered: its letter goes to `topic`, then it is finished. */
void deliveries_bury(struct deliveries *s, const struct intake_record *r, enum kafka_topic topic,
                     const char *reason);

/* Records come again from the committed offsets. */
void deliveries_restart(struct deliveries *s);
/* Forgets what is not sent; what is on its way goes on, and is not tried again before deliveries_restart(). */
void deliveries_drop(struct deliveries *s);
/* As drop; nothing is begun any more. */
void deliveries_drain(struct deliveries *s);
size_t deliveries_on_way(const struct deliveries *s);
size_t deliveries_count(const struct deliveries *s);

#endif
