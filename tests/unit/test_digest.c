/* test_digest.c - digests against the vectors of their standards; one spelling for each base64 value */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
	char hex[2 * DIGEST_SIZE + 1];

	hex_encode(hex, data, len);
	assert_string_equal(hex, expected);
}

static void test_sha256(void **state)
{
	uint8_t out[DIGEST_SIZE];

	(void)state;
	digest_sha256(out, "abc", 3);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256(out, NULL, 0);
	assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, cases 2 and 6; and a key is as good the tenth time as the first */
static void test_hmac(void **state)
{
	static const char expected[] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
	struct digest_part whole = { "what do ya want for nothing?", 28 };
	struct digest_part parts[] = { { "what do ya ", 11 }, { NULL, 0 }, { "want for nothing?", 17 } };
	struct digest_part one = { "Test Using Larger Than Block-Size Key - Hash Key First", 54 };
	uint8_t out[DIGEST_SIZE], large[131];
	struct digest_key *k;
	int i;

	(void)state;
	assert_int_equal(digest_key_open(&k, "Jefe", 4), 0);
	for (i = 0; i < 5; i++) {
		digest_hmac(k, out, &whole, 1);
		assert_hex(out, 32, expected);
		digest_hmac(k, out, parts, 3);
		assert_hex(out, 32, expected);
	}
	digest_key_close(k);

	memset(large, 0xaa, sizeof(large));
	assert_int_equal(digest_key_open(&k, large, sizeof(large)), 0);
	digest_hmac(k, out, &one, 1);
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	digest_key_close(k);

	assert_int_equal(digest_key_open(&k, "", 0), 0);
	digest_hmac(k, out, NULL, 0);
	assert_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	digest_key_close(k);
	digest_key_close(NULL);
}

static void test_base64(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff", "+/8=" },
	};
	static const char *const bad[] = { "Zg",   "Zg=",      "Z===", "====",   "Zh==", "Zm9=", "Zm9v=",
		                           "Zm 9", "Zg==Zg==", "-_8=", "Zm9v\n", "=Zg=", "Zg=A" };
	char text[32], back[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t len = strlen(pairs[i][0]);

		assert_int_equal(base64_encode(text, pairs[i][0], len), strlen(pairs[i][1]));
		assert_true(strlen(text) < BASE64_SIZE(len));
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(base64_decode(back, text, strlen(text)), (long)len);
		assert_memory_equal(back, pairs[i][0], len);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64_decode(back, bad[i], strlen(bad[i])) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void test_base64url(void **state)
{
	static const char *const bad[] = { "A", "_-8=", "+/8", "__9", "_x", "Zm9v " };
	uint8_t back[32];
	char text[32];
	size_t i;

	(void)state;
	assert_int_equal(base64url_encode(text, "\xff\xef", 2), 3);
	assert_string_equal(text, "_-8");
	assert_int_equal(BASE64URL_SIZE(2), 4);
	assert_int_equal(base64url_decode(back, "_-8", 3), 2);
	assert_memory_equal(back, "\xff\xef", 2);
	assert_int_equal(base64url_decode(back, "", 0), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64url_decode(back, bad[i], strlen(bad[i])) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
}

/* Every length and many values come back as they went. */
static void test_base64_round_trip(void **state)
{
	uint8_t data[67], back[72];
	char text[BASE64_SIZE(67)];
	size_t len, n;

	(void)state;
	for (len = 0; len <= sizeof(data); len++) {
		digest_random(data, len);
		n = base64_encode(text, data, len);
		assert_int_equal(base64_decode(back, text, n), (long)len);
		assert_memory_equal(back, data, len);
		n = base64url_encode(text, data, len);
		assert_true(n < BASE64URL_SIZE(len));
		assert_int_equal(base64url_decode(back, text, n), (long)len);
		assert_memory_equal(back, data, len);
	}
}

static void test_uuids(void **state)
{
	static const uint8_t ones[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	char a[UUID_SIZE], b[UUID_SIZE];

	(void)state;
	uuid_text(a, ones);
	assert_string_equal(a, "ffffffff-ffff-8fff-bfff-ffffffffffff");

	uuid_random(a);
	uuid_random(b);
	assert_true(uuid_valid(a) && a[14] == '4' && strchr("89ab", a[19]));
	assert_string_not_equal(a, b);

	uuid_derive(a, "participant", "one", "0");
	uuid_derive(b, "participant", "one", "0");
	assert_true(uuid_valid(a));
	assert_string_equal(a, b);
	uuid_derive(b, "participant", "on", "e0");
	assert_string_not_equal(a, b);
	uuid_derive(b, "command", "one", "0");
	assert_string_not_equal(a, b);
}

static void test_uuid_valid(void **state)
{
	static const char *const bad[] = {
		"",
		"c8a5bbea-1d7b-4fca-89d3-22a5d13837d",
		"c8a5bbea-1d7b-4fca-89d3-22a5d13837dbb",
		"c8a5bbeag1d7b-4fca-89d3-22a5d13837db",
		"c8a5bbea-1d7b-4fca-89d3-22a5d13837dg",
		"{c8a5bbea-1d7b-4fca-89d3-22a5d1383}",
		"c8a5bbea1d7b4fca89d322a5d13837db",
	};
	size_t i;

	(void)state;
	assert_true(uuid_valid("c8a5bbea-1d7b-4fca-89d3-22a5d13837db"));
	assert_true(uuid_valid("C8A5BBEA-1D7B-4FCA-89D3-22A5D13837DB"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(uuid_valid(bad[i]));
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(digest_equal("abcd", "abcx", 3));
	assert_false(digest_equal("abcd", "abcx", 4));
	assert_true(digest_equal("a", "b", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_base64_round_trip),
		cmocka_unit_test(test_uuids),
		cmocka_unit_test(test_uuid_valid),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
