/* tenants.c - see tenants.h.  Look-ups here; reading the file is tenants_file.c's. */
#include "tenants.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tenants_parts.h"

static void tenant_clear(struct tenant *t)
{
	size_t i;

	for (i = 0; i < t->host_count; i++)
		free(t->hosts[i]);
	for (i = 0; i < t->callback_count; i++)
		free(t->callbacks[i]);
	for (i = 0; i < 2; i++) {
		digest_key_close(t->access_keys[i]);
		digest_key_close(t->webhook_secrets[i]);
	}
	free(t->hosts);
	free(t->callbacks);
	free(t->name);
	identifier_clear(&t->default_source);
}

void tenants_free(struct tenants *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->tenant_count; i++)
		tenant_clear(&t->tenants[i]);
	for (i = 0; i < t->key_count; i++)
		digest_key_close(t->keys[i].mac);
	free(t->tenants);
	free(t);
}

const struct tenant *tenants_by_name(const struct tenants *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->tenant_count; i++) {
		if (strcmp(t->tenants[i].name, name) == 0)
			return &t->tenants[i];
	}
	return NULL;
}

const struct tenant *tenants_by_host(const struct tenants *t, const char *host)
{
	size_t i, h;

	for (i = 0; i < t->tenant_count; i++) {
		for (h = 0; h < t->tenants[i].host_count; h++) {
			if (strcasecmp(t->tenants[i].hosts[h], host) == 0)
				return &t->tenants[i];
		}
	}
	return tenants_by_name(t, "default");
}

const struct tenant *tenants_by_bearer(const struct tenants *t, const char *key)
{
	const struct tenant *found = NULL;
	uint8_t hash[DIGEST_SIZE];
	size_t i, b;

	digest_sha256(hash, key, strlen(key));
	for (i = 0; i < t->tenant_count; i++) { /* to the end, found or not: time tells nothing */
		for (b = 0; b < t->tenants[i].bearer_count; b++) {
			if (digest_equal(hash, t->tenants[i].bearer[b], DIGEST_SIZE))
				found = &t->tenants[i];
		}
	}
	return found;
}

const struct server_key *tenants_server_key(const struct tenants *t, int number)
{
	size_t i;

	if (number < 0)
		return &t->keys[0];
	for (i = 0; i < t->key_count; i++) {
		if (t->keys[i].number == number)
			return &t->keys[i];
	}
	return NULL;
}

const struct server_key *tenants_server_key_at(const struct tenants *t, int64_t at)
{
	/* at most two: the former one was in force until it was replaced */
	if (t->key_count == 2 && at < t->keys[1].until)
		return &t->keys[1];
	return &t->keys[0];
}
