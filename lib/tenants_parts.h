/* tenants_parts.h - what tenants.c and tenants_file.c share; nobody else includes it */
#ifndef TENANTS_PARTS_H
#define TENANTS_PARTS_H

#include "tenants.h"

enum { SERVER_KEYS_MAX = 2, TENANT_KEYS_MAX = 2 };

struct tenants {
	struct server_key keys[SERVER_KEYS_MAX]; /* the current one first */
	size_t key_count;
	struct tenant *tenants;
	size_t tenant_count;
};

#endif
