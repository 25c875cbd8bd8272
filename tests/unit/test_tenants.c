/* test_tenants.c - the tenants file is read strictly, and a fault says where it is */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenants.h"

#define KEY     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* 0123456789abcdef0123456789abcdef */
#define SERVER  "\"serverKeys\":[{\"number\":1,\"key\":\"" KEY "\"}]"
#define ONE(t)  "{" SERVER ",\"tenants\":[{\"name\":\"a\"," t "}]}"
#define BOTH(t) "{" SERVER ",\"tenants\":[{\"name\":\"a\",\"hosts\":[\"h.example\"]},{" t "}]}"

static char path[] = "/tmp/test_tenants.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fwrite(text, 1, len, f);
	fclose(f);
}

static int load(struct tenants **t, const char *text, char *why, size_t size)
{
	write_file(text, strlen(text));
	why[0] = '\0';
	return tenants_load(t, path, why, size);
}

static const char good[] =
        "{\"serverKeys\":[{\"number\":2,\"key\":\"" KEY "\"},"
        "{\"number\":1,\"key\":\"" KEY "\",\"until\":\"2026-01-31T12:00:00Z\"}],"
        "\"tenants\":[{\"name\":\"shop\",\"hosts\":[\"Calls.Example:8080\",\"c.example\"],"
        "\"accessKeys\":[\"" KEY "\",\"" KEY "\"],"
        "\"bearerKeys\":[\"2BB80D537B1DA3E38BD30361AA855686bde0eacd7162fef6a25fe97bf527a25b\"]," /* SHA-256 of "secret" */
        "\"webhookSecrets\":[\"whsec_" KEY "\"],"
        "\"defaultSource\":{\"phoneNumber\":{\"value\":\"+46701234567\"}},"
        "\"callbacks\":[\"https://app.example/\"]},"
        "{\"name\":\"default\",\"defaultSource\":{\"rawId\":\"raw\"}}]}";

static void test_all_fields(void **state)
{
	struct digest_part part = { "x", 1 };
	uint8_t a[DIGEST_SIZE], b[DIGEST_SIZE];
	const struct tenant *shop, *other;
	struct digest_key *k;
	struct tenants *t;
	char why[300];

	(void)state;
	assert_int_equal(load(&t, good, why, sizeof(why)), 0);
	shop = tenants_by_name(t, "shop");
	other = tenants_by_name(t, "default");
	assert_non_null(shop);
	assert_int_equal(shop->host_count, 2);
	assert_non_null(shop->access_keys[1]);
	assert_non_null(shop->webhook_secrets[0]);
	assert_null(shop->webhook_secrets[1]);
	assert_int_equal(shop->bearer_count, 1);
	assert_int_equal(shop->default_source.kind, IDENTIFIER_PHONE);
	assert_string_equal(shop->default_source.value, "+46701234567");
	assert_string_equal(shop->callbacks[0], "https://app.example/");
	assert_int_equal(other->default_source.kind, IDENTIFIER_RAW);
	assert_null(other->access_keys[0]);

	/* the secret's key is what stands behind whsec_, decoded */
	assert_int_equal(digest_key_open(&k, "0123456789abcdef0123456789abcdef", 32), 0);
	digest_hmac(k, a, &part, 1);
	digest_hmac(shop->webhook_secrets[0], b, &part, 1);
	assert_memory_equal(a, b, DIGEST_SIZE);
	digest_hmac(shop->access_keys[0], b, &part, 1);
	assert_memory_equal(a, b, DIGEST_SIZE);
	digest_key_close(k);
	tenants_free(t);
	tenants_free(NULL);
}

static void test_looking_up(void **state)
{
	struct tenants *t;
	char why[300];

	(void)state;
	assert_int_equal(load(&t, good, why, sizeof(why)), 0);
	assert_string_equal(tenants_by_host(t, "calls.example:8080")->name, "shop");
	assert_string_equal(tenants_by_host(t, "C.EXAMPLE")->name, "shop");
	assert_string_equal(tenants_by_host(t, "calls.example")->name, "default"); /* the port counts */
	assert_string_equal(tenants_by_host(t, "")->name, "default");
	assert_null(tenants_by_name(t, "Shop"));
	assert_string_equal(tenants_by_bearer(t, "secret")->name, "shop");
	assert_null(tenants_by_bearer(t, "Secret"));
	assert_null(tenants_by_bearer(t, ""));

	assert_int_equal(tenants_server_key(t, -1)->number, 2);
	assert_int_equal(tenants_server_key(t, 1)->number, 1);
	assert_null(tenants_server_key(t, 3));
	assert_int_equal(tenants_server_key_at(t, INT64_C(1769860799999999))->number, 1);
	assert_int_equal(tenants_server_key_at(t, INT64_C(1769860800000000))->number, 2);
	tenants_free(t);

	assert_int_equal(load(&t, ONE("\"hosts\":[]"), why, sizeof(why)), 0);
	assert_null(tenants_by_host(t, "nobody.example")); /* no default tenant */
	assert_int_equal(tenants_server_key_at(t, 0)->number, 1);
	tenants_free(t);
}

