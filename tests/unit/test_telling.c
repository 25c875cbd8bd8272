/* test_telling.c - events as the outbox keeps them: packed, taken apart, packed again */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "teller.h"

/* Taken apart and packed again it has the same bytes. */
static void same_again(const char *packed, size_t len)
{
	struct telling *t = calloc(1, sizeof(*t));
	struct bytes again;

	assert_int_equal(telling_unpack(t, packed, len), 0);
	again = telling_pack(t);
	assert_int_equal(again.len, len);
	assert_memory_equal(again.data, packed, len);
	free(again.data);
	telling_free(t);
}

static void test_same_bytes(void **state)
{
	static const char full[] = "type=a\ntenant=b=c\nnumber=1\ntraceparent=\n\n\0value\n";

	(void)state;
	same_again(full, sizeof(full) - 1);
	same_again("\nvalue", 6);
	same_again("type=a\n\n", 8); /* no value at all */
	same_again("\n", 1);
}

static void test_none_of_ours(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "type=a", 6 },
		{ "type=a\n", 7 },
		{ "type\n\n", 6 },
		{ "colour=a\n\n", 10 },
		{ "type=a\ntype=a\ntype=a\ntype=a\ntype=a\n\n", 36 },
		{ "tenant=a\0b\n\n", 12 }, /* would be told without its end */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct telling *t = calloc(1, sizeof(*t));

		assert_int_equal(telling_unpack(t, rows[i].text, rows[i].len), -EBADMSG);
		telling_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_none_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
