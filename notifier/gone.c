/* gone.c - see gone.h.  Rare and few: a list that is walked is enough. */
#include "gone.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

static bool same(const char *name, const char *tenant, const char *uri)
{
	size_t len = strlen(tenant), path = strcspn(uri, "?");

	return !strncmp(name, tenant, len) && name[len] == ' ' && !strncmp(name + len + 1, uri, path) &&
	       !name[len + 1 + path];
}

bool gone_has(const struct gone *g, const char *tenant, const char *uri)
{
	for (size_t i = 0; i < g->count; i++)
		if (same(g->names[i], tenant, uri))
			return true;
	return false;
}

bool gone_add(struct gone *g, const char *tenant, const char *uri)
{
	char *name;

	if (gone_has(g, tenant, uri))
		return false;
	name = must_printf("%s %.*s", tenant, (int)strcspn(uri, "?"), uri);
	free(g->names[g->next]);
	g->names[g->next] = name;
	g->next = (g->next + 1) % GONE_MAX;
	if (g->count < GONE_MAX)
		g->count++;
	return true;
}

void gone_clear(struct gone *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->names[i]);
	*g = (struct gone){ 0 };
}
