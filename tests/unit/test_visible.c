/* test_visible.c - which texts may stand in a log as they are */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "visible.h"

static void test_visible(void **state)
{
	static const char *const good[] = { "", "a", "~", "\xc3\x85se", "\xc2\xa0", "\xe9\x9b\xbb", "\xc2" };
	static const char *const bad[] = { " ",
		                           "a b",
		                           "\t",
		                           "a\n",
		                           "\x7f",
		                           "\x1b[2J",
		                           "\xc2\x80",
		                           "a\xc2\x9b"
		                           "2J",
		                           "\xc2\x9f" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(visible_text(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(visible_text(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_visible) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
