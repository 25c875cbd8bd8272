/* telling.c - one record on its way to Kafka, and its form in the outbox; see teller.h */
#include "teller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

static const char *const header_names[] = { "type", "tenant", "number", "traceparent" };

void telling_free(struct telling *t)
{
	if (!t)
		return;
	free(t->key);
	free(t->value.data);
	for (int i = 0; i < TELLING_HEADERS; i++)
		free(t->headers[i].value);
	free(t);
}

struct bytes telling_pack(const struct telling *t)
{
	struct bytes b = { 0 };
	size_t len = 1 + t->value.len;
	char *at;

	for (int i = 0; i < TELLING_HEADERS; i++)
		if (t->headers[i].value)
			len += strlen(t->headers[i].name) + strlen(t->headers[i].value) + 2;
	b.data = must_calloc(1, len);
	b.len = len;
	at = b.data;
	for (int i = 0; i < TELLING_HEADERS; i++) {
		if (!t->headers[i].value)
			continue;
		at = stpcpy(at, t->headers[i].name);
		*at++ = '=';
		at = stpcpy(at, t->headers[i].value);
		*at++ = '\n';
	}
	*at++ = '\n';
	if (t->value.len)
		memcpy(at, t->value.data, t->value.len);
	return b;
}

/* The header's own, static name; NULL: not one of ours. */
static const char *known_header(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(header_names) / sizeof(*header_names); i++)
		if (strlen(header_names[i]) == len && !memcmp(header_names[i], name, len))
			return header_names[i];
	return NULL;
}

int telling_unpack(struct telling *out, const void *data, size_t len)
{
	const char *at = data, *end = at + len;

	for (int i = 0; at < end && *at != '\n'; i++) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		const char *equals = line ? memchr(at, '=', (size_t)(line - at)) : NULL;
		const char *name = equals ? known_header(at, (size_t)(equals - at)) : NULL;

		if (!name || i == TELLING_HEADERS || memchr(equals, '\0', (size_t)(line - equals)))
			return -EBADMSG;
		out->headers[i].name = name;
		out->headers[i].value = must_printf("%.*s", (int)(line - equals - 1), equals + 1);
		at = line + 1;
	}
	if (at >= end)
		return -EBADMSG;
	at++;
	out->value.data = must_copy(at, (size_t)(end - at));
	out->value.len = (size_t)(end - at);
	return 0;
}
