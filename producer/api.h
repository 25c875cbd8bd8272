/*
 * api.h - the journey of a request: who asks, what for, may it, into Kafka, and the answer
 *
 *   head   target, signature, route, method, rate, the id's tag        (api.c)
 *   body   its hash, its fields, the command and its ids               (command.c)
 *   look   what Redis knows of the call, 5 ms at most                  (command.c)
 *   accept Kafka's acknowledgement, then the answer                    (command.c)
 *
 * What is needed from elsewhere is borrowed in struct api; one loop, one thread.
 */
#ifndef API_H
#define API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "answer_by.h"
#include "callid.h"
#include "records.h"
#include "repeat.h"
#include "route.h"
#include "server.h"
#include "tenants.h"

struct accept;
struct callback_rules;
struct loop;
struct partitions;
struct rate;
struct redis;
struct settings;

struct api {
	struct loop *loop;
	const struct settings *settings;
	struct tenants *tenants; /* replaced at SIGHUP; tickets keep names only */
	const struct callback_rules *callbacks;
	struct former former;
	struct accept *accept;
	struct partitions *partitions;
	struct redis *redis;
	struct rate *rate;

	struct answer_by answers;
	size_t inflight; /* commands that wait for Kafka */
	uint32_t turn;   /* round robin over the partitions */
};

#define TENANT_SIZE      65
#define TRACEPARENT_SIZE 56

/* What we know of one request; request->user. */
struct ticket {
	struct api *api;
	struct request *request;
	struct route route;
	char tenant[TENANT_SIZE];
	bool signed_body;
	uint8_t declared_hash[DIGEST_SIZE];
	struct repeat repeat;
	struct callid id; /* of route.call */
	bool has_traceparent;
	char traceparent[TRACEPARENT_SIZE];
	struct call_command command;
	int32_t partition;
	int64_t produced; /* clock_mono(); 0: not yet */
};

/* What server_open() wants; `arg` is the api. */
struct server_handler api_handler(struct api *a);

/* ---- command.c ---- */

/* The body is complete.  Answers, now or later. */
void command_take(struct ticket *t);

/* ---- document.c ---- */

/* GET /openapi.json: for anybody, without a key. */
void document_answer(struct ticket *t);

/* ---- answer.c ---- */

/* Each answers t's request.  `message` is shown to the caller and logged. */
void answer_fault(struct ticket *t, int status, const char *code, const char *message);
void answer_stranger(struct ticket *t, const char *why); /* 401, with WWW-Authenticate */
void answer_busy(struct ticket *t, int status, const char *code, const char *message); /* with Retry-After */
void answer_json(struct ticket *t, int status, char *json);                            /* taken; NULL: 503 */
void answer_empty(struct ticket *t, int status);
char *answer_words(int status, const char *message);
const char *answer_code(int status); /* where no better one is known */

#define CODE_NOT_FOUND       "8522"
#define CODE_INVALID         "8523"
#define CODE_NOT_ESTABLISHED "8501"
#define CODE_ENDED           "8528"

#define NO_SUCH_PARTICIPANT "no such participant" /* whether the id has no form, or the call no such leg */

#endif
