/* log.c - see log.h.  One line is one write(2), so that threads and programs that share a file don't mix. */
#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* longer lines are cut: the reader needs the beginning, and a line must stay one write */
#define LINE_SIZE 2048

enum log_level log_threshold = LOG_INFO;

static const char *const names[] = { "debug", "info", "warn", "error" };

int log_level_parse(enum log_level *out, const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t write_head(char *line, size_t size, enum log_level level)
{
	int64_t now = clock_utc();
	time_t seconds = (time_t)(now / CLOCK_SEC);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	len += (size_t)snprintf(line + len, size - len, ".%06dZ %s ", (int)(now % CLOCK_SEC), names[level]);
	return len;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LINE_SIZE];
	int saved = errno;
	va_list ap;
	size_t len, i;
	ssize_t written;
	int n;

	if (level < log_threshold)
		return;
	len = write_head(line, sizeof(line), level);
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(line) - len) {
		len = sizeof(line) - 1;
		memcpy(line + len - 3, "...", 3);
	} else {
		len += (size_t)n;
	}
	for (i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?'; /* one event, one line: nothing that was read can forge another */
	}
	line[len++] = '\n';
	written = write(STDERR_FILENO, line, len);
	(void)written; /* nobody is left to be told */
	errno = saved;
}

/* How many digits the country code has (ITU-T E.164: one or two, listed here; three otherwise). */
static size_t country_code(const char *digits)
{
	static const char two[] =
	        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 "
	        "60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98";

	if (digits[0] == '1' || digits[0] == '7')
		return 1;
	for (const char *p = two; p < two + sizeof(two) - 1; p += 3) {
		if (!strncmp(p, digits, 2))
			return 2;
	}
	return 3;
}

static int is_phone_number(const char *text, size_t len)
{
	return text[0] == '+' && len >= 9 && len <= 16 && strspn(text + 1, "0123456789") == len - 1;
}

const char *log_number(char out[LOG_NUMBER_SIZE], const char *number)
{
	size_t len = number ? strlen(number) : 0, i;

	if (number && is_phone_number(number, len)) {
		memset(out, '*', len);
		memcpy(out, number, 1 + country_code(number + 1));
		memcpy(out + len - 2, number + len - 2, 3);
		return out;
	}
	memcpy(out, "***", 4);
	if (len <= 2)
		return out;
	for (i = 0; i < 2; i++) {
		unsigned char c = (unsigned char)number[len - 2 + i];

		out[3 + i] = isgraph(c) ? (char)c : '?';
	}
	out[5] = '\0';
	return out;
}
