/* body_invite.c - the body of POST /calls/{id}/participants */
#include "body.h"

#include <errno.h>
#include <stdlib.h>

static int read_alternate(struct invite_body *b, const json_t *body, struct body_fault *fault)
{
	const json_t *value = body_field(body, "alternateCallerId");

	return value ? body_phone(&b->alternate_caller_id, value, "alternateCallerId", fault) : 0;
}

static int read_all(struct call_command *c, const json_t *body, const struct body_rules *rules,
                    struct body_fault *fault)
{
	struct invite_body *b = c->invite;
	int r;

	r = body_identifiers(&b->participants, &b->participants_count, body, "participants", fault);
	if (!r)
		r = read_alternate(b, body, fault);
	if (!r)
		r = body_string(&c->operation_context, body, "operationContext", CONTEXT_MAX, fault);
	if (!r)
		r = body_callback(&c->callback_uri, body, rules, fault);
	return r;
}

int body_invite(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                struct body_fault *fault)
{
	json_t *body;
	int r;

	c->invite = calloc(1, sizeof(*c->invite));
	if (!c->invite)
		return -ENOMEM;
	r = body_parse(&body, text, len, fault);
	if (r < 0)
		return r;
	r = read_all(c, body, rules, fault);
	json_decref(body);
	return r;
}
