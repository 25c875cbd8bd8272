/* step_read.c - what Redis has of a call, read when it is not in memory, or is another version there */
#include <errno.h>

#include "log.h"
#include "step_parts.h"

static void call_was_read(void *arg, enum store_answer a, int64_t version, const void *data, size_t len)
{
	struct call *c = arg;
	struct call_record rec = { 0 };
	const char *why = NULL;
	int r = 0;

	c->memory = CALL_UNREAD;
	if (c->forgotten) {
		call_answered_late(c);
		return;
	}
	if (a == STORE_REFUSED)
		partition_refused(c->partition);
	if (a == STORE_FAILED)
		call_unreadable(c, store_error(c->partition->worker->store));
	if (a != STORE_DONE)
		return; /* read again by the next call_run(), once the partition is active again */
	if (len)
		r = record_decode(RECORD_CALL_RECORD, &rec, data, len, &why);
	if (r == -ENOTSUP) { /* to a newer program it means something: it stays with its inputs */
		log_error("call.newer call=%s reason=\"written by a newer program\"", c->id);
		c->partition->blocked = true;
		return;
	}
	if (r < 0) {
		call_unreadable(c, why ? why : "its record is not decodable");
		return;
	}
	call_record_clear(&c->record);
	c->record = rec;
	c->version = version;
	c->memory = CALL_READ;
	if (call_exists(&c->record) && c->acked_seq < c->record.next_seq - 1 && !c->untold)
		c->acked_seq = c->record.next_seq - 1; /* a takeover told all that was in the outbox */
	call_set_deadline(c);
	call_run(c);
}

void call_read(struct call *c)
{
	struct partition *p = c->partition;

	c->memory = CALL_READING;
	store_load(p->worker->store, p->number, &p->epoch, c->id, call_was_read, c);
}
