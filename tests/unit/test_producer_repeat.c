/* test_producer_repeat.c - the same request again: the same ids; another one: others */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "answer_by.h"
#include "clock.h"
#include "rate.h"
#include "repeat.h"

#define NOW  (INT64_C(1619078400) * CLOCK_SEC)
#define SENT "Thu, 22 Apr 2021 08:00:00 GMT"
#define UUID "c8a5bbea-1d7b-4fca-89d3-22a5d13837db"
#define TTL  (3600 * CLOCK_SEC)

static struct repeat_request request(void)
{
	return (struct repeat_request){ .tenant = "default",
		                        .method = "POST",
		                        .path = "/calls?x",
		                        .path_len = 6,
		                        .now = NOW,
		                        .ttl = TTL };
}

struct ids {
	uint8_t bytes[REPEAT_BYTES];
	uint32_t draw;
	char command[UUID_SIZE];
};

static struct ids ids_of(const struct repeat_headers *h, const struct repeat_request *q, const char *body)
{
	uint8_t hash[DIGEST_SIZE];
	struct ids ids;
	struct repeat r;
	const char *why;

	memset(&ids, 0, sizeof(ids));
	assert_int_equal(repeat_read(&r, h, q, &why), 0);
	assert_true(r.repeatable);
	digest_sha256(hash, body, strlen(body));
	repeat_add_body(&r, hash);
	repeat_bytes(&r, ids.bytes, &ids.draw);
	repeat_command_id(&r, ids.command);
	assert_true(uuid_valid(ids.command));
	return ids;
}

static bool same(struct ids a, struct ids b)
{
	return !memcmp(a.bytes, b.bytes, REPEAT_BYTES) && a.draw == b.draw && !strcmp(a.command, b.command);
}

/* none of the two may be alike: one half would be a call that rings twice, or two that are mixed up */
static bool different(struct ids a, struct ids b)
{
	return memcmp(a.bytes, b.bytes, REPEAT_BYTES) && strcmp(a.command, b.command);
}

static void test_same_request_same_ids(void **state)
{
	struct repeat_headers h = { .request_id = UUID, .first_sent = SENT };
	struct repeat_request q = request(), later = request();
	struct repeat_headers upper = { .request_id = "C8A5BBEA-1D7B-4FCA-89D3-22A5D13837DB",
		                        .first_sent = SENT };

	(void)state;
	later.now += 600 * CLOCK_SEC;
	later.path = "/calls";
	assert_true(same(ids_of(&h, &q, "{}"), ids_of(&h, &later, "{\"other\":1}")));
	assert_true(same(ids_of(&h, &q, ""), ids_of(&upper, &q, "")));
}

static void test_each_part_counts(void **state)
{
	struct repeat_headers h = { .request_id = UUID, .first_sent = SENT };
	struct repeat_headers other = { .request_id = "c8a5bbea-1d7b-4fca-89d3-22a5d13837dc",
		                        .first_sent = SENT };
	struct repeat_headers key = { .idempotency_key = UUID };
	struct repeat_request q = request(), changed;
	struct ids first = ids_of(&h, &q, "");

	(void)state;
	assert_true(different(first, ids_of(&other, &q, "")));
	assert_true(different(first, ids_of(&key, &q, "")));
	changed = q, changed.tenant = "other";
	assert_true(different(first, ids_of(&h, &changed, "")));
	changed = q, changed.method = "DELETE";
	assert_true(different(first, ids_of(&h, &changed, "")));
	changed = q, changed.path = "/calling/calls", changed.path_len = 14;
	assert_true(different(first, ids_of(&h, &changed, "")));
}

/* Many programs send one x-ms-client-request-id for ever: its body is part of the name. */
static void test_client_request_id(void **state)
{
	struct repeat_headers h = { .client_request_id = UUID };
	struct repeat_request q = request();
	struct repeat r;
	const char *why;

	(void)state;
	assert_true(same(ids_of(&h, &q, "a"), ids_of(&h, &q, "a")));
	assert_true(different(ids_of(&h, &q, "a"), ids_of(&h, &q, "b")));
	h.client_request_id = "my program";
	assert_int_equal(repeat_read(&r, &h, &q, &why), 0);
	assert_false(r.repeatable);
	/* beside a better name it doesn't count */
	h = (struct repeat_headers){ .client_request_id = UUID, .idempotency_key = "k" };
	assert_true(same(ids_of(&h, &q, "a"), ids_of(&h, &q, "b")));
}

