/*
 * fuzz_envelope.c - the body of a webhook: notifier/envelope.c
 *
 * Lines: a call's id, number, type and api ("1 0 0"), time; then the event's data, which is JSON.
 */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "clock.h"
#include "envelope.h"

#define YEAR_10000 (INT64_C(253402300800) * CLOCK_SEC)

static json_t *one_event(const struct bytes *b)
{
	json_t *array = json_loadb(b->data, b->len, JSON_REJECT_DUPLICATES, NULL), *event;

	HOLDS(array && json_is_array(array) && json_array_size(array) == 1);
	event = json_incref(json_array_get(array, 0));
	json_decref(array);
	HOLDS(json_is_object(event));
	return event;
}

static void check_time(const char *text)
{
	static const char shape[] = "####-##-##T##:##:##.#######Z";

	HOLDS(text && strlen(text) == strlen(shape));
	for (size_t i = 0; shape[i]; i++)
		HOLDS(shape[i] == '#' ? isdigit((unsigned char)text[i]) : text[i] == shape[i]);
}

static void check_pascal(const json_t *v)
{
	const char *name;
	json_t *value;
	size_t i;

	if (json_is_array(v))
		json_array_foreach(v, i, value) check_pascal(value);
	if (!json_is_object(v))
		return;
	json_object_foreach((json_t *)v, name, value)
	{
		HOLDS(!islower((unsigned char)name[0]));
		check_pascal(value);
	}
}

static void made(const struct call_event *ev, enum envelope_form form, const struct bytes *b,
                 const json_t *data)
{
	bool grid = form == ENVELOPE_EVENTGRID;
	char id[ENVELOPE_ID_SIZE];
	json_t *event = one_event(b), *inner = json_object_get(event, "data");

	HOLDS(envelope_id(id, ev) == 0);
	HOLDS(!strcmp(json_string_value(json_object_get(event, "id")), id));
	check_time(json_string_value(json_object_get(event, grid ? "eventTime" : "time")));
	HOLDS(inner);
	if (grid)
		check_pascal(inner);
	else
		HOLDS(json_equal(inner, data));
	HOLDS(json_array_size(inner) == json_array_size(data));
	json_decref(event);
}

/* From the record alone: twice the same bytes. */
static void make(const struct call_event *ev, enum envelope_form form, const json_t *data)
{
	struct bytes b = { 0 }, again = { 0 };
	int r = envelope_make(&b, form, ev);

	HOLDS(r == 0 || r == -EINVAL);
	if (r < 0) {
		HOLDS(!b.data);
		return;
	}
	HOLDS(envelope_make(&again, form, ev) == 0 && again.len == b.len &&
	      !memcmp(again.data, b.data, b.len));
	/* data that is not JSON comes from no worker, and is not looked at where it is passed on as it is */
	if (data)
		made(ev, form, &b, data);
	free(b.data);
	free(again.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_lines l = fuzz_lines(data, size);
	char *call = fuzz_line_text(&l), *numbers = fuzz_line_text(&l), *time = fuzz_line_text(&l), *text;
	struct call_event ev = { .call_leg_id = call };
	const uint8_t *rest;
	size_t len = fuzz_rest(&l, &rest);
	json_t *json;

	text = fuzz_text(rest, len);
	sscanf(numbers, "%" SCNd64 " %d %d", &ev.number, &ev.type, &ev.api);
	sscanf(time, "%" SCNd64, &ev.at);
	ev.data = text;
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	make(&ev, ENVELOPE_CLOUDEVENTS, json);
	make(&ev, ENVELOPE_EVENTGRID, json);
	json_decref(json);
	free(call);
	free(numbers);
	free(time);
	free(text);
	return 0;
}
