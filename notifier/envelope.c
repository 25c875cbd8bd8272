/* envelope.c - see envelope.h */
#include "envelope.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "clock.h"

#define YEAR_10000 (INT64_C(253402300800) * CLOCK_SEC)

/* what stands after callLeg/<id>/ in the subject; NULL: never goes to a webhook */
static const char *const subjects[] = {
	[EVENT_CALL_STATE] = "callState",
	[EVENT_DTMF] = "dtmf",
	[EVENT_PLAY_RESULT] = "playAudio",
	[EVENT_INVITE_RESULT] = "inviteParticipantResult",
	[EVENT_PARTICIPANTS] = "participantsUpdated",
};

static const char *const sources[] = {
	[API_CALLS] = "/calls/",
	[API_CALLING] = "/calling/calls/",
	[API_CALL_CONNECTIONS] = "/calling/callConnections/",
};

/* their values are words of the specification, which the older form writes with a capital */
static const char *const worded[] = { "callState", "status", "tone" };

int envelope_form_parse(enum envelope_form *out, const char *name)
{
	if (!strcmp(name, "cloudevents"))
		*out = ENVELOPE_CLOUDEVENTS;
	else if (!strcmp(name, "eventgrid"))
		*out = ENVELOPE_EVENTGRID;
	else
		return -EINVAL;
	return 0;
}

int envelope_id(char out[ENVELOPE_ID_SIZE], const struct call_event *ev)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *id = ev->call_leg_id ? ev->call_leg_id : "";
	size_t len = strspn(id, alphabet);

	/* so it needs no escaping, neither in JSON nor in a header; 20 for the number */
	if (!len || id[len] || len + 22 > ENVELOPE_ID_SIZE)
		return -EINVAL;
	snprintf(out, ENVELOPE_ID_SIZE, "%s-%" PRId64, id, ev->number);
	return 0;
}

/* RFC 3339 with seven digits, as the specification's samples have it. */
static void write_time(FILE *f, int64_t at)
{
	time_t seconds = (time_t)(at / CLOCK_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	fprintf(f, "%04d-%02d-%02dT%02d:%02d:%02d.%06d0Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
	        tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(at % CLOCK_SEC));
}

static void write_cloudevent(FILE *f, const struct call_event *ev, const char *id)
{
	fprintf(f, "[{\"id\":\"%s\",\"source\":\"%s%s\",\"type\":\"Microsoft.Communication.%s\"", id,
	        sources[ev->api], ev->call_leg_id, event_type_name(ev->type));
	fprintf(f, ",\"subject\":\"callLeg/%s/%s\",\"time\":\"", ev->call_leg_id, subjects[ev->type]);
	write_time(f, ev->at);
	fprintf(f, "\",\"specversion\":\"1.0\",\"datacontenttype\":\"application/json\",\"data\":%s}]",
	        ev->data ? ev->data : "{}");
}

static bool is_worded(const char *key)
{
	for (size_t i = 0; i < sizeof(worded) / sizeof(worded[0]); i++)
		if (!strcmp(worded[i], key))
			return true;
	return false;
}

/* A new reference to the same text with a capital first letter; NULL: no memory. */
static json_t *capital(const char *text)
{
	json_t *word;
	char *copy;

	copy = strdup(text);
	if (!copy)
		return NULL;
	copy[0] = (char)toupper((unsigned char)copy[0]);
	word = json_string(copy);
	free(copy);
	return word;
}

/* A new value: `v` with all keys, and the words, in PascalCase; NULL: no memory.  Depth is jansson's to bound. */
static json_t *pascal(json_t *v, bool word)
{
	json_t *out, *key;

	if (word && json_is_string(v))
		return capital(json_string_value(v));
	if (json_is_array(v)) {
		out = json_array();
		for (size_t i = 0; i < json_array_size(v); i++)
			json_array_append_new(out, pascal(json_array_get(v, i), false));
		return out;
	}
	if (!json_is_object(v))
		return json_incref(v);

	out = json_object();
	for (void *i = json_object_iter(v); i; i = json_object_iter_next(v, i)) {
		const char *name = json_object_iter_key(i);

		key = capital(name);
		if (key)
			json_object_set_new(out, json_string_value(key),
			                    pascal(json_object_iter_value(i), is_worded(name)));
		json_decref(key);
	}
	return out;
}

static int write_eventgrid(FILE *f, const struct call_event *ev, const char *id)
{
	json_t *data, *named;
	char *text;

	data = json_loads(ev->data ? ev->data : "{}", 0, NULL);
	if (!data)
		return -EINVAL;
	named = pascal(data, false);
	text = named ? json_dumps(named, JSON_COMPACT) : NULL;
	json_decref(named);
	json_decref(data);
	if (!text)
		return -ENOMEM;

	fprintf(f, "[{\"id\":\"%s\",\"topic\":null,\"subject\":\"callLeg/%s/%s\",\"data\":%s", id,
	        ev->call_leg_id, subjects[ev->type], text);
	fprintf(f, ",\"eventType\":\"Microsoft.Communication.%s\",\"eventTime\":\"",
	        event_type_name(ev->type));
	write_time(f, ev->at);
	fputs("\",\"metadataVersion\":null,\"dataVersion\":null}]", f);
	free(text);
	return 0;
}

int envelope_make(struct bytes *out, enum envelope_form form, const struct call_event *ev)
{
	char id[ENVELOPE_ID_SIZE], *text = NULL;
	size_t len = 0;
	FILE *f;
	int r;

	if (ev->type < 0 || (size_t)ev->type >= sizeof(subjects) / sizeof(subjects[0]) || !subjects[ev->type])
		return -EINVAL;
	if (ev->at < 0 || ev->at >= YEAR_10000) /* RFC 3339 has no words for it */
		return -EINVAL;
	if (ev->api < 0 || (size_t)ev->api >= sizeof(sources) / sizeof(sources[0]))
		return -EINVAL;
	r = envelope_id(id, ev);
	if (r < 0)
		return r;

	f = open_memstream(&text, &len);
	if (!f)
		return -ENOMEM;
	if (form == ENVELOPE_EVENTGRID)
		r = write_eventgrid(f, ev, id);
	else
		write_cloudevent(f, ev, id);
	if (fclose(f) && !r)
		r = -ENOMEM;
	if (r < 0) {
		free(text);
		return r;
	}
	out->data = text;
	out->len = len;
	return 0;
}
