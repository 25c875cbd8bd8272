/* watch_line.c - see watch_line.h */
#include "watch_line.h"

#include <string.h>

#include "show_json.h"
#include "who.h"

json_t *watch_event_json(const struct call_event *e, int64_t offset)
{
	json_t *o = json_object(), *rest = event_json(e, offset);

	json_object_set_new(o, "callLegId", json_string(e->call_leg_id ? e->call_leg_id : ""));
	json_object_set_new(o, "state", json_string(state_text(e->state)));
	json_object_update(o, rest);
	json_decref(rest);
	return o;
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static long long number_of(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

/* " 486/560486", where there is a result */
static void put_result(FILE *out, const json_t *data)
{
	const json_t *result = json_object_get(data, "resultInfo");

	if (json_is_object(result))
		fprintf(out, " %lld/%lld", number_of(result, "code"), number_of(result, "subcode"));
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
	        fprintf(out, " %s", text_of(dial, "who"));
}

static void put_operation(FILE *out, const char *word, const json_t *data)
{
	fprintf(out, "%s %s", word, text_of(data, "status"));
	put_result(out, data);
	put_people(out, json_object_get(data, "participants"));
	if (*text_of(data, "operationContext"))
		fprintf(out, " context=%s", text_of(data, "operationContext"));
}

static void put_state(FILE *out, const json_t *event, const json_t *data)
{
	fputs(text_of(data, "callState"), out);
	if (*text_of(data, "outcome"))
		fprintf(out, " %s", text_of(data, "outcome"));
	put_result(out, data);
	put_dials(out, event);
	if (!strcmp(text_of(event, "state"), state_text(CALL_LEFT)))
		fputs(" (its app has left, others talk on)", out);
}

static void put_what(FILE *out, const json_t *event)
{
	const json_t *data = json_object_get(event, "data");
	const char *type = text_of(event, "type");

	if (!strcmp(type, event_type_name(EVENT_CALL_STATE))) {
		put_state(out, event, data);
	} else if (!strcmp(type, event_type_name(EVENT_DTMF))) {
		fprintf(out, "digit %s", text_of(json_object_get(data, "toneInfo"), "tone"));
	} else if (!strcmp(type, event_type_name(EVENT_PLAY_RESULT))) {
		put_operation(out, "play", data);
	} else if (!strcmp(type, event_type_name(EVENT_INVITE_RESULT))) {
		put_operation(out, "invite", data);
	} else if (!strcmp(type, event_type_name(EVENT_PARTICIPANTS))) {
		fputs("participants", out);
		put_people(out, json_object_get(data, "participants"));
	} else if (!strcmp(type, event_type_name(EVENT_LEG))) {
		fprintf(out, "leg %lld %s", number_of(data, "leg"), text_of(data, "what"));
		put_dials(out, event);
	} else if (!strcmp(type, event_type_name(EVENT_SNAPSHOT))) {
		fprintf(out, "taken %s", text_of(data, "command"));
		put_dials(out, event);
	} else { /* a newer program's */
		fputs(!strcmp(type, event_type_name(EVENT_DIAL)) ? "dial" : type, out);
		put_dials(out, event);
	}
}

void watch_line(FILE *out, const json_t *event)
{
	const long long number = number_of(event, "number");

	fprintf(out, "%s %s ", text_of(event, "at"), text_of(event, "callLegId"));
	if (number)
		fprintf(out, "%3lld ", number);
	else
		fputs("  - ", out);
	put_what(out, event);
	fputc('\n', out);
}
