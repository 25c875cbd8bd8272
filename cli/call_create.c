/* call_create.c - callcast call create, and its --wait */
#include "tool.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "call_view.h"
#include "callid.h"
#include "client.h"
#include "clock.h"
#include "line.h"
#include "settings.h"
#include "stop.h"

#define WAIT_TIME  (60 * CLOCK_SEC)
#define LOOK_PAUSE (250 * CLOCK_MS) /* between two looks at the call */

/* ---- the request ---- */

static json_t *events_json(const struct line *l)
{
	json_t *events = json_array();

	for (size_t i = 0; i < l->given_count; i++) {
		const char *at = l->given[i].value;

		if (strcmp(l->given[i].option->name, "events") != 0)
			continue;
		for (size_t n; *at; at += n + (at[n] == ',')) {
			n = strcspn(at, ",");
			json_array_append_new(events, json_stringn(at, n));
		}
	}
	return events;
}

static json_t *targets_json(const struct line *l)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < l->given_count; i++)
		if (!strcmp(l->given[i].option->name, "to"))
			json_array_append_new(targets, who_json(l->given[i].value));
	return targets;
}

static json_t *body_json(const struct settings *s, const struct line *l)
{
	const char *callback = line_value(l, "callback") ? line_value(l, "callback") : s->api_callback;
	json_t *body = json_object();

	json_object_set_new(body, "targets", targets_json(l));
	if (line_has(l, "from"))
		json_object_set_new(body, "source", who_json(line_value(l, "from")));
	call_put_number(body, "sourceAlternateIdentity", l, "caller-id");
	if (*callback)
		json_object_set_new(body, "callbackUri", json_string(callback));
	json_object_set_new(body, "requestedModalities", json_pack("[s]", "audio"));
	json_object_set_new(body, "requestedCallEvents", events_json(l));
	call_put_option(body, "subject", l, "subject");
	call_put_option(body, "operationContext", l, "context");
	return body;
}

/* ---- the wait ---- */

static bool is_state(const json_t *call, const char *state)
{
	const char *text = json_string_value(json_object_get(call, "callState"));

	return text && !strcmp(text, state);
}

/* Somebody answered, now or before the end. */
static bool was_answered(const json_t *call)
{
	return is_state(call, "established") || json_is_string(json_object_get(call, "establishedAt"));
}

static int not_ended(const char *id, int64_t left)
{
	fprintf(stderr, "callcast: %s: neither answered nor ended %s\n", id, left <= 0 ? "in time" : "yet");
	return TOOL_FAILED;
}

/* *call: as it was seen last, NULL: never. */
static int wait_for_call(struct client *c, const char *id, int64_t time, json_t **call)
{
	const int64_t until = clock_mono() + time;
	char path[CLIENT_PATH];
	int r;

	*call = NULL;
	snprintf(path, sizeof(path), "/calls/%s", id);
	for (;;) {
		const int64_t left = until - clock_mono();
		json_t *now;

		if (left <= 0 || stop_asked())
			return not_ended(id, left);
		r = client_ask_within(c, left, "GET", path, NULL, &now);
		if (r == TOOL_FAILED && until - clock_mono() < CLOCK_MS) /* cut off by the wait's own end */
			return not_ended(id, 0);
		if (r != TOOL_DONE)
			return r;
		json_decref(*call);
		*call = now;
		if (was_answered(now))
			return TOOL_DONE;
		if (is_state(now, "terminated"))
			return TOOL_UNANSWERED;
		stop_sleep(left < LOOK_PAUSE ? left : LOOK_PAUSE);
	}
}

/* ---- the command ---- */

static int read_time(int64_t *out, const struct line *l)
{
	*out = WAIT_TIME;
	if (line_has(l, "timeout") && !line_has(l, "wait")) {
		fprintf(stderr, "callcast: --timeout bounds --wait, which is not there\n");
		return TOOL_USAGE;
	}
	return line_duration(out, l, "timeout") < 0 ? TOOL_USAGE : TOOL_DONE;
}

/* What can't be in any request is said before one is sent. */
static int check_line(const struct settings *s, const struct line *l)
{
	if (!line_has(l, "to")) {
		fprintf(stderr, "callcast: call create: needs --to WHO\n");
		return TOOL_USAGE;
	}
	if (!line_has(l, "callback") && !*s->api_callback) {
		fprintf(stderr, "callcast: call create: needs --callback URI, or the setting api.callback\n");
		return TOOL_USAGE;
	}
	return TOOL_DONE;
}

/* The id is out before the wait begins: whoever stops it knows the call. */
static int wait_and_print(struct client *c, const struct line *l, const char *id, int64_t time)
{
	json_t *call;
	int r;

	r = wait_for_call(c, id, time, &call);
	if (line_has(l, "json")) {
		if (!call)
			call = json_pack("{s:s}", "callLegId", id);
		call_view_json(stdout, call, false);
	} else if (r == TOOL_DONE || r == TOOL_UNANSWERED) {
		call_view_outcome(stdout, call);
	}
	json_decref(call);
	return r;
}

static int print_created(struct client *c, const struct line *l, json_t *answer, int64_t time)
{
	const char *id = json_string_value(json_object_get(answer, "callLegId"));
	struct callid parsed;

	if (!id || callid_parse(&parsed, id) < 0) {
		fprintf(stderr, "callcast: the API's answer names no call\n");
		return TOOL_FAILED;
	}
	if (!line_has(l, "json"))
		puts(id);
	else if (!line_has(l, "wait"))
		printf("{\"callLegId\": \"%s\"}\n", id);
	fflush(stdout);
	return line_has(l, "wait") ? wait_and_print(c, l, id, time) : TOOL_DONE;
}

int tool_call_create(const struct settings *s, const struct line *l)
{
	struct client *c = NULL;
	json_t *body, *answer = NULL;
	int64_t time;
	int r;

	r = check_line(s, l);
	if (r == TOOL_DONE)
		r = read_time(&time, l);
	if (r == TOOL_DONE)
		r = client_open(&c, s);
	if (r != TOOL_DONE)
		return r;
	if (line_has(l, "wait")) /* from here on a signal must not lose the id */
		stop_on_signals();
	body = body_json(s, l);
	r = client_ask(c, "POST", "/calls", body, &answer);
	if (r == TOOL_DONE)
		r = print_created(c, l, answer, time);
	json_decref(body);
	json_decref(answer);
	client_close(c);
	return r;
}
