/* call_view.c - see call_view.h */
#include "call_view.h"

#include <string.h>

#include "show_json.h"
#include "who.h"

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static void row(FILE *out, const json_t *o, const char *name, const char *label)
{
	if (*text_of(o, name))
		fprintf(out, "  %-12s %s\n", label, text_of(o, name));
}

static long long number_of(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

/* Targets have a state, participants are muted or not. */
static void people(FILE *out, const json_t *list, const char *label)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		fprintf(out, "  %-12s %s", label, who_text(json_object_get(one, "identifier")));
		if (*text_of(one, "participantId"))
			fprintf(out, "  %s", text_of(one, "participantId"));
		if (*text_of(one, "state"))
			fprintf(out, "  %s", text_of(one, "state"));
		if (*text_of(one, "outcome"))
			fprintf(out, " %s", text_of(one, "outcome"));
		if (json_is_true(json_object_get(one, "isMuted")))
			fputs("  muted", out);
		fputc('\n', out);
	}
}

static json_t *for_people(const json_t *call, bool full)
{
	json_t *masked = full ? json_deep_copy(call) : json_masked(call);
	json_t *out = json_printable(masked);

	json_decref(masked);
	return out;
}

void call_view_text(FILE *out, const json_t *call, bool full)
{
	json_t *v = for_people(call, full);
	const json_t *result = json_object_get(v, "resultInfo");

	fprintf(out, "call %s\n", text_of(v, "callLegId"));
	row(out, v, "callState", "state");
	row(out, v, "outcome", "outcome");
	if (json_is_object(result))
		fprintf(out, "  %-12s %lld/%lld %s\n", "result", number_of(result, "code"),
		        number_of(result, "subcode"), text_of(result, "message"));
	if (json_is_object(json_object_get(v, "source")))
		fprintf(out, "  %-12s %s\n", "source", who_text(json_object_get(v, "source")));
	row(out, v, "operationContext", "context");
	row(out, v, "callbackUri", "callbacks to");
	row(out, v, "createdAt", "created");
	row(out, v, "establishedAt", "established");
	row(out, v, "endedAt", "ended");
	people(out, json_object_get(v, "targets"), "target");
	people(out, json_object_get(v, "participants"), "participant");
	json_decref(v);
}

void call_view_json(FILE *out, const json_t *call, bool full)
{
	json_t *v = full ? json_deep_copy(call) : json_masked(call);

	json_dumpf(v, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(v);
}

void call_view_outcome(FILE *out, const json_t *call)
{
	json_t *v = json_printable(call);
	const json_t *result = json_object_get(v, "resultInfo");

	fputs(text_of(v, "callState"), out);
	if (*text_of(v, "outcome"))
		fprintf(out, " %s", text_of(v, "outcome"));
	if (json_is_object(result))
		fprintf(out, " %lld/%lld", number_of(result, "code"), number_of(result, "subcode"));
	fputc('\n', out);
	json_decref(v);
}
