/* body_identifiers.c - the lists of a create and of an invite: who is to be called */
#include "body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A phone is rung once by a command: the same one twice is a mistake.  The first equal one before i; -1: none. */
static int same_before(const struct identifier *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (list[k].kind == list[i].kind && !strcmp(list[k].value, list[i].value))
			return (int)k;
	return -1;
}

int body_identifiers(struct identifier **out, size_t *count, const json_t *object, const char *name,
                     struct body_fault *fault)
{
	const json_t *list = body_field(object, name);
	size_t n;

	if (!list)
		return body_fault(fault, "%s: missing", name);
	if (!json_is_array(list))
		return body_fault(fault, "%s: not an array", name);
	n = json_array_size(list);
	if (n < 1 || n > TARGETS_MAX)
		return body_fault(fault, "%s: must be 1 to %d", name, TARGETS_MAX);
	*out = calloc(n, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	*count = n;

	for (size_t i = 0; i < n; i++) {
		char where[32];
		int r;

		snprintf(where, sizeof(where), "%s[%zu]", name, i);
		r = body_identifier(&(*out)[i], json_array_get(list, i), where, fault);
		if (r < 0)
			return r;
		r = same_before(*out, i);
		if (r >= 0)
			return body_fault(fault, "%s: the same as %s[%d]", where, name, r);
	}
	return 0;
}
