/* digest.c - see digest.h.  Whatever libcrypto can only fail for want of memory or entropy aborts here. */
#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

struct digest_key {
	EVP_MAC_CTX *ctx;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "libcrypto: %s failed\n", what);
	abort();
}

void digest_sha256(uint8_t out[DIGEST_SIZE], const void *data, size_t len)
{
	must(SHA256(len ? data : (const void *)"", len, out) != NULL, "SHA256");
}

int digest_key_open(struct digest_key **out, const void *key, size_t len)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};
	struct digest_key *k;
	EVP_MAC *mac;

	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;

	mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	if (mac)
		k->ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac); /* the context holds a reference of its own */
	if (!k->ctx || !EVP_MAC_init(k->ctx, len ? key : (const void *)"", len, params)) {
		digest_key_close(k);
		return -ENOMEM;
	}

	*out = k;
	return 0;
}

void digest_key_close(struct digest_key *k)
{
	if (!k)
		return;
	EVP_MAC_CTX_free(k->ctx); /* wipes the key */
	free(k);
}

void digest_hmac(struct digest_key *k, uint8_t out[DIGEST_SIZE], const struct digest_part *parts, size_t n)
{
	size_t len = 0, i;

	/* without a key: back to where the prepared key stands */
	must(EVP_MAC_init(k->ctx, NULL, 0, NULL), "EVP_MAC_init");
	for (i = 0; i < n; i++) {
		if (parts[i].len)
			must(EVP_MAC_update(k->ctx, parts[i].data, parts[i].len), "EVP_MAC_update");
	}
	must(EVP_MAC_final(k->ctx, out, &len, DIGEST_SIZE) && len == DIGEST_SIZE, "EVP_MAC_final");
}

bool digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void digest_random(void *out, size_t len)
{
	uint8_t *p = out;

	while (len) { /* RAND_bytes counts in int */
		size_t n = len < 4096 ? len : 4096;

		must(RAND_bytes(p, (int)n) == 1, "RAND_bytes");
		p += n;
		len -= n;
	}
}

/* ---- base64 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(char *out, const uint8_t *in, size_t len, const char *letters, bool padded)
{
	char *o = out;

	while (len) {
		size_t n = len < 3 ? len : 3;
		uint32_t bits = (uint32_t)in[0] << 16;

		if (n > 1)
			bits |= (uint32_t)in[1] << 8;
		if (n > 2)
			bits |= in[2];
		*o++ = letters[bits >> 18];
		*o++ = letters[bits >> 12 & 63];
		if (n > 1 || padded)
			*o++ = n > 1 ? letters[bits >> 6 & 63] : '=';
		if (n > 2 || padded)
			*o++ = n > 2 ? letters[bits & 63] : '=';
		in += n;
		len -= n;
	}
	*o = '\0';
	return (size_t)(o - out);
}

static int letter_value(char c, const char *letters)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == letters[62])
		return 62;
	if (c == letters[63])
		return 63;
	return -1;
}

/* No padding in text.  One spelling per value: bits that no byte takes must be 0. */
static long decode(uint8_t *out, const char *text, size_t len, const char *letters)
{
	uint32_t bits = 0;
	int have = 0;
	long n = 0;
	size_t i;

	if (len % 4 == 1)
		return -EBADMSG;

	for (i = 0; i < len; i++) {
		int v = letter_value(text[i], letters);

		if (v < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	return bits ? -EBADMSG : n;
}

size_t base64_encode(char *out, const void *data, size_t len)
{
	return encode(out, data, len, alphabet, true);
}

long base64_decode(void *out, const char *text, size_t len)
{
	if (len % 4 != 0)
		return -EBADMSG;
	if (len && text[len - 1] == '=')
		len -= text[len - 2] == '=' ? 2 : 1;
	return decode(out, text, len, alphabet);
}

size_t base64url_encode(char *out, const void *data, size_t len)
{
	return encode(out, data, len, alphabet_url, false);
}

long base64url_decode(void *out, const char *text, size_t len)
{
	return decode(out, text, len, alphabet_url);
}

/* ---- hex and UUIDs ---- */

void hex_encode(char *out, const void *data, size_t len)
{
	const uint8_t *in = data;
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = "0123456789abcdef"[in[i] >> 4];
		*out++ = "0123456789abcdef"[in[i] & 15];
	}
	*out = '\0';
}

static void uuid_write(char out[UUID_SIZE], const uint8_t bytes[16], int version)
{
	static const uint8_t groups[] = { 4, 2, 2, 2, 6 };
	uint8_t b[16];
	size_t i, at = 0;

	memcpy(b, bytes, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
	b[8] = (b[8] & 0x3f) | 0x80; /* RFC 9562's variant */
	for (i = 0; i < sizeof(groups); i++) {
		hex_encode(out, b + at, groups[i]);
		at += groups[i];
		out += 2 * groups[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

void uuid_text(char out[UUID_SIZE], const uint8_t bytes[16])
{
	uuid_write(out, bytes, 8);
}

void uuid_random(char out[UUID_SIZE])
{
	uint8_t bytes[16];

	digest_random(bytes, sizeof(bytes));
	uuid_write(out, bytes, 4);
}

bool uuid_valid(const char *text)
{
	size_t i;

	for (i = 0; i < UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = text[i];

		if (dash ? c != '-'
		         : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return text[i] == '\0';
}

void uuid_derive(char out[UUID_SIZE], const char *purpose, const char *a, const char *b)
{
	const char *parts[] = { purpose, a, b };
	uint8_t hash[DIGEST_SIZE];
	EVP_MD_CTX *ctx;
	size_t i;

	ctx = EVP_MD_CTX_new();
	must(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), "EVP_DigestInit");
	for (i = 0; i < 3; i++) /* with the NUL, so that no two lists of parts run into one another */
		must(EVP_DigestUpdate(ctx, parts[i], strlen(parts[i]) + 1), "EVP_DigestUpdate");
	must(EVP_DigestFinal_ex(ctx, hash, NULL), "EVP_DigestFinal");
	EVP_MD_CTX_free(ctx);
	uuid_text(out, hash);
}
