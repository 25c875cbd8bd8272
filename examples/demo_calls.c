/* demo_calls.c - see demo_calls.h */
#include "demo_calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "clock.h"
#include "demo_api.h"
#include "demo_hook.h"

/* Simulated phones fetch nothing; with a real trunk this is a recording of 16-bit mono WAV. */
#define PROMPT     "https://prompts.example/outage.wav"
#define PRESS_TIME (2 * CLOCK_SEC) /* after the prompt's end, to press a digit */

int calls_open(struct calls *c, const struct contacts *contacts, size_t count)
{
	memset(c, 0, sizeof(*c));
	c->list = calloc(count, sizeof(*c->list));
	if (!c->list)
		return -ENOMEM;
	c->count = count;
	for (size_t i = 0; i < count; i++) {
		c->list[i].contact = &contacts->list[i % contacts->count];
		c->list[i].calls = c;
	}
	c->steps[STEP_WAITING] = count;
	return 0;
}

void calls_close(struct calls *c)
{
	free(c->list);
	memset(c, 0, sizeof(*c));
}

/* Forward only: an answer of the API may come after the webhook that it led to. */
static void go(struct call *call, enum step step)
{
	if (step <= call->step)
		return;
	call->calls->steps[call->step]--;
	call->calls->steps[step]++;
	call->step = step;
}

/*
 * The phone may be put down while we ask for something: then "ended" (8528) or
 * "not established" (8501) is the right answer, and no fault.
 */
static bool refused(struct calls *c, int status, const json_t *body)
{
	const char *code = json_string_value(json_object_get(body, "code"));
	const char *message = json_string_value(json_object_get(body, "message"));

	if (status >= 200 && status < 300)
		return false;
	if (status == 400 && code && (!strcmp(code, "8528") || !strcmp(code, "8501")))
		return false;
	c->refused++;
	snprintf(c->refusal, sizeof(c->refusal), "%d %s: %s", status, code ? code : "",
	         message ? message : "");
	return true;
}

static void on_created(void *arg, int status, const json_t *body)
{
	struct call *call = arg;
	const char *id = json_string_value(json_object_get(body, "callLegId"));

	if (refused(call->calls, status, body) || !id) {
		snprintf(call->outcome, sizeof(call->outcome), "refused");
		go(call, STEP_ENDED);
		return;
	}
	snprintf(call->id, sizeof(call->id), "%s", id);
	go(call, STEP_RINGING);
}

static void on_asked(void *arg, int status, const json_t *body)
{
	struct call *call = arg;

	refused(call->calls, status, body);
}

static int ask(struct call *call, const char *what, json_t *body)
{
	char path[160];

	snprintf(path, sizeof(path), "/calls/%s/%s", call->id, what);
	return api_post(call->calls->api, path, body, on_asked, call);
}

int calls_start(struct calls *c)
{
	char address[80];
	int r = 0;

	for (size_t i = 0; i < c->count && r == 0; i++) {
		json_t *body =
		        json_pack("{s:[{s:{s:s}}], s:s, s:[s], s:[s], s:s}", "targets", "phoneNumber",
		                  "value", c->list[i].contact->number, "callbackUri",
		                  hook_address(c->hook, address, sizeof(address), i), "requestedModalities",
		                  "audio", "requestedCallEvents", "dtmfReceived", "subject", "power cut");

		go(&c->list[i], STEP_ASKED);
		r = body ? api_post(c->api, "/calls", body, on_created, &c->list[i]) : -ENOMEM;
	}
	return r;
}

static void hang_up(struct call *call)
{
	if (call->step >= STEP_HANGING_UP)
		return;
	go(call, STEP_HANGING_UP);
	ask(call, "Hangup", NULL);
}

static void on_state(struct call *call, const json_t *data)
{
	const char *state = json_string_value(json_object_get(data, "callState"));
	const char *outcome = json_string_value(json_object_get(data, "outcome"));

	if (!state)
		return;
	if (!strcmp(state, "established")) {
		call->answered = true;
		go(call, STEP_TALKING);
		ask(call, "PlayAudio",
		    json_pack("{s:s, s:b, s:s, s:s}", "audioFileUri", PROMPT, "loop", 0, "audioFileId",
		              "outage", "operationContext", call->contact->number));
	} else if (!strcmp(state, "terminated")) {
		snprintf(call->outcome, sizeof(call->outcome), "%s", outcome ? outcome : "no outcome given");
		go(call, STEP_ENDED);
	}
}

static void on_tone(struct call *call, const json_t *data)
{
	const char *tone = json_string_value(json_object_get(json_object_get(data, "toneInfo"), "tone"));

	if (!tone || *call->tone)
		return;
	if (!strncmp(tone, "tone", 4))
		tone += 4;
	snprintf(call->tone, sizeof(call->tone), "%s", tone);
	hang_up(call);
}

/* The promise: numbers 1, 2, 3... in each call; what comes again comes with its old number. */
static bool in_order(struct call *call, int64_t number)
{
	struct calls *c = call->calls;

	if (number <= call->last_number) {
		c->repeated++;
		return false;
	}
	if (number == call->last_number + 1 && call->step != STEP_ENDED)
		c->in_order++;
	else
		c->out_of_order++;
	call->last_number = number;
	return true;
}

void calls_event(void *arg, const struct hook_event *ev)
{
	struct calls *c = arg;
	struct call *call;

	if (ev->call >= c->count) {
		c->out_of_order++;
		return;
	}
	call = &c->list[ev->call];
	if (!*call->id)
		snprintf(call->id, sizeof(call->id), "%s", ev->call_leg_id);
	if (strcmp(call->id, ev->call_leg_id) != 0) {
		c->out_of_order++;
		return;
	}
	if (!in_order(call, ev->number))
		return;
	if (!strcmp(ev->type, "CallLegStateChanged"))
		on_state(call, ev->data);
	else if (!strcmp(ev->type, "DtmfReceived"))
		on_tone(call, ev->data);
	else if (!strcmp(ev->type, "PlayAudioResult"))
		call->hang_up_at = clock_mono() + PRESS_TIME;
}

void calls_turn(struct calls *c)
{
	const int64_t now = clock_mono();

	for (size_t i = 0; i < c->count; i++) {
		struct call *call = &c->list[i];

		if (call->step == STEP_TALKING && call->hang_up_at && call->hang_up_at <= now)
			hang_up(call);
	}
}
