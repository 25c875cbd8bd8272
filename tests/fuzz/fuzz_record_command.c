/* fuzz_record_command.c - a CallCommand from calls.commands: lib/records_decode.c with that schema, in all its versions */
#include "fuzz_record.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_record_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_record(RECORD_CALL_COMMAND, data, size);
	return 0;
}
