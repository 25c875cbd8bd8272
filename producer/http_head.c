/* http_head.c - see http_head.h */
#include "http_head.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define METHOD_MAX 32 /* it goes into the log */

int http_fault(struct http_fault *f, int status, const char *fmt, ...)
{
	va_list ap;

	f->status = status;
	va_start(ap, fmt);
	vsnprintf(f->message, sizeof(f->message), fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- where it ends ---- */

/* Looked at as it comes: who sends what can't become a head hears so at once. */
long http_head_find(const char *text, size_t len, size_t *seen, struct http_fault *fault)
{
	size_t i;

	for (i = *seen; i < len && i < HTTP_HEAD_MAX; i++) {
		unsigned char c = (unsigned char)text[i];
		bool after_cr = i && text[i - 1] == '\r';

		if ((c == '\n') != after_cr)
			return http_fault(fault, 400, "a line of the head must end with CR LF");
		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return http_fault(fault, 400, "the head holds a control character");
		if (c == '\n' && i >= 3 && text[i - 2] == '\n')
			return (long)i + 1;
	}
	*seen = i;
	if (i < HTTP_HEAD_MAX)
		return 0;
	if (!memchr(text, '\n', i))
		return http_fault(fault, 414, "request target: too long");
	return http_fault(fault, 431, "headers: more than %d bytes", HTTP_HEAD_MAX);
}

/* ---- the request line ---- */

static bool is_token(const char *text)
{
	static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *text && !text[strspn(text, chars)];
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int parse_version(struct http_head *h, const char *text, struct http_fault *fault)
{
	if (strncmp(text, "HTTP/", 5) || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]) ||
	    text[8])
		return http_fault(fault, 400, "request line: must be method, target and HTTP/1.1");
	if (text[5] != '1')
		return http_fault(fault, 505, "request line: only HTTP/1.1 is spoken here");
	h->closes = text[7] == '0';
	return 0;
}

static int parse_line(struct http_head *h, char *line, struct http_fault *fault)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return http_fault(fault, 400, "request line: must be method, target and HTTP/1.1");
	*target++ = '\0';
	*version++ = '\0';
	if (parse_version(h, version, fault) < 0)
		return -1;
	if (!is_token(line) || strlen(line) > METHOD_MAX)
		return http_fault(fault, 400, "request line: the method is no word");
	if (!*target)
		return http_fault(fault, 400, "request target: missing");
	for (const char *c = target; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return http_fault(fault, 400, "request target: must be visible ASCII");
	}
	h->method = line;
	h->target = target;
	return 0;
}

/* ---- headers ---- */

/* Those that we read: of two, another reader might take the other.  Our own spelling of it; NULL: any other. */
static const char *once(const char *name)
{
	static const char *const names[] = {
		"Host",
		"Content-Length",
		"Transfer-Encoding",
		"Expect",
		"Authorization",
		"Content-Type",
		"Content-Encoding",
		"Date",
		"x-ms-date",
		"x-ms-content-sha256",
		"x-ms-client-request-id",
		"Idempotency-Key",
		"Repeatability-Request-ID",
		"Repeatability-First-Sent",
		"traceparent",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcasecmp(name, names[i]))
			return names[i];
	}
	return NULL;
}

const char *http_head_value(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++) {
		if (!strcasecmp(h->headers[i].name, name))
			return h->headers[i].value;
	}
	return NULL;
}

static int parse_header(struct http_head *h, char *line, struct http_fault *fault)
{
	char *value = strchr(line, ':'), *end;
	const char *name;

	if (*line == ' ' || *line == '\t')
		return http_fault(fault, 400, "a header is folded over two lines");
	if (!value)
		return http_fault(fault, 400, "a header has no colon");
	*value++ = '\0';
	if (!is_token(line))
		return http_fault(fault, 400, "a header's name holds a space, or is none");
	name = once(line);
	if (name && http_head_value(h, name))
		return http_fault(fault, 400, "%s: must come once", name);
	if (h->count == HTTP_HEADERS_MAX)
		return http_fault(fault, 431, "headers: more than %d", HTTP_HEADERS_MAX);
	value += strspn(value, " \t");
	for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	h->headers[h->count++] = (struct http_header){ line, value };
	return 0;
}

/* ---- what the headers say about the request's end ---- */

static int parse_length(struct http_head *h, const char *text, struct http_fault *fault)
{
	if (!*text || text[strspn(text, "0123456789")])
		return http_fault(fault, 400, "Content-Length: must be one number");
	text += strspn(text, "0");
	if (strlen(text) > 18)
		h->length = UINT64_MAX;
	else
		for (; *text; text++)
			h->length = h->length * 10 + (uint64_t)(*text - '0');
	return 0;
}

static int parse_framing(struct http_head *h, struct http_fault *fault)
{
	const char *length = http_head_value(h, "Content-Length");
	const char *encoding = http_head_value(h, "Transfer-Encoding");
	const char *expect = http_head_value(h, "Expect");

	if (length && encoding)
		return http_fault(fault, 400, "Content-Length and Transfer-Encoding exclude each other");
	if (encoding && (strcasecmp(encoding, "chunked") || h->closes)) /* HTTP/1.0 has no chunks */
		return http_fault(fault, 400, "Transfer-Encoding: must be chunked, in HTTP/1.1");
	if (length && parse_length(h, length, fault) < 0)
		return -1;
	if (expect && strcasecmp(expect, "100-continue"))
		return http_fault(fault, 417, "Expect: must be 100-continue");
	h->chunked = encoding != NULL;
	h->expects = expect && !h->closes;
	return 0;
}

static int parse_host(const struct http_head *h, struct http_fault *fault)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~%[]:";
	const char *host = http_head_value(h, "Host");

	if (!host)
		return http_fault(fault, 400, "Host: must come once");
	if (!*host || host[strspn(host, chars)])
		return http_fault(fault, 400, "Host: must be a host and port");
	return 0;
}

/* "close" among the words of a Connection header, of which there may be several */
static bool says_close(const struct http_head *h)
{
	for (size_t i = 0; i < h->count; i++) {
		const char *at = h->headers[i].value;

		if (strcasecmp(h->headers[i].name, "Connection"))
			continue;
		while (*at) {
			size_t len = strcspn(at, ", \t");

			if (len == 5 && !strncasecmp(at, "close", 5))
				return true;
			at += len + (at[len] != '\0');
		}
	}
	return false;
}

int http_head_parse(struct http_head *out, char *text, size_t len, struct http_fault *fault)
{
	char *end = text + len - 2; /* the empty line */

	*out = (struct http_head){ 0 };
	for (char *line = text, *next; line < end; line = next) {
		char *cr = memchr(line, '\r', (size_t)(end - line));

		if (!cr)
			return http_fault(fault, 400, "a line of the head must end with CR LF");
		*cr = '\0';
		next = cr + 2;
		if ((line == text ? parse_line(out, line, fault) : parse_header(out, line, fault)) < 0)
			return -1;
	}
	if (!out->method)
		return http_fault(fault, 400, "request line: missing");
	if (parse_framing(out, fault) < 0 || parse_host(out, fault) < 0)
		return -1;
	out->closes = out->closes || says_close(out);
	return 0;
}
