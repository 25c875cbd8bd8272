/*
 * records.h - what goes through Kafka and Redis, as C structs, and their Avro form
 *
 * One struct per schema in schemas/.  Encoded in single-object encoding (0xC3
 * 0x01, CRC-64-AVRO fingerprint of the writer's schema, little-endian, then the
 * body), or, when a registry map is configured, 0x00 and the schema's id.
 * Readers take both and every version in schemas/history/: decoded with the
 * writer's schema, mapped by name, defaults for what is missing.
 *
 * Strings are malloc'ed; NULL is Avro null (or the empty string where the schema
 * has no null).  Arrays are malloc'ed, `<name>_count` long.  A zeroed struct is
 * an empty record.  Each *_clear() frees what the struct holds and zeroes it.
 * Times are microseconds since 1970, UTC; 0 is "not set".
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	void *data;
	size_t len;
};

enum identifier_kind { IDENTIFIER_NONE, IDENTIFIER_PHONE, IDENTIFIER_USER, IDENTIFIER_RAW };

struct identifier {
	int kind;    /* enum identifier_kind */
	char *value; /* phone: E.164 with '+'; user: its id; raw: the raw id */
};

/* ---- CallCommand, on calls.commands ---- */

enum api_shape {
	API_CALLS,
	API_CALLING,
	API_CALL_CONNECTIONS
}; /* /calls, /calling/calls, /calling/callConnections */

enum command_kind {
	COMMAND_CREATE,
	COMMAND_HANGUP,
	COMMAND_DELETE,
	COMMAND_PLAY,
	COMMAND_CANCEL,
	COMMAND_INVITE,
	COMMAND_REMOVE,
};

struct create_body {
	struct identifier source;
	struct identifier *targets;
	size_t targets_count;
	char *source_alternate; /* E.164, or NULL */
	char *subject;
	bool audio, video;                        /* requestedModalities */
	bool participants_updated, dtmf_received; /* requestedCallEvents */
};

struct play_body {
	char *audio_file_uri;
	char *audio_file_id; /* audioFileId or resourceId */
	bool loop;
};

struct invite_body {
	struct identifier *participants;
	size_t participants_count;
	char *alternate_caller_id;
};

struct digit_meaning {
	char *digit;   /* "1" */
	char *meaning; /* confirm, optOut, repeat, transfer */
};

struct announcement {
	char *audio_file_uri;
	int32_t repeats;
	struct digit_meaning *digits;
	size_t digits_count;
	bool hang_up;
};

struct call_command {
	char *command_id; /* UUID */
	char *call_leg_id;
	char *tenant;
	int api;  /* enum api_shape */
	int kind; /* enum command_kind; its body below is not NULL where the kind has one */
	struct create_body *create;
	struct play_body *play;
	struct invite_body *invite;
	char *participant_id; /* remove */
	char *operation_context;
	char *callback_uri;
	int64_t accepted_at, not_before, expires_at, answer_by;
	int32_t priority;
	char *campaign_id, *contact_id;
	int32_t attempt;
	struct announcement *announcement;
	struct bytes body_hash; /* SHA-256, where a repeat is told by its body; else empty */
	char *traceparent;
};

/* ---- CallRecord, in Redis; some of its parts stand in events too ---- */

enum call_state {
	CALL_IDLE,
	CALL_ESTABLISHING,
	CALL_ESTABLISHED,
	CALL_LEFT,
	CALL_TERMINATING,
	CALL_TERMINATED
};

enum leg_state {
	LEG_QUEUED,  /* waits for a slot: no intent yet */
	LEG_INTENT,  /* saved: surely not dialled yet */
	LEG_GO,      /* confirmed: may have been dialled */
	LEG_RINGING, /* the first leg event came: its record is here, a stranger can adopt it */
	LEG_TALKING,
	LEG_ENDING, /* we hung up; its end is not heard yet */
	LEG_ENDED,
	LEG_STATES,
};

/* How a call, or a leg, came out.  result.h has the codes and words. */
enum outcome {
	OUTCOME_NONE, /* not ended yet */
	OUTCOME_COMPLETED,
	OUTCOME_BUSY,
	OUTCOME_NO_ANSWER,
	OUTCOME_DECLINED,
	OUTCOME_NO_SUCH_NUMBER,
	OUTCOME_NETWORK,
	OUTCOME_UNREACHABLE,
	OUTCOME_CANCELLED,
	OUTCOME_EXPIRED,
	OUTCOME_FAILED,
	OUTCOME_UNKNOWN,
	OUTCOMES,
};

struct leg {
	int32_t number; /* 1.. */
	char *participant_id;
	struct identifier identifier;
	char *command_id; /* that made it: create or invite */
	int state;        /* enum leg_state */
	char *dial_id;    /* <callLegId>.<leg>.<n>; NULL before the first */
	int32_t tries;    /* n of the newest dial */
	char *carrier;
	char *address; /* derived: what the carrier dials */
	char *caller;  /* E.164 shown to it; NULL: the call's */
	bool muted;
	bool heard_ringing;                        /* a 18x came */
	int64_t dialled_at, answered_at, deadline; /* of the ring, or of the end we wait for */
	int32_t code;                              /* SIP code of its end */
	char *reason;
	int outcome;                 /* enum outcome, once ended */
	bool hung_up;                /* by us */
	struct bytes carrier_record; /* carrier's store(): what a stranger needs to adopt it */
	char *slot;                  /* scope it holds or wants a slot of; NULL none */
	int slot_state;              /* 0 none, 1 wanted, 2 taken, 3 given back */
};

enum operation_kind { OPERATION_PLAY, OPERATION_INVITE };
enum operation_state { OPERATION_INTENT, OPERATION_STARTED };

