/*
 * tenants_file.c - reads the tenants file, strictly
 *
 * A fault is told with its place in the document ("tenants[1].accessKeys[0]")
 * and never with the value: values are keys.
 */
#include "tenants_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>

enum {
	FILE_MAX = 4 << 20,
	TENANTS_MAX = 10000,
	HOSTS_MAX = 64,
	CALLBACKS_MAX = 256,
	KEY_MIN = 16, /* bytes; shorter ones can be guessed */
	KEY_MAX = 512,
	NAME_LEN_MAX = 64,
	TEXT_MAX = 2048,
	PLACE_SIZE = 160,
};

struct reader {
	const char *path;
	char *why;
	size_t size;
};

static int fault(const struct reader *r, const char *place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fault(const struct reader *r, const char *place, const char *fmt, ...)
{
	char words[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	snprintf(r->why, r->size, "%s: %s%s%s", r->path, place, *place ? ": " : "", words);
	return -EINVAL;
}

static int no_memory(const struct reader *r)
{
	snprintf(r->why, r->size, "%s: no memory", r->path);
	return -ENOMEM;
}

/* ---- small things: each is given its value and its place ---- */

/* An object with these fields only; the list ends with NULL. */
static int check_fields(const struct reader *r, json_t *object, const char *place, const char *const *known)
{
	const char *name;
	json_t *value;
	size_t i;

	if (!json_is_object(object))
		return fault(r, place, "must be an object");
	json_object_foreach(object, name, value) {
		for (i = 0; known[i] && strcmp(known[i], name) != 0; i++)
			;
		if (!known[i])
			return fault(r, place, "unknown field '%.40s'", name);
	}
	return 0;
}

/* An array of at least `least` and at most `most`; missing counts as empty. */
static int check_array(const struct reader *r, json_t *array, const char *place, size_t least, size_t most)
{
	size_t n = json_array_size(array);

	if (array && !json_is_array(array))
		return fault(r, place, "must be an array");
	if (n < least)
		return fault(r, place, "must have at least %zu", least);
	if (n > most)
		return fault(r, place, "has %zu, at most %zu are taken", n, most);
	return 0;
}

static int copy_text(const struct reader *r, char **out, json_t *value, const char *place)
{
	const char *text = json_string_value(value), *p;

	if (!text || !*text)
		return fault(r, place, "must be a string that is not empty");
	if (json_string_length(value) > TEXT_MAX)
		return fault(r, place, "is longer than %d bytes", TEXT_MAX);
	for (p = text; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return fault(r, place, "holds a blank or a control character");
	}
	*out = strdup(text);
	return *out ? 0 : no_memory(r);
}

static int read_key(const struct reader *r, struct digest_key **out, json_t *value, const char *place,
		    const char *prefix)
{
	const char *text = json_string_value(value);
	uint8_t key[KEY_MAX + 3];
	size_t len;
	long n;
	int e;

	if (!text)
		return fault(r, place, "must be a string");
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return fault(r, place, "must begin with %s", prefix);
	text += strlen(prefix);
	len = strlen(text);
	if (len > BASE64_SIZE(KEY_MAX) - 1)
		return fault(r, place, "is longer than %d bytes", KEY_MAX);

	n = base64_decode(key, text, len);
	if (n < 0)
		e = fault(r, place, "not base64");
	else if (n < KEY_MIN)
		e = fault(r, place, "has %ld bytes, a key needs at least %d", n, KEY_MIN);
	else
		e = digest_key_open(out, key, (size_t)n) < 0 ? no_memory(r) : 0;
	OPENSSL_cleanse(key, sizeof(key));
	return e;
}

static int read_keys(const struct reader *r, struct digest_key *out[TENANT_KEYS_MAX], json_t *array, const char *place,
		     const char *prefix)
{
	char at[PLACE_SIZE];
	json_t *value;
	size_t i;
	int e;

	e = check_array(r, array, place, 0, TENANT_KEYS_MAX);
	json_array_foreach(array, i, value) {
		if (e < 0)
			break;
		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		e = read_key(r, &out[i], value, at, prefix);
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

static int read_hash(const struct reader *r, uint8_t out[DIGEST_SIZE], json_t *value, const char *place)
{
	const char *text = json_string_value(value);
	size_t i;

	if (!text || strlen(text) != 2 * DIGEST_SIZE)
		return fault(r, place, "must be the key's SHA-256, 64 hex digits");
	for (i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return fault(r, place, "must be the key's SHA-256, 64 hex digits");
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* RFC 3339 in UTC: 2026-11-22T10:00:00Z */
static int read_time(const struct reader *r, int64_t *out, json_t *value, const char *place)
{
	const char *text = json_string_value(value), *end;
	struct tm tm = { 0 };
	char back[32];

	end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	if (!end || *end)
		return fault(r, place, "must be a time such as 2026-11-22T10:00:00Z");
	*out = (int64_t)timegm(&tm) * 1000000; /* also puts 31 February right: then it reads differently */
	strftime(back, sizeof(back), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (strcmp(back, text) != 0)
		return fault(r, place, "must be a time such as 2026-11-22T10:00:00Z");
	return 0;
}

/* ---- server keys ---- */

static int read_server_key(const struct reader *r, struct tenants *t, json_t *object, size_t i)
{
	static const char *const known[] = { "number", "key", "until", NULL };
	struct server_key *k = &t->keys[t->key_count];
	json_t *number = json_object_get(object, "number"), *until = json_object_get(object, "until");
	char place[PLACE_SIZE], at[PLACE_SIZE + 16];
	int e;

	snprintf(place, sizeof(place), "serverKeys[%zu]", i);
	e = check_fields(r, object, place, known);
	if (e < 0)
		return e;
	if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) > 15)
		return fault(r, place, "number must be 0 to 15");
	k->number = (int)json_integer_value(number);
	if (i && k->number == t->keys[0].number)
		return fault(r, place, "number %d stands twice", k->number);
	if (!until != !i)
		return fault(r, place, i ? "until is missing: when it was replaced" :
					   "until: the first key is the current one and has none");
	snprintf(at, sizeof(at), "%s.until", place);
	e = until ? read_time(r, &k->until, until, at) : 0;
	if (e < 0)
		return e;

	snprintf(at, sizeof(at), "%s.key", place);
	e = read_key(r, &k->mac, json_object_get(object, "key"), at, "");
	if (e < 0)
		return e;
	t->key_count++;
	return 0;
}

static int read_server_keys(const struct reader *r, struct tenants *t, json_t *array)
{
	json_t *value;
	size_t i;
	int e;

	e = check_array(r, array, "serverKeys", 1, SERVER_KEYS_MAX);
	json_array_foreach(array, i, value) {
		if (e < 0)
			break;
		e = read_server_key(r, t, value, i);
	}
	return e;
}

/* ---- tenants ---- */

static int read_name(const struct reader *r, struct tenants *all, struct tenant *t, json_t *value, const char *place)
{
	const char *name = json_string_value(value);
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

	if (!n || name[n] || n > NAME_LEN_MAX)
		return fault(r, place, "name must be 1 to %d of a-z, 0-9 and -", NAME_LEN_MAX);
	/* not counted yet: only those before it */
	if (tenants_by_name(all, name))
		return fault(r, place, "name '%s' stands twice", name);
	t->name = strdup(name);
	return t->name ? 0 : no_memory(r);
}

static bool host_taken(const struct tenants *all, const char *host)
{
	size_t i, h;

	for (i = 0; i < all->tenant_count; i++) {
		for (h = 0; h < all->tenants[i].host_count; h++) {
			if (strcasecmp(all->tenants[i].hosts[h], host) == 0)
				return true;
		}
	}
	return false;
}

static int read_texts(const struct reader *r, char ***out, size_t *count, json_t *array, const char *place, size_t most)
{
	char at[PLACE_SIZE];
	json_t *value;
	size_t i;
	int e;

	e = check_array(r, array, place, 0, most);
	if (e < 0 || !json_array_size(array))
		return e;
	*out = calloc(json_array_size(array), sizeof(**out));
	if (!*out)
		return no_memory(r);
	json_array_foreach(array, i, value) {
		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		e = copy_text(r, &(*out)[i], value, at);
		if (e < 0)
			return e;
		++*count;
	}
	return 0;
}

static int read_hosts(const struct reader *r, const struct tenants *all, struct tenant *t, json_t *array,
		      const char *place)
{
	char at[PLACE_SIZE];
	size_t i, h;
	int e;

	e = read_texts(r, &t->hosts, &t->host_count, array, place, HOSTS_MAX);
	for (i = 0; i < t->host_count && e == 0; i++) {
		const char *host = t->hosts[i];

		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		if (strpbrk(host, "/@?#\\"))
			return fault(r, at, "must be host or host:port, as a client's Host header says");
		for (h = 0; h < i; h++) {
			if (strcasecmp(t->hosts[h], host) == 0)
				return fault(r, at, "host '%.100s' stands twice", host);
		}
		if (host_taken(all, host))
			return fault(r, at, "host '%.100s' belongs to another tenant", host);
	}
	return e;
}

/* A prefix must name scheme and host to its end: "https://app.example" would let app.example.evil in. */
static int read_callbacks(const struct reader *r, struct tenant *t, json_t *array, const char *place)
{
	char at[PLACE_SIZE];
	size_t i;
	int e;

	if (array && json_is_array(array) && !json_array_size(array))
		return fault(r, place, "is empty; leave it out to allow all");
	e = read_texts(r, &t->callbacks, &t->callback_count, array, place, CALLBACKS_MAX);
	for (i = 0; i < t->callback_count && e == 0; i++) {
		const char *c = t->callbacks[i], *rest;

		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		if (strncasecmp(c, "http://", 7) != 0 && strncasecmp(c, "https://", 8) != 0)
			return fault(r, at, "must begin with http:// or https://");
		rest = strchr(c, ':') + 3;
		if (*rest == '/' || !strchr(rest, '/'))
			return fault(r, at, "must name a host and a path, at least /");
		if (strpbrk(c, "?#@\\"))
			return fault(r, at, "must have no user, query or fragment");
	}
	return e;
}

static int read_source(const struct reader *r, struct identifier *out, json_t *object, const char *place)
{
	static const char *const known[] = { "phoneNumber", "communicationUser", "rawId", NULL };
	static const char *const number_known[] = { "value", NULL }, *const user_known[] = { "id", NULL };
	json_t *number = json_object_get(object, "phoneNumber"), *user = json_object_get(object, "communicationUser");
	char at[PLACE_SIZE + 32];
	size_t digits;
	int e;

	if (!object)
		return 0;
	e = check_fields(r, object, place, known);
	if (e < 0)
		return e;
	if (json_object_size(object) != 1)
		return fault(r, place, "must have one of phoneNumber, communicationUser, rawId");

	snprintf(at, sizeof(at), "%s.%s", place, number ? "phoneNumber" : user ? "communicationUser" : "rawId");
	if (number || user) {
		e = check_fields(r, number ? number : user, at, number ? number_known : user_known);
		if (e < 0)
			return e;
	}
	out->kind = number ? IDENTIFIER_PHONE : user ? IDENTIFIER_USER : IDENTIFIER_RAW;
	e = copy_text(r, &out->value,
		      number ? json_object_get(number, "value") :
		      user   ? json_object_get(user, "id") :
			       json_object_get(object, "rawId"),
		      at);
	if (e < 0 || !number)
		return e;
	digits = strspn(out->value + 1, "0123456789");
	if (out->value[0] != '+' || out->value[1] == '0' || out->value[1 + digits] || digits < 2 || digits > 15)
		return fault(r, at, "value must be a number in E.164, such as +46701234567");
	return 0;
}

static int read_bearers(const struct reader *r, struct tenant *t, json_t *array, const char *place)
{
	char at[PLACE_SIZE];
	json_t *value;
	size_t i;
	int e;

	e = check_array(r, array, place, 0, TENANT_KEYS_MAX);
	json_array_foreach(array, i, value) {
		if (e < 0)
			break;
		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		e = read_hash(r, t->bearer[i], value, at);
		t->bearer_count = i + 1;
	}
	return e;
}

static int read_tenant(const struct reader *r, struct tenants *all, json_t *object, size_t i)
{
	static const char *const known[] = { "name",	       "hosts",		"accessKeys", "bearerKeys",
					     "webhookSecrets", "defaultSource", "callbacks",  NULL };
	struct tenant *t = &all->tenants[i];
	char place[6][PLACE_SIZE], at[64];
	int e, f;

	snprintf(at, sizeof(at), "tenants[%zu]", i);
	e = check_fields(r, object, at, known);
	if (e == 0)
		e = read_name(r, all, t, json_object_get(object, "name"), at);
	for (f = 0; f < 6; f++)
		snprintf(place[f], sizeof(place[f]), "%s.%s", at, known[f + 1]);
	if (e == 0)
		e = read_hosts(r, all, t, json_object_get(object, "hosts"), place[0]);
	if (e == 0)
		e = read_keys(r, t->access_keys, json_object_get(object, "accessKeys"), place[1], "");
	if (e == 0)
		e = read_bearers(r, t, json_object_get(object, "bearerKeys"), place[2]);
	if (e == 0)
		e = read_keys(r, t->webhook_secrets, json_object_get(object, "webhookSecrets"), place[3], "whsec_");
	if (e == 0)
		e = read_source(r, &t->default_source, json_object_get(object, "defaultSource"), place[4]);
	if (e == 0)
		e = read_callbacks(r, t, json_object_get(object, "callbacks"), place[5]);
	return e;
}

static bool same_bearer(const struct tenants *t, size_t tenant)
{
	const struct tenant *mine = &t->tenants[tenant];
	size_t i, b, m;

	for (i = 0; i < tenant; i++) {
		for (b = 0; b < t->tenants[i].bearer_count; b++) {
			for (m = 0; m < mine->bearer_count; m++) {
				if (digest_equal(t->tenants[i].bearer[b], mine->bearer[m], DIGEST_SIZE))
					return true;
			}
		}
	}
	return false;
}

static int read_tenants(const struct reader *r, struct tenants *t, json_t *array)
{
	json_t *value;
	size_t i;
	int e;

	e = check_array(r, array, "tenants", 1, TENANTS_MAX);
	if (e < 0)
		return e;
	t->tenants = calloc(json_array_size(array), sizeof(*t->tenants));
	if (!t->tenants)
		return no_memory(r);
	json_array_foreach(array, i, value) {
		e = read_tenant(r, t, value, i);
		t->tenant_count = i + 1; /* also a half-read one: it is freed with the others */
		if (e < 0)
			return e;
		if (same_bearer(t, i)) {
			char place[64];

			snprintf(place, sizeof(place), "tenants[%zu].bearerKeys", i);
			return fault(r, place, "a key is another tenant's too");
		}
	}
	return 0;
}

/* ---- the file ---- */

/* Mode and bytes are those of one open file; *text is malloc'ed, and secret. */
static int read_file(const struct reader *r, char **text, size_t *len)
{
	struct stat st;
	size_t have = 0;
	ssize_t n = 0;
	int fd, e = 0;

	fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		e = -errno;
		fault(r, "", "%s", strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		e = fault(r, "", "not a regular file");
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		fault(r, "", "is readable by others: chmod 600");
		e = -EACCES;
	} else if (st.st_size > FILE_MAX) {
		e = fault(r, "", "larger than %d bytes", FILE_MAX);
	} else {
		*text = malloc((size_t)st.st_size + 1);
		if (!*text)
			e = no_memory(r);
	}
	while (e == 0 && have < (size_t)st.st_size) {
		n = read(fd, *text + have, (size_t)st.st_size - have);
		if (n < 0)
			e = -errno;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (n < 0)
		fault(r, "", "%s", strerror(-e));
	*len = have;
	if (fd >= 0)
		close(fd);
	return e;
}

static int parse(const struct reader *r, struct tenants *t, const char *text, size_t len)
{
	static const char *const known[] = { "serverKeys", "tenants", NULL };
	json_error_t error;
	json_t *json;
	int e;

	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!json) /* the parser's words may quote what stands there: only the place is told */
		return fault(r, "", "line %d, column %d: not valid JSON", error.line, error.column);

	e = check_fields(r, json, "", known);
	if (e == 0)
		e = read_server_keys(r, t, json_object_get(json, "serverKeys"));
	if (e == 0)
		e = read_tenants(r, t, json_object_get(json, "tenants"));
	json_decref(json);
	return e;
}

int tenants_load(struct tenants **out, const char *path, char *why, size_t size)
{
	struct reader r = { .path = path, .why = why, .size = size };
	struct tenants *t = NULL;
	char *text = NULL;
	size_t len = 0;
	int e;

	e = read_file(&r, &text, &len);
	if (e == 0) {
		t = calloc(1, sizeof(*t));
		e = t ? parse(&r, t, text, len) : no_memory(&r);
	}
	if (text)
		OPENSSL_cleanse(text, len);
	free(text);
	if (e < 0) {
		tenants_free(t);
		return e;
	}
	*out = t;
	return 0;
}
