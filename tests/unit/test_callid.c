/* test_callid.c - ids say what was put in, and only for the tenant they were issued to */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "callid.h"
#include "digest.h"
#include "tenants.h"

/* stands in for tenants.c: two server keys, 3 is the current one */
static struct server_key keys[2] = { { .number = 3 }, { .number = 1, .until = 1000 } };

const struct server_key *tenants_server_key(const struct tenants *t, int number)
{
	int i;

	(void)t;
	if (number < 0)
		return &keys[0];
	for (i = 0; i < 2; i++) {
		if (keys[i].mac && keys[i].number == number)
			return &keys[i];
	}
	return NULL;
}

static int open_keys(void **state)
{
	(void)state;
	digest_key_open(&keys[0].mac, "0123456789abcdef0123456789abcdef", 32);
	digest_key_open(&keys[1].mac, "fedcba9876543210fedcba9876543210", 32);
	return 0;
}

static int close_keys(void **state)
{
	(void)state;
	digest_key_close(keys[0].mac);
	digest_key_close(keys[1].mac);
	return 0;
}

static void test_says_what_was_put_in(void **state)
{
	static const struct {
		int key, number;
		int32_t partition;
		uint32_t seconds;
	} stories[] = {
		{ -1, 3, 0, 0 }, { 1, 1, 31, 1700000000 }, { 3, 3, 65535, UINT32_MAX }, { -1, 3, 258, 1 }
	};
	char text[CALLID_SIZE];
	struct callid id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		assert_int_equal(callid_make(text, NULL, "shop", stories[i].key, stories[i].partition,
		                             stories[i].seconds, NULL),
		                 0);
		assert_int_equal(strlen(text), CALLID_LEN);
		assert_true(text[0] != '-');
		memset(&id, 0, sizeof(id));
		assert_int_equal(callid_check(&id, NULL, "shop", text), 0);
		assert_int_equal(id.key, stories[i].number);
		assert_int_equal(id.partition, stories[i].partition);
		assert_int_equal(id.seconds, stories[i].seconds);
		memset(&id, 0, sizeof(id));
		assert_int_equal(callid_parse(&id, text), 0);
		assert_int_equal(id.partition, stories[i].partition);
	}
	assert_int_equal(callid_make(text, NULL, "shop", 2, 0, 0, NULL), -ENOENT);
	assert_int_equal(callid_make(text, NULL, "shop", -1, 65536, 0, NULL), -EINVAL);
	assert_int_equal(callid_make(text, NULL, "shop", -1, -1, 0, NULL), -EINVAL);
}

/* The layout is a promise: other programs, and ids in old topics, rely on it. */
static void test_pinned(void **state)
{
	static const uint8_t derive[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	char text[CALLID_SIZE], again[CALLID_SIZE];
	uint8_t bytes[24];

	(void)state;
	assert_int_equal(callid_make(text, NULL, "default", -1, 5, 0x01020304, derive), 0);
	assert_int_equal(base64url_decode(bytes, text, CALLID_LEN), 24);
	assert_memory_equal(bytes, "\x03\x00\x05\x01\x02\x03\x04\x01\x02\x03\x04\x05\x06\x07\x08\x09", 16);
	assert_string_equal(text, "AwAFAQIDBAECAwQFBgcICUrWWIXSA2Xu");
	assert_int_equal(callid_make(again, NULL, "default", -1, 5, 0x01020304, derive), 0);
	assert_string_equal(text, again);
	assert_int_equal(callid_make(again, NULL, "default", -1, 5, 0x01020304, NULL), 0);
	assert_string_not_equal(text, again);
}

static void test_only_its_tenant(void **state)
{
	char text[CALLID_SIZE];
	struct callid id = { 0 };

	(void)state;
	assert_int_equal(callid_make(text, NULL, "shop", -1, 7, 0, NULL), 0);
	assert_int_equal(callid_check(&id, NULL, "shop", text), 0);
	assert_int_equal(callid_check(&id, NULL, "shop2", text), -ENOENT);
	assert_int_equal(callid_check(&id, NULL, "sho", text), -ENOENT);
	assert_int_equal(callid_check(&id, NULL, "", text), -ENOENT);
}

/* Each single bit of an id counts. */
static void test_every_bit_counts(void **state)
{
	char text[CALLID_SIZE], other[CALLID_SIZE];
	uint8_t bytes[24];
	struct callid id;
	int bit;

	(void)state;
	assert_int_equal(callid_make(text, NULL, "shop", -1, 7, 12345, NULL), 0);
	assert_int_equal(base64url_decode(bytes, text, CALLID_LEN), 24);
	for (bit = 0; bit < 24 * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		base64url_encode(other, bytes, 24);
		assert_int_equal(callid_check(&id, NULL, "shop", other), -ENOENT);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_not_an_id(void **state)
{
	static const char *const texts[] = {
		"",
		"AwAFAQIDBAECAwQFBgcICQAAAAAAAAA",   /* too short */
		"AwAFAQIDBAECAwQFBgcICQAAAAAAAAAAA", /* too long */
		"AwAFAQIDBAECAwQFBgcICQAAAAAAAAA=",
		"AwAFAQIDBAECAwQFBgcICQAAAAAAAA+/", /* the other alphabet */
		"AwAFAQIDBAECAwQFBgcICQAAAAAAAAA ",
		"-wAFAQIDBAECAwQFBgcICQAAAAAAAAAA", /* top bit */
		"EwAFAQIDBAECAwQFBgcICQAAAAAAAAAA", /* version 1 */
	};
	struct callid id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(callid_parse(&id, texts[i]), -EINVAL);
		assert_int_equal(callid_check(&id, NULL, "shop", texts[i]), -ENOENT);
	}
}

/* An id made with a key that is gone is nobody's. */
static void test_withdrawn_key(void **state)
{
	char text[CALLID_SIZE];
	struct digest_key *mac;
	struct callid id;

	(void)state;
	assert_int_equal(callid_make(text, NULL, "shop", 1, 7, 0, NULL), 0);
	mac = keys[1].mac;
	keys[1].mac = NULL;
	assert_int_equal(callid_check(&id, NULL, "shop", text), -ENOENT);
	keys[1].mac = mac;
	assert_int_equal(callid_check(&id, NULL, "shop", text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what_was_put_in),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_only_its_tenant),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_not_an_id),
		cmocka_unit_test(test_withdrawn_key),
	};

	return cmocka_run_group_tests(tests, open_keys, close_keys);
}
