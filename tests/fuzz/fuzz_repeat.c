/*
 * fuzz_repeat.c - requests that may come again, and the partition counts that were: producer/repeat.c
 *
 * Lines: Repeatability-Request-ID, Repeatability-First-Sent, Idempotency-Key, x-ms-client-request-id, commands.former.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "repeat.h"
#include "settings_table.h"

#define NOW (INT64_C(1619078400) * CLOCK_SEC)
#define TTL (3600 * CLOCK_SEC)

static const struct repeat_request request = { "default", "POST", "/calls", 6, NOW, TTL };
static struct settings *settings;

static struct repeat read_again(const struct repeat_headers *h, const struct repeat_request *q)
{
	struct repeat r;
	const char *why;

	HOLDS(repeat_read(&r, h, q, &why) == 0);
	return r;
}

/* The same request has the same ids; another method or path has others. */
static void taken(const struct repeat *r, const struct repeat_headers *h)
{
	struct repeat_request other = request;
	struct repeat again = read_again(h, &request);
	uint8_t bytes[2][REPEAT_BYTES], hash[DIGEST_SIZE] = { 1 };
	char id[UUID_SIZE];
	uint32_t draw[2];

	if (!r->repeatable)
		return;
	HOLDS(!memcmp(r->name, again.name, DIGEST_SIZE));
	other.path_len--;
	HOLDS(memcmp(r->name, read_again(h, &other).name, DIGEST_SIZE) != 0);
	other = request;
	other.method = "PUT";
	HOLDS(memcmp(r->name, read_again(h, &other).name, DIGEST_SIZE) != 0);

	repeat_add_body(&again, hash);
	HOLDS(!again.with_body && r->with_body == (memcmp(r->name, again.name, DIGEST_SIZE) != 0));
	repeat_bytes(r, bytes[0], &draw[0]);
	repeat_bytes(r, bytes[1], &draw[1]);
	HOLDS(!memcmp(bytes[0], bytes[1], REPEAT_BYTES) && draw[0] == draw[1]);
	repeat_command_id(r, id);
	HOLDS(uuid_valid(id));
}

static void read_headers(const struct repeat_headers *h)
{
	const char *why = NULL;
	struct repeat r;
	int status = repeat_read(&r, h, &request, &why);

	HOLDS(status == 0 || status == 400 || status == 412);
	if (status) {
		HOLDS(fuzz_names_something(why));
		return;
	}
	HOLDS(r.asked == (h->request_id != NULL) && (!r.asked || r.first_sent >= NOW - TTL));
	HOLDS(!r.asked || uuid_valid(h->request_id));
	HOLDS(!r.repeatable || r.asked || !h->idempotency_key || fuzz_visible(h->idempotency_key));
	taken(&r, h);
}

/* What the settings take, the producer understands: the same counts. */
static void read_former(const char *text)
{
	bool set = setting_assign(settings, setting_find("commands.former"), text) == 0;
	struct former f;
	int r = former_parse(&f, text);

	HOLDS(r == 0 || r == -EINVAL);
	HOLDS(!set || r == 0);
	for (size_t i = 0; r == 0 && i < f.n; i++) {
		HOLDS(f.counts[i].partitions >= 1 && f.counts[i].partitions <= 65536);
		HOLDS(former_count(&f, f.counts[i].until, 7) >= 1);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	HOLDS(settings_default(&settings, PRODUCER) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_lines l = fuzz_lines(data, size);
	char *lines[4], *former;

	for (size_t i = 0; i < 4; i++)
		lines[i] = fuzz_line(&l);
	former = fuzz_line_text(&l);
	read_headers(&(struct repeat_headers){ lines[0], lines[1], lines[2], lines[3] });
	read_former(former);
	for (size_t i = 0; i < 4; i++)
		free(lines[i]);
	free(former);
	return 0;
}
