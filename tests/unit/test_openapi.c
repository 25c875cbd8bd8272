/* test_openapi.c - the API's document against the tables that the programs are made of */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api.h"
#include "body.h"
#include "embedded.h"
#include "must.h"
#include "result.h"
#include "route.h"
#include "settings.h"

#define ID          "AQAAAAAAABCDEFGHIJKLMNOPQRSTUVWX"
#define PARTICIPANT "8d3ad3a2-0c2e-8d0f-9e66-3a0a3c1d2f40"

static json_t *document;

static int setup(void **state)
{
	(void)state;
	document = json_loads(embedded_documents[0].text, JSON_REJECT_DUPLICATES, NULL);
	return document ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(document);
	return 0;
}

/* "components/schemas/Call": what stands there.  Borrowed. */
static json_t *at(const char *path)
{
	char *copy = must_strdup(path), *rest = copy;
	json_t *j = document;

	for (char *name; (name = strsep(&rest, "/"));) {
		json_t *next = isdigit((unsigned char)*name) && json_is_array(j)
		                       ? json_array_get(j, (size_t)strtoul(name, NULL, 10))
		                       : json_object_get(j, name);

		if (!next)
			fail_msg("%s: there is no %s", path, name);
		j = next;
	}
	free(copy);
	return j;
}

/* The thing itself, or what its $ref names. */
static json_t *resolved(json_t *j)
{
	const char *ref = json_string_value(json_object_get(j, "$ref"));

	return ref ? at(ref + strlen("#/")) : j;
}

/* ---- routes ---- */

static void parse(struct route *r, const char *path)
{
	char target[ROUTE_TARGET_MAX] = "";

	for (const char *from = path; *from;) {
		size_t used = strlen(target), len = strcspn(from, "{");

		snprintf(target + used, sizeof(target) - used, "%.*s%s", (int)len, from,
		         !strncmp(from + len, "{callLegId}", 11)       ? ID
		         : !strncmp(from + len, "{participantId}", 15) ? PARTICIPANT
		                                                       : "");
		from += len;
		from += strcspn(from, "}") + (*from != '\0');
	}
	if (route_parse(r, target) < 0)
		fail_msg("%s: the document has it, the producer does not know it", path);
}

static bool has_method(json_t *item, const char *list)
{
	char name[16];
	size_t n = 0;

	while (*list) {
		size_t len = strcspn(list, ", ");

		for (size_t i = 0; i < len; i++)
			name[i] = (char)tolower((unsigned char)list[i]);
		name[len] = '\0';
		if (!json_object_get(item, name))
			return false;
		n++;
		list += len + strspn(list + len, ", ");
	}
	/* and no other */
	return json_object_size(item) == n + (json_object_get(item, "parameters") != NULL);
}

static void test_each_route_is_in_it_and_no_other(void **state)
{
	bool seen[ROUTES][2] = { { false } };
	const char *path;
	json_t *item;

	(void)state;
	json_object_foreach(at("paths"), path, item)
	{
		struct route r;

		parse(&r, path);
		seen[r.name][r.api] = true;
		if (!has_method(item, route_methods(r.name)))
			fail_msg("%s: its methods are not %s", path, route_methods(r.name));
	}
	for (int name = 0; name < ROUTE_NONE; name++) {
		if (!seen[name][API_CALLS] || (!seen[name][API_CALLING] && name != ROUTE_DOCUMENT))
			fail_msg("route %d (%s): not in the document under both prefixes", name,
			         route_methods((enum operation_name)name));
	}
}

/* ---- statuses ---- */

static bool allows(json_t *response, const char *code)
{
	json_t *schema = json_object_get(
	        json_object_get(json_object_get(response, "content"), "application/json"), "schema");
	json_t *rule = json_object_get(
	        json_object_get(json_array_get(json_object_get(schema, "allOf"), 1), "properties"), "code");
	json_t *words = json_object_get(rule, "enum");

	for (size_t i = 0; i < json_array_size(words); i++)
		if (!strcmp(json_string_value(json_array_get(words, i)), code))
			return true;
	return json_object_get(rule, "const") &&
	       !strcmp(json_string_value(json_object_get(rule, "const")), code);
}

