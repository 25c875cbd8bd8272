/*
 * poison.c - callcast-poison: one command that can never be carried out, straight onto calls.commands
 *
 * usage: callcast-poison [--kafka ...] [--topic.prefix ...] bytes PARTITION KIND
 *        callcast-poison [...] --tenants FILE create PARTITION TENANT URI
 *        callcast-poison [...] empty CALL play|invite|remove
 *
 * bytes: no record, of one of four kinds (0 to 3).  create: well-framed, of a call
 * that the server key vouches for, but without targets; its events go to URI.
 * empty: for a call that lives, without what such a command is about.
 * The line on stdout says what was sent, before it is; the exit code, whether
 * Kafka has acknowledged it.  For tests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "callid.h"
#include "clock.h"
#include "digest.h"
#include "kafka.h"
#include "must.h"
#include "records.h"
#include "settings.h"
#include "tenants.h"

#define WAIT_MS    5000
#define DRAWN      12
#define CREATE_TTL (3600 * CLOCK_SEC)

struct poison {
	int32_t partition;
	char call[CALLID_SIZE]; /* "": none */
	struct bytes value;
};

/* ---- what is sent ---- */

static int encode_create(struct poison *p, const char *tenant, char *uri)
{
	char id[UUID_SIZE];
	struct create_body body = { .subject = "misfit" };
	struct call_command c = {
		.command_id = id,
		.call_leg_id = p->call,
		.tenant = (char *)tenant,
		.kind = COMMAND_CREATE,
		.create = &body,
		.callback_uri = uri,
		.accepted_at = clock_utc(),
		.expires_at = clock_utc() + CREATE_TTL,
		.answer_by = clock_utc(), /* nobody waits for an answer */
	};

	uuid_random(id);
	return record_encode(RECORD_CALL_COMMAND, &c, &p->value);
}

static int make_create(struct poison *p, const struct settings *s, const char *tenant, char *uri)
{
	struct tenants *all = NULL;
	char why[256];
	int r = tenants_load(&all, s->tenants, why, sizeof(why));

	if (r < 0) {
		fprintf(stderr, "callcast-poison: %s: %s\n", s->tenants, why);
		return r;
	}
	r = callid_make(p->call, all, tenant, -1, p->partition, (uint32_t)(clock_utc() / CLOCK_SEC), NULL);
	if (r == 0)
		r = encode_create(p, tenant, uri);
	tenants_free(all);
	return r;
}

static int make_empty(struct poison *p, const char *call, const char *word)
{
	struct call_command c = {
		.call_leg_id = p->call,
		.tenant = "default",
		.accepted_at = clock_utc(),
		.expires_at = clock_utc() + CREATE_TTL,
		.answer_by = clock_utc(),
	};
	char id[UUID_SIZE];
	struct callid at;

	if (callid_parse(&at, call) < 0)
		return -EINVAL;
	c.kind = !strcmp(word, "play")     ? COMMAND_PLAY
	         : !strcmp(word, "invite") ? COMMAND_INVITE
	                                   : COMMAND_REMOVE;
	p->partition = at.partition;
	snprintf(p->call, sizeof(p->call), "%s", call);
	uuid_random(id);
	c.command_id = id;
	return record_encode(RECORD_CALL_COMMAND, &c, &p->value);
}

/* A record that begins well and is cut off. */
static int make_cut(struct poison *p)
{
	const int r = encode_create(p, "default", NULL);

	if (r == 0)
		p->value.len -= p->value.len / 3;
	return r;
}

/* Drawn, so that each is told from the others; none may look like a newer program's record. */
static int make_bytes(struct poison *p, int kind)
{
	static const char *const begins[] = { "nonsense", "\xc3\x01", "" };
	static const size_t lengths[] = { 8, 2, 0 };
	uint8_t *data;
	size_t rest = DRAWN;

	if (kind == 3)
		return make_cut(p);
	if (kind < 0 || kind > 3)
		return -EINVAL;
	if (kind == 1)
		rest = 7; /* a fingerprint has 8 */
	data = must_calloc(1, lengths[kind] + rest + 1);
	memcpy(data, begins[kind], lengths[kind]);
	digest_random(data + lengths[kind], rest);
	if (kind == 2)
		data[0] = 0; /* as a registry's clients frame it, and there is none */
	p->value.data = data;
	p->value.len = lengths[kind] + rest;
	return 0;
}

/* ---- the sending ---- */

static void say(const struct poison *p, const char *word)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[2 * DIGEST_SIZE + 1];
	json_t *o;

	digest_sha256(digest, p->value.data, p->value.len);
	hex_encode(hex, digest, sizeof(digest));
	o = json_pack("{s:s, s:i, s:s, s:s?}", "kind", word, "partition", (int)p->partition, "sha256", hex,
	              "call", strcmp(word, "create") ? NULL : p->call);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(o);
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	rd_kafka_resp_err_t *result = opaque;

	(void)rk;
	*result = m->err;
}

static int send_it(const struct settings *s, const struct poison *p)
{
	rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR__TIMED_OUT;
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_PRODUCER, NULL);
	const char *key = *p->call ? p->call : "nobody";
	char why[256];
	rd_kafka_t *rk;

	if (!conf)
		return -EINVAL;
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_conf_set_opaque(conf, &result);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk) {
		rd_kafka_conf_destroy(conf);
		fprintf(stderr, "callcast-poison: %s\n", why);
		return -EINVAL;
	}
	if (!rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(kafka_topic(s, TOPIC_COMMANDS)),
	                       RD_KAFKA_V_PARTITION(p->partition), RD_KAFKA_V_KEY(key, strlen(key)),
	                       RD_KAFKA_V_VALUE(p->value.data, p->value.len), RD_KAFKA_V_END))
		rd_kafka_flush(rk, WAIT_MS);
	rd_kafka_destroy(rk);
	if (result)
		fprintf(stderr, "callcast-poison: %s\n", rd_kafka_err2str(result));
	return result ? -EIO : 0;
}

/* ---- */

static int run(const struct settings *s, char **words, int count)
{
	struct poison p = { 0 };
	int r = -EINVAL;

	if (count >= 3)
		p.partition = (int32_t)strtol(words[1], NULL, 10);
	if (count == 3 && !strcmp(words[0], "bytes"))
		r = make_bytes(&p, (int)strtol(words[2], NULL, 10));
	else if (count == 4 && !strcmp(words[0], "create"))
		r = make_create(&p, s, words[2], words[3]);
	else if (count == 3 && !strcmp(words[0], "empty"))
		r = make_empty(&p, words[1], words[2]);
	else
		fprintf(stderr,
		        "usage: callcast-poison [--name value]... bytes PARTITION KIND | create PARTITION "
		        "TENANT URI | empty CALL KIND\n");
	if (r == 0) {
		say(&p, words[0]);
		r = send_it(s, &p);
	}
	free(p.value.data);
	return r;
}

int main(int argc, char **argv)
{
	struct settings *s = NULL;
	char why[256];
	int rest = 0, r;

	r = settings_load(&s, PRODUCER, argc, argv, &rest);
	if (r)
		return r > 0 ? 0 : 2;
	r = records_open(s->schema_write, s->schema_registry, why, sizeof(why));
	if (r < 0)
		fprintf(stderr, "callcast-poison: schemas: %s\n", why);
	else
		r = run(s, argv + rest, argc - rest);
	records_close();
	settings_free(s);
	return r < 0 ? 1 : 0;
}
