/* tenants_parts.h - what the tenants*.c files share; nobody else includes it */
#ifndef TENANTS_PARTS_H
#define TENANTS_PARTS_H

#include <jansson.h>

#include "tenants.h"

enum { SERVER_KEYS_MAX = 2, TENANT_KEYS_MAX = 2 };

struct tenants {
	struct server_key keys[SERVER_KEYS_MAX]; /* the current one first */
	size_t key_count;
	struct tenant *tenants;
	size_t tenant_count;
};

/* ---- reading: who is told about a fault, and where it stands ---- */

enum { PLACE_SIZE = 160 }; /* "tenants[12].accessKeys[0]" */

struct reader {
	const char *path;
	char *why;
	size_t size;
};

/* Both write `why` and return what the caller returns: -EINVAL, -ENOMEM. */
int value_fault(const struct reader *r, const char *place, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
int value_no_memory(const struct reader *r);

/*
 * Each is given a value (NULL: it is missing) and its place.  0, -EINVAL or
 * -ENOMEM with `why` written.  Strings are malloc'ed.
 */

/* An object with no fields but these; the list ends with NULL. */
int value_fields(const struct reader *r, json_t *object, const char *place, const char *const *known);
/* An array of at least `least` and at most `most`; missing counts as empty. */
int value_array(const struct reader *r, json_t *array, const char *place, size_t least, size_t most);
int value_text(const struct reader *r, char **out, json_t *value, const char *place);
/* On failure *count says how many there are. */
int value_texts(const struct reader *r, char ***out, size_t *count, json_t *array, const char *place,
                size_t most);
/* `prefix`, then base64. */
int value_key(const struct reader *r, struct digest_key **out, json_t *value, const char *place,
              const char *prefix);
int value_keys(const struct reader *r, struct digest_key *out[TENANT_KEYS_MAX], json_t *array,
               const char *place, const char *prefix);
int value_hash(const struct reader *r, uint8_t out[DIGEST_SIZE], json_t *value, const char *place);
/* RFC 3339 in UTC: 2026-11-22T10:00:00Z */
int value_time(const struct reader *r, int64_t *out, json_t *value, const char *place);

#endif
