/* call_view.c - see call_view.h */
#include "call_view.h"

#include <string.h>

#include "mask.h"
#include "show_json.h"

/* ---- who ---- */

static const char user[] = "user:";

json_t *who_json(const char *text)
{
	if (*text == '+')
		return json_pack("{s:{s:s}}", "phoneNumber", "value", text);
	if (!strncmp(text, "8:", 2))
		return json_pack("{s:{s:s}}", "communicationUser", "id", text);
	if (!strncmp(text, user, strlen(user)))
		return json_pack("{s:{s:s}}", "communicationUser", "id", text + strlen(user));
	return json_pack("{s:s}", "rawId", text);
}

const char *who_text(const json_t *identifier)
{
	const json_t *phone = json_object_get(identifier, "phoneNumber");
	const json_t *someone = json_object_get(identifier, "communicationUser");

	if (json_is_object(phone)) /* null where it is none */
		return json_text(phone, "value");
	return json_is_object(someone) ? json_text(someone, "id") : json_text(identifier, "rawId");
}

/* ---- a call ---- */

static void row(FILE *out, const json_t *o, const char *name, const char *label)
{
	if (*json_text(o, name))
		fprintf(out, "  %-12s %s\n", label, json_text(o, name));
}

/* Targets have a state, participants are muted or not. */
static void people(FILE *out, const json_t *list, const char *label)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		fprintf(out, "  %-12s %s", label, who_text(json_object_get(one, "identifier")));
		if (*json_text(one, "participantId"))
			fprintf(out, "  %s", json_text(one, "participantId"));
		if (*json_text(one, "state"))
			fprintf(out, "  %s", json_text(one, "state"));
		if (*json_text(one, "outcome"))
			fprintf(out, " %s", json_text(one, "outcome"));
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

	fprintf(out, "call %s\n", json_text(v, "callLegId"));
	row(out, v, "callState", "state");
	row(out, v, "outcome", "outcome");
	if (json_is_object(result))
		fprintf(out, "  %-12s %lld/%lld %s\n", "result", json_number(result, "code"),
		        json_number(result, "subcode"), json_text(result, "message"));
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

	fputs(json_text(v, "callState"), out);
	if (*json_text(v, "outcome"))
		fprintf(out, " %s", json_text(v, "outcome"));
	if (json_is_object(result))
		fprintf(out, " %lld/%lld", json_number(result, "code"), json_number(result, "subcode"));
	fputc('\n', out);
	json_decref(v);
}
