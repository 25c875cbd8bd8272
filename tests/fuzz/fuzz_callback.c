/*
 * fuzz_callback.c - callback addresses, and the networks that the operator allows: lib/callback.c, callback_net.c
 *
 * Lines: callbacks.allow, a tenant's prefix, the address.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "callback.h"

/* Who connects reads the host like this; a literal address that may not be connected to was not accepted. */
static void check_literal(const struct callback_rules *r, char *host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	size_t len = strlen(host);

	if (host[0] == '[' && len > 2) {
		host[len - 1] = '\0';
		HOLDS(inet_pton(AF_INET6, host + 1, &v6.sin6_addr) == 1);
		HOLDS(callback_address_allowed(r, (struct sockaddr *)&v6));
	} else if (inet_aton(host, &v4.sin_addr)) {
		HOLDS(callback_address_allowed(r, (struct sockaddr *)&v4));
	}
}

static void check_as_curl_does(const struct callback_rules *r, const char *uri)
{
	CURLU *u = curl_url();
	char *host = NULL, *user = NULL, *scheme = NULL;

	HOLDS(u && curl_url_set(u, CURLUPART_URL, uri, 0) == CURLUE_OK);
	HOLDS(curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host);
	HOLDS(curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
	HOLDS(!strcmp(scheme, "http") || !strcmp(scheme, "https"));
	HOLDS(curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK);
	check_literal(r, host);
	curl_free(host);
	curl_free(scheme);
	curl_free(user);
	curl_url_cleanup(u);
}

/* What stands in a log does not hold the query; an endpoint has one name however it is written. */
static void check_names(const char *uri)
{
	char masked[CALLBACK_URI_MAX + 64], endpoint[CALLBACK_URI_MAX + 64], again[CALLBACK_URI_MAX + 64];
	const char *query = strchr(uri, '?');

	HOLDS(callback_masked(masked, sizeof(masked), uri) == masked && fuzz_visible(masked));
	HOLDS(!query || !query[1] || (strstr(masked, "?***") && !strstr(strstr(masked, "?***") + 4, "?")));
	HOLDS(strlen(masked) <= strlen(uri) + 3 || strchr(masked, ':'));
	HOLDS(callback_endpoint(endpoint, sizeof(endpoint), uri) == 0 && fuzz_visible(endpoint));
	HOLDS(callback_endpoint(again, sizeof(again), endpoint) == 0 && !strcmp(endpoint, again));
}

static void taken(const struct callback_rules *r, const char *uri, char *const *prefixes, size_t n)
{
	size_t len = strlen(uri);

	HOLDS(fuzz_visible(uri) && len <= CALLBACK_URI_MAX);
	HOLDS(!strncasecmp(uri, "http://", 7) || !strncasecmp(uri, "https://", 8));
	HOLDS(!n || !strncasecmp(uri, prefixes[0], strcspn(prefixes[0], ":")));
	check_as_curl_does(r, uri);
	check_names(uri);
}

static void read_uri(const struct callback_rules *r, char *prefix, const char *uri)
{
	for (size_t n = 0; n < 2 && (!n || prefix); n++) {
		const char *why = callback_refused(r, uri, &prefix, n);
		char small[16];

		if (why)
			HOLDS(fuzz_names_something(why));
		else
			taken(r, uri, &prefix, n);
		/* whatever it is, its name in a log is bounded and ended */
		HOLDS(strlen(callback_masked(small, sizeof(small), uri)) < sizeof(small));
	}
}

/* Nothing of the inside may be connected to by a list that allows nothing. */
static void check_rules(const struct callback_rules *r, const char *allow)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!*allow)
		HOLDS(!callback_address_allowed(r, (struct sockaddr *)&v4));
	v4.sin_addr.s_addr = htonl(0x08080808);
	HOLDS(callback_address_allowed(r, (struct sockaddr *)&v4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_lines l = fuzz_lines(data, size);
	char *allow = fuzz_line_text(&l), *prefix = fuzz_line(&l), *uri = fuzz_line_text(&l);
	struct callback_rules *r = NULL;
	char why[256] = "";
	int e = callback_rules_open(&r, allow, why, sizeof(why));

	HOLDS(e == 0 || (e == -EINVAL && *why));
	if (e == 0) {
		check_rules(r, allow);
		read_uri(r, prefix, uri);
	}
	callback_rules_close(r);
	free(allow);
	free(prefix);
	free(uri);
	return 0;
}
