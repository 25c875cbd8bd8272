/* body.c - see body.h: what all bodies share */
#include "body.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int body_fault(struct body_fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->message, sizeof(f->message), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/*
 * The parser quotes what it stumbled over, and that may be anything: only the
 * place goes into the answer, and the one reason that a reader can't see there.
 */
int body_parse(json_t **out, const char *text, size_t len, struct body_fault *fault)
{
	json_error_t error;
	json_t *j;

	if (!len)
		return body_fault(fault, "body: a JSON object is needed");
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!j && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!j && json_error_code(&error) == json_error_duplicate_key)
		return body_fault(fault, "body: a field stands twice in one object (line %d, column %d)",
		                  error.line, error.column);
	if (!j)
		return body_fault(fault, "body: not JSON (line %d, column %d)", error.line, error.column);
	if (!json_is_object(j)) {
		json_decref(j);
		return body_fault(fault, "body: not a JSON object");
	}
	*out = j;
	return 0;
}

json_t *body_field(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

int body_string(char **out, const json_t *object, const char *name, size_t max, struct body_fault *fault)
{
	const json_t *value = body_field(object, name);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return body_fault(fault, "%s: not a string", name);
	if (json_string_length(value) > max)
		return body_fault(fault, "%s: longer than %zu bytes", name, max);
	*out = strdup(json_string_value(value));
	return *out ? 0 : -ENOMEM;
}

int body_bool(bool *out, const json_t *object, const char *name, struct body_fault *fault)
{
	const json_t *value = body_field(object, name);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return body_fault(fault, "%s: not true or false", name);
	*out = json_is_true(value);
	return 0;
}

int body_callback(char **out, const json_t *object, const struct body_rules *rules, struct body_fault *fault)
{
	const json_t *value = body_field(object, "callbackUri");
	const char *refused;

	if (!value)
		return 0;
	if (!json_is_string(value))
		return body_fault(fault, "callbackUri: not a string");
	refused = callback_refused(rules->callbacks, json_string_value(value), rules->tenant->callbacks,
	                           rules->tenant->callback_count);
	if (refused)
		return body_fault(fault, "callbackUri: %s", refused);
	*out = strdup(json_string_value(value));
	return *out ? 0 : -ENOMEM;
}
