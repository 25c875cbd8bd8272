/*
 * tenants_file.c - reads the tenants file, strictly
 *
 * A fault is told with its place in the document ("tenants[1].accessKeys[0]")
 * and never with the value: values are keys.
 */
#include "tenants_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>

enum {
	FILE_MAX = 4 << 20,
	TENANTS_MAX = 10000,
	HOSTS_MAX = 64,
	CALLBACKS_MAX = 256,
	NAME_LEN_MAX = 64,
};

/* ---- server keys ---- */

static int read_server_key(const struct reader *r, struct tenants *t, json_t *object, size_t i)
{
	static const char *const known[] = { "number", "key", "until", NULL };
	struct server_key *k = &t->keys[t->key_count];
	json_t *number = json_object_get(object, "number"), *until = json_object_get(object, "until");
	char place[PLACE_SIZE], at[PLACE_SIZE + 16];
	int e;

	snprintf(place, sizeof(place), "serverKeys[%zu]", i);
	e = value_fields(r, object, place, known);
	if (e < 0)
		return e;
	if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) > 15)
		return value_fault(r, place, "number must be 0 to 15");
	k->number = (int)json_integer_value(number);
	if (i && k->number == t->keys[0].number)
		return value_fault(r, place, "number %d stands twice", k->number);
	if (!until != !i)
		return value_fault(r, place,
		                   i ? "until is missing: when it was replaced"
		                     : "until: the first key is the current one and has none");
	snprintf(at, sizeof(at), "%s.until", place);
	e = until ? value_time(r, &k->until, until, at) : 0;
	if (e < 0)
		return e;

	snprintf(at, sizeof(at), "%s.key", place);
	e = value_key(r, &k->mac, json_object_get(object, "key"), at, "");
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

	e = value_array(r, array, "serverKeys", 1, SERVER_KEYS_MAX);
	json_array_foreach(array, i, value)
	{
		if (e < 0)
			break;
		e = read_server_key(r, t, value, i);
	}
	return e;
}

/* ---- tenants ---- */

static int read_name(const struct reader *r, struct tenants *all, struct tenant *t, json_t *value,
                     const char *place)
{
	const char *name = json_string_value(value);
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

	if (!n || name[n] || n > NAME_LEN_MAX)
		return value_fault(r, place, "name must be 1 to %d of a-z, 0-9 and -", NAME_LEN_MAX);
	/* not counted yet: only those before it */
	if (tenants_by_name(all, name))
		return value_fault(r, place, "name '%s' stands twice", name);
	t->name = strdup(name);
	return t->name ? 0 : value_no_memory(r);
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

static int read_hosts(const struct reader *r, const struct tenants *all, struct tenant *t, json_t *array,
                      const char *place)
{
	char at[PLACE_SIZE];
	size_t i, h;
	int e;

	e = value_texts(r, &t->hosts, &t->host_count, array, place, HOSTS_MAX);
	for (i = 0; i < t->host_count && e == 0; i++) {
		const char *host = t->hosts[i];

		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		if (strpbrk(host, "/@?#\\"))
			return value_fault(r, at,
			                   "must be host or host:port, as a client's Host header says");
		for (h = 0; h < i; h++) {
			if (strcasecmp(t->hosts[h], host) == 0)
				return value_fault(r, at, "host '%.100s' stands twice", host);
		}
		if (host_taken(all, host))
			return value_fault(r, at, "host '%.100s' belongs to another tenant", host);
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
		return value_fault(r, place, "is empty; leave it out to allow all");
	e = value_texts(r, &t->callbacks, &t->callback_count, array, place, CALLBACKS_MAX);
	for (i = 0; i < t->callback_count && e == 0; i++) {
		const char *c = t->callbacks[i], *rest;

		snprintf(at, sizeof(at), "%.120s[%zu]", place, i);
		if (strncasecmp(c, "http://", 7) != 0 && strncasecmp(c, "https://", 8) != 0)
			return value_fault(r, at, "must begin with http:// or https://");
		rest = strchr(c, ':') + 3;
		if (*rest == '/' || !strchr(rest, '/'))
			return value_fault(r, at, "must name a host and a path, at least /");
		if (strpbrk(c, "?#@\\"))
			return value_fault(r, at, "must have no user, query or fragment");
	}
	return e;
}

static int read_source(const struct reader *r, struct identifier *out, json_t *object, const char *place)
{
	static const char *const known[] = { "phoneNumber", "communicationUser", "rawId", NULL };
	static const char *const number_known[] = { "value", NULL }, *const user_known[] = { "id", NULL };
	json_t *number = json_object_get(object, "phoneNumber"),
	       *user = json_object_get(object, "communicationUser");
	char at[PLACE_SIZE + 32];
	size_t digits;
	int e;

	if (!object)
		return 0;
	e = value_fields(r, object, place, known);
	if (e < 0)
		return e;
	if (json_object_size(object) != 1)
		return value_fault(r, place, "must have one of phoneNumber, communicationUser, rawId");

	snprintf(at, sizeof(at), "%s.%s", place,
	         number ? "phoneNumber"
	         : user ? "communicationUser"
	                : "rawId");
	if (number || user) {
		e = value_fields(r, number ? number : user, at, number ? number_known : user_known);
		if (e < 0)
			return e;
	}
	out->kind = number ? IDENTIFIER_PHONE : user ? IDENTIFIER_USER : IDENTIFIER_RAW;
	e = value_text(r, &out->value,
	               number ? json_object_get(number, "value")
	               : user ? json_object_get(user, "id")
	                      : json_object_get(object, "rawId"),
	               at);
	if (e < 0 || !number)
		return e;
	digits = strspn(out->value + 1, "0123456789");
	if (out->value[0] != '+' || out->value[1] == '0' || out->value[1 + digits] || digits < 2 ||
	    digits > 15)
		return value_fault(r, at, "value must be a number in E.164, such as +46701234567");
	return 0;
}

static int read_bearers(const struct reader *r, struct tenant *t, json_t *array, const char *place)
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
		e = value_hash(r, t->bearer[i], value, at);
		t->bearer_count = i + 1;
	}
	return e;
}

