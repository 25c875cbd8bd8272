/* body_identifier.c - who is meant: a phone number, a user or a raw id */
#include "body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "visible.h"

#define IDENTIFIER_MAX 256 /* bytes */

bool body_is_e164(const char *number)
{
	size_t digits = strspn(number + (*number == '+'), "0123456789");

	return number[0] == '+' && number[1] != '0' && digits >= 2 && digits <= 15 && !number[digits + 1];
}

int body_phone(char **out, const json_t *value, const char *where, struct body_fault *fault)
{
	const json_t *number;

	if (!json_is_object(value))
		return body_fault(fault, "%s: not an object", where);
	number = body_field(value, "value");
	if (!number)
		return body_fault(fault, "%s.value: missing", where);
	if (!json_is_string(number))
		return body_fault(fault, "%s.value: not a string", where);
	if (!body_is_e164(json_string_value(number)))
		return body_fault(fault, "%s.value: not an E.164 number", where);
	*out = strdup(json_string_value(number));
	return *out ? 0 : -ENOMEM;
}

/* An id becomes part of what carriers dial and logs show: visible characters only. */
static int id_text(char **out, const json_t *value, const char *where, const char *name,
                   struct body_fault *fault)
{
	const char *text;

	if (!value)
		return body_fault(fault, "%s.%s: missing", where, name);
	if (!json_is_string(value))
		return body_fault(fault, "%s.%s: not a string", where, name);
	text = json_string_value(value);
	if (!*text || json_string_length(value) > IDENTIFIER_MAX)
		return body_fault(fault, "%s.%s: must be 1 to %d bytes", where, name, IDENTIFIER_MAX);
	if (!visible_text(text))
		return body_fault(fault, "%s.%s: holds a space or control character", where, name);
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int id_user(char **out, const json_t *value, const char *where, struct body_fault *fault)
{
	char inner[96];

	snprintf(inner, sizeof(inner), "%s.communicationUser", where);
	if (!json_is_object(value))
		return body_fault(fault, "%s: not an object", inner);
	return id_text(out, body_field(value, "id"), inner, "id", fault);
}

static int id_phone(char **out, const json_t *value, const char *where, struct body_fault *fault)
{
	char inner[96];

	snprintf(inner, sizeof(inner), "%s.phoneNumber", where);
	return body_phone(out, value, inner, fault);
}

/* What we show as the rawId of a number is that number, and of a user that user: nobody is in a call under two names. */
static int id_raw(struct identifier *out, const json_t *raw, const char *where, struct body_fault *fault)
{
	static const char phone[] = "4:", user[] = "8:";
	const char *text = json_string_value(raw);

	if (!strncmp(text, phone, strlen(phone)) && body_is_e164(text + strlen(phone))) {
		out->kind = IDENTIFIER_PHONE;
		out->value = strdup(text + strlen(phone));
		return out->value ? 0 : -ENOMEM;
	}
	out->kind = strncmp(text, user, strlen(user)) ? IDENTIFIER_RAW : IDENTIFIER_USER;
	return id_text(&out->value, raw, where, "rawId", fault);
}

/* rawId may stand beside either kind, as the SDKs send it; the kind counts. */
int body_identifier(struct identifier *out, const json_t *value, const char *where, struct body_fault *fault)
{
	const json_t *phone, *user, *raw;

	if (!json_is_object(value))
		return body_fault(fault, "%s: not an identifier object", where);
	phone = body_field(value, "phoneNumber");
	user = body_field(value, "communicationUser");
	raw = body_field(value, "rawId");
	if (body_field(value, "microsoftTeamsUser"))
		return body_fault(fault, "%s.microsoftTeamsUser: users of Teams can't be called from here",
		                  where);
	if (phone && user)
		return body_fault(fault, "%s: phoneNumber and communicationUser exclude each other", where);
	if (raw && !json_is_string(raw))
		return body_fault(fault, "%s.rawId: not a string", where);

	if (phone) {
		out->kind = IDENTIFIER_PHONE;
		return id_phone(&out->value, phone, where, fault);
	}
	if (user) {
		out->kind = IDENTIFIER_USER;
		return id_user(&out->value, user, where, fault);
	}
	if (!raw)
		return body_fault(fault, "%s: needs phoneNumber, communicationUser or rawId", where);
	return id_raw(out, raw, where, fault);
}
