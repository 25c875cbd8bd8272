/* reader.c - see reader.h */
#include "reader.h"

#include <errno.h>
#include <inttypes.h>

#include "delivery.h"
#include "log.h"
#include "records.h"

static void take_event(struct deliveries *to, struct intake *in, const struct intake_record *r,
                       struct call_event *ev)
{
	if (!deliveries_first(to, ev)) {
		log_debug("event.repeated call=%s seq=%" PRId64, ev->call_leg_id, ev->seq);
		intake_done(in, &r->ticket);
		return;
	}
	if (ev->number > 0 && ev->callback_uri && ev->callback_uri[0])
		deliveries_add(to, r, ev);
	else
		intake_done(in, &r->ticket);
}

static void set_aside(struct deliveries *to, const struct intake_record *r, const char *why)
{
	log_error("event.undecodable partition=%" PRId32 " offset=%" PRId64 " reason=\"%s\"",
	          r->ticket.partition, r->ticket.offset, why);
	deliveries_bury(to, r, TOPIC_DEAD, why);
}

void reader_take(struct deliveries *to, struct intake *in, const struct intake_record *r)
{
	struct call_event ev = { 0 };
	const char *why = "no reason given";
	int e;

	e = record_decode(RECORD_CALL_EVENT, &ev, r->value, r->value_len, &why);
	switch (e) {
	case 0:
		if (ev.call_leg_id && ev.call_leg_id[0])
			take_event(to, in, r, &ev);
		else
			set_aside(to, r, "it names no call");
		break;
	case -EBADMSG:
		set_aside(to, r, why);
		break;
	case -ENOTSUP:
		log_error("schema.unknown partition=%" PRId32 " offset=%" PRId64
		          ": written by a newer program; upgrade this one",
		          r->ticket.partition, r->ticket.offset);
		intake_stop_partition(in, r->ticket.partition, "a record was written with a newer schema");
		break;
	default:
		/* not the record's fault: it is read again after the next assignment or start */
		log_error("event.failed partition=%" PRId32 " offset=%" PRId64 " error=%d",
		          r->ticket.partition, r->ticket.offset, e);
		intake_stop_partition(in, r->ticket.partition,
		                      "a record could not be decoded for lack of memory");
	}
	call_event_clear(&ev);
}
