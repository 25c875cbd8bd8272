/*
 * fuzz_registry.c - the file that maps schemas to a registry's ids: lib/records.c, and records framed by it
 *
 * The first line is a record, framed or not, the rest the file.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"

const long fuzz_runs = 100; /* each parses all schemas */

/* What is written with these ids is read with them. */
static void check_framing(void)
{
	struct dead_letter letter = { .reason = (char *)"given up", .offset = 7 }, back = { 0 };
	struct bytes b = { 0 };

	HOLDS(record_encode(RECORD_DEAD_LETTER, &letter, &b) == 0);
	HOLDS(b.len > 5 && ((uint8_t *)b.data)[0] == 0);
	HOLDS(record_decode(RECORD_DEAD_LETTER, &back, b.data, b.len, NULL) == 0);
	HOLDS(back.offset == 7 && !strcmp(back.reason, "given up"));
	dead_letter_clear(&back);
	free(b.data);
}

static void check_record(const char *text)
{
	struct dead_letter letter = { 0 };
	const char *why = NULL;
	int r = record_decode(RECORD_DEAD_LETTER, &letter, text, strlen(text), &why);

	HOLDS(r == 0 || ((r == -EBADMSG || r == -ENOTSUP) && fuzz_names_something(why)));
	dead_letter_clear(&letter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_lines l = fuzz_lines(data, size);
	char *record = fuzz_line_text(&l), why[300] = "";
	const uint8_t *rest;
	size_t len = fuzz_rest(&l, &rest);
	struct fuzz_file f;
	int r;

	fuzz_file_open(&f, rest, len);
	r = records_open("", f.path, why, sizeof(why));
	HOLDS(r == 0 || r == -EINVAL);
	if (r == 0) {
		check_framing();
		check_record(record);
	} else {
		HOLDS(!strncmp(why, "schema.registry: ", 17) && fuzz_names_something(why));
	}
	records_close();
	fuzz_file_close(&f);
	free(record);
	return 0;
}