/* the file, and what must be in the message */
static const struct {
	const char *text, *words;
} faults[] = {
	{ "", "line 1" },
	{ "{", "not valid JSON" },
	{ "[]", "must be an object" },
	{ "{\"a\":1,\"a\":2}", "not valid JSON" },
	{ "{" SERVER "}", "tenants: must have at least 1" },
	{ "{\"tenants\":[{\"name\":\"a\"}]}", "serverKeys: must have at least 1" },
	{ "{" SERVER ",\"tenants\":[{\"name\":\"a\"}],\"tenant\":[]}", "unknown field 'tenant'" },
	{ "{" SERVER ",\"tenants\":{}}", "tenants: must be an array" },
	{ "{" SERVER ",\"tenants\":[1]}", "tenants[0]: must be an object" },
	{ "{" SERVER ",\"tenants\":[{}]}", "tenants[0]: name must be" },
	{ "{" SERVER ",\"tenants\":[{\"name\":\"A\"}]}", "tenants[0]: name must be" },
	{ "{" SERVER ",\"tenants\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
	  "tenants[1]: name 'a' stands twice" },
	{ ONE("\"acessKeys\":[]"), "tenants[0]: unknown field 'acessKeys'" },
	{ ONE("\"a\\u001b[2J\":[]"), "tenants[0]: unknown field: its name holds a blank or a control" },
	{ ONE("\"accessKeys\":\"x\""), "tenants[0].accessKeys: must be an array" },
	{ ONE("\"accessKeys\":[\"!!!!\"]"), "tenants[0].accessKeys[0]: not base64" },
	{ ONE("\"accessKeys\":[7]"), "tenants[0].accessKeys[0]: must be a string" },
	{ ONE("\"accessKeys\":[\"" KEY "\",\"MDEyMzQ1Njc4OWFiY2Rl\"]"),
	  "tenants[0].accessKeys[1]: has 15 bytes" },
	{ ONE("\"accessKeys\":[\"" KEY "\",\"" KEY "\",\"" KEY "\"]"),
	  "tenants[0].accessKeys: has 3, at most 2" },
	{ ONE("\"bearerKeys\":[\"abc\"]"), "tenants[0].bearerKeys[0]: must be the key's SHA-256" },
	{ ONE("\"webhookSecrets\":[\"" KEY "\"]"), "tenants[0].webhookSecrets[0]: must begin with whsec_" },
	{ ONE("\"hosts\":[\"\"]"), "tenants[0].hosts[0]: must be a string that is not empty" },
	{ ONE("\"hosts\":[\"http://x\"]"), "tenants[0].hosts[0]: must be host" },
	{ ONE("\"hosts\":[\"a b\"]"), "tenants[0].hosts[0]: holds a blank" },
	{ ONE("\"hosts\":[\"a\\u009b\"]"), "tenants[0].hosts[0]: holds a blank" },
	{ ONE("\"hosts\":[\"x\",\"X\"]"), "tenants[0].hosts[1]: host 'X' stands twice" },
	{ BOTH("\"name\":\"b\",\"hosts\":[\"H.example\"]"), "tenants[1].hosts[0]: host 'H.example' belongs" },
	{ ONE("\"defaultSource\":{}"), "tenants[0].defaultSource: must have one" },
	{ ONE("\"defaultSource\":{\"phoneNumber\":{\"value\":\"0701\"}}"),
	  "tenants[0].defaultSource.phoneNumber" },
	{ ONE("\"defaultSource\":{\"phoneNumber\":{\"value\":\"+\"}}"), "E.164" },
	{ ONE("\"defaultSource\":{\"phoneNumber\":{\"number\":\"+46\"}}"), "unknown field 'number'" },
	{ ONE("\"callbacks\":[]"), "tenants[0].callbacks: is empty" },
	{ ONE("\"callbacks\":[\"https://app.example\"]"),
	  "tenants[0].callbacks[0]: must name a host and a path" },
	{ ONE("\"callbacks\":[\"ftp://app.example/\"]"), "tenants[0].callbacks[0]: must begin with http" },
	{ ONE("\"callbacks\":[\"https://u@app.example/\"]"), "tenants[0].callbacks[0]: must have no user" },
	{ "{\"serverKeys\":[{\"number\":16,\"key\":\"" KEY "\"}],\"tenants\":[]}",
	  "serverKeys[0]: number must be 0 to 15" },
	{ "{\"serverKeys\":[{\"number\":1}],\"tenants\":[]}", "serverKeys[0].key: must be a string" },
	{ "{\"serverKeys\":[{\"number\":1,\"key\":\"" KEY
	  "\",\"until\":\"2026-01-01T00:00:00Z\"}],\"tenants\":[]}",
	  "serverKeys[0]: until" },
	{ "{\"serverKeys\":[{\"number\":1,\"key\":\"" KEY "\"},{\"number\":2,\"key\":\"" KEY
	  "\"}],\"tenants\":[]}",
	  "serverKeys[1]: until is missing" },
	{ "{\"serverKeys\":[{\"number\":1,\"key\":\"" KEY "\"},"
	  "{\"number\":2,\"key\":\"" KEY "\",\"until\":\"2026-02-30T00:00:00Z\"}],\"tenants\":[]}",
	  "serverKeys[1].until: must be a time" },
	{ "{\"serverKeys\":[{\"number\":1,\"key\":\"" KEY "\"},"
	  "{\"number\":1,\"key\":\"" KEY "\",\"until\":\"2026-02-01T00:00:00Z\"}],\"tenants\":[]}",
	  "serverKeys[1]: number 1 stands twice" },
};

