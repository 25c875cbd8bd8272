/* fuzz_body_play.c - the body of POST /calls/{id}/PlayAudio: producer/body_play.c */
#include "fuzz_body.h"

#include <string.h>
#include <strings.h>

static void check(const struct call_command *c)
{
	const struct play_body *b = c->play;

	HOLDS(fuzz_visible(b->audio_file_uri) && strlen(b->audio_file_uri) <= CALLBACK_URI_MAX);
	HOLDS(!strncasecmp(b->audio_file_uri, "http://", 7) ||
	      !strncasecmp(b->audio_file_uri, "https://", 8));
	HOLDS(!b->audio_file_id || strlen(b->audio_file_id) <= MEDIA_ID_MAX);
}

static void print(const struct call_command *c, json_t *out)
{
	const struct play_body *b = c->play;

	json_object_set_new(out, "audioFileUri", json_string(b->audio_file_uri));
	json_object_set_new(out, "resourceId", fuzz_body_text(b->audio_file_id));
	json_object_set_new(out, "loop", json_boolean(b->loop));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_body_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_body_kind kind = { body_play, COMMAND_PLAY, check, print };

	fuzz_body(&kind, data, size);
	return 0;
}
