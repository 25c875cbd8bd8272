/* framing.c - see framing.h */
#include "framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <microhttpd.h>

struct seen {
	int lengths, encodings, hosts;
	bool odd_name, odd_encoding, odd_length;
};

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct seen *s = arg;
	size_t len = strlen(name);

	(void)kind;
	if (!len || name[len - 1] == ' ' || name[len - 1] == '\t')
		s->odd_name = true;
	if (!strcasecmp(name, "Content-Length")) {
		s->lengths++;
		s->odd_length = s->odd_length || !value || !*value || value[strspn(value, "0123456789")];
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		s->encodings++;
		s->odd_encoding = s->odd_encoding || !value || strcasecmp(value, "chunked");
	} else if (!strcasecmp(name, "Host")) {
		s->hosts++;
	}
	return MHD_YES;
}

const char *framing_fault(struct MHD_Connection *c)
{
	struct seen s = { 0 };

	MHD_get_connection_values(c, MHD_HEADER_KIND, look, &s);
	if (s.odd_name)
		return "a header's name ends with a space";
	if (s.lengths > 1 || s.odd_length)
		return "Content-Length: must be one number";
	if (s.encodings > 1 || s.odd_encoding)
		return "Transfer-Encoding: must be chunked";
	if (s.lengths && s.encodings)
		return "Content-Length and Transfer-Encoding exclude each other";
	if (s.hosts != 1)
		return "Host: must come once";
	return NULL;
}
