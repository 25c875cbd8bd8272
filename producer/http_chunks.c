/* http_chunks.c - see http_chunks.h */
#include "http_chunks.h"

#define SIZE_LINE_MAX 256  /* of a chunk's size and its extensions */
#define TRAILERS_MAX  2048 /* bytes, all together */
#define CHUNK_MAX     (1024 * 1024)
#define DIGITS_MAX    16

enum { SIZE, EXTENSION, SIZE_END, DATA, DATA_CR, DATA_END, TRAILER, TRAILER_LINE, TRAILER_END, LAST };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int broken(struct http_fault *fault)
{
	return http_fault(fault, 400, "body: the chunks are malformed");
}

static int take_size(struct http_chunks *c, char byte, struct http_fault *fault)
{
	int value = hex(byte);

	if (value >= 0) {
		c->left = c->left << 4 | (uint64_t)value;
		if (++c->digits > DIGITS_MAX || c->left > CHUNK_MAX)
			return http_fault(fault, 413, "body: a chunk is too large");
		return 0;
	}
	if (!c->digits || (byte != ';' && byte != '\r'))
		return broken(fault);
	c->state = byte == ';' ? EXTENSION : SIZE_END;
	return 0;
}

/* Bytes of a line that nobody reads. */
static int pass_over(struct http_chunks *c, char byte, int end, struct http_fault *fault)
{
	if (byte == '\r')
		c->state = end;
	else if (((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f)
		return broken(fault);
	return 0;
}

static int expect(struct http_chunks *c, char byte, char wanted, int state, struct http_fault *fault)
{
	if (byte != wanted)
		return broken(fault);
	c->state = state;
	return 0;
}

static int take_byte(struct http_chunks *c, char byte, struct http_fault *fault)
{
	switch (c->state) {
	case SIZE:
	case EXTENSION:
		if (++c->line > SIZE_LINE_MAX)
			return broken(fault);
		return c->state == SIZE ? take_size(c, byte, fault) : pass_over(c, byte, SIZE_END, fault);
	case SIZE_END:
		c->line = 0;
		return expect(c, byte, '\n', c->left ? DATA : TRAILER, fault);
	case DATA_CR:
		return expect(c, byte, '\r', DATA_END, fault);
	case DATA_END:
		c->digits = 0;
		return expect(c, byte, '\n', SIZE, fault);
	case TRAILER: /* the beginning of a line */
	case TRAILER_LINE:
		if (++c->line > TRAILERS_MAX)
			return http_fault(fault, 431, "trailers: more than %d bytes", TRAILERS_MAX);
		if (c->state == TRAILER && byte == '\r') {
			c->state = LAST;
			return 0;
		}
		c->state = TRAILER_LINE;
		return pass_over(c, byte, TRAILER_END, fault);
	case TRAILER_END:
		return expect(c, byte, '\n', TRAILER, fault);
	default: /* LAST */
		c->over = byte == '\n';
		return c->over ? 0 : broken(fault);
	}
}

long http_chunks_take(struct http_chunks *c, const char *in, size_t len, const char **data, size_t *data_len,
                      struct http_fault *fault)
{
	size_t i;

	*data = NULL;
	for (i = 0; i < len && !c->over; i++) {
		if (c->state == DATA) {
			size_t n = len - i < c->left ? len - i : (size_t)c->left;

			*data = in + i;
			*data_len = n;
			c->left -= n;
			if (!c->left)
				c->state = DATA_CR;
			return (long)(i + n);
		}
		if (take_byte(c, in[i], fault) < 0)
			return -1;
	}
	return (long)i;
}
