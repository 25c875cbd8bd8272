/*
 * tenants.h - the tenants file: who may call, with which keys, and the server keys
 *
 * JSON, mode 0600 (anything wider is refused), re-read on SIGHUP.  None of it
 * goes to Kafka or Redis.  examples/tenants.json shows every field.
 *
 *   { "serverKeys": [ { "number": 1, "key": "<base64, 32 bytes>", "until": "<RFC 3339, when it was
 *       replaced>" } ],    the first is the current one; at most two are valid at once
 *     "tenants": [ { "name": "default", "hosts": ["calls.example:8080"],
 *       "accessKeys": ["<base64>", "<base64>"],          at most two: HMAC
 *       "bearerKeys": ["<hex SHA-256 of the key>", ...],  at most two
 *       "webhookSecrets": ["whsec_<base64>", ...],        at most two; the first signs first
 *       "defaultSource": { "phoneNumber": { "value": "+46..." } },
 *       "callbacks": ["https://app.example/", ...] } ] }  prefixes allowed; absent: all
 *
 * Names are [a-z0-9-]{1,64}.  The tenant named "default" answers Hosts that
 * nobody lists.  Unknown fields are a fault, so that a typo is not an open door.
 */
#ifndef TENANTS_H
#define TENANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "records.h"

struct server_key {
	int number;
	int64_t until; /* us; 0: current */
	struct digest_key *mac;
};

struct tenant {
	char *name;
	char **hosts;
	size_t host_count;
	struct digest_key *access_keys[2]; /* NULL: none */
	uint8_t bearer[2][DIGEST_SIZE];
	size_t bearer_count;
	struct digest_key *webhook_secrets[2];
	struct identifier default_source; /* kind IDENTIFIER_NONE: none */
	char **callbacks;
	size_t callback_count;
};

struct tenants;

/* 0; -EINVAL, -EACCES (mode), -ENOENT...: `why` (size bytes) says what and where. */
int tenants_load(struct tenants **out, const char *path, char *why, size_t size);
void tenants_free(struct tenants *t); /* NULL is fine */

/* Borrowed, as long as `t` lives; NULL: none. */
const struct tenant *tenants_by_name(const struct tenants *t, const char *name);
/* By the Host header as signed, without regard to case; else the one named "default"; else NULL. */
const struct tenant *tenants_by_host(const struct tenants *t, const char *host);
/* By a bearer key, hashed; every stored hash is compared, in constant time. */
const struct tenant *tenants_by_bearer(const struct tenants *t, const char *key);

/* number < 0: the current one. */
const struct server_key *tenants_server_key(const struct tenants *t, int number);
/* The one that was in force at that time (us). */
const struct server_key *tenants_server_key_at(const struct tenants *t, int64_t at);

#endif
