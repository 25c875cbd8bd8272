/*
 * fuzz_http_chunks.c - a body in chunks: producer/http_chunks.c
 *
 * The first byte says in pieces of how many bytes it comes.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_chunks.h"

struct outcome {
	char *body;
	size_t len, used; /* bytes of the body, of the input */
	int status;       /* of the fault; 0: none */
	bool over;
};

static void read_piece(struct http_chunks *c, struct outcome *o, const char *in, size_t size)
{
	while (size && !o->status && !c->over) {
		struct http_fault fault = { 0 };
		const char *data = NULL;
		size_t len = 0;
		long took = http_chunks_take(c, in, size, &data, &len, &fault);

		if (took < 0) {
			HOLDS(fault.status >= 400 && fault.status < 500 &&
			      fuzz_names_something(fault.message));
			o->status = fault.status;
			return;
		}
		HOLDS(took > 0 && (size_t)took <= size);
		if (data) {
			HOLDS(data >= in && data + len <= in + took && len);
			memcpy(o->body + o->len, data, len);
			o->len += len;
		}
		o->used += (size_t)took;
		in += took;
		size -= (size_t)took;
	}
	o->over = c->over;
}

static struct outcome read_all(const char *in, size_t size, size_t step)
{
	struct outcome o = { .body = malloc(size + 1) };
	struct http_chunks c = { 0 };

	HOLDS(o.body);
	while (size && !o.status && !o.over) {
		size_t n = step < size ? step : size;
		char *piece = fuzz_text(in, n);

		read_piece(&c, &o, piece, n);
		free(piece);
		in += n;
		size -= n;
	}
	return o;
}

/* In one chunk, written as it should be, it is the same body. */
static void same_when_written(const struct outcome *o)
{
	char *text = malloc(o->len + 64);
	struct outcome again;
	int n;

	HOLDS(text);
	n = o->len ? sprintf(text, "%zx\r\n", o->len) : 0;
	memcpy(text + n, o->body, o->len);
	n += (int)o->len;
	n += sprintf(text + n, "%s0\r\n\r\n", o->len ? "\r\n" : "");
	again = read_all(text, (size_t)n, (size_t)n);
	HOLDS(again.over && again.used == (size_t)n && again.len == o->len);
	HOLDS(!memcmp(again.body, o->body, o->len));
	free(again.body);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, parts;
	const char *in = (const char *)data + 1;

	if (!size || size > 256 * 1024)
		return 0;
	whole = read_all(in, size - 1, size);
	parts = read_all(in, size - 1, data[0] ? data[0] : 1);
	HOLDS(whole.status == parts.status && whole.over == parts.over && whole.len == parts.len);
	HOLDS(!whole.over || whole.used == parts.used);
	HOLDS(!memcmp(whole.body, parts.body, whole.len));
	if (whole.over)
		same_when_written(&whole);
	free(whole.body);
	free(parts.body);
	return 0;
}
