/*
 * call.h - what a command, a leg's event or a deadline does to a call
 *
 * call_decide() is a pure function of the call's record and one input: it
 * changes the record as it will be saved, and plans events and acts.  No Redis,
 * Kafka, carrier or clock is in it.
 */
#ifndef CALL_H
#define CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "carrier.h"
#include "plan.h"
#include "records.h"

enum input_kind {
	INPUT_COMMAND,
	INPUT_CARRIER,  /* a carrier event */
	INPUT_CONFIRM,  /* Kafka has an event that announces dials: they may go */
	INPUT_DEADLINE, /* the record's deadline has come */
	INPUT_DIALLED,  /* long after their confirm was decided: they ring as long as others */
	INPUT_STARTED,  /* what was asked for was started: operations go from intent to started */
	INPUT_TAKEN,    /* taken over from an owner who is gone, with nothing of it in our memory */
	INPUT_LEAVING,  /* the partition is being handed over: legs that no event came from yet are stored */
	INPUT_DEAD, /* a create that was set aside, or nothing of the call can be saved: it ends as failed */
};

struct input {
	enum input_kind kind;
	const struct call_command *command;  /* COMMAND; DEAD: the create, or NULL */
	const struct carrier_event *carrier; /* CARRIER */
	bool below_next;   /* COMMAND: its offset stands below {p}:next: it was told before */
	int32_t announced; /* CONFIRM: the ledger knows of the dials of all legs up to this number */
};

struct call_rules {
	int64_t ring_timeout, call_max, hangup_timeout, dial_bound; /* us */
	struct carrier *carrier; /* for address_of, which is pure, and store() */
	const char *epoch;       /* the owner's, for the events */
	const char *redis_run;   /* Redis's run_id at the takeover */
	int64_t now;             /* Redis's clock, us */
};

/*
 * `rec` is zeroed where there is no such call.  `version` is the one that the
 * save will give it.  The plan is zeroed by the caller and cleared by it.
 */
void call_decide(struct plan *plan, struct call_record *rec, const struct input *in,
                 const struct call_rules *rules, int64_t version);

/*
 * What is left to say when what call_decide() planned for this input would not
 * fit (a record over CALL_RECORD_MAX, an event over CALL_EVENT_MAX): `rec` is as
 * it was before.  A create ends as failed; an operation gets a failed result, and
 * its context does not stay.  Only for those that let a call grow.
 */
void call_decide_too_big(struct plan *plan, struct call_record *rec, const struct input *in,
                         const struct call_rules *rules, int64_t version);

#define CALL_RECORD_MAX       (64 * 1024)
#define CALL_EVENT_MAX        (32 * 1024)
#define CALL_PARTICIPANTS_MAX 64
#define CALL_OPERATIONS_MAX   16
#define CALL_CONTEXTS_MAX     (16 * 1024)
#define CALL_COMMANDS_KEPT    32

bool call_exists(const struct call_record *rec);
bool call_is_over(const struct call_record *rec);
bool call_knows_command(const struct call_record *rec, const char *command_id);
/* Legs that wait for their confirm. */
bool call_has_intent(const struct call_record *rec);
/* Legs that were dialled, or may have been, and of which nothing was heard yet. */
bool call_has_unheard(const struct call_record *rec);

#endif
