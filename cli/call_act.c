/* call_act.c - callcast call hangup, play, cancel: what is done in a call */
#include "tool.h"

#include <stdio.h>

#include "call_path.h"
#include "line.h"

int tool_call_hangup(const struct settings *s, const struct line *l)
{
	const bool all = line_has(l, "all");
	json_t *answer;
	int r;

	r = call_command(s, l, all ? "DELETE" : "POST", all ? "" : "/Hangup", NULL, &answer);
	if (r == TOOL_DONE)
		call_print_accepted(l);
	json_decref(answer);
	return r;
}

/* The operation's id, or all of the answer. */
static int print_operation(const struct line *l, json_t *answer)
{
	const char *id = json_string_value(json_object_get(answer, "id"));
	int r = TOOL_DONE;

	if (!id) {
		fprintf(stderr, "callcast: the API's answer names no operation\n");
		r = TOOL_FAILED;
	} else if (line_has(l, "json")) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		puts(id);
	}
	return r;
}

int tool_call_play(const struct settings *s, const struct line *l)
{
	json_t *body = json_object(), *answer;
	int r;

	json_object_set_new(body, "audioFileUri", json_string(l->arguments[1]));
	json_object_set_new(body, "loop", json_boolean(line_has(l, "loop")));
	call_put_option(body, "operationContext", l, "context");
	call_put_option(body, "callbackUri", l, "callback");
	r = call_command(s, l, "POST", "/PlayAudio", body, &answer);
	if (r == TOOL_DONE)
		r = print_operation(l, answer);
	json_decref(answer);
	return r;
}

int tool_call_cancel(const struct settings *s, const struct line *l)
{
	json_t *body = json_object(), *answer;
	int r;

	call_put_option(body, "operationContext", l, "context");
	r = call_command(s, l, "POST", "/CancelMediaProcessing", body, &answer);
	if (r == TOOL_DONE)
		r = print_operation(l, answer);
	json_decref(answer);
	return r;
}
