/* call_show.c - callcast call show: a call and who is in it, as the API answers */
#include "tool.h"

#include <stdio.h>

#include "call_path.h"
#include "call_view.h"
#include "line.h"

static int add_participants(struct client *c, const struct line *l, json_t *call)
{
	char path[CLIENT_PATH];
	json_t *answer;
	int r;

	call_path(path, l, "/participants");
	r = client_ask(c, "GET", path, NULL, &answer);
	if (r == TOOL_DONE)
		json_object_set(call, "participants", json_object_get(answer, "value"));
	json_decref(answer);
	return r;
}

int tool_call_show(const struct settings *s, const struct line *l)
{
	struct client *c = NULL;
	char path[CLIENT_PATH];
	json_t *call = NULL;
	int r;

	r = call_path(path, l, "");
	if (r == TOOL_DONE)
		r = client_open(&c, s);
	if (r == TOOL_DONE)
		r = client_ask(c, "GET", path, NULL, &call);
	if (r == TOOL_DONE && !json_is_object(call)) {
		fprintf(stderr, "callcast: the API's answer is no call\n");
		r = TOOL_FAILED;
	}
	if (r == TOOL_DONE) {
		r = add_participants(c, l, call); /* half of the answer is better than none */
		(line_has(l, "json") ? call_view_json : call_view_text)(stdout, call, line_has(l, "full"));
	}
	json_decref(call);
	client_close(c);
	return r;
}
