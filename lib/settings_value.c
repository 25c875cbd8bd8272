/* settings_value.c - the text of a setting and what it means, for each kind */
#include "settings_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "clock.h"
#include "must.h"

#define NAME_MAX_LENGTH   64
#define WEIGHT_MAX        1000000
#define WEIGHT_SCRIPT_MAX 39
#define FORMER_PARTITIONS 4096
#define FORMER_MAX        16 /* as many as the producer keeps */
#define FORMER_TIME       20 /* characters: strptime by itself takes spaces and single digits too */
#define VALUE_MAX_LENGTH  4096

/* A unit's letters and what one of it is. */
struct unit {
	const char *name;
	int64_t of;
};

static const struct unit durations[] = {
	{ "ms", CLOCK_MS },
	{ "s", CLOCK_SEC },
	{ "m", 60 * CLOCK_SEC },
	{ "h", 3600 * CLOCK_SEC },
	{ "d", 24 * 3600 * CLOCK_SEC },
	{ NULL, 0 },
};
static const struct unit sizes[] = {
	{ "", 1 },   { "K", INT64_C(1) << 10 }, { "M", INT64_C(1) << 20 }, { "G", INT64_C(1) << 30 },
	{ NULL, 0 },
};
static const struct unit numbers[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *units_of(enum setting_kind kind)
{
	return kind == SETTING_DURATION ? durations : kind == SETTING_SIZE ? sizes : numbers;
}

/* Digits only; *end is what follows. */
static int parse_digits(int64_t *out, const char *text, const char **end)
{
	int64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n))
			return -EINVAL;
	}
	*out = n;
	*end = text;
	return 0;
}

static int parse_amount(int64_t *out, enum setting_kind kind, const char *text)
{
	const char *unit;
	int64_t n;

	if (parse_digits(&n, text, &unit) < 0)
		return -EINVAL;
	if (n == 0 && !*unit) { /* nothing needs no unit */
		*out = 0;
		return 0;
	}
	for (const struct unit *u = units_of(kind); u->name; u++) {
		if (!strcmp(unit, u->name))
			return __builtin_mul_overflow(n, u->of, out) ? -EINVAL : 0;
	}
	return -EINVAL;
}

int settings_duration(int64_t *out, const char *text)
{
	return parse_amount(out, SETTING_DURATION, text);
}

static int check_amount(int64_t *out, const struct setting *d, const char *text)
{
	int64_t min, max, n;

	if (parse_amount(&n, d->kind, text) < 0 || parse_amount(&min, d->kind, d->min) < 0 ||
	    parse_amount(&max, d->kind, d->max) < 0 || n < min || n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static bool printable(const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			return false;
	}
	return true;
}

static bool is_name(const char *text)
{
	return strlen(text) <= NAME_MAX_LENGTH &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] ==
	               '\0';
}

static bool is_address(const char *text)
{
	char host[ADDRESS_HOST_SIZE];
	int port;

	return address_split(text, host, &port) == 0;
}

static bool is_server_address(const char *text)
{
	char host[ADDRESS_HOST_SIZE];
	int port;

	return address_split(text, host, &port) == 0 && port != 0;
}

/* A scheme, a host, perhaps a port.  No name, no password, no path: requests bring theirs. */
static bool is_url(const char *text)
{
	const char *host;
	size_t len;

	if (!strncmp(text, "http://", 7))
		host = text + 7;
	else if (!strncmp(text, "https://", 8))
		host = text + 8;
	else
		return false;
	len = strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]");
	return len > 0 && *host != ':' && (!host[len] || !strcmp(host + len, "/"));
}

static bool is_visible(const char *text)
{
	for (; *text; text++) {
		if (!isgraph((unsigned char)*text))
			return false;
	}
	return true;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *p = choices; p; p = strstr(p, ", ") ? strstr(p, ", ") + 2 : NULL) {
		if (!strncmp(p, text, len) && (p[len] == ',' || p[len] == '\0'))
			return len > 0;
	}
	return false;
}

/* Is each part between commas fine?  "" is no part at all. */
static bool all_parts(const char *text, bool (*fine)(const char *part))
{
	char *copy = must_strdup(text), *rest = copy, *part;
	bool good = true;

	while (good && (part = strsep(&rest, ",")) != NULL)
		good = fine(part);
	free(copy);
	return good;
}

