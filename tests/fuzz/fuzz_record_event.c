/* fuzz_record_event.c - a CallEvent from calls.events or the outbox: lib/records_decode.c with that schema, in all its versions */
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
	fuzz_record(RECORD_CALL_EVENT, data, size);
	return 0;
}
