/* test_producer_ids.c - a million tries at an id that was never issued to one: not one is let in */
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

#define TRIES 200000 /* of each of five kinds: 1,000,000 */
#define BYTES 24
#define TAG   16 /* begins there */

/* stands in for tenants.c: two server keys, as during a rotation */
static struct server_key keys[2] = { { .number = 3 }, { .number = 1, .until = 1000 } };

const struct server_key *tenants_server_key(const struct tenants *t, int number)
{
	(void)t;
	if (number < 0)
		return &keys[0];
	for (int i = 0; i < 2; i++) {
		if (keys[i].number == number)
			return &keys[i];
	}
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	digest_key_open(&keys[0].mac, "0123456789abcdef0123456789abcdef", 32);
	digest_key_open(&keys[1].mac, "fedcba9876543210fedcba9876543210", 32);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	digest_key_close(keys[0].mac);
	digest_key_close(keys[1].mac);
	return 0;
}

static uint64_t chance(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fill(uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(chance() >> 24);
}

static bool let_in(const char *tenant, const char *text)
{
	struct callid id = { .partition = -7 };
	int r = callid_check(&id, NULL, tenant, text);

	if (r < 0 && (r != -ENOENT || id.partition != -7))
		fail_msg("%s: %d, and something was filled in", text, r);
	return r == 0;
}

static bool bytes_let_in(const uint8_t bytes[BYTES])
{
	char text[CALLID_SIZE];

	base64url_encode(text, bytes, BYTES);
	return let_in("shop", text);
}

/* Bytes as they fall, but with a version and a key that exist: no easy way out. */
static void test_random_ids(void **state)
{
	uint8_t bytes[BYTES];
	size_t in = 0;

	(void)state;
	for (int i = 0; i < TRIES; i++) {
		fill(bytes, BYTES);
		bytes[0] = i % 2 ? 3 : 1;
		in += bytes_let_in(bytes);
	}
	assert_int_equal(in, 0);
}

/* An own id with another tag, and with its tag on another beginning. */
static void test_forged_tags(void **state)
{
	uint8_t good[BYTES], bytes[BYTES];
	char text[CALLID_SIZE];
	size_t in = 0;

	(void)state;
	assert_int_equal(callid_make(text, NULL, "shop", -1, 5, 1700000000, NULL), 0);
	assert_int_equal(base64url_decode(good, text, CALLID_LEN), BYTES);
	assert_true(bytes_let_in(good));
	for (int i = 0; i < TRIES; i++) {
		memcpy(bytes, good, BYTES);
		if (i % 2)
			fill(bytes + TAG, BYTES - TAG);
		else
			fill(bytes + 1, TAG - 1);
		in += bytes_let_in(bytes);
	}
	assert_int_equal(in, 0);
}

/* Ids that are fine, of tenants whose names are nearly the asker's; and the other way round. */
static void test_other_tenants(void **state)
{
	static const char *const others[] = { "shop2", "sho", "Shop", "shop ", "hsop", "" };
	char text[CALLID_SIZE];
	size_t in = 0;

	(void)state;
	for (int i = 0; i < TRIES; i++) {
		const char *name = others[i % 6];

		assert_int_equal(callid_make(text, NULL, name, i % 3 ? 3 : 1, (int32_t)(chance() % 65536),
		                             (uint32_t)chance(), NULL),
		                 0);
		in += let_in("shop", text);
	}
	assert_int_equal(in, 0);
}

/* A few bits or characters of an id that is fine; the other key's number among them. */
static void test_nearly(void **state)
{
	uint8_t good[BYTES], bytes[BYTES];
	char text[CALLID_SIZE], other[CALLID_SIZE];
	size_t in = 0;

	(void)state;
	assert_int_equal(callid_make(text, NULL, "shop", -1, 5, 1700000000, NULL), 0);
	assert_int_equal(base64url_decode(good, text, CALLID_LEN), BYTES);
	for (int i = 0; i < TRIES; i++) {
		int bits = 1 + (int)(chance() % 3);

		memcpy(bytes, good, BYTES);
		while (bits--)
			bytes[chance() % BYTES] ^= (uint8_t)(1 << chance() % 8);
		if (memcmp(bytes, good, BYTES))
			in += bytes_let_in(bytes);
	}
	for (int i = 0; i < TRIES; i++) {
		memcpy(other, text, sizeof(other));
		other[chance() % CALLID_LEN] = (char)(1 + chance() % 255);
		if (strcmp(other, text))
			in += let_in("shop", other);
	}
	assert_int_equal(in, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_ids),
		cmocka_unit_test(test_forged_tags),
		cmocka_unit_test(test_other_tenants),
		cmocka_unit_test(test_nearly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
