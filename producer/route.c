/* route.c - see route.h */
#include "route.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "records.h"

#define SEGMENTS     6
#define SEGMENT_SIZE 64 /* the longest that we know is a UUID of 36; what is longer matches nothing */

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = isxdigit((unsigned char)c) ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* One segment, decoded.  Longer ones end up as "?": no word of a route, and no id. */
static int decode(char out[SEGMENT_SIZE], const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c <= 0x20 || c == 0x7f)
			return -EINVAL;
		if (c == '%') {
			int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_value(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = high << 4 | low;
			if (c == 0 || c == '/')
				return -EINVAL;
			i += 2;
		}
		if (used < SEGMENT_SIZE)
			out[used++] = (char)c;
	}
	if (used == SEGMENT_SIZE) {
		out[0] = '?';
		used = 1;
	}
	out[used] = '\0';
	return 0;
}

/* How many segments, or a negative errno. */
static int split(char segments[SEGMENTS][SEGMENT_SIZE], const char *path, size_t len)
{
	const char *end = path + len;
	int n = 0;

	if (!len || *path != '/')
		return -EINVAL;
	for (const char *at = path + 1;; n++) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		const char *stop = slash ? slash : end;
		int r;

		if (n == SEGMENTS)
			return -ENOENT;
		r = decode(segments[n], at, (size_t)(stop - at));
		if (r < 0)
			return r;
		if (!slash)
			return n + 1;
		at = slash + 1;
	}
}

static bool has_api_version(const char *query)
{
	static const char name[] = "api-version=";

	while (*query) {
		size_t len = strcspn(query, "&");

		if (len > strlen(name) && !strncasecmp(query, name, strlen(name)))
			return true;
		query += len + (query[len] == '&');
	}
	return false;
}

static bool query_fine(const char *query)
{
	for (; *query; query++) {
		if ((unsigned char)*query <= 0x20 || *query == 0x7f)
			return false;
	}
	return true;
}

/* The words of the clients differ in case only (Hangup, hangup). */
static enum operation_name word(const char *text)
{
	if (!strcasecmp(text, "Hangup"))
		return ROUTE_HANGUP;
	if (!strcasecmp(text, "PlayAudio"))
		return ROUTE_PLAY;
	if (!strcasecmp(text, "CancelMediaProcessing") || !strcasecmp(text, "CancelMediaOperations"))
		return ROUTE_CANCEL;
	if (!strcasecmp(text, "participants"))
		return ROUTE_PARTICIPANTS;
	return ROUTE_NONE;
}

/* A UUID has one spelling here, whatever case the client writes it in. */
static void take_participant(struct route *out, const char *text)
{
	if (!uuid_valid(text))
		return;
	for (size_t i = 0; i < UUID_SIZE; i++)
		out->participant[i] = (char)tolower((unsigned char)text[i]);
}

int route_parse(struct route *out, const char *target)
{
	char segments[SEGMENTS][SEGMENT_SIZE];
	size_t len = strcspn(target, "?");
	int first = 0, n, count;
	char(*words)[SEGMENT_SIZE];

	*out = (struct route){ .name = ROUTE_NONE, .path_len = len };
	if (!query_fine(target + len))
		return -EINVAL;
	out->api_version = target[len] == '?' && has_api_version(target + len + 1);

	n = split(segments, target, len);
	if (n < 0)
		return n;
	if (n == 1 && !strcmp(segments[0], "openapi.json")) {
		out->name = ROUTE_DOCUMENT;
		return 0;
	}
	if (n > 1 && !strcasecmp(segments[0], "calling"))
		first = 1;
	if (strcasecmp(segments[first], "calls"))
		return -ENOENT;
	out->api = first ? API_CALLING : API_CALLS;

	words = segments + first + 1;
	count = n - first - 1;
	if (count > 0 && strlen(words[0]) == CALLID_LEN)
		memcpy(out->call, words[0], CALLID_SIZE);
	if (count <= 0)
		out->name = ROUTE_CALLS;
	else if (count == 1 && words[0][0])
		out->name = ROUTE_CALL;
	else if (count == 2)
		out->name = word(words[1]);
	else if (count == 3 && word(words[1]) == ROUTE_PARTICIPANTS && words[2][0]) {
		out->name = ROUTE_PARTICIPANT;
		take_participant(out, words[2]);
	}
	return out->name == ROUTE_NONE ? -ENOENT : 0;
}

const char *route_methods(enum operation_name name)
{
	static const char *const methods[ROUTES] = {
		[ROUTE_CALLS] = "POST",         [ROUTE_CALL] = "GET, DELETE",
		[ROUTE_HANGUP] = "POST",        [ROUTE_PLAY] = "POST",
		[ROUTE_CANCEL] = "POST",        [ROUTE_PARTICIPANTS] = "GET, POST",
		[ROUTE_PARTICIPANT] = "DELETE", [ROUTE_DOCUMENT] = "GET",
	};

	return methods[name];
}

bool route_allows(enum operation_name name, const char *method)
{
	const char *list = route_methods(name);
	size_t len = strlen(method);

	while (list && *list) {
		size_t word_len = strcspn(list, ", ");

		if (word_len == len && !memcmp(list, method, len))
			return true;
		list += word_len;
		list += strspn(list, ", ");
	}
	return false;
}
