/* who.c - see who.h */
#include "who.h"

#include <string.h>

static const char user[] = "user:";

json_t *who_json(const char *text)
{
	if (*text == '+')
		return json_pack("{s:{s:s}}", "phoneNumber", "value", text);
	if (!strncmp(text, "8:", 2))
		return json_pack("{s:{s:s}}", "communicationUser", "id", text);
	if (!strncmp(text, user, strlen(user)))
		return json_pack("{s:{s:s}}", "communicationUser", "id", text + strlen(user));
	return json_pack("{s:s}", "rawId", text);
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

const char *who_text(const json_t *identifier)
{
	const json_t *phone = json_object_get(identifier, "phoneNumber");
	const json_t *someone = json_object_get(identifier, "communicationUser");

	if (json_is_object(phone)) /* null where it is none */
		return text_of(phone, "value");
	return json_is_object(someone) ? text_of(someone, "id") : text_of(identifier, "rawId");
}
