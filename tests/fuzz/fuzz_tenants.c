/* fuzz_tenants.c - the tenants file: lib/tenants_file.c */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "callid.h"
#include "tenants_parts.h"

static void check_tenant(const struct tenants *all, const struct tenant *t)
{
	HOLDS(t->name[strspn(t->name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
	HOLDS(*t->name && strlen(t->name) <= 64 && tenants_by_name(all, t->name) == t);
	HOLDS(t->host_count <= 64 && t->callback_count <= 256 && t->bearer_count <= 2);
	for (size_t i = 0; i < t->host_count; i++)
		HOLDS(fuzz_visible(t->hosts[i]) && tenants_by_host(all, t->hosts[i]) == t);
	for (size_t i = 0; i < t->callback_count; i++)
		HOLDS(fuzz_visible(t->callbacks[i]));
	HOLDS(!t->access_keys[1] || t->access_keys[0]);
	HOLDS(!t->webhook_secrets[1] || t->webhook_secrets[0]);
	if (t->default_source.kind == IDENTIFIER_NONE)
		return;
	HOLDS(fuzz_visible(t->default_source.value) && strlen(t->default_source.value) <= 2048);
	HOLDS(t->default_source.kind != IDENTIFIER_PHONE || fuzz_is_e164(t->default_source.value));
}

static void check_keys(const struct tenants *t)
{
	char id[CALLID_SIZE];
	struct callid parsed;

	HOLDS(t->key_count >= 1 && t->key_count <= SERVER_KEYS_MAX && !t->keys[0].until);
	for (size_t i = 0; i < t->key_count; i++) {
		HOLDS(t->keys[i].number >= 0 && t->keys[i].number <= 15);
		HOLDS(tenants_server_key(t, t->keys[i].number) == &t->keys[i]);
		HOLDS(callid_make(id, t, t->tenants[0].name, t->keys[i].number, 5, 0, NULL) == 0);
		HOLDS(callid_check(&parsed, t, t->tenants[0].name, id) == 0 &&
		      parsed.key == t->keys[i].number);
	}
	HOLDS(tenants_server_key(t, -1) == &t->keys[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tenants *t = NULL;
	struct fuzz_file f;
	char why[512] = "";
	int r;

	fuzz_file_open(&f, data, size);
	r = tenants_load(&t, f.path, why, sizeof(why));
	HOLDS(r == 0 || r == -EINVAL);
	if (r == 0) {
		HOLDS(t->tenant_count >= 1);
		for (size_t i = 0; i < t->tenant_count; i++)
			check_tenant(t, &t->tenants[i]);
		check_keys(t);
		tenants_free(t);
	} else {
		/* the file, and what is wrong in it */
		HOLDS(!strncmp(why, f.path, strlen(f.path)) && fuzz_names_something(why));
	}
	fuzz_file_close(&f);
	return 0;
}
