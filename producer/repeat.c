/* repeat.c - see repeat.h */
#include "repeat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "http_date.h"

#define NAME_MAX_LEN 255
#define SKEW         (15 * 60 * CLOCK_SEC) /* how far a client's clock may be ahead: as for signatures */

static bool name_fine(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > NAME_MAX_LEN)
		return false;
	for (; *text; text++) {
		if (*text <= 0x20 || *text >= 0x7f)
			return false;
	}
	return true;
}

/* Each part with its length before it, so that no two requests run together. */
static void name_it(struct repeat *out, const struct repeat_request *q, const char *header, const char *value)
{
	const struct digest_part parts[] = {
		{ q->tenant, strlen(q->tenant) }, { q->method, strlen(q->method) }, { q->path, q->path_len },
		{ header, strlen(header) },       { value, strlen(value) },
	};
	uint8_t text[5 * DIGEST_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		uint8_t digest[DIGEST_SIZE];

		/* hashed one by one: the path may be long, and the buffer stays small */
		digest_sha256(digest, parts[i].data, parts[i].len);
		memcpy(text + used, digest, sizeof(digest));
		used += sizeof(digest);
	}
	digest_sha256(out->name, text, used);
	out->repeatable = true;
}

static int read_repeatability(struct repeat *out, const struct repeat_headers *h,
                              const struct repeat_request *q, const char **why)
{
	char value[UUID_SIZE];

	*why = "Repeatability-Request-ID: Repeatability-First-Sent must come with it, and the other way "
	       "round";
	if (!h->request_id || !h->first_sent)
		return 400;
	*why = "Repeatability-Request-ID: not a UUID";
	if (!uuid_valid(h->request_id))
		return 400;
	*why = "Repeatability-First-Sent: not an HTTP date";
	if (http_date_parse(&out->first_sent, h->first_sent) < 0)
		return 400;
	*why = "Repeatability-First-Sent: more than 15 minutes ahead of this server's clock";
	if (out->first_sent > q->now + SKEW)
		return 400;
	*why = "Repeatability-First-Sent: too long ago; whether the request was seen is not known any more";
	if (out->first_sent < q->now - q->ttl)
		return 412;
	/* one UUID in another case is the same */
	for (size_t i = 0; i < UUID_SIZE; i++)
		value[i] = (char)(h->request_id[i] >= 'A' && h->request_id[i] <= 'F' ? h->request_id[i] | 0x20
		                                                                     : h->request_id[i]);
	out->asked = true;
	name_it(out, q, "repeatability-request-id", value);
	return 0;
}

int repeat_read(struct repeat *out, const struct repeat_headers *h, const struct repeat_request *q,
                const char **why)
{
	*out = (struct repeat){ 0 };
	*why = "Idempotency-Key: must be 1 to 255 visible characters";
	if (h->idempotency_key && !name_fine(h->idempotency_key))
		return 400; /* also where it would not count */
	if (h->request_id || h->first_sent)
		return read_repeatability(out, h, q, why);
	if (h->idempotency_key) {
		name_it(out, q, "idempotency-key", h->idempotency_key);
	} else if (h->client_request_id && uuid_valid(h->client_request_id)) {
		name_it(out, q, "x-ms-client-request-id", h->client_request_id);
		out->with_body = true;
	}
	return 0;
}

void repeat_add_body(struct repeat *r, const uint8_t hash[DIGEST_SIZE])
{
	uint8_t both[2 * DIGEST_SIZE];

	if (!r->with_body)
		return;
	memcpy(both, r->name, DIGEST_SIZE);
	memcpy(both + DIGEST_SIZE, hash, DIGEST_SIZE);
	digest_sha256(r->name, both, sizeof(both));
	r->with_body = false;
}

/* Three uses of one name, each hashed with its own word: none tells another. */
static void derive(const struct repeat *r, const char *use, uint8_t out[DIGEST_SIZE])
{
	uint8_t text[DIGEST_SIZE + 16];
	size_t len = strlen(use);

	memcpy(text, r->name, DIGEST_SIZE);
	memcpy(text + DIGEST_SIZE, use, len);
	digest_sha256(out, text, DIGEST_SIZE + len);
}

void repeat_bytes(const struct repeat *r, uint8_t out[REPEAT_BYTES], uint32_t *draw)
{
	uint8_t digest[DIGEST_SIZE];

	derive(r, "call", digest);
	memcpy(out, digest, REPEAT_BYTES);
	derive(r, "partition", digest);
	*draw = (uint32_t)digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 |
	        (uint32_t)digest[3] << 24;
}

void repeat_command_id(const struct repeat *r, char out[UUID_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	hex_encode(text, r->name, DIGEST_SIZE);
	uuid_derive(out, "command", text, "");
}

static int former_time(int64_t *out, const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return -EINVAL;
	*out = (int64_t)timegm(&tm) * CLOCK_SEC;
	return 0;
}

int former_parse(struct former *out, const char *text)
{
	*out = (struct former){ 0 };
	while (text && *text) {
		size_t len = strcspn(text, ",");
		char one[64], *at;
		long count;

		if (len >= sizeof(one) || out->n == FORMER_MAX)
			return -EINVAL;
		memcpy(one, text, len);
		one[len] = '\0';
		count = strtol(one, &at, 10);
		if (*at != '@' || count < 1 || count > 65536 ||
		    former_time(&out->counts[out->n].until, at + 1) < 0)
			return -EINVAL;
		out->counts[out->n++].partitions = (int32_t)count;
		text += len + (text[len] == ',');
	}
	return 0;
}

int32_t former_count(const struct former *f, int64_t at, int32_t current)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < f->n; i++) {
		if (f->counts[i].until > at && f->counts[i].until < first) {
			first = f->counts[i].until;
			current = f->counts[i].partitions;
		}
	}
	return current;
}
