/* call_path.c - see call_path.h */
#include "call_path.h"

#include <stdio.h>

#include "callid.h"
#include "line.h"
#include "tool.h"

int call_path(char out[CLIENT_PATH], const struct line *l, const char *behind)
{
	struct callid id;

	if (callid_parse(&id, l->arguments[0]) < 0) {
		fprintf(stderr, "callcast: %s: not a callLegId (32 characters, as call create prints it)\n",
		        l->arguments[0]);
		return TOOL_USAGE;
	}
	snprintf(out, CLIENT_PATH, "/calls/%s%s", l->arguments[0], behind);
	return TOOL_DONE;
}

int call_command(const struct settings *s, const struct line *l, const char *method, const char *behind,
                 json_t *body, json_t **answer)
{
	struct client *c = NULL;
	char path[CLIENT_PATH];
	int r;

	*answer = NULL;
	r = call_path(path, l, behind);
	if (r == TOOL_DONE)
		r = client_open(&c, s);
	if (r == TOOL_DONE)
		r = client_ask(c, method, path, body, answer);
	client_close(c);
	json_decref(body);
	return r;
}

void call_print_accepted(const struct line *l)
{
	if (line_has(l, "json"))
		printf("{\"callLegId\": \"%s\", \"status\": \"accepted\"}\n", l->arguments[0]);
}

void call_put_option(json_t *body, const char *field, const struct line *l, const char *option)
{
	const char *value = line_value(l, option);

	if (value)
		json_object_set_new(body, field, json_string(value));
}

void call_put_number(json_t *body, const char *field, const struct line *l, const char *option)
{
	const char *value = line_value(l, option);

	if (value)
		json_object_set_new(body, field, json_pack("{s:s}", "value", value));
}
