/* test_readme.c - README's list of settings is the table's: `make readme` writes it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "settings.h"

#define BEGIN "<!-- written by `make readme` -->\n"
#define END   "<!-- end -->\n"

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(f); /* tests run from the top of the tree */
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void test_settings_are_the_tables(void **state)
{
	char *readme = read_file("README.md"), *list = NULL, *from, *to;
	size_t len;
	FILE *out = open_memstream(&list, &len);

	(void)state;
	assert_non_null(out);
	settings_markdown(out);
	fclose(out);
	from = strstr(readme, BEGIN);
	assert_non_null(from);
	from += strlen(BEGIN);
	to = strstr(from, END);
	assert_non_null(to);
	*to = '\0';
	assert_string_equal(from, list);
	free(list);
	free(readme);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_settings_are_the_tables) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
