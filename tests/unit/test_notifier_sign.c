/* test_notifier_sign.c - signatures against the vector that the Standard Webhooks libraries are tested with */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "digest.h"
#include "sign.h"

static const char id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char body[] = "{\"test\": 2432232314}";
#define STAMP 1614265330
#define GOOD  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static struct digest_key *key(const char *secret)
{
	struct digest_key *k;
	uint8_t raw[64];
	long n = base64_decode(raw, secret, strlen(secret));

	assert_true(n > 0);
	assert_int_equal(digest_key_open(&k, raw, (size_t)n), 0);
	return k;
}

static void test_known_vector(void **state)
{
	struct digest_key *secrets[SIGN_SECRETS] = { key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), NULL };
	char out[SIGN_SIZE];

	(void)state;
	assert_string_equal(sign_webhook(out, secrets, id, STAMP, body, strlen(body)), GOOD);
	digest_key_close(secrets[0]);
}

static void test_both_secrets_while_they_change(void **state)
{
	struct digest_key *secrets[SIGN_SECRETS] = { key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		                                     key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") };
	char out[SIGN_SIZE];

	(void)state;
	sign_webhook(out, secrets, id, STAMP, body, strlen(body));
	assert_int_equal(strlen(out), 2 * strlen(GOOD) + 1);
	assert_memory_equal(out, "v1,", 3);
	assert_int_equal(out[strlen(GOOD)], ' ');
	assert_string_equal(out + strlen(GOOD) + 1, GOOD);
	digest_key_close(secrets[0]);
	digest_key_close(secrets[1]);
}

static void test_no_secret_no_signature(void **state)
{
	struct digest_key *secrets[SIGN_SECRETS] = { NULL, NULL };
	char out[SIGN_SIZE] = "x";

	(void)state;
	assert_string_equal(sign_webhook(out, secrets, id, STAMP, body, strlen(body)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_vector),
		cmocka_unit_test(test_both_secrets_while_they_change),
		cmocka_unit_test(test_no_secret_no_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
