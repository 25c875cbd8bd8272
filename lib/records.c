/*
 * records.c - see records.h: which schemas there are, and how a record is framed
 *
 * All versions of all types stand in one short list, made by records_open().
 */
#include "records.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include <jansson.h>

#include "embedded.h"
#include "records_parts.h"
#include "visible.h"

enum {
	VERSIONS_MAX = 128, /* of all types together */
	FINGERPRINT_FRAME = 10,
	REGISTRY_FRAME = 5,
};

/* One version of one type's schema. */
struct version {
	enum record_type type;
	int number; /* INT32_MAX: schemas/<name>.avsc, the newest */
	struct schema schema;
	const struct plan *plan;
	bool has_id;
	uint32_t id; /* in the registry */
};

static const char *const names[RECORD_TYPES] = {
	[RECORD_CALL_COMMAND] = "CallCommand",
	[RECORD_CALL_EVENT] = "CallEvent",
	[RECORD_CALL_RECORD] = "CallRecord",
	[RECORD_DEAD_LETTER] = "DeadLetter",
};

static struct {
	struct version *versions; /* never moves while it is open */
	size_t count;
	struct version *newest[RECORD_TYPES];
	struct version *written[RECORD_TYPES];
	bool registry;
} all;

static int fault(char *why, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int fault(char *why, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, size, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* ---- opening ---- */

/* A whole number of at least 1, or 0. */
static int version_number(const char *text, size_t len)
{
	int n = 0;
	size_t i;

	if (!len || len > 6)
		return 0;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

/* "CallCommand", "CallCommand.3": the type and version; the newest without a number. */
static bool parse_name(const char *text, size_t len, enum record_type *type, int *number)
{
	int t;

	for (t = 0; t < RECORD_TYPES; t++) {
		size_t n = strlen(names[t]);

		if (len < n || strncmp(text, names[t], n) != 0)
			continue;
		*type = (enum record_type)t;
		*number = INT32_MAX;
		if (len == n)
			return true;
		*number = text[n] == '.' ? version_number(text + n + 1, len - n - 1) : 0;
		return *number > 0;
	}
	return false;
}

static int load_schema(const struct embedded *e, char *why, size_t size)
{
	const char *base = strrchr(e->name, '/');
	size_t len;
	struct version *v = &all.versions[all.count];
	char reason[200] = "no memory";
	int r;

	base = base ? base + 1 : e->name;
	len = strlen(base);
	if (len < 5 || strcmp(base + len - 5, ".avsc") != 0 ||
	    !parse_name(base, len - 5, &v->type, &v->number))
		return fault(why, size, "%s: not <record>.avsc or <record>.<version>.avsc", e->name);
	if (all.count == VERSIONS_MAX)
		return fault(why, size, "%s: more than %d schemas", e->name, VERSIONS_MAX);

	r = schema_open(&v->schema, e->text, reason, sizeof(reason));
	if (r < 0) {
		fault(why, size, "%s: %s", e->name, reason);
		return r;
	}
	all.count++;
	r = plan_make(&v->plan, &v->schema, record_tables[v->type], reason, sizeof(reason));
	if (r < 0)
		fault(why, size, "%s: %s", e->name, reason);
	return r;
}

/* The highest version of the type that is not above `number`. */
static struct version *find_version(enum record_type type, int number)
{
	struct version *best = NULL;
	size_t i;

	for (i = 0; i < all.count; i++) {
		struct version *v = &all.versions[i];

		if (v->type == type && v->number <= number && (!best || v->number > best->number))
			best = v;
	}
	return best;
}

static int load_schemas(char *why, size_t size)
{
	const struct embedded *e;
	int r, t;

	all.versions = calloc(VERSIONS_MAX + 1, sizeof(*all.versions));
	if (!all.versions)
		return -ENOMEM;
	for (e = embedded_schemas; e->name; e++) {
		r = load_schema(e, why, size);
		if (r < 0)
			return r;
	}
	for (t = 0; t < RECORD_TYPES; t++) {
		all.newest[t] = find_version((enum record_type)t, INT32_MAX);
		if (!all.newest[t])
			return fault(why, size, "no schema of %s is built in", names[t]);
	}
	return 0;
}

/* "": the newest of each; "2": the second, or an earlier one of a type that has no second. */
static int choose_written(const char *setting, char *why, size_t size)
{
	int number = INT32_MAX, t;
	bool known = !*setting;
	size_t i;

	if (*setting) {
		number = version_number(setting, strlen(setting));
		if (!number)
			return fault(why, size, "schema.write: '%.40s' is not a version, such as 1", setting);
	}
	for (i = 0; i < all.count; i++)
		known = known || all.versions[i].number == number;
	if (!known)
		return fault(why, size, "schema.write: no schema has a version %d", number);

	for (t = 0; t < RECORD_TYPES; t++) {
		all.written[t] = find_version((enum record_type)t, number);
		if (!all.written[t])
			return fault(why, size, "schema.write: %s has no version %d", names[t], number);
		if (!all.written[t]->plan->complete)
			return fault(why, size,
			             "schema.write: %s version %d has fields that are no longer written",
			             names[t], number);
	}
	return 0;
}

/* {"CallCommand": 7, ...}: the id of the version written; "CallCommand.1": of an earlier one, to be read. */
static int take_id(const char *path, const char *name, json_t *value, char *why, size_t size)
{
	json_int_t id = json_integer_value(value);
	struct version *v = NULL;
	enum record_type type;
	int number;
	size_t i;

	if (!visible_text(name)) /* it is told below */
		return fault(why, size, "schema.registry: %s: a name holds a blank or a control character",
		             path);
	if (!json_is_integer(value) || id < 0 || id > UINT32_MAX)
		return fault(why, size, "schema.registry: %s: %.60s: not an id (0 to 4294967295)", path,
		             name);
	if (parse_name(name, strlen(name), &type, &number)) {
		v = number == INT32_MAX ? all.written[type] : find_version(type, number);
		if (v && number != INT32_MAX && v->number != number)
			v = NULL;
	}
	if (!v)
		return fault(why, size, "schema.registry: %s: no schema is named '%.60s'", path, name);
	for (i = 0; i < all.count; i++) {
		if (all.versions[i].has_id && all.versions[i].id == (uint32_t)id)
			return fault(why, size, "schema.registry: %s: %.60s: id %lld stands twice", path,
			             name, (long long)id);
	}
	v->has_id = true;
	v->id = (uint32_t)id;
	return 0;
}

static int load_registry(const char *path, char *why, size_t size)
{
	json_error_t error;
	const char *name;
	json_t *map, *value;
	int r = 0, t;

	map = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!map && json_error_code(&error) == json_error_cannot_open_file)
		return fault(why, size, "schema.registry: %s: %s", path, strerror(errno));
	if (!map) /* the parser's words quote what stands there, whatever it is */
		return fault(why, size, "schema.registry: %s: line %d, column %d: not valid JSON", path,
		             error.line, error.column);
	if (!json_is_object(map))
		r = fault(why, size, "schema.registry: %s: not an object {\"CallCommand\": id, ...}", path);
	json_object_foreach(map, name, value)
	{
		if (r == 0)
			r = take_id(path, name, value, why, size);
	}
	json_decref(map);
	for (t = 0; t < RECORD_TYPES && r == 0; t++) {
		if (!all.written[t]->has_id)
			r = fault(why, size, "schema.registry: %s: no id for %s", path, names[t]);
	}
	all.registry = r == 0;
	return r;
}

int records_open(const char *schema_write, const char *registry_path, char *why, size_t size)
{
	int r;

	snprintf(why, size, "no memory");
	r = load_schemas(why, size);
	if (r == 0)
		r = choose_written(schema_write, why, size);
	if (r == 0 && *registry_path)
		r = load_registry(registry_path, why, size);
	if (r < 0)
		records_close();
	return r;
}

void records_close(void)
{
	size_t i;

	for (i = 0; i < all.count; i++)
		schema_close(&all.versions[i].schema);
	free(all.versions);
	memset(&all, 0, sizeof(all));
}

/* ---- framing ---- */

static void put_frame(struct sink *s, const struct version *v)
{
	uint8_t frame[FINGERPRINT_FRAME];
	int i;

	if (all.registry) {
		frame[0] = 0;
		for (i = 0; i < 4; i++)
			frame[1 + i] = (uint8_t)(v->id >> (24 - 8 * i));
		sink_put(s, frame, REGISTRY_FRAME);
		return;
	}
	frame[0] = 0xc3;
	frame[1] = 0x01;
	for (i = 0; i < 8; i++)
		frame[2 + i] = (uint8_t)(v->schema.fingerprint >> (8 * i));
	sink_put(s, frame, FINGERPRINT_FRAME);
}

int record_encode(enum record_type type, const void *record, struct bytes *out)
{
	const struct version *v = all.written[type];
	struct sink s = { 0 };
	int r;

	put_frame(&s, v);
	r = plan_encode(v->plan, record, &s);
	if (r < 0) {
		free(s.data);
		return r;
	}
	out->data = s.data;
	out->len = s.len;
	return 0;
}

static const struct version *by_id(uint32_t id)
{
	size_t i;

	for (i = 0; i < all.count; i++) {
		if (all.versions[i].has_id && all.versions[i].id == id)
			return &all.versions[i];
	}
	return NULL;
}

/*
 * Of the type asked for first.  Versions that differ in words only have one
 * fingerprint; any of them reads the bytes.
 */
static const struct version *by_fingerprint(enum record_type type, uint64_t fingerprint)
{
	size_t i;

	if (all.written[type]->schema.fingerprint == fingerprint)
		return all.written[type];
	for (i = 0; i < all.count; i++) {
		if (all.versions[i].schema.fingerprint == fingerprint)
			return &all.versions[i];
	}
	return NULL;
}

/* The writer's schema and where the body begins. */
static int read_frame(const struct version **out, size_t *skip, enum record_type type, const uint8_t *data,
                      size_t len, const char **why)
{
	const struct version *v;
	uint64_t n = 0;
	int i;

	*why = "too short for a frame";
	if (len && data[0] == 0 && !all.registry) {
		/* without a registry it can't be told from any other bytes */
		*why = "framed for a schema registry, and none is configured";
		return -EBADMSG;
	}
	if (len >= REGISTRY_FRAME && data[0] == 0) {
		for (i = 0; i < 4; i++)
			n = n << 8 | data[1 + i];
		v = by_id((uint32_t)n);
		*skip = REGISTRY_FRAME;
		*why = "a schema id that this program does not know";
	} else if (len >= FINGERPRINT_FRAME && data[0] == 0xc3 && data[1] == 0x01) {
		for (i = 7; i >= 0; i--)
			n = n << 8 | data[2 + i];
		v = by_fingerprint(type, n);
		*skip = FINGERPRINT_FRAME;
		*why = "a schema fingerprint that this program does not know";
	} else {
		if (len && data[0] != 0 && data[0] != 0xc3)
			*why = "neither single-object encoding nor a registry's framing";
		return -EBADMSG;
	}

	if (!v)
		return -ENOTSUP;
	if (v->type != type) {
		*why = "a record of another type";
		return -EBADMSG;
	}
	*out = v;
	return 0;
}

int record_decode(enum record_type type, void *record, const void *data, size_t len, const char **why)
{
	const struct version *v;
	const char *reason = "no memory";
	size_t skip;
	int r;

	r = read_frame(&v, &skip, type, data, len, &reason);
	if (r == 0) {
		reason = "no memory";
		r = plan_decode(v->plan, record, (const uint8_t *)data + skip, len - skip, &reason);
		if (r < 0)
			table_clear(record_tables[type], record);
	}
	if (r < 0 && why)
		*why = reason;
	return r;
}

uint64_t record_fingerprint(enum record_type type)
{
	return all.newest[type]->schema.fingerprint;
}

const char *record_name(enum record_type type)
{
	return names[type];
}
