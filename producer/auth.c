/* auth.c - see auth.h */
#include "auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_date.h"

#define NAMES_MAX 8 /* signed headers; the schemes know three */

static const char scheme[] = "HMAC-SHA256 ";
static const char bearer[] = "Bearer ";

struct claim {
	char names[160];
	uint8_t signature[DIGEST_SIZE];
};

/* "SignedHeaders=a;b;c&Signature=<base64>", in any order */
static int claim_parse(struct claim *c, const char *text)
{
	bool names = false, signature = false;

	while (*text) {
		size_t len = strcspn(text, "&");

		if (len > 14 && len - 14 < sizeof(c->names) && !strncasecmp(text, "SignedHeaders=", 14)) {
			memcpy(c->names, text + 14, len - 14);
			c->names[len - 14] = '\0';
			names = true;
		} else if (len == 10 + 44 && !strncasecmp(text, "Signature=", 10)) {
			uint8_t raw[44 / 4 * 3];

			if (base64_decode(raw, text + 10, 44) != DIGEST_SIZE)
				return -EINVAL;
			memcpy(c->signature, raw, DIGEST_SIZE);
			signature = true;
		}
		text += len + (text[len] == '&');
	}
	return names && signature ? 0 : -EINVAL;
}

static const char *value_of(const struct auth_request *q, const char *name)
{
	if (!strcasecmp(name, "x-ms-date"))
		return q->x_ms_date;
	if (!strcasecmp(name, "date"))
		return q->date;
	if (!strcasecmp(name, "host"))
		return q->host;
	if (!strcasecmp(name, "x-ms-content-sha256"))
		return q->body_hash;
	return NULL;
}

/*
 * The values of the signed headers in the order in which they were named, and
 * the date among them.  Something not among these four can't be checked, and
 * date, host and hash must be there, or the signature would cover too little.
 */
static int gather(struct digest_part *parts, size_t *n, struct claim *c, const struct auth_request *q,
                  const char **date)
{
	bool host = false, hash = false;
	size_t used = *n, names = 0;
	char *rest = c->names;

	for (char *name; (name = strsep(&rest, ";"));) {
		const char *value = value_of(q, name);

		if (!value || names == NAMES_MAX)
			return -EINVAL;
		if (names++)
			parts[used++] = (struct digest_part){ ";", 1 };
		parts[used++] = (struct digest_part){ value, strlen(value) };
		host = host || !strcasecmp(name, "host");
		hash = hash || !strcasecmp(name, "x-ms-content-sha256");
		if (!strcasecmp(name, "x-ms-date") || (!strcasecmp(name, "date") && !*date))
			*date = value;
	}
	*n = used;
	return host && hash && *date ? 0 : -EINVAL;
}

/* Both keys are always tried: how long it takes does not tell which one it was. */
static bool signature_fits(const struct tenant *t, const struct claim *c, const struct digest_part *parts,
                           size_t n)
{
	bool fits = false;

	for (size_t i = 0; i < 2; i++) {
		uint8_t mac[DIGEST_SIZE];

		if (!t->access_keys[i])
			continue;
		digest_hmac(t->access_keys[i], mac, parts, n);
		if (digest_equal(mac, c->signature, DIGEST_SIZE))
			fits = true;
	}
	return fits;
}

static int check_hmac(struct auth *out, const struct tenants *t, const struct auth_request *q,
                      const char **why)
{
	struct digest_part parts[4 + 2 * NAMES_MAX];
	uint8_t raw[44 / 4 * 3];
	const char *date = NULL;
	struct claim claim;
	int64_t when;
	size_t n = 4;

	*why = "Authorization: SignedHeaders and Signature are needed";
	if (claim_parse(&claim, q->authorization + strlen(scheme)) < 0)
		return -EACCES;
	parts[0] = (struct digest_part){ q->method, strlen(q->method) };
	parts[1] = (struct digest_part){ "\n", 1 };
	parts[2] = (struct digest_part){ q->target, strlen(q->target) };
	parts[3] = (struct digest_part){ "\n", 1 };
	*why = "Authorization: SignedHeaders must be x-ms-date (or date), host and x-ms-content-sha256, all "
	       "sent";
	if (gather(parts, &n, &claim, q, &date) < 0)
		return -EACCES;
	*why = "x-ms-content-sha256: not the base64 of a SHA-256";
	if (strlen(q->body_hash) != 44 || base64_decode(raw, q->body_hash, 44) != DIGEST_SIZE)
		return -EACCES;
	*why = "the signed date: not an HTTP date";
	if (http_date_parse(&when, date) < 0)
		return -EACCES;
	*why = "the signed date: more than 15 minutes from this server's clock";
	if (llabs(q->now - when) > AUTH_SKEW)
		return -EACCES;
	*why = "Authorization: the signature does not fit";
	out->tenant = tenants_by_host(t, q->host);
	if (!out->tenant || !signature_fits(out->tenant, &claim, parts, n))
		return -EACCES;
	memcpy(out->body_hash, raw, DIGEST_SIZE);
	out->signed_body = true;
	return 0;
}

int auth_check(struct auth *out, const struct tenants *t, const struct auth_request *q, const char **why)
{
	const char *text = q->authorization;

	*out = (struct auth){ 0 };
	if (text && !strncasecmp(text, scheme, strlen(scheme)))
		return check_hmac(out, t, q, why);
	if (text && !strncasecmp(text, bearer, strlen(bearer))) {
		out->tenant = tenants_by_bearer(t, text + strlen(bearer));
		*why = "Authorization: unknown bearer key";
		return out->tenant ? 0 : -EACCES;
	}
	*why = "Authorization: HMAC-SHA256 or Bearer is needed";
	return -EACCES;
}
