/* call_people.c - callcast call invite, remove: who is in a call */
#include "tool.h"

#include <stdio.h>

#include "call_path.h"
#include "digest.h"
#include "line.h"
#include "who.h"

int tool_call_invite(const struct settings *s, const struct line *l)
{
	json_t *body = json_object(), *people = json_array(), *answer;
	int r;

	for (size_t i = 1; i < l->argument_count; i++)
		json_array_append_new(people, who_json(l->arguments[i]));
	json_object_set_new(body, "participants", people);
	call_put_number(body, "alternateCallerId", l, "caller-id");
	call_put_option(body, "operationContext", l, "context");
	call_put_option(body, "callbackUri", l, "callback");
	r = call_command(s, l, "POST", "/participants", body, &answer);
	if (r == TOOL_DONE)
		call_print_accepted(l);
	json_decref(answer);
	return r;
}

int tool_call_remove(const struct settings *s, const struct line *l)
{
	const char *who = l->arguments[1];
	char behind[CLIENT_PATH];
	json_t *answer;
	int r;

	if (!uuid_valid(who)) {
		fprintf(stderr, "callcast: %s: not a participantId (a UUID, as call show prints it)\n", who);
		return TOOL_USAGE;
	}
	snprintf(behind, sizeof(behind), "/participants/%s", who);
	r = call_command(s, l, "DELETE", behind, NULL, &answer);
	if (r == TOOL_DONE)
		call_print_accepted(l);
	json_decref(answer);
	return r;
}
