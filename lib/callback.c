/*
 * callback.c - see callback.h
 *
 * Addresses are taken apart by libcurl's own URL parser, because the notifier
 * connects with libcurl: what is checked is what it will see.  Where that parser
 * is generous (it reads http:///host, decodes %31 in a host, knows user names),
 * the text is refused before it gets there.
 */
#include "callback.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "callback_net.h"

/* ---- taking an address apart ---- */

struct parts {
	char *scheme, *host, *port, *path;
	bool query;
	bool port_given;
};

static void parts_clear(struct parts *p)
{
	curl_free(p->scheme);
	curl_free(p->host);
	curl_free(p->port);
	curl_free(p->path);
}

static bool has_part(CURLU *u, CURLUPart which)
{
	char *text = NULL;
	bool there = curl_url_get(u, which, &text, 0) == CURLUE_OK;

	curl_free(text);
	return there;
}

static int parts_open(struct parts *p, const char *uri)
{
	CURLU *u = curl_url();
	int r = -EINVAL;

	memset(p, 0, sizeof(*p));
	if (u && curl_url_set(u, CURLUPART_URL, uri, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &p->host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PATH, &p->path, 0) == CURLUE_OK) {
		p->query = has_part(u, CURLUPART_QUERY);
		p->port_given = has_part(u, CURLUPART_PORT);
		r = 0;
	}
	curl_url_cleanup(u);
	if (r < 0)
		parts_clear(p);
	return r;
}

/* ---- what the text itself must be ---- */

static size_t scheme_length(const char *uri)
{
	if (strncasecmp(uri, "http://", 7) == 0)
		return 7;
	return strncasecmp(uri, "https://", 8) == 0 ? 8 : 0;
}

static const char *text_refused(const char *uri)
{
	const char *authority;
	size_t scheme, len, i;

	if (strnlen(uri, CALLBACK_URI_MAX + 1) > CALLBACK_URI_MAX)
		return "must not be longer than 2048 bytes";
	for (i = 0; uri[i]; i++) {
		if (uri[i] <= ' ' || uri[i] > '~') /* also all that is not ASCII */
			return "must not contain blanks, control characters or other than ASCII "
			       "(percent-encode them)";
		if (uri[i] == '\\')
			return "must not contain a backslash";
	}
	scheme = scheme_length(uri);
	if (!scheme)
		return "must begin with http:// or https://";
	if (strchr(uri, '#'))
		return "must have no fragment (#)";

	authority = uri + scheme;
	len = strcspn(authority, "/?");
	if (!len || authority[0] == ':')
		return "must name a host";
	if (memchr(authority, '@', len))
		return "must have no user name or password";
	if (memchr(authority, '%', len))
		return "must not percent-encode its host";
	return NULL;
}

/* ---- hosts ---- */

static bool is_localhost(const char *host, size_t len)
{
	static const char word[] = "localhost";
	size_t n = sizeof(word) - 1;

	if (len < n || strncasecmp(host + len - n, word, n) != 0)
		return false;
	return len == n || host[len - n - 1] == '.';
}

/* Browsers' rule: a name whose last label is a number is meant as an address. */
static bool looks_like_number(const char *host)
{
	const char *last = strrchr(host, '.');

	last = last ? last + 1 : host;
	if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
		return !last[2 + strspn(last + 2, "0123456789abcdefABCDEF")];
	return *last && !last[strspn(last, "0123456789")];
}

static const char *literal_refused(const struct callback_rules *r, const struct sockaddr *sa)
{
	return callback_address_allowed(r, sa) ? NULL : "must not point into a private or local network";
}

static const char *host_refused(const struct callback_rules *r, const char *given)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char host[CALLBACK_URI_MAX + 1];
	size_t len;

	len = (size_t)snprintf(host, sizeof(host), "%s", given);
	if (host[0] == '[') {
		host[len - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6.sin6_addr) != 1)
			return "must have a valid host";
		return literal_refused(r, (struct sockaddr *)&v6);
	}

	while (len && host[len - 1] == '.') /* "127.0.0.1." is looked up as what it is without the dot */
		host[--len] = '\0';
	if (!len)
		return "must name a host";
	if (inet_aton(host, &v4.sin_addr))
		return literal_refused(r, (struct sockaddr *)&v4);
	if (looks_like_number(host))
		return "must have a valid host";
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (is_localhost(host, len))
		return literal_refused(r, (struct sockaddr *)&v4);
	return NULL;
}

/* ---- prefixes ---- */

/* "/hooks/%2e%2e/admin" begins like "/hooks/" here, and may end elsewhere on the other side. */
static bool has_hidden_dots(const char *path)
{
	for (; (path = strchr(path, '%')); path++) {
		if (strncasecmp(path, "%2e", 3) == 0 || strncasecmp(path, "%2f", 3) == 0 ||
		    strncasecmp(path, "%5c", 3) == 0)
			return true;
	}
	return false;
}

static bool begins_like(const struct parts *p, const char *prefix)
{
	struct parts q;
	bool alike;

	if (parts_open(&q, prefix) < 0)
		return false;
	alike = strcasecmp(p->scheme, q.scheme) == 0 && strcasecmp(p->host, q.host) == 0 &&
	        strcmp(p->port, q.port) == 0 && strncmp(p->path, q.path, strlen(q.path)) == 0;
	parts_clear(&q);
	return alike;
}

static const char *prefix_refused(const struct parts *p, char *const *prefixes, size_t n)
{
	size_t i;

	if (!n)
		return NULL;
	if (has_hidden_dots(p->path))
		return "must not percent-encode dots or slashes in its path";
	for (i = 0; i < n; i++) {
		if (begins_like(p, prefixes[i]))
			return NULL;
	}
	return "is not among the addresses that this tenant may use";
}

const char *callback_refused(const struct callback_rules *r, const char *uri, char *const *prefixes, size_t n)
{
	const char *why;
	struct parts p;

	why = text_refused(uri);
	if (why)
		return why;
	if (parts_open(&p, uri) < 0)
		return "must be a valid address: host, port 1 to 65535, path";

	if (strtol(p.port, NULL, 10) == 0)
		why = "must have a port from 1 to 65535";
	if (!why)
		why = host_refused(r, p.host);
	if (!why)
		why = prefix_refused(&p, prefixes, n);
	parts_clear(&p);
	return why;
}

/* ---- for logs and maps ---- */

const char *callback_masked(char *out, size_t size, const char *uri)
{
	struct parts p;

	if (!scheme_length(uri) || parts_open(&p, uri) < 0) {
		snprintf(out, size, "***");
		return out;
	}
	snprintf(out, size, "%s://%s%s%s%s%s", p.scheme, p.host, p.port_given ? ":" : "",
	         p.port_given ? p.port : "", p.path, p.query ? "?***" : "");
	parts_clear(&p);
	return out;
}

int callback_endpoint(char *out, size_t size, const char *uri)
{
	struct parts p;
	int n;
	char *c;

	if (!scheme_length(uri) || parts_open(&p, uri) < 0)
		return -EINVAL;
	n = snprintf(out, size, "%s://%s:%s", p.scheme, p.host, p.port);
	parts_clear(&p);
	if (n < 0 || (size_t)n >= size)
		return -EINVAL;
	for (c = out; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}
