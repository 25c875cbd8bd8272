/* call.c - callcast call hangup, play, cancel, invite, remove, show; call create is call_create.c's */
#include "call.h"

#include <stdio.h>

#include "call_view.h"
#include "callid.h"
#include "client.h"
#include "digest.h"
#include "line.h"
#include "tool.h"

/* ---- what they share ---- */

void call_put_option(json_t *body, const char *field, const struct line *l, const char *option)
{
	const char *value = line_value(l, option);

	if (value)
		json_object_set_new(body, field, json_string(value));
}

void call_put_number(json_t *body, const char *field, const struct line *l, const char *option)
{
	const char *value = line_value(l, option);

	if (value)
		json_object_set_new(body, field, json_pack("{s:s}", "value", value));
}

/*
 * "/calls/<callLegId><behind>", the id being the line's first argument.  TOOL_DONE,
 * or TOOL_USAGE: not an id, said on stderr; nobody is asked then.
 */
static int call_path(char out[CLIENT_PATH], const struct line *l, const char *behind)
{
	struct callid id;

	if (line_callid(&id, l) < 0)
		return TOOL_USAGE;
	snprintf(out, CLIENT_PATH, "/calls/%s%s", l->arguments[0], behind);
	return TOOL_DONE;
}

/* One command to the call of the line; `body` is taken.  As client_ask(). */
static int call_command(const struct settings *s, const struct line *l, const char *method,
                        const char *behind, json_t *body, json_t **answer)
{
	struct client *c = NULL;
	char path[CLIENT_PATH];
	int r;

	*answer = NULL;
	r = call_path(path, l, behind);
	if (r == TOOL_DONE)
		r = client_open(&c, s);
	if (r == TOOL_DONE)
		r = client_ask(c, method, path, body, answer);
	client_close(c);
	json_decref(body);
	return r;
}

/* For what the API answers without a body: nothing, or {"callLegId", "status": "accepted"} with --json. */
static void print_accepted(const struct line *l)
{
	if (line_has(l, "json"))
		printf("{\"callLegId\": \"%s\", \"status\": \"accepted\"}\n", l->arguments[0]);
}

/* ---- what is done in a call ---- */

int tool_call_hangup(const struct settings *s, const struct line *l)
{
	const bool all = line_has(l, "all");
	json_t *answer;
	int r;

	r = call_command(s, l, all ? "DELETE" : "POST", all ? "" : "/Hangup", NULL, &answer);
	if (r == TOOL_DONE)
		print_accepted(l);
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

/* ---- who is in it ---- */

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
		print_accepted(l);
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
		print_accepted(l);
	json_decref(answer);
	return r;
}

/* ---- as the API answers ---- */

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
