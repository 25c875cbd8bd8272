/* rate.c - see rate.h.  The arithmetic is GCRA's: one time per tenant instead of a count and a time. */
#include "rate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct bucket {
	struct bucket *next;
	int64_t ahead; /* when the bucket will be full again */
	char tenant[];
};

/* As long as the tenants file: names come from there, never from a request. */
struct rate {
	int64_t interval; /* us between requests; 0: no limit */
	struct bucket *buckets;
};

int rate_open(struct rate **out, int64_t per_second)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	if (per_second > 0) {
		r->interval = CLOCK_SEC / per_second;
		if (!r->interval)
			r->interval = 1;
	}
	*out = r;
	return 0;
}

void rate_close(struct rate *r)
{
	if (!r)
		return;
	while (r->buckets) {
		struct bucket *b = r->buckets;

		r->buckets = b->next;
		free(b);
	}
	free(r);
}

static struct bucket *bucket_of(struct rate *r, const char *tenant)
{
	size_t len = strlen(tenant) + 1;
	struct bucket *b;

	for (b = r->buckets; b; b = b->next) {
		if (!strcmp(b->tenant, tenant))
			return b;
	}
	b = calloc(1, sizeof(*b) + len);
	if (!b)
		return NULL;
	memcpy(b->tenant, tenant, len);
	b->next = r->buckets;
	r->buckets = b;
	return b;
}

int64_t rate_take(struct rate *r, const char *tenant, int64_t now)
{
	struct bucket *b;

	if (!r->interval)
		return 0;
	b = bucket_of(r, tenant);
	if (!b)
		return CLOCK_SEC;
	if (b->ahead < now)
		b->ahead = now;
	if (b->ahead + r->interval > now + CLOCK_SEC)
		return b->ahead + r->interval - now - CLOCK_SEC;
	b->ahead += r->interval;
	return 0;
}
