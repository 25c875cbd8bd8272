/*
 * callid.h - the callLegId: made without asking anyone, checked without look-up
 *
 * 24 bytes as 32 base64url characters: version and server key (1), partition
 * (2), seconds (4), random or derived (9), tag (8).  DESIGN: identifiers.
 */
#ifndef CALLID_H
#define CALLID_H

#include <stdint.h>

#define CALLID_LEN  32
#define CALLID_SIZE (CALLID_LEN + 1)

struct tenants;

struct callid {
	int key;           /* number of the server key, 0..15 */
	int32_t partition; /* of calls.commands */
	uint32_t seconds;  /* since 1970; 0: not known */
};

/*
 * A new id.  `derive` (9 bytes) makes it repeatable, NULL draws at random.
 * `key` < 0: the current server key.  -ENOENT: no such server key; -EINVAL: a
 * partition that two bytes can't hold.
 */
int callid_make(char out[CALLID_SIZE], const struct tenants *t, const char *tenant, int key,
                int32_t partition, uint32_t seconds, const uint8_t *derive);

/* Only what the text says, no tag checked.  -EINVAL: not the form of an id. */
int callid_parse(struct callid *out, const char *text);

/* 0, or -ENOENT: never issued to this tenant, or not an id. */
int callid_check(struct callid *out, const struct tenants *t, const char *tenant, const char *text);

#endif
