/*
 * producer_rig.h - a whole producer in the test's own process and thread
 *
 * Its loop turns while a request waits, so nothing runs behind the test's back.
 * Real parts: HTTP over a socket, librdkafka's mock cluster, a private
 * redis-server.  What fails here ends the program.
 */
#ifndef PRODUCER_RIG_H
#define PRODUCER_RIG_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "api.h"
#include "redis_server.h"

#define RIG_PARTITIONS 4
#define RIG_KEY        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" /* HMAC, of tenant "default" */
#define RIG_OTHER_KEY  "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=" /* of "other" */

struct rig {
	struct loop *loop;
	struct settings *settings;
	struct redis_server *redis_server;
	struct callback_rules *callbacks;
	struct server *server;
	struct api api;
	rd_kafka_t *mock_owner, *reader;
	rd_kafka_mock_cluster_t *mock;
	void *curl; /* CURLM: keeps connections open between requests */
	char tenants_path[64];
};

/* Changes settings before anything opens; NULL is fine. */
typedef void rig_settings_fn(struct settings *s);
struct rig *rig_open(rig_settings_fn *fn);
void rig_close(struct rig *r);

struct reply {
	long status; /* 0: the connection broke */
	char *headers;
	char *text;
	json_t *json; /* NULL: not JSON */
};
void reply_clear(struct reply *r);

/*
 * `headers` ends with NULL; without an Authorization among them the bearer key
 * of "default" is sent; "Header:" sends none of it (curl's way).  Body NULL: none.
 */
struct reply rig_ask(struct rig *r, const char *method, const char *target, const char *const *headers,
                     const char *body);
/* The same, begun only, so that things can happen meanwhile; rig_wait() ends it. */
struct rig_request;
struct rig_request *rig_begin(struct rig *r, const char *method, const char *target,
                              const char *const *headers, const char *body);
struct reply rig_wait(struct rig *r, struct rig_request *q);

void rig_turn(struct rig *r, int64_t wait); /* the loop, for that long */

/* "Authorization: HMAC-SHA256 ..." and what belongs to it, now.  out[0..3] are malloc'ed, out[4] is NULL. */
void rig_sign(char *out[5], const char *method, const char *target, const char *host, const char *body);

/* How many records the partition has, and one of them (cleared by the caller). */
int64_t rig_records(struct rig *r, int32_t partition);
int64_t rig_all_records(struct rig *r);
void rig_command(struct rig *r, int32_t partition, int64_t offset, struct call_command *out);
/* Puts the record where the worker does. */
void rig_save(struct rig *r, const struct call_record *record);

#endif