static void test_headers_refused(void **state)
{
	static const struct {
		struct repeat_headers h;
		int64_t now;
		int status;
	} cases[] = {
		{ { .request_id = UUID }, NOW, 400 },
		{ { .first_sent = SENT }, NOW, 400 },
		{ { .request_id = "x", .first_sent = SENT }, NOW, 400 },
		{ { .request_id = UUID, .first_sent = "now" }, NOW, 400 },
		{ { .request_id = UUID, .first_sent = SENT }, NOW - 16 * 60 * CLOCK_SEC, 400 },
		{ { .request_id = UUID, .first_sent = SENT }, NOW + TTL, 0 },
		{ { .request_id = UUID, .first_sent = SENT }, NOW + TTL + 1, 412 },
		{ { .idempotency_key = "" }, NOW, 400 },
		{ { .idempotency_key = "a b" }, NOW, 400 },
		{ { .request_id = UUID, .first_sent = SENT, .idempotency_key = "a b" }, NOW, 400 },
		{ { .idempotency_key = "\"quoted-1\"" }, NOW, 0 },
		{ { 0 }, NOW, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct repeat_request q = request();
		const char *why = NULL;
		struct repeat r;

		q.now = cases[i].now;
		assert_int_equal(repeat_read(&r, &cases[i].h, &q, &why), cases[i].status);
		assert_true(!cases[i].status || why);
	}
}

static void test_former_counts(void **state)
{
	struct former f;

	(void)state;
	assert_int_equal(former_parse(&f, ""), 0);
	assert_int_equal(former_count(&f, NOW, 32), 32);
	assert_int_equal(former_parse(&f, "16@2021-04-22T08:00:00Z,8@2021-04-22T07:00:00Z"), 0);
	assert_int_equal(former_count(&f, NOW - 2 * TTL, 32), 8);
	assert_int_equal(former_count(&f, NOW - 1, 32), 16);
	assert_int_equal(former_count(&f, NOW, 32), 32);
	assert_int_equal(former_parse(&f, "16"), -EINVAL);
	assert_int_equal(former_parse(&f, "0@2021-04-22T08:00:00Z"), -EINVAL);
	assert_int_equal(former_parse(&f, "16@yesterday"), -EINVAL);
}

/* ---- answer-by ---- */

static void test_answer_by(void **state)
{
	static struct answer_by a;
	int64_t now = 1000 * CLOCK_SEC;

	(void)state;
	assert_int_equal(answer_by_allow(&a, now), 10 * CLOCK_MS);
	for (int i = 0; i < 5000; i++)
		answer_by_note(&a, now, 2 * CLOCK_MS);
	assert_int_equal(answer_by_allow(&a, now), 10 * CLOCK_MS);

	/* a thousandth may be slower, not more */
	for (int i = 0; i < 5; i++)
		answer_by_note(&a, now, 40 * CLOCK_MS);
	assert_int_equal(answer_by_allow(&a, now), 10 * CLOCK_MS);
	for (int i = 0; i < 5; i++)
		answer_by_note(&a, now, 40 * CLOCK_MS);
	assert_in_range(answer_by_allow(&a, now), 80 * CLOCK_MS, 100 * CLOCK_MS);

	for (int i = 0; i < 50; i++)
		answer_by_note(&a, now + CLOCK_SEC, 60 * CLOCK_SEC);
	assert_int_equal(answer_by_allow(&a, now + CLOCK_SEC), 1000 * CLOCK_MS);
	/* and what is ten seconds old is forgotten */
	assert_int_equal(answer_by_allow(&a, now + 11 * CLOCK_SEC), 10 * CLOCK_MS);
}

/* ---- rate ---- */

static void test_rate(void **state)
{
	int64_t now = 77 * CLOCK_SEC, wait;
	struct rate *r;

	(void)state;
	assert_int_equal(rate_open(&r, 10), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(rate_take(r, "a", now), 0);
	wait = rate_take(r, "a", now);
	assert_in_range(wait, 1, CLOCK_SEC / 10);
	/* another tenant has its own */
	assert_int_equal(rate_take(r, "b", now), 0);
	assert_int_equal(rate_take(r, "a", now + wait), 0);
	assert_true(rate_take(r, "a", now + wait) > 0);
	/* rest does not save up more than a second's worth */
	now += 100 * CLOCK_SEC;
	for (int i = 0; i < 10; i++)
		assert_int_equal(rate_take(r, "a", now), 0);
	assert_true(rate_take(r, "a", now) > 0);
	rate_close(r);

	assert_int_equal(rate_open(&r, 0), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rate_take(r, "a", now), 0);
	rate_close(r);
	rate_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_request_same_ids),
		cmocka_unit_test(test_each_part_counts),
		cmocka_unit_test(test_client_request_id),
		cmocka_unit_test(test_headers_refused),
		cmocka_unit_test(test_former_counts),
		cmocka_unit_test(test_answer_by),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
