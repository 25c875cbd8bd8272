/* document.c - see api.h: GET /openapi.json, schemas/openapi.yaml as the build has put it into the program */
#include "api.h"

#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "embedded.h"

#define TAG_BYTES 16
#define TAG_SIZE  (2 * TAG_BYTES + 3) /* in its quotes */

/* Made once: the document doesn't change while we run. */
static const char *tag_of(const char *text)
{
	static char tag[TAG_SIZE];
	uint8_t hash[DIGEST_SIZE];
	char hex[2 * TAG_BYTES + 1];

	if (!tag[0]) {
		digest_sha256(hash, text, strlen(text));
		hex_encode(hex, hash, TAG_BYTES);
		snprintf(tag, sizeof(tag), "\"%s\"", hex);
	}
	return tag;
}

void document_answer(struct ticket *t)
{
	const char *text = embedded_documents[0].text, *tag = tag_of(text);
	const char *known = request_header(t->request, "If-None-Match");

	if (!route_allows(t->route.name, t->request->method)) {
		request_add(t->request, "Allow", route_methods(t->route.name));
		answer_fault(t, 405, answer_code(405), "the method is not one of the route's");
		return;
	}
	request_add(t->request, "ETag", tag);
	request_add(t->request, "Cache-Control", "no-cache");
	if (known && strstr(known, tag)) /* one of a list, or a weak one: the same here */
		answer_empty(t, 304);
	else
		request_answer_shared(t->request, 200, text);
}
