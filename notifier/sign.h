/*
 * sign.h - the signature of a webhook, by Standard Webhooks 1.0
 *
 * HMAC-SHA256 over "<id>.<timestamp>.<body>" as "v1,<base64>", once for each of
 * the tenant's secrets, so that a receiver may change to the new one when it likes.
 */
#ifndef SIGN_H
#define SIGN_H

#include <stddef.h>
#include <stdint.h>

struct digest_key;

#define SIGN_SECRETS 2
#define SIGN_SIZE    128

/* Secrets that are NULL are left out; "" when there is none.  Returns out. */
const char *sign_webhook(char out[SIGN_SIZE], struct digest_key *const secrets[SIGN_SECRETS], const char *id,
                         int64_t seconds, const void *body, size_t len);

#endif
