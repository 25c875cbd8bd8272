/* body_play.c - the body of POST /calls/{id}/PlayAudio */
#include "body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "visible.h"

/* The worker fetches it: what can't be an address of a file is said here, not in an event later. */
static int read_audio(struct play_body *b, const json_t *body, struct body_fault *fault)
{
	int r = body_string(&b->audio_file_uri, body, "audioFileUri", CALLBACK_URI_MAX, fault);
	const char *rest;

	if (r < 0)
		return r;
	if (!b->audio_file_uri)
		return body_fault(fault, "audioFileUri: missing");
	if (!strncasecmp(b->audio_file_uri, "http://", 7))
		rest = b->audio_file_uri + 7;
	else if (!strncasecmp(b->audio_file_uri, "https://", 8))
		rest = b->audio_file_uri + 8;
	else
		return body_fault(fault, "audioFileUri: must be http or https");
	if (!*rest || strchr("/?#:@", *rest))
		return body_fault(fault, "audioFileUri: has no host");
	if (!visible_text(rest))
		return body_fault(fault, "audioFileUri: holds a space or control character");
	return 0;
}

/* The later name and the earlier one; of both the later counts, and both are checked. */
static int read_id(struct play_body *b, const json_t *body, struct body_fault *fault)
{
	char *earlier = NULL;
	int r = body_string(&b->audio_file_id, body, "audioFileId", MEDIA_ID_MAX, fault);

	if (!r)
		r = body_string(&earlier, body, "resourceId", MEDIA_ID_MAX, fault);
	if (b->audio_file_id)
		free(earlier);
	else
		b->audio_file_id = earlier;
	return r;
}

static int read_all(struct call_command *c, const json_t *body, const struct body_rules *rules,
                    struct body_fault *fault)
{
	struct play_body *b = c->play;
	int r;

	r = read_audio(b, body, fault);
	if (!r)
		r = body_bool(&b->loop, body, "loop", fault);
	if (!r)
		r = read_id(b, body, fault);
	if (!r)
		r = body_string(&c->operation_context, body, "operationContext", CONTEXT_MAX, fault);
	if (!r)
		r = body_callback(&c->callback_uri, body, rules, fault);
	return r;
}

int body_play(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
              struct body_fault *fault)
{
	json_t *body;
	int r;

	c->play = calloc(1, sizeof(*c->play));
	if (!c->play)
		return -ENOMEM;
	r = body_parse(&body, text, len, fault);
	if (r < 0)
		return r;
	r = read_all(c, body, rules, fault);
	json_decref(body);
	return r;
}
