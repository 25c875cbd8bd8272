/* command.c - see api.h: a complete request to a command, to Kafka, to its answer */
#include "api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "accept.h"
#include "body.h"
#include "clock.h"
#include "log.h"
#include "partitions.h"
#include "redis.h"
#include "settings.h"
#include "traffic.h"
#include "view.h"

#define LOOK_WAIT (5 * CLOCK_MS) /* what a look before a command may cost */

static void not_accepted(struct ticket *t, const char *why)
{
	answer_busy(t, 503, "notAccepted", why);
}

/* ---- the answer ---- */

/* The API answers a play and a cancel alike: what becomes of it comes as an event. */
static char *operation_json(const struct call_command *c)
{
	json_t *j = json_pack("{s:s, s:s, s:s?, s:n}", "id", c->command_id, "status", "running",
	                      "operationContext", c->operation_context, "resultInfo");
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return text;
}

static char *create_json(const struct call_command *c)
{
	json_t *j = json_pack("{s:s}", "callLegId", c->call_leg_id);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return text;
}

static void answer_done(struct ticket *t)
{
	if (t->repeat.asked)
		request_add(t->request, "Repeatability-Result", "accepted");
	if (t->command.kind == COMMAND_CREATE)
		answer_json(t, t->route.api_version ? 201 : 200, create_json(&t->command));
	else if (t->command.kind == COMMAND_PLAY)
		answer_json(t, 202, operation_json(&t->command));
	else if (t->command.kind == COMMAND_CANCEL)
		answer_json(t, t->route.api_version ? 200 : 202, operation_json(&t->command));
	else
		answer_empty(t, 202);
}

static void leave_inflight(struct ticket *t)
{
	traffic_inflight(--t->api->inflight);
}

static void on_accepted(void *arg, const struct accept_result *result)
{
	struct ticket *t = arg;
	const struct call_command *c = &t->command;

	leave_inflight(t);
	if (result->outcome == ACCEPT_DONE) {
		log_info("command.accepted call=%s command=%s kind=%s tenant=%s partition=%d offset=%lld",
		         c->call_leg_id, c->command_id, command_kind_name(c->kind), c->tenant,
		         (int)result->partition, (long long)result->offset);
		answer_done(t);
		return;
	}
	log_warn("command.failed call=%s command=%s kind=%s outcome=%s error=%s", c->call_leg_id,
	         c->command_id, command_kind_name(c->kind),
	         result->outcome == ACCEPT_REFUSED ? "notAccepted" : "unknown", result->why);
	if (result->outcome == ACCEPT_REFUSED)
		not_accepted(t, "Kafka did not take the command: nothing was done");
	else
		answer_busy(t, 503, "unknown",
		            "Kafka did not acknowledge the command in time: it may still be carried out");
}

static void hand_over(struct ticket *t)
{
	struct call_command *c = &t->command;
	int64_t now = clock_utc();
	int r;

	c->accepted_at = now;
	c->expires_at = now + t->api->settings->command_ttl;
	c->answer_by = now + answer_by_allow(&t->api->answers, clock_mono());
	t->produced = clock_mono();
	r = accept_command(t->api->accept, c, t->partition, on_accepted, t);
	if (r == 0)
		return;
	t->produced = 0;
	leave_inflight(t);
	log_warn("command.failed call=%s command=%s outcome=notAccepted error=%s", c->call_leg_id,
	         c->command_id, strerror(-r));
	not_accepted(t, "the command could not be handed to Kafka: nothing was done");
}

/* ---- the look ---- */

static bool record_knows(const struct call_record *r, const char *command)
{
	for (size_t i = 0; i < r->command_ids_count; i++) {
		if (!strcmp(r->command_ids[i], command))
			return true;
	}
	return false;
}

static void refuse(struct ticket *t, int status, const char *code, const char *message)
{
	leave_inflight(t);
	answer_fault(t, status, code, message);
}

