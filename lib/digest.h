/*
 * digest.h - SHA-256, HMAC-SHA256, base64, hex, random bytes: libcrypto's, in few words
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32

void digest_sha256(uint8_t out[DIGEST_SIZE], const void *data, size_t len);

/* A key prepared once (an EVP_MAC context); one thread at a time. */
struct digest_key;
int digest_key_open(struct digest_key **out, const void *key, size_t len); /* the key is copied */
void digest_key_close(struct digest_key *k);                               /* NULL is fine; wipes */

struct digest_part {
	const void *data;
	size_t len;
};
/* HMAC over the parts, one after the other. */
void digest_hmac(struct digest_key *k, uint8_t out[DIGEST_SIZE], const struct digest_part *parts, size_t n);

bool digest_equal(const void *a, const void *b, size_t len); /* in constant time */
void digest_random(void *out, size_t len);                   /* aborts if the system has none */

/* Each writes a terminated string; out has room for the size that the macro gives. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
size_t base64_encode(char *out, const void *data, size_t len);
/* Strict: padding as the standard has it.  Length, or -EBADMSG; out holds at least len(text) / 4 * 3 bytes. */
long base64_decode(void *out, const char *text, size_t len);
#define BASE64URL_SIZE(n) (((n)*4 + 2) / 3 + 1)
size_t base64url_encode(char *out, const void *data, size_t len); /* no padding */
/* Strict: no padding, unused bits are 0: each value has one spelling. */
long base64url_decode(void *out, const char *text, size_t len);
void hex_encode(char *out, const void *data, size_t len); /* lower case, 2 * len + 1 */

#define UUID_SIZE 37
void uuid_text(char out[UUID_SIZE], const uint8_t bytes[16]); /* sets version 8 and variant bits */
void uuid_random(char out[UUID_SIZE]);                        /* version 4 */
bool uuid_valid(const char *text);                            /* 8-4-4-4-12 hex digits, any version */
/*
 * A UUID that derives from the parts: the same parts, the same UUID.
 * Participant ids are uuid_derive("participant", command id, index).
 */
void uuid_derive(char out[UUID_SIZE], const char *purpose, const char *a, const char *b);

#endif
