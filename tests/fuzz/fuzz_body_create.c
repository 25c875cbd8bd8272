/* fuzz_body_create.c - the body of POST /calls: producer/body_create.c */
#include "fuzz_body.h"

#include <string.h>

static void check(const struct call_command *c)
{
	const struct create_body *b = c->create;

	HOLDS(b->targets_count >= 1 && b->targets_count <= TARGETS_MAX);
	fuzz_body_check_identifiers(b->targets, b->targets_count);
	fuzz_body_check_identifiers(&b->source, 1);
	HOLDS(c->callback_uri && b->audio);
	HOLDS(!b->source_alternate || fuzz_is_e164(b->source_alternate));
	HOLDS(!b->subject || strlen(b->subject) <= SUBJECT_MAX);
}

static json_t *words(bool first, const char *a, bool second, const char *b)
{
	json_t *list = json_array();

	if (first)
		json_array_append_new(list, json_string(a));
	if (second)
		json_array_append_new(list, json_string(b));
	return list;
}

static void print(const struct call_command *c, json_t *out)
{
	const struct create_body *b = c->create;

	json_object_set_new(out, "targets", fuzz_body_identifiers(b->targets, b->targets_count));
	json_object_set_new(out, "source", fuzz_body_identifier(&b->source));
	json_object_set_new(out, "requestedModalities", words(b->audio, "audio", b->video, "video"));
	json_object_set_new(
	        out, "requestedCallEvents",
	        words(b->participants_updated, "participantsUpdated", b->dtmf_received, "dtmfReceived"));
	json_object_set_new(out, "alternateCallerId", fuzz_body_phone(b->source_alternate));
	json_object_set_new(out, "subject", fuzz_body_text(b->subject));
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
	static const struct fuzz_body_kind kind = { body_create, COMMAND_CREATE, check, print };

	fuzz_body(&kind, data, size);
	return 0;
}
