/* sign.c - see sign.h */
#include "sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"

const char *sign_webhook(char out[SIGN_SIZE], struct digest_key *const secrets[SIGN_SECRETS], const char *id,
                         int64_t seconds, const void *body, size_t len)
{
	char timestamp[32];
	uint8_t mac[DIGEST_SIZE];
	size_t used = 0;
	int n;

	n = snprintf(timestamp, sizeof(timestamp), ".%" PRId64 ".", seconds);
	out[0] = '\0';
	for (size_t i = 0; i < SIGN_SECRETS; i++) {
		const struct digest_part parts[] = {
			{ id, strlen(id) },
			{ timestamp, (size_t)n },
			{ body, len },
		};

		if (!secrets[i])
			continue;
		digest_hmac(secrets[i], mac, parts, 3);
		memcpy(out + used, used ? " v1," : "v1,", used ? 4 : 3);
		used += used ? 4 : 3;
		used += base64_encode(out + used, mac, sizeof(mac));
	}
	return out;
}
