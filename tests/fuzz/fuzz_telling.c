/* fuzz_telling.c - an event as the outbox keeps it, headers and bytes: worker/telling.c */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "teller.h"

static void check(const struct telling *t)
{
	static const char *const names[] = { "type", "tenant", "number", "traceparent" };

	for (int i = 0; i < TELLING_HEADERS && t->headers[i].value; i++) {
		bool known = false;

		for (int k = 0; k < 4; k++)
			known = known || !strcmp(names[k], t->headers[i].name);
		HOLDS(known && !strchr(t->headers[i].value, '\n'));
	}
}

/* Packed anew it has the same bytes: whoever tells it tells the same. */
static void same_when_packed(const struct telling *t, const uint8_t *data, size_t size)
{
	struct bytes b = telling_pack(t);

	HOLDS(b.len == size && !memcmp(b.data, data, size));
	free(b.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct telling *t = calloc(1, sizeof(*t));
	int r;

	HOLDS(t);
	r = telling_unpack(t, data, size);
	HOLDS(r == 0 || r == -EBADMSG);
	if (r == 0) {
		check(t);
		same_when_packed(t, data, size);
	}
	telling_free(t);
	return 0;
}
