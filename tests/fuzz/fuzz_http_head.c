/*
 * fuzz_http_head.c - the head of a request: producer/http_head.c
 *
 * The first two bytes say where the head is cut in two, for it comes in pieces.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_head.h"

static void check_fault(const struct http_fault *f)
{
	HOLDS(f->status >= 400 && f->status < 600);
	HOLDS(fuzz_names_something(f->message));
}

/* The end in one piece and in two: the same, or the same fault. */
static long find(const char *text, size_t size, size_t cut)
{
	struct http_fault whole = { 0 }, parts = { 0 };
	size_t seen = 0;
	long end = http_head_find(text, size, &seen, &whole), again;

	HOLDS(end >= -1 && end <= (long)size && end <= HTTP_HEAD_MAX);
	seen = 0;
	again = http_head_find(text, cut, &seen, &parts);
	HOLDS(seen <= cut);
	if (!again)
		again = http_head_find(text, size, &seen, &parts);
	HOLDS(end == again && whole.status == parts.status);
	if (end < 0)
		check_fault(&whole);
	return end;
}

static bool fits_name(const char *name)
{
	return fuzz_visible(name) && !strpbrk(name, "()<>@,;:\\\"/[]?={} \t");
}

static bool fits_value(const char *value)
{
	for (const unsigned char *c = (const unsigned char *)value; *c; c++)
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return false;
	return *value != ' ' && *value != '\t';
}

/* What another reader may see otherwise is not there. */
static void check_head(const struct http_head *h)
{
	static const char *const once[] = { "Host",   "Content-Length", "Transfer-Encoding", "Authorization",
		                            "Expect", "Content-Type",   "traceparent" };
	const char *length = http_head_value(h, "Content-Length");

	HOLDS(fits_name(h->method) && strlen(h->method) <= 32 && fuzz_visible(h->target));
	HOLDS(h->count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < h->count; i++)
		HOLDS(fits_name(h->headers[i].name) && fits_value(h->headers[i].value));
	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++) {
		size_t n = 0;

		for (size_t k = 0; k < h->count; k++)
			n += !strcasecmp(h->headers[k].name, once[i]);
		HOLDS(n <= 1);
	}
	HOLDS(http_head_value(h, "Host") && *http_head_value(h, "Host"));
	HOLDS(!h->chunked || (!length && !h->length));
	HOLDS(h->chunked == (http_head_value(h, "Transfer-Encoding") != NULL));
	HOLDS(length || !h->length);
	HOLDS(!length || h->length == UINT64_MAX || h->length == strtoull(length, NULL, 10));
}

static void put(char **at, const char *a, const char *b, const char *c, const char *d)
{
	*at = stpcpy(stpcpy(stpcpy(stpcpy(*at, a), b), c), d);
}

/* Written anew it says the same. */
static void same_when_written(const struct http_head *h, size_t size)
{
	char *text = malloc(2 * size + 64), *at = text;
	struct http_fault fault;
	struct http_head again;
	size_t seen = 0;
	long end;

	HOLDS(text);
	/* HTTP/1.0 closes and has no chunks; says_close() can't be told from it here */
	put(&at, h->method, " ", h->target,
	    h->closes && !h->chunked && !h->expects ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
	for (size_t i = 0; i < h->count; i++)
		put(&at, h->headers[i].name, ": ", h->headers[i].value, "\r\n");
	put(&at, "\r\n", "", "", "");
	end = http_head_find(text, (size_t)(at - text), &seen, &fault);
	if (end < 0 && fault.status == 431) { /* the spaces that were put in are too many */
		free(text);
		return;
	}
	HOLDS(end == at - text);
	HOLDS(http_head_parse(&again, text, (size_t)end, &fault) == 0);
	HOLDS(!strcmp(h->method, again.method) && !strcmp(h->target, again.target));
	HOLDS(h->count == again.count && h->length == again.length && h->chunked == again.chunked);
	HOLDS(h->closes == again.closes);
	for (size_t i = 0; i < h->count; i++)
		HOLDS(!strcmp(h->headers[i].name, again.headers[i].name) &&
		      !strcmp(h->headers[i].value, again.headers[i].value));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = size < 2 ? 0 : (size_t)(data[0] << 8 | data[1]);
	struct http_fault fault = { 0 };
	struct http_head h;
	char *text;
	long end;

	if (size < 2)
		return 0;
	text = fuzz_text(data + 2, size - 2);
	end = find(text, size - 2, cut % (size - 1));
	if (end > 0) {
		/* it stands in the connection's buffer, with what follows it */
		char *head = malloc((size_t)end);

		HOLDS(head);
		memcpy(head, text, (size_t)end);
		if (http_head_parse(&h, head, (size_t)end, &fault) < 0) {
			check_fault(&fault);
		} else {
			check_head(&h);
			same_when_written(&h, (size_t)end);
		}
		free(head);
	}
	free(text);
	return 0;
}
