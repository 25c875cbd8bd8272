/*
 * envelope.h - from a CallEvent to the body of its POST
 *
 * The body is a JSON array that holds exactly one event: the form that every
 * known client parses (several of them silently drop all but the first).  It
 * derives from the record alone, so a repeated POST has the same bytes.
 */
#ifndef ENVELOPE_H
#define ENVELOPE_H

#include "records.h"

enum envelope_form {
	ENVELOPE_CLOUDEVENTS, /* CloudEvents 1.0, `data` verbatim */
	ENVELOPE_EVENTGRID,   /* the older form: keys and known words in PascalCase */
};

/* -EINVAL: not one of the setting's words ("cloudevents", "eventgrid"). */
int envelope_form_parse(enum envelope_form *out, const char *name);

#define ENVELOPE_ID_SIZE 64
/* "<callLegId>-<number>": the event's id in its body and in the webhook-id header.  -EINVAL: no such call id. */
int envelope_id(char out[ENVELOPE_ID_SIZE], const struct call_event *ev);

/* On success out->data belongs to the caller (free).  -EINVAL: no webhook can be made of this record. */
int envelope_make(struct bytes *out, enum envelope_form form, const struct call_event *ev);

#endif