static int read_tenant(const struct reader *r, struct tenants *all, json_t *object, size_t i)
{
	static const char *const known[] = { "name",           "hosts",         "accessKeys", "bearerKeys",
		                             "webhookSecrets", "defaultSource", "callbacks",  NULL };
	struct tenant *t = &all->tenants[i];
	char place[6][PLACE_SIZE], at[64];
	int e, f;

	snprintf(at, sizeof(at), "tenants[%zu]", i);
	e = value_fields(r, object, at, known);
	if (e == 0)
		e = read_name(r, all, t, json_object_get(object, "name"), at);
	for (f = 0; f < 6; f++)
		snprintf(place[f], sizeof(place[f]), "%s.%s", at, known[f + 1]);
	if (e == 0)
		e = read_hosts(r, all, t, json_object_get(object, "hosts"), place[0]);
	if (e == 0)
		e = value_keys(r, t->access_keys, json_object_get(object, "accessKeys"), place[1], "");
	if (e == 0)
		e = read_bearers(r, t, json_object_get(object, "bearerKeys"), place[2]);
	if (e == 0)
		e = value_keys(r, t->webhook_secrets, json_object_get(object, "webhookSecrets"), place[3],
		               "whsec_");
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

	e = value_array(r, array, "tenants", 1, TENANTS_MAX);
	if (e < 0)
		return e;
	t->tenants = calloc(json_array_size(array), sizeof(*t->tenants));
	if (!t->tenants)
		return value_no_memory(r);
	json_array_foreach(array, i, value)
	{
		e = read_tenant(r, t, value, i);
		t->tenant_count = i + 1; /* also a half-read one: it is freed with the others */
		if (e < 0)
			return e;
		if (same_bearer(t, i)) {
			char place[64];

			snprintf(place, sizeof(place), "tenants[%zu].bearerKeys", i);
			return value_fault(r, place, "a key is another tenant's too");
		}
	}
	return 0;
}

/* ---- the file ---- */

/* Mode and bytes are those of one open file; *text is malloc'ed, and secret. */
static int read_file(const struct reader *r, char **text, size_t *len)
{
	struct stat st = { 0 };
	size_t have = 0;
	ssize_t n = 0;
	int fd, e = 0;

	fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		e = -errno;
		value_fault(r, "", "%s", strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		e = value_fault(r, "", "not a regular file");
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		value_fault(r, "", "is readable by others: chmod 600");
		e = -EACCES;
	} else if (st.st_size > FILE_MAX) {
		e = value_fault(r, "", "larger than %d bytes", FILE_MAX);
	} else {
		*text = malloc((size_t)st.st_size + 1);
		if (!*text)
			e = value_no_memory(r);
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
		value_fault(r, "", "%s", strerror(-e));
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
		return value_fault(r, "", "line %d, column %d: not valid JSON", error.line, error.column);

	e = value_fields(r, json, "", known);
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
		e = t ? parse(&r, t, text, len) : value_no_memory(&r);
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
