/*
 * fuzz_auth.c - who asks: producer/auth.c
 *
 * Lines: method, target, Authorization, Host, Date, x-ms-date, x-ms-content-sha256.  One seed is signed
 * rightly; a mutation that is let in all the same has left alone what the signature covers.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "clock.h"

#define KEY "0123456789abcdef0123456789abcdef" /* of the vector in tests/unit/test_producer_auth.c */
#define NOW (INT64_C(1619078400) * CLOCK_SEC)

/* stands in for tenants.c: one tenant, whoever's Host it is, and one bearer key */
static struct tenant tenant = { .name = (char *)"default" };

const struct tenant *tenants_by_host(const struct tenants *t, const char *host)
{
	(void)t;
	return strcmp(host, "nobody.example") ? &tenant : NULL;
}

const struct tenant *tenants_by_bearer(const struct tenants *t, const char *key)
{
	(void)t;
	return strcmp(key, "a-bearer-key") ? NULL : &tenant;
}

static int check(const struct auth_request *q, struct auth *a)
{
	const char *why = NULL;
	int r = auth_check(a, NULL, q, &why);

	HOLDS(r == 0 || r == -EACCES);
	HOLDS(r == 0 || fuzz_names_something(why));
	return r;
}

/* Each thing that a signature covers, changed by itself. */
static void refused_when_changed(const struct auth_request *q)
{
	struct auth_request other[4] = { *q, *q, *q, *q };
	char target[4096], host[4096], hash[48];
	struct auth a;

	other[0].method = strcmp(q->method, "GET") ? "GET" : "POST";
	snprintf(target, sizeof(target), "%.4000s?", q->target);
	other[1].target = target;
	snprintf(host, sizeof(host), "x%.4000s", q->host);
	other[2].host = host;
	snprintf(hash, sizeof(hash), "%.44s", q->body_hash);
	hash[0] = hash[0] == 'A' ? 'B' : 'A';
	other[3].body_hash = hash;
	for (size_t i = 0; i < 4; i++)
		HOLDS(check(&other[i], &a) == -EACCES);
	other[0] = *q;
	other[0].now = q->now + 2 * AUTH_SKEW + CLOCK_SEC;
	HOLDS(check(&other[0], &a) == -EACCES);
}

static void taken(const struct auth_request *q, const struct auth *a)
{
	char hash[BASE64_SIZE(DIGEST_SIZE)];

	HOLDS(a->tenant == &tenant);
	if (!strncasecmp(q->authorization, "Bearer ", 7)) {
		HOLDS(!a->signed_body && !strcmp(q->authorization + 7, "a-bearer-key"));
		return;
	}
	HOLDS(a->signed_body);
	base64_encode(hash, a->body_hash, DIGEST_SIZE);
	HOLDS(!strcmp(hash, q->body_hash));
	refused_when_changed(q);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	HOLDS(digest_key_open(&tenant.access_keys[1], KEY, strlen(KEY)) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_lines l = fuzz_lines(data, size);
	char *method = fuzz_line_text(&l), *target = fuzz_line_text(&l);
	char *rest[5];
	struct auth_request q;
	struct auth a;

	for (size_t i = 0; i < 5; i++)
		rest[i] = fuzz_line(&l);
	q = (struct auth_request){ method, target, rest[0], rest[1], rest[2], rest[3], rest[4], NOW };
	if (check(&q, &a) == 0)
		taken(&q, &a);
	free(method);
	free(target);
	for (size_t i = 0; i < 5; i++)
		free(rest[i]);
	return 0;
}