#define IN(state) (1u << (state))
#define BEFORE    (IN(CALL_IDLE) | IN(CALL_ESTABLISHING))
#define AFTER     (IN(CALL_LEFT) | IN(CALL_TERMINATING) | IN(CALL_TERMINATED))

/* The states of a call in which a command is taken.  No record is CALL_IDLE: the create may be on its way still. */
static const unsigned taken_in[] = {
	[COMMAND_DELETE] = BEFORE | IN(CALL_ESTABLISHED) | AFTER, /* every 2xx has its command in the log */
	[COMMAND_HANGUP] = BEFORE | IN(CALL_ESTABLISHED) | IN(CALL_TERMINATING),
	[COMMAND_REMOVE] = BEFORE | IN(CALL_ESTABLISHED), /* who rings, too; of no record nobody knows one */
	[COMMAND_PLAY] = IN(CALL_ESTABLISHED),
	[COMMAND_CANCEL] = IN(CALL_ESTABLISHED),
	[COMMAND_INVITE] = IN(CALL_ESTABLISHED),
};

/* One that we hang up is there until his end is heard. */
static bool is_there(const struct call_record *r, const char *participant)
{
	for (size_t i = 0; i < r->legs_count; i++) {
		const struct leg *l = &r->legs[i];

		if (l->participant_id && !strcmp(l->participant_id, participant))
			return l->state != LEG_ENDED;
	}
	return false;
}

static void on_look(void *arg, enum view_answer answer, const struct call_record *record)
{
	struct ticket *t = arg;
	const struct call_command *c = &t->command;
	const unsigned in = IN(record ? record->state : CALL_IDLE);
	const bool taken = taken_in[c->kind] & in;

	/* not to be read now: the worker decides; a repeat of what was done is answered as the first was */
	if ((answer != VIEW_FOUND && answer != VIEW_NONE) || (record && record_knows(record, c->command_id)))
		hand_over(t);
	else if (!taken && (in & BEFORE))
		refuse(t, 400, CODE_NOT_ESTABLISHED, "the call is not established");
	else if (!taken)
		refuse(t, 400, CODE_ENDED, "the call has ended");
	else if (c->kind == COMMAND_REMOVE && !(record && is_there(record, c->participant_id)))
		refuse(t, 404, CODE_NOT_FOUND, NO_SUCH_PARTICIPANT);
	else
		hand_over(t);
}

static void look(struct ticket *t)
{
	struct api *a = t->api;

	if (t->command.kind == COMMAND_CREATE || !redis_is_up(a->redis) ||
	    view_ask(a->loop, a->redis, t->route.call, t->id.partition, LOOK_WAIT, on_look, t) < 0)
		hand_over(t);
}

/* ---- the command ---- */

static int call_id(struct ticket *t, int32_t count)
{
	struct api *a = t->api;
	const struct repeat *rep = &t->repeat;
	const struct server_key *key = NULL;
	uint32_t seconds = (uint32_t)(clock_utc() / CLOCK_SEC), draw = a->turn++;
	uint8_t bytes[REPEAT_BYTES];
	char id[CALLID_SIZE];
	int r;

	/* all that a repeat's id is made of must be what it was the first time */
	if (rep->repeatable) {
		repeat_bytes(rep, bytes, &draw);
		seconds = (uint32_t)(rep->first_sent / CLOCK_SEC);
	}
	if (rep->first_sent) {
		count = former_count(&a->former, rep->first_sent, count);
		key = tenants_server_key_at(a->tenants, rep->first_sent);
	}
	t->partition = (int32_t)(draw % (uint32_t)count);
	r = callid_make(id, a->tenants, t->tenant, key ? key->number : -1, t->partition, seconds,
	                rep->repeatable ? bytes : NULL);
	if (r < 0)
		return r;
	t->command.call_leg_id = strdup(id);
	return t->command.call_leg_id ? 0 : -ENOMEM;
}