/* "32@2026-01-31T12:00:00Z" */
static bool is_former(const char *part)
{
	const char *end;
	int64_t count;
	struct tm tm;

	if (parse_digits(&count, part, &end) < 0 || count < 1 || count > FORMER_PARTITIONS || *end != '@')
		return false;
	if (end - part > 4 || strlen(end + 1) != FORMER_TIME)
		return false;
	end = strptime(end + 1, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return end && !*end;
}

static bool is_formers(const char *text)
{
	size_t parts = 1;

	for (const char *p = text; (p = strchr(p, ',')); p++)
		parts++;
	return !*text || (parts <= FORMER_MAX && all_parts(text, is_former));
}

/* "20=8" */
static bool is_weight(const char *part)
{
	const char *end;
	int64_t script, weight;

	return parse_digits(&script, part, &end) == 0 && end - part == 2 && script <= WEIGHT_SCRIPT_MAX &&
	       *end == '=' && parse_digits(&weight, end + 1, &end) == 0 && !*end && end - part <= 10 &&
	       weight <= WEIGHT_MAX; /* so that the worker reads it too */
}

/* Something must be drawn: at least one weight is not 0. */
static bool is_weights(const char *text)
{
	const char *p = text;

	if (!all_parts(text, is_weight))
		return false;
	while ((p = strchr(p, '=')) != NULL) {
		if (atoi(++p) > 0)
			return true;
	}
	return false;
}

static bool is_value(const struct setting *d, const char *text)
{
	int64_t n;

	if (!printable(text) || strlen(text) > VALUE_MAX_LENGTH)
		return false;
	switch (d->kind) {
	case SETTING_TEXT:
		return true;
	case SETTING_PATH:
		return *text != '\0';
	case SETTING_NAME:
		return is_name(text);
	case SETTING_ADDRESS:
		/* a listener may ask for a free port, nobody can connect to port 0 */
		return strstr(d->name, ".listen") ? is_address(text) : is_server_address(text);
	case SETTING_ADDRESSES:
		return all_parts(text, is_server_address);
	case SETTING_URL:
		return !*text || is_url(text);
	case SETTING_SECRET:
		return is_visible(text);
	case SETTING_CHOICE:
		return is_choice(d->choices, text);
	case SETTING_FORMER:
		return is_formers(text);
	case SETTING_WEIGHTS:
		return is_weights(text);
	case SETTING_NUMBER:
	case SETTING_DURATION:
	case SETTING_SIZE:
		return check_amount(&n, d, text) == 0;
	}
	return false;
}

int setting_assign(struct settings *s, const struct setting *d, const char *text)
{
	void *field = (char *)s + d->offset;
	char **string = field;

	if (!is_value(d, text))
		return -EINVAL;
	if (d->min)
		return check_amount(field, d, text);
	free(*string);
	*string = must_strdup(text);
	return 0;
}

void setting_right(char *out, size_t size, const struct setting *d)
{
	static const char *const texts[] = {
		[SETTING_TEXT] = "must not hold control characters",
		[SETTING_PATH] = "must be the path of a file",
		[SETTING_NAME] = "must be at most 64 of the characters A-Z a-z 0-9 . _ -",
		[SETTING_ADDRESS] = "must be host:port, such as 127.0.0.1:8080 or [::1]:8080",
		[SETTING_ADDRESSES] = "must be host:port, or several with commas between them",
		[SETTING_URL] = "must be http://host:port or https://host:port, and nothing behind it",
		[SETTING_SECRET] = "must not hold spaces or control characters",
		[SETTING_FORMER] = "must be at most 16 partition counts and when each ended, such as "
		                   "32@2026-01-31T12:00:00Z, with commas between them",
		[SETTING_WEIGHTS] =
		        "must be scripts and their weights, such as 00=50,20=10: two digits from 00 to "
		        "39, weights from 0 to 1000000, not all of them 0",
	};

	switch (d->kind) {
	case SETTING_CHOICE:
		snprintf(out, size, "must be one of %s", d->choices);
		break;
	case SETTING_NUMBER:
		snprintf(out, size, "must be a whole number from %s to %s", d->min, d->max);
		break;
	case SETTING_DURATION:
		snprintf(out, size, "must be a duration from %s to %s, such as 250ms, 3s, 5m, 4h, 7d", d->min,
		         d->max);
		break;
	case SETTING_SIZE:
		snprintf(out, size, "must be a size from %s to %s, such as 512, 64K, 32M", d->min, d->max);
		break;
	default:
		snprintf(out, size, "%s", texts[d->kind]);
	}
}
