/* callid.c - see callid.h */
#include "callid.h"

#include <errno.h>
#include <string.h>

#include "digest.h"
#include "tenants.h"

enum {
	ID_BYTES = 24,
	TAG_AT = 16, /* what the tag covers stands before it */
	TAG_BYTES = 8,
	DERIVED_AT = 7,
	DERIVED_BYTES = 9,
};

static void make_tag(uint8_t tag[DIGEST_SIZE], const struct server_key *key, const char *tenant,
                     const uint8_t *id)
{
	/* the NUL ends the name, so that no name runs into the bytes behind it */
	struct digest_part parts[] = { { tenant, strlen(tenant) + 1 }, { id, TAG_AT } };

	digest_hmac(key->mac, tag, parts, 2);
}

int callid_make(char out[CALLID_SIZE], const struct tenants *t, const char *tenant, int key,
                int32_t partition, uint32_t seconds, const uint8_t *derive)
{
	const struct server_key *sk;
	uint8_t id[ID_BYTES], tag[DIGEST_SIZE];

	if (partition < 0 || partition > UINT16_MAX)
		return -EINVAL;
	sk = tenants_server_key(t, key);
	if (!sk)
		return -ENOENT;

	id[0] = (uint8_t)sk->number; /* format version 0 above it */
	id[1] = (uint8_t)(partition >> 8);
	id[2] = (uint8_t)partition;
	id[3] = (uint8_t)(seconds >> 24);
	id[4] = (uint8_t)(seconds >> 16);
	id[5] = (uint8_t)(seconds >> 8);
	id[6] = (uint8_t)seconds;
	if (derive)
		memcpy(id + DERIVED_AT, derive, DERIVED_BYTES);
	else
		digest_random(id + DERIVED_AT, DERIVED_BYTES);
	make_tag(tag, sk, tenant, id);
	memcpy(id + TAG_AT, tag, TAG_BYTES);

	base64url_encode(out, id, sizeof(id));
	return 0;
}

static int parse(uint8_t id[ID_BYTES], struct callid *out, const char *text)
{
	if (strnlen(text, CALLID_SIZE) != CALLID_LEN || base64url_decode(id, text, CALLID_LEN) != ID_BYTES)
		return -EINVAL;
	if (id[0] & 0xf0) /* the top bit, and versions that do not exist yet */
		return -EINVAL;

	out->key = id[0] & 0x0f;
	out->partition = id[1] << 8 | id[2];
	out->seconds = (uint32_t)id[3] << 24 | (uint32_t)id[4] << 16 | (uint32_t)id[5] << 8 | id[6];
	return 0;
}

int callid_parse(struct callid *out, const char *text)
{
	uint8_t id[ID_BYTES];

	return parse(id, out, text);
}

int callid_check(struct callid *out, const struct tenants *t, const char *tenant, const char *text)
{
	const struct server_key *key;
	uint8_t id[ID_BYTES], tag[DIGEST_SIZE];
	struct callid parsed;

	if (parse(id, &parsed, text) < 0)
		return -ENOENT;
	key = tenants_server_key(t, parsed.key);
	if (!key)
		return -ENOENT;
	make_tag(tag, key, tenant, id);
	if (!digest_equal(tag, id + TAG_AT, TAG_BYTES))
		return -ENOENT;

	*out = parsed;
	return 0;
}
