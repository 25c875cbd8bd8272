/* mask.c - see mask.h */
#include "mask.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "log.h"
#include "must.h"

#define NUMBER_MIN     2 /* digits behind a '+', as the API takes them */
#define BARE_MIN       4 /* without one */
#define LAST_TWO_FROM  4 /* a shorter number would hardly be masked */
#define BETWEEN_DIGITS " -./"

/* ---- numbers ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How long the number is that begins with the digit at `at`, and how many digits it has. */
static size_t number_length(const char *at, size_t *digits)
{
	size_t len = 0;

	for (*digits = 0; is_digit(at[len]); (*digits)++) {
		len++;
		if (at[len] && strchr(BETWEEN_DIGITS, at[len]) && is_digit(at[len + 1]))
			len++;
	}
	return len;
}

/* All but the last two, where there are enough. */
static void hide(char *at, size_t len, size_t digits)
{
	size_t left = digits < LAST_TWO_FROM ? digits : digits - 2;

	for (size_t i = 0; i < len && left; i++) {
		if (is_digit(at[i])) {
			at[i] = '*';
			left--;
		}
	}
}

/* A phone number as in the log; `at` is its '+'.  false: for log_number() it is none. */
static bool hide_as_logged(char *at, size_t len)
{
	char number[LOG_NUMBER_SIZE], masked[LOG_NUMBER_SIZE];

	if (1 + len >= sizeof(number))
		return false;
	memcpy(number, at, 1 + len);
	number[1 + len] = '\0';
	if (strlen(log_number(masked, number)) != 1 + len || masked[0] != '+')
		return false;
	memcpy(at, masked, 1 + len);
	return true;
}

/* "+1" is no number, and "+00:00" is a time's. */
static bool is_number(const char *at, size_t digits)
{
	return digits >= BARE_MIN || (digits >= NUMBER_MIN && *at != '0');
}

/* ---- texts ---- */

/* Does a UUID begin here that no letter or digit adjoins? */
static bool is_uuid(const char *text, const char *at)
{
	char uuid[UUID_SIZE];
	const size_t len = strnlen(at, UUID_SIZE - 1);

	memcpy(uuid, at, len);
	uuid[len] = '\0';
	return uuid_valid(uuid) && (at == text || !isalnum((unsigned char)at[-1])) &&
	       !isalnum((unsigned char)at[len]);
}

static char *masked(const char *text, bool identifier)
{
	char *out = must_strdup(text), *at = out;

	while (*at) {
		size_t digits, len;
		const bool plus = *at == '+';

		if (identifier && is_uuid(text, text + (at - out))) {
			at += UUID_SIZE - 1;
			continue;
		}
		if (!plus && !(identifier && is_digit(*at))) {
			at++;
			continue;
		}
		len = number_length(at + plus, &digits);
		if (plus ? is_number(at + 1, digits) && !hide_as_logged(at, len) : digits >= BARE_MIN)
			hide(at + plus, len, digits);
		at += plus + len;
	}
	return out;
}

char *mask_text(const char *text)
{
	return masked(text, false);
}

char *mask_identifier(const char *text)
{
	return masked(text, true);
}

char *text_printable(const char *text)
{
	char *out = must_strdup(text);

	for (unsigned char *at = (unsigned char *)out; *at; at++) {
		if (iscntrl(*at))
			*at = '?';
		else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = '?'; /* the same, 0x80 to 0x9f, in UTF-8 */
	}
	return out;
}

bool text_is_utf8(const char *text)
{
	json_t *j = json_string(text);
	const bool good = j != NULL;

	json_decref(j);
	return good;
}

/* ---- JSON ---- */

/* What stands under these, however deep, says who somebody is. */
static bool names_somebody(const char *name)
{
	static const char *const names[] = { "who",   "address",     "source",           "identifier",
		                             "rawId", "phoneNumber", "communicationUser" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

struct mapping {
	char *(*text)(const char *text);
	char *(*identifier)(const char *text);
};

/* A copy with each string mapped; names stay. */
static json_t *json_mapped(const json_t *v, const struct mapping *m, bool identifier)
{
	json_t *out, *item;
	const char *name;
	char *text;
	size_t i;

	if (json_is_string(v)) {
		text = (identifier ? m->identifier : m->text)(json_string_value(v));
		out = json_string(text);
		free(text);
		return out;
	}
	if (json_is_array(v)) {
		out = json_array();
		json_array_foreach(v, i, item) json_array_append_new(out, json_mapped(item, m, identifier));
		return out;
	}
	if (json_is_object(v)) {
		out = json_object();
		json_object_foreach((json_t *)v, name, item) json_object_set_new(
		        out, name, json_mapped(item, m, identifier || names_somebody(name)));
		return out;
	}
	return json_deep_copy(v);
}

json_t *json_masked(const json_t *v)
{
	return json_mapped(v, &(struct mapping){ mask_text, mask_identifier }, false);
}

json_t *json_printable(const json_t *v)
{
	return json_mapped(v, &(struct mapping){ text_printable, text_printable }, false);
}
