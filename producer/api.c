/* api.c - see api.h: all that is decided before the body, and GET */
#include "api.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "clock.h"
#include "rate.h"
#include "settings.h"
#include "traffic.h"
#include "view.h"

#define IDLE_SECONDS 60 /* how long a command may be on its way before a missing call is said to be missing */

/* 00-<32 hex>-<16 hex>-<2 hex>, lower case, no id all zero (W3C Trace Context, version 00). */
static bool traceparent_valid(const char *text)
{
	static const char shape[] = "00-################################-################-##";
	size_t i;

	if (strlen(text) != strlen(shape))
		return false;
	for (i = 0; shape[i]; i++) {
		if (shape[i] == '#' ? !isxdigit((unsigned char)text[i]) || isupper((unsigned char)text[i])
		                    : text[i] != shape[i])
			return false;
	}
	return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

/* Only what has the form of an id goes back: an answer is no place for a stranger's text. */
static void echo(struct ticket *t)
{
	const char *id = request_header(t->request, "x-ms-client-request-id");
	const char *trace = request_header(t->request, "traceparent");

	if (id && uuid_valid(id))
		request_add(t->request, "x-ms-client-request-id", id);
	if (trace && traceparent_valid(trace)) {
		memcpy(t->traceparent, trace, TRACEPARENT_SIZE);
		t->has_traceparent = true;
		request_add(t->request, "traceparent", trace);
	}
}

static int check_who(struct ticket *t)
{
	struct request *r = t->request;
	struct auth_request q = {
		.method = r->method,
		.target = r->target,
		.authorization = request_header(r, "Authorization"),
		.host = request_header(r, "Host"),
		.date = request_header(r, "Date"),
		.x_ms_date = request_header(r, "x-ms-date"),
		.body_hash = request_header(r, "x-ms-content-sha256"),
		.now = clock_utc(),
	};
	struct auth auth;
	const char *why;

	if (auth_check(&auth, t->api->tenants, &q, &why) < 0) {
		answer_stranger(t, why);
		return -EACCES;
	}
	snprintf(t->tenant, sizeof(t->tenant), "%s", auth.tenant->name);
	t->signed_body = auth.signed_body;
	memcpy(t->declared_hash, auth.body_hash, DIGEST_SIZE);
	return 0;
}

/* Route, method, the id's tag: what can be said without asking anyone. */
static int check_where(struct ticket *t, int routed)
{
	struct request *r = t->request;

	if (routed < 0) {
		answer_fault(t, 404, CODE_NOT_FOUND, "no such route");
		return -ENOENT;
	}
	if (!route_allows(t->route.name, r->method)) {
		request_add(r, "Allow", route_methods(t->route.name));
		answer_fault(t, 405, answer_code(405), "the method is not one of the route's");
		return -ENOENT;
	}
	if (t->route.name != ROUTE_CALLS &&
	    callid_check(&t->id, t->api->tenants, t->tenant, t->route.call) < 0) {
		t->route.call[0] = '\0'; /* whatever it is, it is no id: it does not go into the log */
		answer_fault(t, 404, CODE_NOT_FOUND, "no such call");
		return -ENOENT;
	}
	if (t->route.name == ROUTE_PARTICIPANT && !t->route.participant[0]) {
		answer_fault(t, 404, CODE_NOT_FOUND, NO_SUCH_PARTICIPANT);
		return -ENOENT;
	}
	return 0;
}

static bool takes_json(const struct ticket *t)
{
	const enum operation_name name = t->route.name;

	return !strcmp(t->request->method, "POST") && (name == ROUTE_CALLS || name == ROUTE_PLAY ||
	                                               name == ROUTE_CANCEL || name == ROUTE_PARTICIPANTS);
}

static int check_form(struct ticket *t)
{
	static const char json[] = "application/json";
	const char *type = request_header(t->request, "Content-Type");
	const char *encoding = request_header(t->request, "Content-Encoding");

	if (!takes_json(t) || !request_has_body(t->request))
		return 0;
	if (encoding && strcasecmp(encoding, "identity")) {
		answer_fault(t, 415, answer_code(415), "Content-Encoding: a body must come as it is");
		return -EINVAL;
	}
	if (type && !strncasecmp(type, json, strlen(json)) && strchr("; \t", type[strlen(json)]))
		return 0; /* strchr finds the end too */
	answer_fault(t, 415, answer_code(415), "Content-Type: must be application/json");
	return -EINVAL;
}

static int check_repeat(struct ticket *t)
{
	struct request *r = t->request;
	struct repeat_headers h = {
		.request_id = request_header(r, "Repeatability-Request-ID"),
		.first_sent = request_header(r, "Repeatability-First-Sent"),
		.idempotency_key = request_header(r, "Idempotency-Key"),
		.client_request_id = request_header(r, "x-ms-client-request-id"),
	};
	struct repeat_request q = {
		.tenant = t->tenant,
		.method = r->method,
		.path = r->target,
		.path_len = t->route.path_len,
		.now = clock_utc(),
		.ttl = t->api->settings->command_ttl,
	};
	const char *why;
	int status;

	if (!strcmp(r->method, "GET"))
		return 0;
	status = repeat_read(&t->repeat, &h, &q, &why);
	if (!status)
		return 0;
	answer_fault(t, status, answer_code(status), why);
	return -EINVAL;
}

static void on_head(void *arg, struct request *r)
{
	struct ticket *t = calloc(1, sizeof(*t));
	int routed;

	if (!t) {
		request_answer(r, 503, NULL);
		return;
	}
	t->api = arg;
	t->request = r;
	r->user = t;
	routed = strlen(r->target) > ROUTE_TARGET_MAX ? -EINVAL : route_parse(&t->route, r->target);
	if (routed == -EINVAL) {
		answer_fault(t, 400, CODE_INVALID, "request target: too long, or not decodable");
		return;
	}
	if (t->route.name == ROUTE_DOCUMENT) {
		document_answer(t);
		return;
	}
	echo(t);
	if (check_who(t) < 0 || check_where(t, routed) < 0)
		return;
	if (rate_take(t->api->rate, t->tenant, clock_mono()) > 0) {
		answer_busy(t, 429, answer_code(429), "more requests a second than this tenant may make");
		return;
	}
	if (check_form(t) < 0)
		return;
	check_repeat(t);
}

/* ---- GET ---- */

static void on_view(void *arg, enum view_answer answer, const struct call_record *record)
{
	struct ticket *t = arg;
	const bool roster = t->route.name == ROUTE_PARTICIPANTS;
	int64_t age = clock_utc() / CLOCK_SEC - (int64_t)t->id.seconds;

	if (answer == VIEW_FOUND)
		answer_json(t, 200, roster ? view_participants(record) : view_json(record));
	else if (answer == VIEW_NONE && (!t->id.seconds || age < IDLE_SECONDS))
		answer_json(t, 200, roster ? view_participants(NULL) : view_json_idle(t->route.call));
	else if (answer == VIEW_NONE)
		answer_fault(t, 404, CODE_NOT_FOUND, "no such call, or it ended long ago");
	else
		answer_busy(t, 503, "unavailable", "the calls' state can't be read now");
}

static void on_body(void *arg, struct request *r)
{
	struct api *a = arg;
	struct ticket *t = r->user;

	if (strcmp(r->method, "GET")) {
		command_take(t);
		return;
	}
	if (view_ask(a->loop, a->redis, t->route.call, t->id.partition, a->settings->redis_timeout, on_view,
	             t) < 0)
		answer_busy(t, 503, "unavailable", "out of memory");
}

static void on_gone(void *arg, struct request *r)
{
	struct api *a = arg;
	struct ticket *t = r->user;
	int64_t now = clock_mono();

	traffic_request(t ? t->route.name : ROUTE_NONE, r->left ? r->status : 0, now - r->began);
	if (!t)
		return;
	if (t->produced && r->left && r->status < 300) {
		answer_by_note(&a->answers, now, now - t->produced);
		if (clock_utc() > t->command.answer_by)
			traffic_late();
	}
	call_command_clear(&t->command);
	free(t);
	r->user = NULL;
}

struct server_handler api_handler(struct api *a)
{
	return (struct server_handler){
		.head = on_head, .body = on_body, .gone = on_gone, .words = answer_words, .arg = a
	};
}
