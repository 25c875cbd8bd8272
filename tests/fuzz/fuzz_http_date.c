/* fuzz_http_date.c - the date of a header: producer/http_date.c */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "http_date.h"

/* Written anew it is the same text; but 23:59:60 is the second after 23:59:59. */
static void taken(int64_t at, const char *text)
{
	time_t seconds = (time_t)(at / CLOCK_SEC);
	char back[40];
	struct tm tm;

	HOLDS(at >= 0 && at % CLOCK_SEC == 0);
	HOLDS(gmtime_r(&seconds, &tm));
	strftime(back, sizeof(back), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	HOLDS(!strcmp(back, text) || !memcmp(text + 23, "60", 2));
	HOLDS(strlen(text) == 29 && fuzz_no_control(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	int64_t at = -1;
	int r = http_date_parse(&at, text);

	HOLDS(r == 0 || r == -EINVAL);
	if (r == 0)
		taken(at, text);
	free(text);
	return 0;
}
