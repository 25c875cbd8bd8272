/* fuzz_body_invite.c - the body of POST /calls/{id}/participants: producer/body_invite.c */
#include "fuzz_body.h"

static void check(const struct call_command *c)
{
	const struct invite_body *b = c->invite;

	HOLDS(b->participants_count >= 1 && b->participants_count <= TARGETS_MAX);
	fuzz_body_check_identifiers(b->participants, b->participants_count);
	HOLDS(!b->alternate_caller_id || fuzz_is_e164(b->alternate_caller_id));
}

static void print(const struct call_command *c, json_t *out)
{
	const struct invite_body *b = c->invite;

	json_object_set_new(out, "participants",
	                    fuzz_body_identifiers(b->participants, b->participants_count));
	json_object_set_new(out, "alternateCallerId", fuzz_body_phone(b->alternate_caller_id));
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
	static const struct fuzz_body_kind kind = { body_invite, COMMAND_INVITE, check, print };

	fuzz_body(&kind, data, size);
	return 0;
}
