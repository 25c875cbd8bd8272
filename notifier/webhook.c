/* webhook.c - see webhook.h */
#include "webhook.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "sign.h"
#include "tenants.h"

#define TRACE_MAX 100

/* It was validated where it came in; still, a header is no place for more than the standard's characters. */
static bool is_traceparent(const char *text)
{
	return text && strlen(text) < TRACE_MAX && text[strspn(text, "0123456789abcdef-")] == '\0';
}

int webhook_send(struct poster *p, enum envelope_form form, const struct call_event *ev,
                 const struct tenant *tenant, post_done_fn *fn, void *arg)
{
	char id[ENVELOPE_ID_SIZE], id_line[ENVELOPE_ID_SIZE + 16], time_line[64];
	char signature[SIGN_SIZE], signature_line[SIGN_SIZE + 32], trace_line[TRACE_MAX + 16];
	struct post post = { .uri = ev->callback_uri, .headers = { id_line, time_line } };
	int64_t now = clock_utc() / CLOCK_SEC;
	struct bytes body = { 0 };
	size_t n = 2;
	int r;

	r = envelope_id(id, ev);
	if (!r)
		r = envelope_make(&body, form, ev);
	if (r < 0)
		return r;
	snprintf(id_line, sizeof(id_line), "webhook-id: %s", id);
	snprintf(time_line, sizeof(time_line), "webhook-timestamp: %" PRId64, now);
	if (*sign_webhook(signature, tenant->webhook_secrets, id, now, body.data, body.len)) {
		snprintf(signature_line, sizeof(signature_line), "webhook-signature: %s", signature);
		post.headers[n++] = signature_line;
	}
	if (is_traceparent(ev->traceparent)) {
		snprintf(trace_line, sizeof(trace_line), "traceparent: %s", ev->traceparent);
		post.headers[n++] = trace_line;
	}
	post.body = body.data;
	post.len = body.len;
	r = poster_send(p, &post, fn, arg);
	free(body.data);
	return r;
}