static void see_statuses(json_t *operation, const char *path, bool seen[600])
{
	const char *name;
	json_t *response;

	json_object_foreach(json_object_get(operation, "responses"), name, response)
	{
		int status = atoi(name);

		assert_in_range(status, 100, 599);
		seen[status] = true;
		/* 503 has a code of its own for each reason; 404 and 400 hold more than one */
		if (status >= 400 && !allows(resolved(response), answer_code(status)))
			fail_msg("%s %s: not answered with the code %s", path, name, answer_code(status));
	}
}

static void test_each_status_has_its_code(void **state)
{
	bool seen[600] = { false };
	const char *path, *method;
	json_t *item, *operation;

	(void)state;
	json_object_foreach(at("paths"), path, item)
	{
		json_object_foreach(item, method, operation)
		{
			if (strcmp(method, "parameters"))
				see_statuses(operation, path, seen);
		}
	}
	for (int status = 400; status < 600; status++) {
		bool known = strcmp(answer_code(status), answer_code(503)) || status == 503;

		if (known != seen[status])
			fail_msg("%d: %s", status, known ? "not in the document" : "nobody answers it");
	}
}

/* ---- bounds and words ---- */

static void test_bounds(void **state)
{
	static const struct {
		const char *path;
		json_int_t bound;
	} bounds[] = {
		{ "components/schemas/Identifiers/maxItems", TARGETS_MAX },
		{ "components/schemas/CallbackUri/maxLength", CALLBACK_URI_MAX },
		{ "components/schemas/OperationContext/maxLength", CONTEXT_MAX },
		{ "components/schemas/CreateCallRequest/properties/subject/maxLength", SUBJECT_MAX },
		{ "components/schemas/PlayAudioRequest/properties/audioFileUri/maxLength", CALLBACK_URI_MAX },
		{ "components/schemas/PlayAudioRequest/properties/audioFileId/maxLength", MEDIA_ID_MAX },
		{ "components/schemas/PlayAudioRequest/properties/resourceId/maxLength", MEDIA_ID_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++)
		if (json_integer_value(at(bounds[i].path)) != bounds[i].bound)
			fail_msg("%s is not %lld", bounds[i].path, (long long)bounds[i].bound);
}

/* The enum at `path` has the words from first to last, and no other. */
static void expect_words(const char *path, const char *(*word)(int), int first, int last)
{
	json_t *words = at(path);

	for (int i = first; i <= last; i++) {
		bool found = false;

		for (size_t k = 0; k < json_array_size(words); k++)
			found = found || !strcmp(json_string_value(json_array_get(words, k)), word(i));
		if (!found)
			fail_msg("%s: there is no %s", path, word(i));
	}
	assert_int_equal(json_array_size(words), last - first + 1);
}

static void test_words(void **state)
{
	(void)state;
	expect_words("components/schemas/Outcome/enum", outcome_name, OUTCOME_COMPLETED, OUTCOMES - 1);
	expect_words("components/schemas/Target/properties/state/enum", leg_state_name, 0, LEG_STATES - 1);
	for (int type = EVENT_CALL_STATE; type <= EVENT_PARTICIPANTS; type++) {
		const char *name = event_type_name(type);
		char path[128], full[64];

		snprintf(full, sizeof(full), "Microsoft.Communication.%s", name);
		snprintf(path, sizeof(path), "components/schemas/%s/properties/type/const", name);
		assert_string_equal(json_string_value(at(path)), full);
		snprintf(path, sizeof(path), "components/schemas/EventGrid%s/properties/eventType/const",
		         name);
		assert_string_equal(json_string_value(at(path)), full);
	}
	assert_int_equal(json_array_size(at("components/schemas/CloudEvents/items/oneOf")),
	                 EVENT_PARTICIPANTS + 1);
	assert_int_equal(json_array_size(at("components/schemas/EventGridEvents/items/oneOf")),
	                 EVENT_PARTICIPANTS + 1);
}

static void test_version(void **state)
{
	(void)state;
	assert_string_equal(json_string_value(at("info/version")), CALLCAST_VERSION);
	assert_string_equal(embedded_documents[0].name, "openapi.json");
	assert_null(embedded_documents[1].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_route_is_in_it_and_no_other),
		cmocka_unit_test(test_each_status_has_its_code),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
