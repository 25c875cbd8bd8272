/* test_log.c - one line per call, nothing forged, no whole number */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

int64_t clock_utc(void)
{
	return INT64_C(1700000000) * CLOCK_SEC + 42;
}

int64_t clock_mono(void)
{
	return 0;
}

static char written[8192];

/* What `level` and `text` put on stderr, in `written`. */
static void capture(enum log_level level, const char *text)
{
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	errno = EXDEV;
	log_line(level, "%s", text);
	assert_int_equal(errno, EXDEV);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], written, sizeof(written) - 1);
	close(ends[0]);
	written[n > 0 ? n : 0] = '\0';
}

static void test_a_line(void **state)
{
	(void)state;
	capture(LOG_WARN, "call.moved call=abc");
	assert_string_equal(written, "2023-11-14T22:13:20.000042Z warn call.moved call=abc\n");
}

static void test_levels_below_the_threshold_are_silent(void **state)
{
	enum log_level level = LOG_INFO;

	(void)state;
	assert_int_equal(log_level_parse(&level, "error"), 0);
	assert_int_equal(level, LOG_ERROR);
	assert_int_equal(log_level_parse(&level, "Error"), -EINVAL);
	assert_int_equal(log_level_parse(&level, ""), -EINVAL);
	log_threshold = LOG_ERROR;
	capture(LOG_WARN, "x");
	assert_string_equal(written, "");
	log_threshold = LOG_INFO;
	capture(LOG_DEBUG, "x");
	assert_string_equal(written, "");
}

static void test_a_line_can_not_be_forged(void **state)
{
	(void)state;
	capture(LOG_INFO, "call.moved uri=a\nerror\r\x1b[0m\x7f\tb");
	assert_non_null(strstr(written, "uri=a?error??[0m??b\n"));
	assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
}

static void test_a_long_line_is_cut(void **state)
{
	char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	capture(LOG_INFO, text);
	assert_int_equal(strlen(written), 2048);
	assert_string_equal(written + 2048 - 5, "a...\n");
}

static void test_numbers_are_masked(void **state)
{
	static const struct {
		const char *number, *shown;
	} rows[] = {
		{ "+46701234567", "+46*******67" },
		{ "+12025550123", "+1********23" },
		{ "+358401234567", "+358*******67" },
		{ "+123456789012345", "+1************45" },
		{ "+4670", "***70" },             /* too short to hide anything */
		{ "+1234567890123456", "***56" }, /* not E.164 */
		{ "+46 70 123 45 67", "***67" },
		{ "user-1234", "***34" },
		{ "a\nb\x80", "***b?" },
		{ "ab", "***" },
		{ "", "***" },
		{ NULL, "***" },
	};
	char out[LOG_NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(log_number(out, rows[i].number), rows[i].shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line),
		cmocka_unit_test(test_levels_below_the_threshold_are_silent),
		cmocka_unit_test(test_a_line_can_not_be_forged),
		cmocka_unit_test(test_a_long_line_is_cut),
		cmocka_unit_test(test_numbers_are_masked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
