/* tenants_value.c - single values of the tenants file: see tenants_parts.h */
#include "tenants_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "visible.h"

enum {
	KEY_MIN = 16, /* bytes; shorter ones can be guessed */
	KEY_MAX = 512,
	TEXT_MAX = 2048,
};

int value_fault(const struct reader *r, const char *place, const char *fmt, ...)
{
	char words[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	snprintf(r->why, r->size, "%s: %s%s%s", r->path, place, *place ? ": " : "", words);
	return -EINVAL;
}

int value_no_memory(const struct reader *r)
{
	snprintf(r->why, r->size, "%s: no memory", r->path);
	return -ENOMEM;
}

int value_fields(const struct reader *r, json_t *object, const char *place, const char *const *known)
{
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(object))
		return value_fault(r, place, "must be an object");
	json_object_foreach(object, name, value)
	{
		for (i = 0; known[i] && strcmp(known[i], name) != 0; i++)
			;
		if (known[i])
			continue;
		/* what is said goes to logs and terminals */
		if (!visible_text(name))
			return value_fault(r, place,
			                   "unknown field: its name holds a blank or a control character");
		return value_fault(r, place, "unknown field '%.40s'", name);
	}
	return 0;
}

int value_array(const struct reader *r, json_t *array, const char *place, size_t least, size_t most)
{
	size_t n = json_array_size(array);

	if (array && !json_is_array(array))
		return value_fault(r, place, "must be an array");
	if (n < least)
		return value_fault(r, place, "must have at least %zu", least);
	if (n > most)
		return value_fault(r, place, "has %zu, at most %zu are taken", n, most);
	return 0;
}

int value_text(const struct reader *r, char **out, json_t *value, const char *place)
{
	const char *text = json_string_value(value);

	if (!text || !*text)
		return value_fault(r, place, "must be a string that is not empty");
	if (json_string_length(value) > TEXT_MAX)
		return value_fault(r, place, "is longer than %d bytes", TEXT_MAX);
	if (!visible_text(text))
		return value_fault(r, place, "holds a blank or a control character");
	*out = strdup(text);
	return *out ? 0 : value_no_memory(r);
}

int value_key(const struct reader *r, struct digest_key **out, json_t *value, const char *place,
              const char *prefix)
{
	const char *text = json_string_value(value);
	uint8_t key[KEY_MAX + 3];
	size_t len;
	long n;
	int e;

	if (!text)
		return value_fault(r, place, "must be a string");
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return value_fault(r, place, "must begin with %s", prefix);
	text += strlen(prefix);
	len = strlen(text);
	if (len > BASE64_SIZE(KEY_MAX) - 1)
		return value_fault(r, place, "is longer than %d bytes", KEY_MAX);

	n = base64_decode(key, text, len);
	if (n < 0)
		e = value_fault(r, place, "not base64");
	else if (n < KEY_MIN)
		e = value_fault(r, place, "has %ld bytes, a key needs at least %d", n, KEY_MIN);
	else
		e = digest_key_open(out, key, (size_t)n) < 0 ? value_no_memory(r) : 0;
	OPENSSL_cleanse(key, sizeof(key));
	return e;
}

int value_keys(const struct reader *r, struct digest_key *out[TENANT_KEYS_MAX], json_t *array,
               const char *place, const char *prefix)
{
	char at[PLACE_SIZE];
	json_t *value;
	size_t i;
	int e;

	e = value_array(r, array, place, 0, TENANT_KEYS_MAX);
	json_array_foreach(array, i, value)
	{
		if (e < 0)
			break;
		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		e = value_key(r, &out[i], value, at, prefix);
	}
	return e;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int value_hash(const struct reader *r, uint8_t out[DIGEST_SIZE], json_t *value, const char *place)
{
	const char *text = json_string_value(value);
	size_t i;

	if (!text || strlen(text) != 2 * DIGEST_SIZE)
		return value_fault(r, place, "must be the key's SHA-256, 64 hex digits");
	for (i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return value_fault(r, place, "must be the key's SHA-256, 64 hex digits");
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int value_time(const struct reader *r, int64_t *out, json_t *value, const char *place)
{
	const char *text = json_string_value(value), *end;
	struct tm tm = { 0 };
	char back[32];

	end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	if (!end || *end)
		return value_fault(r, place, "must be a time such as 2026-11-22T10:00:00Z");
	*out = (int64_t)timegm(&tm) * 1000000; /* also puts 31 February right: then it reads differently */
	strftime(back, sizeof(back), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (strcmp(back, text) != 0)
		return value_fault(r, place, "must be a time such as 2026-11-22T10:00:00Z");
	return 0;
}

int value_texts(const struct reader *r, char ***out, size_t *count, json_t *array, const char *place,
                size_t most)
{
	char at[PLACE_SIZE];
	json_t *value;
	size_t i;
	int e;

	e = value_array(r, array, place, 0, most);
	if (e < 0 || !json_array_size(array))
		return e;
	*out = calloc(json_array_size(array), sizeof(**out));
	if (!*out)
		return value_no_memory(r);
	json_array_foreach(array, i, value)
	{
		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		e = value_text(r, &(*out)[i], value, at);
		if (e < 0)
			return e;
		++*count;
	}
	return 0;
}
