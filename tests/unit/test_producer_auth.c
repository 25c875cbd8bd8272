/* test_producer_auth.c - who is let in: the published vector, both header sets, keys, skew */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "clock.h"
#include "http_date.h"

#define KEY       "0123456789abcdef0123456789abcdef"
#define OTHER_KEY "another key"
#define TARGET    "/calling/callConnections?api-version=2026-03-12"
#define DATE      "Thu, 22 Apr 2021 08:00:00 GMT"
#define HOST      "127.0.0.1:8080"
#define HASH      "AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI="
#define SIGNATURE "kEFoDz0mZipSLXRGNeROvQPTRmyIz7hX1B/hhZdkW3Y="
#define NOW       (INT64_C(1619078400) * CLOCK_SEC)
#define NAMES     "x-ms-date;host;x-ms-content-sha256"

/* stands in for tenants.c: one tenant, whoever's Host it is */
static struct tenant tenant = { .name = (char *)"default" };

const struct tenant *tenants_by_host(const struct tenants *t, const char *host)
{
	(void)t;
	return strcmp(host, "nobody.example") ? &tenant : NULL;
}

const struct tenant *tenants_by_bearer(const struct tenants *t, const char *key)
{
	(void)t;
	return strcmp(key, "s3cret") ? NULL : &tenant;
}

static int setup(void **state)
{
	(void)state;
	return digest_key_open(&tenant.access_keys[0], KEY, strlen(KEY));
}

static int teardown(void **state)
{
	(void)state;
	digest_key_close(tenant.access_keys[0]);
	digest_key_close(tenant.access_keys[1]);
	memset(tenant.access_keys, 0, sizeof(tenant.access_keys));
	return 0;
}

static struct auth_request vector(void)
{
	return (struct auth_request){
		.method = "POST",
		.target = TARGET,
		.authorization = "HMAC-SHA256 SignedHeaders=" NAMES "&Signature=" SIGNATURE,
		.host = HOST,
		.x_ms_date = DATE,
		.body_hash = HASH,
		.now = NOW,
	};
}

static int check(const struct auth_request *q)
{
	const char *why = NULL;
	struct auth auth;
	int r = auth_check(&auth, NULL, q, &why);

	if (r < 0)
		assert_non_null(why);
	else
		assert_ptr_equal(auth.tenant, &tenant);
	return r;
}

static void test_published_vector(void **state)
{
	struct auth_request q = vector();
	uint8_t hash[DIGEST_SIZE];
	struct auth auth;
	const char *why;

	(void)state;
	assert_int_equal(auth_check(&auth, NULL, &q, &why), 0);
	assert_true(auth.signed_body);
	digest_sha256(hash, "{\"a\":1}", 7);
	assert_memory_equal(auth.body_hash, hash, DIGEST_SIZE);
}

/* one thing changed, and the signature fits no more */
static void test_everything_is_covered(void **state)
{
	struct auth_request q;

	(void)state;
	q = vector(), q.method = "PUT";
	assert_int_equal(check(&q), -EACCES);
	q = vector(), q.target = "/calling/callConnections?api-version=2026-03-13";
	assert_int_equal(check(&q), -EACCES);
	q = vector(), q.host = "127.0.0.1:8081";
	assert_int_equal(check(&q), -EACCES);
	q = vector(), q.x_ms_date = "Thu, 22 Apr 2021 08:00:01 GMT";
	assert_int_equal(check(&q), -EACCES);
	q = vector(), q.body_hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
	assert_int_equal(check(&q), -EACCES);
	q = vector(), q.host = "nobody.example";
	assert_int_equal(check(&q), -EACCES);
}

static void sign(char *out, size_t size, const char *names, const char *values, const char *key)
{
	char text[512], signature[BASE64_SIZE(DIGEST_SIZE)];
	uint8_t mac[DIGEST_SIZE];
	struct digest_key *k;
	struct digest_part part = { text, 0 };

	snprintf(text, sizeof(text), "POST\n" TARGET "\n%s", values);
	part.len = strlen(text);
	digest_key_open(&k, key, strlen(key));
	digest_hmac(k, mac, &part, 1);
	digest_key_close(k);
	base64_encode(signature, mac, DIGEST_SIZE);
	snprintf(out, size, "HMAC-SHA256 SignedHeaders=%s&Signature=%s", names, signature);
}

