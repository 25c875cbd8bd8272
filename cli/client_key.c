/* client_key.c - see client_key.h */
#include "client_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "clock.h"
#include "digest.h"
#include "must.h"

static const char endpoint[] = "endpoint=", access_key[] = "accesskey=";
static const char signed_headers[] = "x-ms-date;host;x-ms-content-sha256";

static int read_access_key(struct client_key *k, const char *text, size_t len)
{
	uint8_t *raw = must_calloc(len / 4 + 1, 3);
	const long n = base64_decode(raw, text, len);
	int r = -EINVAL;

	if (n > 0 && !k->hmac)
		r = digest_key_open(&k->hmac, raw, (size_t)n);
	explicit_bzero(raw, (len / 4 + 1) * 3);
	free(raw);
	return r;
}

/* One "name=value" of a connection string. */
static int read_part(struct client_key *k, const char *part, size_t len)
{
	if (!strncasecmp(part, endpoint, strlen(endpoint)) && !k->url) {
		part += strlen(endpoint);
		len -= strlen(endpoint);
		while (len && part[len - 1] == '/')
			len--;
		k->url = must_printf("%.*s", (int)len, part);
		return 0;
	}
	if (!strncasecmp(part, access_key, strlen(access_key)))
		return read_access_key(k, part + strlen(access_key), len - strlen(access_key));
	return -EINVAL;
}

static int read_connection_string(struct client_key *k, const char *text)
{
	while (*text) {
		const size_t len = strcspn(text, ";");

		if (len && read_part(k, text, len) < 0)
			return -EINVAL;
		text += len + (text[len] == ';');
	}
	return k->url && *k->url && k->hmac ? 0 : -EINVAL;
}

static bool is_connection_string(const char *text)
{
	return !strncasecmp(text, endpoint, strlen(endpoint)) ||
	       !strncasecmp(text, access_key, strlen(access_key));
}

int client_key_open(struct client_key *out, const char *text, const char **why)
{
	*out = (struct client_key){ 0 };
	if (!is_connection_string(text)) {
		out->bearer = must_strdup(text);
		return 0;
	}
	if (read_connection_string(out, text) == 0)
		return 0;
	client_key_close(out);
	*why = "must be a bearer key, or endpoint=http://host:port/;accesskey=<base64>";
	return -EINVAL;
}

void client_key_close(struct client_key *k)
{
	if (k->bearer)
		explicit_bzero(k->bearer, strlen(k->bearer));
	free(k->bearer);
	free(k->url);
	digest_key_close(k->hmac);
	*k = (struct client_key){ 0 };
}

const char *http_date_text(char out[HTTP_DATE_SIZE], int64_t us)
{
	const time_t seconds = (time_t)(us / CLOCK_SEC);
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&seconds, &tm))
		strftime(out, HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm); /* the C locale's words */
	return out;
}

size_t client_key_headers(const struct client_key *k, const struct client_signed *q,
                          char *lines[CLIENT_KEY_HEADERS])
{
	uint8_t digest[DIGEST_SIZE];
	char hash[BASE64_SIZE(DIGEST_SIZE)], signature[BASE64_SIZE(DIGEST_SIZE)], date[HTTP_DATE_SIZE], *text;
	struct digest_part part;

	if (k->bearer) {
		lines[0] = must_printf("Authorization: Bearer %s", k->bearer);
		return 1;
	}
	digest_sha256(digest, q->body, q->body_len);
	base64_encode(hash, digest, sizeof(digest));
	http_date_text(date, q->now);
	text = must_printf("%s\n%s\n%s;%s;%s", q->method, q->target, date, q->host, hash);
	part = (struct digest_part){ text, strlen(text) };
	digest_hmac(k->hmac, digest, &part, 1);
	base64_encode(signature, digest, sizeof(digest));
	free(text);

	lines[0] = must_printf("x-ms-date: %s", date);
	lines[1] = must_printf("x-ms-content-sha256: %s", hash);
	lines[2] = must_printf("Authorization: HMAC-SHA256 SignedHeaders=%s&Signature=%s", signed_headers,
	                       signature);
	return 3;
}
