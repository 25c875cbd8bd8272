/* records_tables.c - each struct of records.h as a table: name in the schema, kind, place */
#include "records_parts.h"

#define AT(type, member) offsetof(struct type, member)
#define COUNT_OF(table)  (sizeof(table) / sizeof((table)[0]))

#define TEXT(avro, type, member)                                                                             \
	{                                                                                                    \
		avro, FIELD_TEXT, AT(type, member), 0, NULL, NULL, 0                                         \
	}
#define INT32(avro, type, member)                                                                            \
	{                                                                                                    \
		avro, FIELD_INT32, AT(type, member), 0, NULL, NULL, 0                                        \
	}
#define INT64(avro, type, member)                                                                            \
	{                                                                                                    \
		avro, FIELD_INT64, AT(type, member), 0, NULL, NULL, 0                                        \
	}
#define INT64_FROM_1(avro, type, member)                                                                     \
	{                                                                                                    \
		avro, FIELD_INT64, AT(type, member), 0, NULL, NULL, 1                                        \
	}
#define FLAG(avro, type, member)                                                                             \
	{                                                                                                    \
		avro, FIELD_FLAG, AT(type, member), 0, NULL, NULL, 0                                         \
	}
#define WORD(avro, type, member, symbols)                                                                    \
	{                                                                                                    \
		avro, FIELD_WORD, AT(type, member), 0, NULL, symbols, 0                                      \
	}
#define BLOB(avro, type, member)                                                                             \
	{                                                                                                    \
		avro, FIELD_BLOB, AT(type, member), 0, NULL, NULL, 0                                         \
	}
#define PART(avro, type, member, table)                                                                      \
	{                                                                                                    \
		avro, FIELD_PART, AT(type, member), 0, table, NULL, 0                                        \
	}
#define OPTIONAL(avro, type, member, table)                                                                  \
	{                                                                                                    \
		avro, FIELD_OPTIONAL, AT(type, member), 0, table, NULL, 0                                    \
	}