static void test_header_sets(void **state)
{
	struct auth_request q;
	char text[512];

	(void)state;
	q = vector(), q.authorization = text;

	/* the other set, with Date; and with both there the signed one counts */
	sign(text, sizeof(text), "date;host;x-ms-content-sha256", DATE ";" HOST ";" HASH, KEY);
	q.date = DATE;
	q.x_ms_date = NULL;
	assert_int_equal(check(&q), 0);
	q.x_ms_date = "Thu, 22 Apr 2021 09:00:00 GMT";
	assert_int_equal(check(&q), 0);

	/* in the order in which they are named */
	q = vector(), q.authorization = text;
	sign(text, sizeof(text), "host;x-ms-date;x-ms-content-sha256", HOST ";" DATE ";" HASH, KEY);
	assert_int_equal(check(&q), 0);

	/* each of the three has to be there, and nothing that can't be checked */
	sign(text, sizeof(text), "x-ms-date;host", DATE ";" HOST, KEY);
	assert_int_equal(check(&q), -EACCES);
	sign(text, sizeof(text), "x-ms-date;x-ms-content-sha256", DATE ";" HASH, KEY);
	assert_int_equal(check(&q), -EACCES);
	sign(text, sizeof(text), "host;x-ms-content-sha256", HOST ";" HASH, KEY);
	assert_int_equal(check(&q), -EACCES);
	sign(text, sizeof(text), NAMES ";x-other", DATE ";" HOST ";" HASH ";", KEY);
	assert_int_equal(check(&q), -EACCES);

	/* named, but not sent */
	sign(text, sizeof(text), NAMES, DATE ";" HOST ";" HASH, KEY);
	assert_int_equal(check(&q), 0);
	q.body_hash = NULL;
	assert_int_equal(check(&q), -EACCES);
}

static void test_two_keys(void **state)
{
	struct auth_request q;
	char text[512];

	(void)state;
	q = vector(), q.authorization = text;
	sign(text, sizeof(text), NAMES, DATE ";" HOST ";" HASH, OTHER_KEY);
	assert_int_equal(check(&q), -EACCES);
	digest_key_open(&tenant.access_keys[1], OTHER_KEY, strlen(OTHER_KEY));
	assert_int_equal(check(&q), 0);
	q = vector();
	assert_int_equal(check(&q), 0);
}

static void test_skew(void **state)
{
	struct auth_request q = vector();

	(void)state;
	q.now = NOW + AUTH_SKEW;
	assert_int_equal(check(&q), 0);
	q.now = NOW - AUTH_SKEW;
	assert_int_equal(check(&q), 0);
	q.now = NOW + AUTH_SKEW + CLOCK_SEC;
	assert_int_equal(check(&q), -EACCES);
	q.now = NOW - AUTH_SKEW - CLOCK_SEC;
	assert_int_equal(check(&q), -EACCES);
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"HMAC-SHA256",
		"HMAC-SHA256 ",
		"HMAC-SHA256 SignedHeaders=" NAMES,
		"HMAC-SHA256 Signature=" SIGNATURE,
		"HMAC-SHA256 SignedHeaders=" NAMES "&Signature=",
		"HMAC-SHA256 SignedHeaders=" NAMES "&Signature=kEFoDz0mZipSLXRGNeROvQPTRmyIz7hX1B/hhZdkW3Y",
		"HMAC-SHA256 SignedHeaders=" NAMES "&Signature=!EFoDz0mZipSLXRGNeROvQPTRmyIz7hX1B/hhZdkW3Y=",
		"HMAC-SHA256 SignedHeaders=;;;;;;;;;;;;;;;;&Signature=" SIGNATURE,
		"HMAC-SHA256 "
		"SignedHeaders=host;host;host;host;host;host;host;host;host;host&Signature=" SIGNATURE,
		"Basic YTpi",
		"Bearer ",
		"Bearer wrong",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct auth_request q = vector();

		q.authorization = texts[i];
		if (check(&q) != -EACCES)
			fail_msg("let in: %s", texts[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		static const char *const dates[] = { "yesterday", "Fri, 22 Apr 2021 08:00:00 GMT", "" };
		struct auth_request q = vector();
		char text[512], values[256];

		snprintf(values, sizeof(values), "%s;" HOST ";" HASH, dates[i]);
		sign(text, sizeof(text), NAMES, values, KEY);
		q.authorization = text;
		q.x_ms_date = dates[i];
		assert_int_equal(check(&q), -EACCES);
	}
}

static void test_bearer(void **state)
{
	struct auth_request q = { .method = "GET", .target = "/", .authorization = "bearer s3cret" };
	struct auth auth;
	const char *why;

	(void)state;
	assert_int_equal(auth_check(&auth, NULL, &q, &why), 0);
	assert_false(auth.signed_body);
	q.authorization = NULL;
	assert_int_equal(auth_check(&auth, NULL, &q, &why), -EACCES);
}

static void test_dates(void **state)
{
	int64_t at;

	(void)state;
	assert_int_equal(http_date_parse(&at, DATE), 0);
	assert_true(at == NOW);
	assert_int_equal(http_date_parse(&at, "Thu, 29 Feb 2024 23:59:59 GMT"), 0);
	assert_int_equal(http_date_parse(&at, "Wed, 31 Feb 2024 00:00:00 GMT"), -EINVAL);
	assert_int_equal(http_date_parse(&at, "Thu, 22 Apr 2021 24:00:00 GMT"), -EINVAL);
	assert_int_equal(http_date_parse(&at, "Thu, 22 Apr 2021 08:00:00 CET"), -EINVAL);
	assert_int_equal(http_date_parse(&at, "Thu, 22 Apr 2021 08:00:00 GMT "), -EINVAL);
	assert_int_equal(http_date_parse(&at, "Thu, 2 Apr 2021 08:00:00 GMT"), -EINVAL);
	assert_int_equal(http_date_parse(&at, "2021-04-22T08:00:00Z"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_published_vector, setup, teardown),
		cmocka_unit_test_setup_teardown(test_everything_is_covered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_sets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
