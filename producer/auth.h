/*
 * auth.h - who asks: HMAC-SHA256 over the request as it came, or a bearer key
 *
 * The signature covers the declared hash of the body, so that a stranger is
 * turned away before a byte of his body is kept.  That the body has this hash
 * is checked when it is complete.  The same signature may come twice: clients
 * sign once and retry, so a repeat is no replay.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "tenants.h"

#define AUTH_SKEW                                                                                            \
	(15 * 60 * INT64_C(1000000)) /* us, either way: as the sibling services of the API have it */

/* Header values as they came; NULL where there was none. */
struct auth_request {
	const char *method;
	const char *target; /* raw, with query */
	const char *authorization;
	const char *host;
	const char *date; /* Date */
	const char *x_ms_date;
	const char *body_hash; /* x-ms-content-sha256 */
	int64_t now;           /* clock_utc() */
};

struct auth {
	const struct tenant *tenant; /* borrowed from `t` */
	bool signed_body;            /* body_hash holds: the body must have it */
	uint8_t body_hash[DIGEST_SIZE];
};

/* 0, or -EACCES: `why` (lives for ever, holds nothing of the request) says what did not fit. */
int auth_check(struct auth *out, const struct tenants *t, const struct auth_request *q, const char **why);

#endif
