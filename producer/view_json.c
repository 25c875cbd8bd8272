/* view_json.c - see view.h: a call's record as the JSON that the GETs answer */
#include "view.h"

#include <stdio.h>
#include <time.h>

#include <jansson.h>

#include "callback.h"
#include "clock.h"
#include "participant.h"
#include "result.h"

/* Its app hung up, or everybody did: for the app that is the same. */
static bool is_over(const struct call_record *r)
{
	return r->state == CALL_TERMINATED || r->state == CALL_LEFT;
}

const char *view_state(const struct call_record *r)
{
	return call_state_name(is_over(r) ? CALL_TERMINATED : r->state);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *time_json(int64_t at)
{
	time_t seconds = (time_t)(at / CLOCK_SEC);
	struct tm tm;
	char text[48];
	size_t used;

	if (!at)
		return json_null();
	gmtime_r(&seconds, &tm);
	used = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, sizeof(text) - used, ".%06dZ", (int)(at % CLOCK_SEC));
	return json_string(text);
}

static json_t *targets_json(const struct call_record *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->legs_count; i++) {
		const struct leg *l = &r->legs[i];
		json_t *one = json_pack("{s:o, s:o, s:s}", "identifier", identifier_json(&l->identifier),
		                        "participantId", text_or_null(l->participant_id), "state",
		                        leg_state_name(l->state));

		json_array_append_new(list, one);
	}
	return list;
}

static json_t *result_json(const struct call_record *r)
{
	if (!is_over(r))
		return json_null();
	return json_pack("{s:i, s:i, s:s}", "code", (int)r->result_code, "subcode", (int)r->result_subcode,
	                 "message", r->result_message ? r->result_message : "");
}

char *view_json(const struct call_record *r)
{
	char masked[CALLBACK_URI_MAX + 8];
	json_t *callback = r->callback_uri
	                           ? json_string(callback_masked(masked, sizeof(masked), r->callback_uri))
	                           : json_null();
	json_t *outcome = r->outcome == OUTCOME_NONE ? json_null() : json_string(outcome_name(r->outcome));
	json_t *j = json_object();
	char *text;

	json_object_set_new(j, "callLegId", text_or_null(r->call_leg_id));
	json_object_set_new(j, "callState", json_string(view_state(r)));
	json_object_set_new(j, "source", identifier_json(&r->source));
	json_object_set_new(j, "targets", targets_json(r));
	json_object_set_new(j, "operationContext", text_or_null(r->operation_context));
	json_object_set_new(j, "callbackUri", callback);
	json_object_set_new(j, "createdAt", time_json(r->created_at));
	json_object_set_new(j, "establishedAt", time_json(r->established_at));
	json_object_set_new(j, "endedAt", time_json(r->ended_at));
	json_object_set_new(j, "outcome", outcome);
	json_object_set_new(j, "resultInfo", result_json(r));
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

char *view_json_idle(const char *call)
{
	json_t *j = json_pack("{s:s, s:s}", "callLegId", call, "callState", call_state_name(CALL_IDLE));
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return text;
}

char *view_participants(const struct call_record *r)
{
	json_t *list = r && r->state == CALL_ESTABLISHED ? participants_json(r) : json_array();
	json_t *j = json_pack("{s:o}", "value", list);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return text;
}
