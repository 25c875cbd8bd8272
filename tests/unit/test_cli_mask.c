/* test_cli_mask.c - no number that the API takes is shown whole, and no text harms a terminal */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"

struct row {
	const char *text, *wanted;
};

static void check(char *(*mask)(const char *), const char *text, const char *wanted)
{
	char *got = mask(text);

	assert_string_equal(got, wanted);
	free(got);
}

/* What holds of identifiers and of any other text. */
static void test_numbers_behind_a_plus(void **state)
{
	static const struct row rows[] = {
		{ "+46701234567", "+46*******67" },
		{ "4:+46701234567", "4:+46*******67" },
		{ "from +46701234567 to +15555550123", "from +46*******67 to +1********23" },
		{ "+12", "+**" },
		{ "+123", "+***" },
		{ "+1234", "+**34" },
		{ "+12345", "+***45" },
		{ "+123456", "+****56" },
		{ "+1234567", "+*****67" },
		{ "+12345678", "+1*****78" },
		{ "+123456789012345", "+1************45" },
		{ "4:+1234567890123456", "4:+**************56" },
		{ "4:+123456789012345678901234567890", "4:+****************************90" },
		{ "4:+0123", "4:+**23" },
		{ "+46 70-123 45 67", "+** **-*** ** 67" },
		{ "++46701234567+46701234567", "++46*******67+46*******67" },
		{ "", "" },
		{ "+", "+" },
		{ "+1", "+1" },
		{ "1+", "1+" },
		{ "T08:00:00+00:00", "T08:00:00+00:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(mask_text, rows[i].text, rows[i].wanted);
		check(mask_identifier, rows[i].text, rows[i].wanted);
	}
}

static void test_numbers_of_people_without_a_plus(void **state)
{
	static const struct row rows[] = {
		{ "4:46701234567", "4:*********67" },
		{ "0701740605", "********05" },
		{ "070-174 06 05", "***-*** ** 05" },
		{ "alice1234", "alice**34" },
		{ "bob00", "bob00" },
		{ "8:acs:0b32cb93-1f0c-86d4-9d2a-54b21f1c1f02_12345678-1234-1234-1234-123456789012",
		  "8:acs:0b32cb93-1f0c-86d4-9d2a-54b21f1c1f02_12345678-1234-1234-1234-123456789012" },
		{ "8:acs:12345678-1234-1234-1234-1234567890123",
		  "8:acs:********-****-****-****-***********23" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(mask_identifier, rows[i].text, rows[i].wanted);
		check(mask_text, rows[i].text, rows[i].text);
	}
}

/* ---- whatever it is ---- */

/* As random as it has to be, and the same each time. */
static uint32_t draw(uint32_t below)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % below;
}

static void draw_text(char *out, size_t size, const char *letters)
{
	const size_t len = draw((uint32_t)size), n = strlen(letters);

	for (size_t i = 0; i < len; i++)
		out[i] = letters[draw((uint32_t)n)];
	out[len] = '\0';
}

/* What of the text came through: no run of four digits, and nothing else was touched. */
static void check_hidden(const char *text, const char *masked)
{
	size_t run = 0;

	assert_int_equal(strlen(text), strlen(masked));
	for (size_t i = 0; text[i]; i++) {
		run = isdigit((unsigned char)masked[i]) ? run + 1 : 0;
		assert_true(run < 4);
		assert_true(masked[i] == text[i] || (masked[i] == '*' && isdigit((unsigned char)text[i])));
	}
}

static void test_no_run_of_four_digits_of_an_identifier_survives(void **state)
{
	char text[64], *masked;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		draw_text(text, sizeof(text), i % 2 ? "0123456789+" : "0123456789+ -:a8_.");
		masked = mask_identifier(text);
		check_hidden(text, masked);
		free(masked);
	}
}

/* Country code and last two at most: of the others none. */
static void test_every_number_that_the_api_takes(void **state)
{
	char number[20], *masked;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		const size_t digits = 2 + draw(14);
		size_t shown = 0;

		number[0] = '+';
		number[1] = (char)('1' + draw(9));
		for (size_t k = 2; k <= digits; k++)
			number[k] = (char)('0' + draw(10));
		number[1 + digits] = '\0';
		masked = i % 2 ? mask_text(number) : mask_identifier(number);
		check_hidden(number, masked);
		for (size_t k = 1; masked[k]; k++)
			shown += masked[k] != '*';
		assert_true(shown <= (digits < 4 ? 0 : digits < 8 ? 2 : 5));
		free(masked);
	}
}

/* ---- JSON ---- */

static void test_identifiers_are_found_by_name(void **state)
{
	json_t *given = json_loads(
	        "{\"who\":\"4:1234\",\"participantId\":\"12345678-1234-1234-1234-123456789012\",\"legs\":[{"
	        "\"who\":\"+1234\",\"address\":\"12345\"}],\"source\":{\"rawId\":\"1234\",\"phoneNumber\":{"
	        "\"value\":\"123456\"},\"communicationUser\":{\"id\":\"12345\"}},\"at\":\"2026-11-22\","
	        "\"subject\":\"of 2026, +1234567\"}",
	        0, NULL);
	json_t *wanted = json_loads(
	        "{\"who\":\"4:**34\",\"participantId\":\"12345678-1234-1234-1234-123456789012\",\"legs\":[{"
	        "\"who\":\"+**34\",\"address\":\"***45\"}],\"source\":{\"rawId\":\"**34\",\"phoneNumber\":{"
	        "\"value\":\"****56\"},\"communicationUser\":{\"id\":\"***45\"}},\"at\":\"2026-11-22\","
	        "\"subject\":\"of 2026, +*****67\"}",
	        0, NULL);
	json_t *masked = json_masked(given);

	(void)state;
	assert_non_null(given);
	assert_true(json_equal(masked, wanted));
	json_decref(given);
	json_decref(wanted);
	json_decref(masked);
}

static void test_other_values_stay(void **state)
{
	json_t *given = json_pack("{s:i, s:b, s:n, s:{s:f}}", "a", 7, "b", 1, "c", "d", "e", 0.5);
	json_t *masked = json_masked(given);

	(void)state;
	assert_true(json_equal(given, masked));
	json_decref(given);
	json_decref(masked);
}

static void test_control_characters(void **state)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "a\tb\x1b[2Jc\x7f\r\n", "a?b?[2Jc???" },
		{ "\xc2\x9b[2J", "??[2J" }, /* the same in one character of C1 */
		{ "h\xc3\xa5ll\xc2\xa0", "h\xc3\xa5ll\xc2\xa0" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = text_printable(rows[i].text);

		assert_string_equal(got, rows[i].wanted);
		free(got);
	}
	assert_true(text_is_utf8("h\xc3\xa5ll"));
	assert_false(text_is_utf8("h\xe5ll"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_behind_a_plus),
		cmocka_unit_test(test_numbers_of_people_without_a_plus),
		cmocka_unit_test(test_no_run_of_four_digits_of_an_identifier_survives),
		cmocka_unit_test(test_every_number_that_the_api_takes),
		cmocka_unit_test(test_identifiers_are_found_by_name),
		cmocka_unit_test(test_other_values_stay),
		cmocka_unit_test(test_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
