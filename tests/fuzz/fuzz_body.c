/* fuzz_body.c - see fuzz_body.h */
#include "fuzz_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct callback_rules *callbacks;
static char prefix[] = "https://app.example/hooks/", number[] = "+46700000000";
static char *prefixes[] = { prefix };
/* one may use any address and has no source; the other has a source, and one address */
static struct tenant tenants[] = {
	{ .name = (char *)"default" },
	{ .name = (char *)"bound",
	  .callbacks = prefixes,
	  .callback_count = 1,
	  .default_source = { IDENTIFIER_PHONE, number } },
};

void fuzz_body_open(void)
{
	char why[128];

	HOLDS(callback_rules_open(&callbacks, "127.0.0.0/8", why, sizeof(why)) == 0);
	HOLDS(records_open("", "", why, sizeof(why)) == 0);
}

/* ---- what must hold ---- */

static void check_identifier(const struct identifier *i)
{
	HOLDS(i->kind == IDENTIFIER_PHONE || i->kind == IDENTIFIER_USER || i->kind == IDENTIFIER_RAW);
	HOLDS(i->value && fuzz_visible(i->value) && strlen(i->value) <= 256);
	if (i->kind == IDENTIFIER_PHONE)
		HOLDS(fuzz_is_e164(i->value));
}

void fuzz_body_check_identifiers(const struct identifier *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_identifier(&list[i]);
		for (size_t k = 0; k < i; k++)
			HOLDS(list[i].kind != list[k].kind || strcmp(list[i].value, list[k].value) != 0);
	}
}

static void check_command(const struct call_command *c, const struct tenant *t)
{
	HOLDS(!c->operation_context || strlen(c->operation_context) <= CONTEXT_MAX);
	if (!c->callback_uri)
		return;
	HOLDS(fuzz_visible(c->callback_uri) && strlen(c->callback_uri) <= CALLBACK_URI_MAX);
	HOLDS(!callback_refused(callbacks, c->callback_uri, t->callbacks, t->callback_count));
}

/* ---- to JSON, and to Avro ---- */

json_t *fuzz_body_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

json_t *fuzz_body_phone(const char *phone)
{
	return phone ? json_pack("{s:s}", "value", phone) : json_null();
}

json_t *fuzz_body_identifier(const struct identifier *i)
{
	if (i->kind == IDENTIFIER_PHONE)
		return json_pack("{s:{s:s}}", "phoneNumber", "value", i->value);
	if (i->kind == IDENTIFIER_USER)
		return json_pack("{s:{s:s}}", "communicationUser", "id", i->value);
	return json_pack("{s:s}", "rawId", i->value);
}

json_t *fuzz_body_identifiers(const struct identifier *list, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, fuzz_body_identifier(&list[i]));
	return out;
}

static struct bytes encoded(const struct call_command *c)
{
	struct bytes b = { 0 };

	HOLDS(record_encode(RECORD_CALL_COMMAND, c, &b) == 0);
	return b;
}

static void same_bytes(struct bytes a, struct bytes b)
{
	HOLDS(a.len == b.len && !memcmp(a.data, b.data, a.len));
	free(b.data);
}

static void same_when_printed(const struct fuzz_body_kind *k, const struct call_command *c,
                              const struct body_rules *rules, struct bytes bytes)
{
	struct call_command again = { .kind = k->kind };
	struct body_fault fault = { "" };
	json_t *body = json_object();
	char *text;

	if (c->operation_context)
		json_object_set_new(body, "operationContext", json_string(c->operation_context));
	if (c->callback_uri)
		json_object_set_new(body, "callbackUri", json_string(c->callback_uri));
	k->print(c, body);
	text = json_dumps(body, 0);
	HOLDS(k->parse(&again, text, strlen(text), rules, &fault) == 0);
	same_bytes(bytes, encoded(&again));
	call_command_clear(&again);
	free(text);
	json_decref(body);
}

static void same_in_kafka(struct bytes bytes)
{
	struct call_command back = { 0 };

	HOLDS(record_decode(RECORD_CALL_COMMAND, &back, bytes.data, bytes.len, NULL) == 0);
	same_bytes(bytes, encoded(&back));
	call_command_clear(&back);
}

static void taken(const struct fuzz_body_kind *k, const struct call_command *c,
                  const struct body_rules *rules)
{
	struct bytes bytes = encoded(c);

	check_command(c, rules->tenant);
	k->check(c);
	same_when_printed(k, c, rules, bytes);
	same_in_kafka(bytes);
	free(bytes.data);
}

void fuzz_body(const struct fuzz_body_kind *k, const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	for (size_t i = 0; size <= BODY_MAX && i < sizeof(tenants) / sizeof(*tenants); i++) {
		struct body_rules rules = { callbacks, &tenants[i] };
		struct call_command c = { .kind = k->kind };
		struct body_fault fault = { "" };
		int r = k->parse(&c, text, size, &rules, &fault);

		HOLDS(r == 0 || r == -EINVAL);
		if (r == 0)
			taken(k, &c, &rules);
		else /* "field: what" */
			HOLDS(fuzz_names_something(fault.message) && strstr(fault.message, ": "));
		call_command_clear(&c);
	}
	free(text);
}
