/* test_cli_man.c - text in a manual page: as it was written, and never a macro */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "man.h"

static void check_text(const char *text, const char *wanted)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	troff_text(f, text);
	fclose(f);
	assert_string_equal(out, wanted);
	free(out);
}

static void test_text_is_no_macro(void **state)
{
	(void)state;
	check_text("plain", "plain\n");
	check_text(".TH is text", "\\&.TH is text\n");
	check_text("'so /etc/passwd", "\\&'so /etc/passwd\n");
	check_text("a\n.B b\n\nc", "a .B b c\n");
	check_text("--name \\fB \"x\"", "\\-\\-name \\efB \\(dqx\\(dq\n");
	check_text("", "\n");
}

static void test_long_text_is_broken_between_words_and_no_line_begins_a_macro(void **state)
{
	char text[1024] = "", *out = NULL;
	size_t size, longest = 0;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(text, i % 3 ? "some words " : ".dotted ");
	troff_text(f, text);
	fclose(f);
	for (char *line = out; *line; line += strcspn(line, "\n") + 1) {
		const size_t len = strcspn(line, "\n");

		assert_true(*line != '.');
		longest = len > longest ? len : longest;
	}
	assert_in_range(longest, 60, 79);
	assert_non_null(strstr(out, "\n\\&.dotted"));
	free(out);
}

static void test_a_term(void **state)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	(void)state;
	troff_term(f, "--a \"b\"", "<c>");
	troff_term(f, "0", NULL);
	fclose(f);
	assert_string_equal(out, ".TP\n.BR \"\\-\\-a \\(dqb\\(dq\" \" <c>\"\n.TP\n.BR \"0\"\n");
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_no_macro),
		cmocka_unit_test(test_long_text_is_broken_between_words_and_no_line_begins_a_macro),
		cmocka_unit_test(test_a_term),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