static void test_faults(void **state)
{
	struct tenants *t;
	char why[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (load(&t, faults[i].text, why, sizeof(why)) != -EINVAL)
			fail_msg("accepted: %s", faults[i].text);
		if (!strstr(why, faults[i].words))
			fail_msg("%s\nsays: %s\nnot:  %s", faults[i].text, why, faults[i].words);
		assert_ptr_equal(strstr(why, path), why); /* the file's name comes first */
		assert_null(strstr(why, KEY));            /* and no key is told */
	}
}

/* Two tenants with one bearer key: nobody could tell whose call it is. */
static void test_shared_bearer_key(void **state)
{
#define HASH "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
	struct tenants *t;
	char why[300];

	(void)state;
	assert_int_equal(load(&t,
	                      "{" SERVER ",\"tenants\":[{\"name\":\"a\",\"bearerKeys\":[\"" HASH "\"]},"
	                      "{\"name\":\"b\",\"bearerKeys\":[\"" HASH "\"]}]}",
	                      why, sizeof(why)),
	                 -EINVAL);
	assert_non_null(strstr(why, "tenants[1].bearerKeys"));
}

static void test_the_file_itself(void **state)
{
	static const mode_t wide[] = { 0640, 0604, 0660, 0610, 0601, 0602, 0620 };
	struct tenants *t;
	char why[300];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		write_file(good, strlen(good));
		chmod(path, wide[i]);
		assert_int_equal(tenants_load(&t, path, why, sizeof(why)), -EACCES);
		assert_non_null(strstr(why, "chmod 600"));
	}
	chmod(path, 0600);
	assert_int_equal(tenants_load(&t, path, why, sizeof(why)), 0);
	tenants_free(t);

	assert_int_equal(tenants_load(&t, "/nowhere/tenants.json", why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nowhere/tenants.json: No such file"));
	assert_int_equal(tenants_load(&t, "/tmp", why, sizeof(why)), -EINVAL);

	write_file("{}\0{}", 5);
	assert_int_equal(tenants_load(&t, path, why, sizeof(why)), -EINVAL);
}

/* In the place of each "<...>" a key, none twice; `count` says of how many. */
static size_t fill_in(char *out, size_t size, const char *text, size_t *count)
{
	FILE *f = fmemopen(out, size, "w");
	const char *at = text, *open, *close;
	size_t n;

	assert_non_null(f);
	for (*count = 0; (open = strchr(at, '<')) && (close = strchr(open, '>')); at = close + 1, ++*count)
		/* 64 hex digits are base64 too */
		fprintf(f, "%.*s%064zx", (int)(open - at), at, *count + 1);
	fprintf(f, "%s", at);
	n = (size_t)ftell(f);
	fclose(f);
	return n;
}

/* The example is one that works, once it has keys; as it is shipped it has none, or all who copy it would share them. */
static void test_example(void **state)
{
	static char text[8192], filled[8192];
	struct tenants *t;
	char why[300];
	FILE *f = fopen("examples/tenants.json", "r");
	size_t n, count;

	(void)state;
	if (!f)
		skip(); /* not run from the tree's root */
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	write_file(text, n);
	assert_int_equal(tenants_load(&t, path, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, ": serverKeys[0].key: not base64"));

	n = fill_in(filled, sizeof(filled), text, &count);
	assert_int_equal(count, 10);
	write_file(filled, n);
	if (tenants_load(&t, path, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	assert_non_null(tenants_by_name(t, "default"));
	tenants_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),      cmocka_unit_test(test_looking_up),
		cmocka_unit_test(test_faults),          cmocka_unit_test(test_shared_bearer_key),
		cmocka_unit_test(test_the_file_itself), cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
