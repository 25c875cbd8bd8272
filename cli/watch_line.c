/* watch_line.c - see watch_line.h */
#include "watch_line.h"

#include <string.h>

#include "call_view.h"
#include "show_json.h"

json_t *watch_event_json(const struct call_event *e, int64_t offset)
{
	json_t *o = json_object(), *rest = event_json(e, offset);

	json_object_set_new(o, "callLegId", json_string(e->call_leg_id ? e->call_leg_id : ""));
	json_object_set_new(o, "state", json_string(state_text(e->state)));
	json_object_update(o, rest);
	json_decref(rest);
	return o;
}

/* " 486/560486", where there is a result */
static void put_result(FILE *out, const json_t *data)
{
	const json_t *result = json_object_get(data, "resultInfo");

	if (json_is_object(result))
		fprintf(out, " %lld/%lld", json_number(result, "code"), json_number(result, "subcode"));
}

/* An identifier, or something that has one. */
static void put_people(FILE *out, const json_t *list)
{
	const json_t *one, *identifier;
	size_t i;

	json_array_foreach(list, i, one)
	{
		identifier = json_object_get(one, "identifier");
		fprintf(out, " %s", who_text(identifier ? identifier : one));
		if (json_is_true(json_object_get(one, "isMuted")))
			fputs(" (muted)", out);
	}
}

static void put_dials(FILE *out, const json_t *event)
{
	const json_t *dial;
	size_t i;

	json_array_foreach(json_object_get(event, "dials"), i, dial)
	        fprintf(out, " %s", json_text(dial, "who"));
}

static void put_operation(FILE *out, const char *word, const json_t *data)
{
	fprintf(out, "%s %s", word, json_text(data, "status"));
	put_result(out, data);
	put_people(out, json_object_get(data, "participants"));
	if (*json_text(data, "operationContext"))
		fprintf(out, " context=%s", json_text(data, "operationContext"));
}

static void put_state(FILE *out, const json_t *event, const json_t *data)
{
	fputs(json_text(data, "callState"), out);
	if (*json_text(data, "outcome"))
		fprintf(out, " %s", json_text(data, "outcome"));
	put_result(out, data);
	put_dials(out, event);
	if (!strcmp(json_text(event, "state"), state_text(CALL_LEFT)))
		fputs(" (its app has left, others talk on)", out);
}

static void put_what(FILE *out, const json_t *event)
{
	const json_t *data = json_object_get(event, "data");
	const char *type = json_text(event, "type");

	if (!strcmp(type, event_type_name(EVENT_CALL_STATE))) {
		put_state(out, event, data);
	} else if (!strcmp(type, event_type_name(EVENT_DTMF))) {
		fprintf(out, "digit %s", json_text(json_object_get(data, "toneInfo"), "tone"));
	} else if (!strcmp(type, event_type_name(EVENT_PLAY_RESULT))) {
		put_operation(out, "play", data);
	} else if (!strcmp(type, event_type_name(EVENT_INVITE_RESULT))) {
		put_operation(out, "invite", data);
	} else if (!strcmp(type, event_type_name(EVENT_PARTICIPANTS))) {
		fputs("participants", out);
		put_people(out, json_object_get(data, "participants"));
	} else if (!strcmp(type, event_type_name(EVENT_LEG))) {
		fprintf(out, "leg %lld %s", json_number(data, "leg"), json_text(data, "what"));
		put_dials(out, event);
	} else if (!strcmp(type, event_type_name(EVENT_SNAPSHOT))) {
		fprintf(out, "taken %s", json_text(data, "command"));
		put_dials(out, event);
	} else { /* a newer program's */
		fputs(!strcmp(type, event_type_name(EVENT_DIAL)) ? "dial" : type, out);
		put_dials(out, event);
	}
}

void watch_line(FILE *out, const json_t *event)
{
	const long long number = json_number(event, "number");

	fprintf(out, "%s %s ", json_text(event, "at"), json_text(event, "callLegId"));
	if (number)
		fprintf(out, "%3lld ", number);
	else
		fputs("  - ", out);
	put_what(out, event);
	fputc('\n', out);
}
