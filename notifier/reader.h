/*
 * reader.h - from a record of calls.events to a webhook, or to none
 *
 * A record for the ledger only is finished at once, and so is one without a
 * callback.  One that will never decode goes to calls.dead; one of a newer
 * program's schema is no poison: its partition stands still until this program
 * is upgraded.
 */
#ifndef READER_H
#define READER_H

#include "intake.h"

struct deliveries;

void reader_take(struct deliveries *to, struct intake *in, const struct intake_record *r);

#endif
