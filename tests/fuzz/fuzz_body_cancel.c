/* fuzz_body_cancel.c - the body of POST /calls/{id}/CancelMediaProcessing: producer/body_cancel.c */
#include "fuzz_body.h"

static int parse(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                 struct body_fault *fault)
{
	(void)rules;
	return body_cancel(c, text, len, fault);
}

static void check(const struct call_command *c)
{
	HOLDS(!c->callback_uri && !c->create && !c->play && !c->invite);
}

static void print(const struct call_command *c, json_t *out)
{
	(void)c;
	(void)out;
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
	static const struct fuzz_body_kind kind = { parse, COMMAND_CANCEL, check, print };

	fuzz_body(&kind, data, size);
	return 0;
}
