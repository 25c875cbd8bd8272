/*
 * gone.h - endpoints that answered 410: nothing is sent there any more
 *
 * An endpoint here is a tenant's callback address without its query: one app
 * that is gone says nothing about others on the same host.  Kept in memory, by
 * this process only; the newest GONE_MAX are remembered.
 */
#ifndef GONE_H
#define GONE_H

#include <stdbool.h>
#include <stddef.h>

#define GONE_MAX 1024

struct gone {
	char *names[GONE_MAX];
	size_t count, next;
};

/* False: known already. */
bool gone_add(struct gone *g, const char *tenant, const char *uri);
bool gone_has(const struct gone *g, const char *tenant, const char *uri);
void gone_clear(struct gone *g);

#endif
