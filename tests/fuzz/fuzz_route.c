/* fuzz_route.c - the request target: producer/route.c */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "records.h"
#include "route.h"

static bool same(const struct route *a, const struct route *b)
{
	return a->name == b->name && a->api == b->api && !strcmp(a->call, b->call) &&
	       !strcmp(a->participant, b->participant) && a->api_version == b->api_version &&
	       a->path_len == b->path_len;
}

/* A letter of the path and its percent-encoding are the same. */
static void same_when_encoded(const struct route *r, const char *target)
{
	size_t len = strlen(target);
	char *encoded = malloc(3 * len + 1), *at = encoded;
	struct route again;

	HOLDS(encoded);
	for (const char *c = target; *c; c++) {
		bool in_path = (size_t)(c - target) < r->path_len;

		if (in_path && *c != '/' && *c != '%') {
			*at++ = '%';
			*at++ = "0123456789abcdef"[(unsigned char)*c >> 4];
			*at++ = "0123456789abcdef"[(unsigned char)*c & 15];
		} else if (in_path && *c == '%') {
			*at++ = *c++; /* its two digits stay as they are */
			*at++ = *c++;
			*at++ = *c;
		} else {
			*at++ = *c;
		}
	}
	*at = '\0';
	HOLDS(route_parse(&again, encoded) == 0);
	again.path_len = r->path_len;
	HOLDS(same(&again, r));
	free(encoded);
}

static void taken(const struct route *r, const char *target)
{
	size_t len = strlen(r->call);

	HOLDS(r->name >= 0 && r->name < ROUTE_NONE);
	HOLDS(r->api == API_CALLS || r->api == API_CALLING);
	HOLDS(target[0] == '/' && !target[strcspn(target, " \t\r\n\x01\x1b\x7f")]);
	HOLDS(r->path_len <= strlen(target) && (!target[r->path_len] || target[r->path_len] == '?'));
	HOLDS(!len || len == CALLID_LEN);
	HOLDS((r->name != ROUTE_CALLS && r->name != ROUTE_DOCUMENT) || !len);
	/* a participant has one spelling, whoever writes it how */
	HOLDS(!*r->participant || (r->name == ROUTE_PARTICIPANT && uuid_valid(r->participant)));
	HOLDS(!r->participant[strspn(r->participant, "0123456789abcdef-")]);
	HOLDS(!r->api_version || strcasestr(target + r->path_len, "api-version="));
	HOLDS(route_methods(r->name) && *route_methods(r->name));
	same_when_encoded(r, target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *target = fuzz_text(data, size);
	struct route r;
	int e = route_parse(&r, target);

	HOLDS(e == 0 || e == -EINVAL || e == -ENOENT);
	if (e == 0)
		taken(&r, target);
	else
		HOLDS(r.name == ROUTE_NONE);
	free(target);
	return 0;
}