#define LIST(avro, type, member, table)                                                                      \
	{                                                                                                    \
		avro, FIELD_LIST, AT(type, member), AT(type, member##_count), table, NULL, 0                 \
	}
#define TEXTS(avro, type, member)                                                                            \
	{                                                                                                    \
		avro, FIELD_TEXTS, AT(type, member), AT(type, member##_count), NULL, NULL, 0                 \
	}

#define TABLE(type)                                                                                          \
	{                                                                                                    \
		sizeof(struct type), type##_fields, COUNT_OF(type##_fields)                                  \
	}

/* ---- enums: the number's name in the schema, in the order of the C enum ---- */

static const char *const identifier_symbols[] = { "none", "phoneNumber", "communicationUser", "raw", NULL };
static const char *const api_symbols[] = { "calls", "calling", "callConnections", NULL };
static const char *const command_symbols[] = { "create", "hangup", "delete", "play",
	                                       "cancel", "invite", "remove", NULL };
static const char *const call_symbols[] = { "idle",        "establishing", "established", "left",
	                                    "terminating", "terminated",   NULL };
static const char *const leg_symbols[] = { "queued",  "intent", "go",    "ringing",
	                                   "talking", "ending", "ended", NULL };
static const char *const slot_symbols[] = { "none", "wanted", "taken", "givenBack", NULL };
static const char *const operation_symbols[] = { "play", "invite", NULL };
static const char *const operation_state_symbols[] = { "intent", "started", NULL };
static const char *const event_symbols[] = {
	"CallLegStateChanged",
	"DtmfReceived",
	"PlayAudioResult",
	"InviteParticipantResult",
	"ParticipantsUpdated",
	"DialAnnounced",
	"LegChanged",
	"Snapshot",
	NULL,
};
const char *const outcome_symbols[] = {
	"none",        "completed", "busy",    "noAnswer", "declined", "noSuchNumber", "network",
	"unreachable", "cancelled", "expired", "failed",   "unknown",  NULL,
};

_Static_assert(COUNT_OF(leg_symbols) == LEG_STATES + 1, "a name for each leg state");
_Static_assert(COUNT_OF(outcome_symbols) == OUTCOMES + 1, "a name for each outcome");
_Static_assert(COUNT_OF(call_symbols) == CALL_TERMINATED + 2, "a name for each call state");
_Static_assert(COUNT_OF(command_symbols) == COMMAND_REMOVE + 2, "a name for each command");
_Static_assert(COUNT_OF(event_symbols) == EVENT_SNAPSHOT + 2, "a name for each event type");

/* ---- parts ---- */

static const struct field identifier_fields[] = {
	WORD("kind", identifier, kind, identifier_symbols),
	TEXT("value", identifier, value),
};
const struct table identifier_table = TABLE(identifier);

static const struct field create_body_fields[] = {
	PART("source", create_body, source, &identifier_table),
	LIST("targets", create_body, targets, &identifier_table),
	TEXT("sourceAlternate", create_body, source_alternate),
	TEXT("subject", create_body, subject),
	FLAG("audio", create_body, audio),
	FLAG("video", create_body, video),
	FLAG("participantsUpdated", create_body, participants_updated),
	FLAG("dtmfReceived", create_body, dtmf_received),
};
static const struct table create_table = TABLE(create_body);

static const struct field play_body_fields[] = {
	TEXT("audioFileUri", play_body, audio_file_uri),
	TEXT("audioFileId", play_body, audio_file_id),
	FLAG("loop", play_body, loop),
};
static const struct table play_table = TABLE(play_body);

static const struct field invite_body_fields[] = {
	LIST("participants", invite_body, participants, &identifier_table),
	TEXT("alternateCallerId", invite_body, alternate_caller_id),
};
static const struct table invite_table = TABLE(invite_body);

static const struct field digit_meaning_fields[] = {
	TEXT("digit", digit_meaning, digit),
	TEXT("meaning", digit_meaning, meaning),
};
static const struct table digit_table = TABLE(digit_meaning);

static const struct field announcement_fields[] = {
	TEXT("audioFileUri", announcement, audio_file_uri),
	INT32("repeats", announcement, repeats),
	LIST("digits", announcement, digits, &digit_table),
	FLAG("hangUp", announcement, hang_up),
};
static const struct table announcement_table = TABLE(announcement);

static const struct field leg_fields[] = {
	INT32("number", leg, number),
	TEXT("participantId", leg, participant_id),
	PART("identifier", leg, identifier, &identifier_table),
	TEXT("commandId", leg, command_id),
	WORD("state", leg, state, leg_symbols),
	TEXT("dialId", leg, dial_id),
	INT32("tries", leg, tries),
	TEXT("carrier", leg, carrier),
	TEXT("address", leg, address),
	TEXT("caller", leg, caller),
	FLAG("muted", leg, muted),
	FLAG("heardRinging", leg, heard_ringing),
	INT64("dialledAt", leg, dialled_at),
	INT64("answeredAt", leg, answered_at),
	INT64("deadline", leg, deadline),
	INT32("code", leg, code),
	TEXT("reason", leg, reason),
	WORD("outcome", leg, outcome, outcome_symbols),
	FLAG("hungUp", leg, hung_up),
	BLOB("carrierRecord", leg, carrier_record),
	TEXT("slot", leg, slot),
	WORD("slotState", leg, slot_state, slot_symbols),
};
const struct table leg_table = TABLE(leg);

static const struct field operation_fields[] = {
	TEXT("id", operation, id),
	WORD("kind", operation, kind, operation_symbols),
	WORD("state", operation, state, operation_state_symbols),
	TEXT("context", operation, context),
	TEXT("callbackUri", operation, callback_uri),
	TEXT("audioFileUri", operation, audio_file_uri),
	FLAG("loop", operation, loop),
	INT64("startedAt", operation, started_at),
	INT32("leg", operation, leg),
};
const struct table operation_table = TABLE(operation);

static const struct field dial_fields[] = {
	TEXT("dialId", dial, dial_id),
	INT32("leg", dial, leg),
	TEXT("participantId", dial, participant_id),
	PART("identifier", dial, identifier, &identifier_table),
	TEXT("commandId", dial, command_id),
	TEXT("carrier", dial, carrier),
	TEXT("address", dial, address),
	TEXT("caller", dial, caller),
};
static const struct table dial_table = TABLE(dial);

static const struct field leg_record_fields[] = {
	INT32("leg", leg_record, leg),
	WORD("state", leg_record, state, leg_symbols),
	BLOB("carrierRecord", leg_record, carrier_record),
};
static const struct table leg_record_table = TABLE(leg_record);

static const struct field dead_answer_fields[] = {
	INT64("at", dead_answer, at),
	INT32("status", dead_answer, status),
	TEXT("error", dead_answer, error),
};
static const struct table dead_answer_table = TABLE(dead_answer);

/* ---- records ---- */

static const struct field call_command_fields[] = {
	TEXT("commandId", call_command, command_id),
	TEXT("callLegId", call_command, call_leg_id),
	TEXT("tenant", call_command, tenant),
	WORD("api", call_command, api, api_symbols),
	WORD("kind", call_command, kind, command_symbols),
	OPTIONAL("create", call_command, create, &create_table),
	OPTIONAL("play", call_command, play, &play_table),
	OPTIONAL("invite", call_command, invite, &invite_table),
	TEXT("participantId", call_command, participant_id),
	TEXT("operationContext", call_command, operation_context),
	TEXT("callbackUri", call_command, callback_uri),
	INT64("acceptedAt", call_command, accepted_at),
	INT64("notBefore", call_command, not_before),
	INT64("expiresAt", call_command, expires_at),
	INT64("answerBy", call_command, answer_by),
	INT32("priority", call_command, priority),
	TEXT("campaignId", call_command, campaign_id),
	TEXT("contactId", call_command, contact_id),
	INT32("attempt", call_command, attempt),
	OPTIONAL("announcement", call_command, announcement, &announcement_table),
	BLOB("bodyHash", call_command, body_hash),
	TEXT("traceparent", call_command, traceparent),
};
static const struct table call_command_table = TABLE(call_command);

static const struct field call_event_fields[] = {
	TEXT("callLegId", call_event, call_leg_id),
	TEXT("tenant", call_event, tenant),
	WORD("api", call_event, api, api_symbols),
	INT64("seq", call_event, seq),
	INT64("version", call_event, version),
	INT64("number", call_event, number),
	WORD("type", call_event, type, event_symbols),
	TEXT("data", call_event, data),
	TEXT("callbackUri", call_event, callback_uri),
	TEXT("operationContext", call_event, operation_context),
	INT64("answerBy", call_event, answer_by),
	INT64("at", call_event, at),
	FLAG("final", call_event, final),
	WORD("outcome", call_event, outcome, outcome_symbols),
	TEXT("traceparent", call_event, traceparent),
	TEXT("epoch", call_event, epoch),
	TEXTS("commandIds", call_event, command_ids),
	WORD("state", call_event, state, call_symbols),
	INT64("deadline", call_event, deadline),
	INT64("endsBy", call_event, ends_by),
	TEXTS("slots", call_event, slots),
	LIST("operations", call_event, operations, &operation_table),
	LIST("dials", call_event, dials, &dial_table),
	LIST("legs", call_event, legs, &leg_record_table),
};
static const struct table call_event_table = TABLE(call_event);

static const struct field call_record_fields[] = {
	TEXT("callLegId", call_record, call_leg_id),
	TEXT("tenant", call_record, tenant),
	WORD("api", call_record, api, api_symbols),
	WORD("state", call_record, state, call_symbols),
	TEXT("callbackUri", call_record, callback_uri),
	TEXT("operationContext", call_record, operation_context),
	PART("source", call_record, source, &identifier_table),
	TEXT("sourceAlternate", call_record, source_alternate),
	TEXT("subject", call_record, subject),
	FLAG("participantsUpdated", call_record, participants_updated),
	FLAG("dtmfReceived", call_record, dtmf_received),
	LIST("legs", call_record, legs, &leg_table),
	LIST("operations", call_record, operations, &operation_table),
	TEXTS("commandIds", call_record, command_ids),
	INT64_FROM_1("nextSeq", call_record, next_seq),
	INT64_FROM_1("nextNumber", call_record, next_number),
	INT64("answerBy", call_record, answer_by),
	INT64("createdAt", call_record, created_at),
	INT64("establishedAt", call_record, established_at),
	INT64("endedAt", call_record, ended_at),
	INT64("deadline", call_record, deadline),
	INT64("endsBy", call_record, ends_by),
	INT64("tones", call_record, tones),
	WORD("outcome", call_record, outcome, outcome_symbols),
	INT32("resultCode", call_record, result_code),
	INT32("resultSubcode", call_record, result_subcode),
	TEXT("resultMessage", call_record, result_message),
	TEXT("campaignId", call_record, campaign_id),
	TEXT("contactId", call_record, contact_id),
	INT32("attempt", call_record, attempt),
	OPTIONAL("announcement", call_record, announcement, &announcement_table),
	BLOB("bodyHash", call_record, body_hash),
	TEXT("traceparent", call_record, traceparent),
	TEXT("redisRun", call_record, redis_run),
};
static const struct table call_record_table = TABLE(call_record);

static const struct field dead_letter_fields[] = {
	BLOB("value", dead_letter, value),
	BLOB("key", dead_letter, key),
	TEXT("reason", dead_letter, reason),
	TEXT("topic", dead_letter, topic),
	INT32("partition", dead_letter, partition),
	INT64("offset", dead_letter, offset),
	INT64("at", dead_letter, at),
	INT32("attempts", dead_letter, attempts),
	LIST("answers", dead_letter, answers, &dead_answer_table),
};
static const struct table dead_letter_table = TABLE(dead_letter);

const struct table *const record_tables[RECORD_TYPES] = {
	[RECORD_CALL_COMMAND] = &call_command_table,
	[RECORD_CALL_EVENT] = &call_event_table,
	[RECORD_CALL_RECORD] = &call_record_table,
	[RECORD_DEAD_LETTER] = &dead_letter_table,
};

/* ---- names ---- */

static const char *name_of(const char *const *symbols, int number)
{
	int i;

	for (i = 0; symbols[i]; i++) {
		if (i == number)
			return symbols[i];
	}
	return "unknown";
}

const char *call_state_name(int state)
{
	/* the API has no word for a call that its app has left */
	return state == CALL_LEFT ? "terminated" : name_of(call_symbols, state);
}

const char *leg_state_name(int state)
{
	return name_of(leg_symbols, state);
}

const char *command_kind_name(int kind)
{
	return name_of(command_symbols, kind);
}

const char *event_type_name(int type)
{
	return name_of(event_symbols, type);
}
