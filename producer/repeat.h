/*
 * repeat.h - is this request one that may come again, and what its ids derive from
 *
 * A request that names itself (Repeatability-Request-ID, Idempotency-Key, or
 * x-ms-client-request-id with its body) gets ids that derive from the name: a
 * repeat makes the same command, and the worker drops the second.  Nothing is
 * remembered here.  Without a time (the last two) a repeat across a change of
 * the server key or of the partition count is a new request.
 */
#ifndef REPEAT_H
#define REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "tenants.h"

/* Header values as they came; NULL where there was none. */
struct repeat_headers {
	const char *request_id; /* Repeatability-Request-ID */
	const char *first_sent; /* Repeatability-First-Sent */
	const char *idempotency_key;
	const char *client_request_id; /* x-ms-client-request-id */
};

struct repeat {
	bool repeatable;
	bool with_body;            /* the body's hash is part of the name */
	bool asked;                /* Repeatability headers: the answer says Repeatability-Result */
	int64_t first_sent;        /* us; 0: not known */
	uint8_t name[DIGEST_SIZE]; /* tenant, method, path, header and value */
};

struct repeat_request {
	const char *tenant, *method, *path;
	size_t path_len;
	int64_t now, ttl; /* clock_utc(), command.ttl */
};

/* 0; 400 or 412: `why` (lives for ever) says what. */
int repeat_read(struct repeat *out, const struct repeat_headers *h, const struct repeat_request *q,
                const char **why);

/* Once the body is complete; nothing to do for most. */
void repeat_add_body(struct repeat *r, const uint8_t hash[DIGEST_SIZE]);

#define REPEAT_BYTES 9
/* The bytes of the callLegId, and a number from which its partition is drawn. */
void repeat_bytes(const struct repeat *r, uint8_t out[REPEAT_BYTES], uint32_t *draw);
void repeat_command_id(const struct repeat *r, char out[UUID_SIZE]);

/* ---- commands.former: the partition counts that were ---- */

#define FORMER_MAX 16

struct former {
	struct {
		int32_t partitions;
		int64_t until; /* us */
	} counts[FORMER_MAX];
	size_t n;
};

/* "16@2026-11-01T12:00:00Z,...".  -EINVAL. */
int former_parse(struct former *out, const char *text);
/* The count in force at that time: of those that ended later the one that ended first, else `current`. */
int32_t former_count(const struct former *f, int64_t at, int32_t current);

#endif