struct operation {
	char *id; /* its command's */
	int kind, state;
	char *context;
	char *callback_uri; /* its own, or NULL */
	char *audio_file_uri;
	bool loop;
	int64_t started_at; /* operation_state STARTED */
	int32_t leg;        /* not used: an invite's legs carry its id as their command's */
};

struct call_record {
	char *call_leg_id;
	char *tenant;
	int api;
	int state; /* enum call_state */
	char *callback_uri;
	char *operation_context;
	struct identifier source;
	char *source_alternate;
	char *subject;
	bool participants_updated, dtmf_received;
	struct leg *legs;
	size_t legs_count;
	struct operation *operations; /* open ones */
	size_t operations_count;
	char **command_ids; /* the last 32, oldest first */
	size_t command_ids_count;
	int64_t next_seq, next_number; /* of the next event; start at 1 */
	int64_t answer_by;             /* the latest of the commands taken into account */
	int64_t created_at, established_at, ended_at;
	int64_t deadline; /* the earliest time at which something must happen; 0 none */
	int64_t ends_by;  /* call.max */
	int64_t tones;    /* digits heard: the last sequenceId */
	int outcome;
	int32_t result_code, result_subcode;
	char *result_message;
	char *campaign_id, *contact_id;
	int32_t attempt;
	struct announcement *announcement;
	struct bytes body_hash;
	char *traceparent;
	char *redis_run; /* run_id of the Redis that this was saved in */
};

/* ---- CallEvent, on calls.events ---- */

enum event_type {
	EVENT_CALL_STATE,    /* CallLegStateChanged */
	EVENT_DTMF,          /* DtmfReceived */
	EVENT_PLAY_RESULT,   /* PlayAudioResult */
	EVENT_INVITE_RESULT, /* InviteParticipantResult */
	EVENT_PARTICIPANTS,  /* ParticipantsUpdated */
	EVENT_DIAL,          /* ledger only: a dial announced */
	EVENT_LEG,           /* ledger only: what a leg did */
	EVENT_SNAPSHOT,      /* ledger only */
};

struct dial {
	char *dial_id;
	int32_t leg;
	char *participant_id;
	struct identifier identifier;
	char *command_id;
	char *carrier;
	char *address;
	char *caller;
};

struct leg_record {
	int32_t leg;
	int state;
	struct bytes carrier_record;
};

struct call_event {
	char *call_leg_id;
	char *tenant;
	int api;
	int64_t seq;     /* 1..m over all records of the call */
	int64_t version; /* of the save */
	int64_t number;  /* 1..n over what goes to a webhook; 0: ledger only */
	int type;        /* enum event_type */
	char *data;      /* JSON object, camelCase, the specification's values; what a webhook's `data` is */
	char *callback_uri;
	char *operation_context;
	int64_t answer_by;
	int64_t at;
	bool final; /* the call's last */
	int outcome;
	char *traceparent;
	/* what a rebuild of Redis needs */
	char *epoch;        /* the owner's */
	char **command_ids; /* taken into account since the last event */
	size_t command_ids_count;
	int state; /* enum call_state after it */
	int64_t deadline, ends_by;
	char **slots;
	size_t slots_count;
	struct operation *operations;
	size_t operations_count;
	struct dial *dials;
	size_t dials_count;
	struct leg_record *legs;
	size_t legs_count;
};

/* ---- DeadLetter, on calls.dead and webhooks.dead ---- */

struct dead_answer {
	int64_t at;
	int32_t status; /* HTTP; 0: none came */
	char *error;
};

struct dead_letter {
	struct bytes value; /* as it was read */
	struct bytes key;
	char *reason;
	char *topic;
	int32_t partition;
	int64_t offset;
	int64_t at;
	int32_t attempts;
	struct dead_answer *answers; /* the last ones */
	size_t answers_count;
};

/* ---- the Avro form ---- */

enum record_type {
	RECORD_CALL_COMMAND,
	RECORD_CALL_EVENT,
	RECORD_CALL_RECORD,
	RECORD_DEAD_LETTER,
	RECORD_TYPES
};

/*
 * Compiles the schemas built into the program and takes the settings
 * schema.write and schema.registry (either may be "").  Once, before any other
 * call; all of this is for one thread.  -EINVAL: `why` says what.
 */
int records_open(const char *schema_write, const char *registry_path, char *why, size_t size);
void records_close(void);

/* On success out->data belongs to the caller (free).  -ENOMEM, -EINVAL (a number outside its enum). */
int record_encode(enum record_type type, const void *record, struct bytes *out);

/*
 * Fills `record` (zeroed by the caller, cleared on failure).
 *   -EBADMSG  these bytes will never decode (`why`, borrowed, says what)
 *             (0x00 framing without a registry is that, too)
 *   -ENOTSUP  well framed, but written with a schema that this build doesn't
 *             know: a newer program's; not poison
 */
int record_decode(enum record_type type, void *record, const void *data, size_t len, const char **why);

void call_command_clear(struct call_command *c);
void call_event_clear(struct call_event *e);
void call_record_clear(struct call_record *r);
void dead_letter_clear(struct dead_letter *d);
void leg_clear(struct leg *l);
void operation_clear(struct operation *o);
void identifier_clear(struct identifier *i);

/* A deep copy; *out is overwritten, not cleared.  -ENOMEM: *out is empty. */
int call_record_copy(struct call_record *out, const struct call_record *r);

/* Fingerprint of the newest version, and the schema's name ("CallCommand"). */
uint64_t record_fingerprint(enum record_type type);
const char *record_name(enum record_type type);

const char *call_state_name(int state); /* "established": the API's word */
const char *leg_state_name(int state);
const char *command_kind_name(int kind); /* "create" */
const char *event_type_name(int type);   /* "CallLegStateChanged" */

#endif
