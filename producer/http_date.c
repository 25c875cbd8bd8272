/* http_date.c - see http_date.h.  Written out, because strptime obeys the locale and accepts half of it. */
#include "http_date.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static int name_index(const char *names, const char *text)
{
	for (int i = 0; names[3 * i]; i++) {
		if (!strncmp(names + 3 * i, text, 3))
			return i;
	}
	return -1;
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

/* '#' stands for a digit, 'a' for a letter, all else for itself */
static int looks_like(const char *shape, const char *text)
{
	for (; *shape; shape++, text++) {
		if (*shape == '#'   ? !isdigit((unsigned char)*text)
		    : *shape == 'a' ? !isalpha((unsigned char)*text)
		                    : *shape != *text)
			return 0;
	}
	return *text == '\0';
}

int http_date_parse(int64_t *out, const char *text)
{
	struct tm tm = { 0 }, back;
	int day, month;
	time_t when;

	if (!looks_like("aaa, ## aaa #### ##:##:## GMT", text))
		return -EINVAL;
	day = name_index(days, text);
	month = name_index(months, text + 8);
	if (day < 0 || month < 0)
		return -EINVAL;

	tm.tm_mday = two_digits(text + 5);
	tm.tm_mon = month;
	tm.tm_year = two_digits(text + 12) * 100 + two_digits(text + 14) - 1900;
	tm.tm_hour = two_digits(text + 17);
	tm.tm_min = two_digits(text + 20);
	tm.tm_sec = two_digits(text + 23);
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 || tm.tm_year < 70)
		return -EINVAL;

	when = timegm(&tm);
	gmtime_r(&when, &back);
	/* 31 Feb comes back as 3 March */
	if (back.tm_mon != month || back.tm_wday != day)
		return -EINVAL;
	*out = (int64_t)when * CLOCK_SEC;
	return 0;
}