static int name_command(struct ticket *t, const uint8_t hash[DIGEST_SIZE])
{
	struct call_command *c = &t->command;
	char id[UUID_SIZE];

	if (t->repeat.repeatable) {
		repeat_command_id(&t->repeat, id);
		c->body_hash.data = malloc(DIGEST_SIZE);
		if (!c->body_hash.data)
			return -ENOMEM;
		memcpy(c->body_hash.data, hash, DIGEST_SIZE);
		c->body_hash.len = DIGEST_SIZE;
	} else {
		uuid_random(id);
	}
	c->command_id = strdup(id);
	c->tenant = strdup(t->tenant);
	c->traceparent = t->has_traceparent ? strdup(t->traceparent) : NULL;
	c->api = t->route.api;
	return c->command_id && c->tenant && (c->traceparent || !t->has_traceparent) ? 0 : -ENOMEM;
}

static int name_call(struct ticket *t)
{
	int32_t count = partitions_commands(t->api->partitions);

	if (t->route.name == ROUTE_CALLS)
		return count ? call_id(t, count) : -EAGAIN;
	t->partition = t->id.partition;
	t->command.call_leg_id = strdup(t->route.call);
	if (!t->command.call_leg_id)
		return -ENOMEM;
	if (t->route.name != ROUTE_PARTICIPANT)
		return 0;
	t->command.participant_id = strdup(t->route.participant);
	return t->command.participant_id ? 0 : -ENOMEM;
}

static int kind_of(const struct ticket *t)
{
	switch (t->route.name) {
	case ROUTE_CALLS:
		return COMMAND_CREATE;
	case ROUTE_PLAY:
		return COMMAND_PLAY;
	case ROUTE_CANCEL:
		return COMMAND_CANCEL;
	case ROUTE_HANGUP:
		return COMMAND_HANGUP;
	case ROUTE_PARTICIPANTS:
		return COMMAND_INVITE;
	case ROUTE_PARTICIPANT:
		return COMMAND_REMOVE;
	default:
		return COMMAND_DELETE;
	}
}

/* What goes without a body doesn't look at one. */
static int read_body(struct ticket *t, const struct tenant *tenant)
{
	const struct request *r = t->request;
	const struct body_rules rules = { .callbacks = t->api->callbacks, .tenant = tenant };
	const char *text = r->body ? r->body : "";
	struct body_fault fault = { "" };
	int e = 0;

	t->command.kind = kind_of(t);
	if (t->command.kind == COMMAND_CREATE)
		e = body_create(&t->command, text, r->body_len, &rules, &fault);
	else if (t->command.kind == COMMAND_PLAY)
		e = body_play(&t->command, text, r->body_len, &rules, &fault);
	else if (t->command.kind == COMMAND_INVITE)
		e = body_invite(&t->command, text, r->body_len, &rules, &fault);
	else if (t->command.kind == COMMAND_CANCEL)
		e = body_cancel(&t->command, text, r->body_len, &fault);
	if (e == -EINVAL)
		answer_fault(t, 400, CODE_INVALID, fault.message);
	else if (e < 0)
		not_accepted(t, "out of memory");
	return e;
}

void command_take(struct ticket *t)
{
	struct api *a = t->api;
	const struct request *r = t->request;
	const struct tenant *tenant = tenants_by_name(a->tenants, t->tenant);
	uint8_t hash[DIGEST_SIZE];
	int e;

	digest_sha256(hash, r->body ? r->body : "", r->body_len);
	if (!tenant || (t->signed_body && !digest_equal(hash, t->declared_hash, DIGEST_SIZE))) {
		answer_stranger(t, "x-ms-content-sha256: not the hash of the body");
		return;
	}
	if (a->inflight >= (size_t)a->settings->http_inflight) {
		not_accepted(t, "too many requests wait for Kafka: nothing was done");
		return;
	}
	if (read_body(t, tenant) < 0)
		return;
	repeat_add_body(&t->repeat, hash);
	e = name_command(t, hash);
	if (!e)
		e = name_call(t);
	if (e < 0) {
		not_accepted(t, e == -EAGAIN ? "Kafka's topics are not known yet: nothing was done"
		                             : "the call could not be named: nothing was done");
		return;
	}
	traffic_inflight(++a->inflight);
	look(t);
}
