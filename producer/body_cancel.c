/* body_cancel.c - the body of POST /calls/{id}/CancelMediaProcessing: some clients send none */
#include "body.h"

int body_cancel(struct call_command *c, const char *text, size_t len, struct body_fault *fault)
{
	json_t *body;
	int r;

	if (!len)
		return 0;
	r = body_parse(&body, text, len, fault);
	if (r < 0)
		return r;
	r = body_string(&c->operation_context, body, "operationContext", CONTEXT_MAX, fault);
	json_decref(body);
	return r;
}
