/* producer_rig.c - see producer_rig.h */
#include "producer_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "accept.h"
#include "body.h"
#include "callback.h"
#include "clock.h"
#include "kafka.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "partitions.h"
#include "rate.h"
#include "redis.h"
#include "settings.h"
#include "traffic.h"

static const char tenants_json[] =
        "{\"serverKeys\":[{\"number\":1,\"key\":\"" RIG_KEY "\"}],\"tenants\":["
        "{\"name\":\"default\",\"hosts\":[],\"accessKeys\":[\"" RIG_KEY "\"],\"bearerKeys\":[\"%s\"],"
        "\"webhookSecrets\":[\"whsec_" RIG_KEY "\"],"
        "\"defaultSource\":{\"phoneNumber\":{\"value\":\"+46800000000\"}}},"
        "{\"name\":\"other\",\"hosts\":[\"other.example\"],\"accessKeys\":[\"" RIG_OTHER_KEY "\"],"
        "\"bearerKeys\":[\"%s\"],\"webhookSecrets\":[\"whsec_" RIG_KEY "\"]}]}";

static void need(int fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "producer_rig: %s\n", what);
	exit(1);
}

static void set(char **where, const char *value)
{
	free(*where);
	*where = must_strdup(value);
}

static void write_tenants(struct rig *r)
{
	char hex[2][2 * DIGEST_SIZE + 1];
	uint8_t hash[DIGEST_SIZE];
	FILE *f;
	int fd;

	digest_sha256(hash, "rig-bearer", 10);
	hex_encode(hex[0], hash, DIGEST_SIZE);
	digest_sha256(hash, "other-bearer", 12);
	hex_encode(hex[1], hash, DIGEST_SIZE);
	snprintf(r->tenants_path, sizeof(r->tenants_path), "/tmp/callcast-rig-XXXXXX");
	fd = mkstemp(r->tenants_path); /* mode 0600 */
	need(fd >= 0, "no tenants file");
	f = fdopen(fd, "w");
	fprintf(f, tenants_json, hex[0], hex[1]);
	fclose(f);
}

static void open_mock(struct rig *r)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	rd_kafka_conf_set(conf, "log_level", "3", why, sizeof(why)); /* it has no broker, and knows */
	r->mock_owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	need(r->mock_owner != NULL, why);
	r->mock = rd_kafka_mock_cluster_new(r->mock_owner, 1);
	need(r->mock != NULL, "no mock cluster");
	rd_kafka_mock_topic_create(r->mock, "calls.commands", RIG_PARTITIONS, 1);
	rd_kafka_mock_topic_create(r->mock, "calls.events", RIG_PARTITIONS, 1);
}

static void open_settings(struct rig *r, rig_settings_fn *fn)
{
	need(settings_default(&r->settings, PRODUCER) == 0, "no settings");
	set(&r->settings->kafka, rd_kafka_mock_cluster_bootstraps(r->mock));
	set(&r->settings->redis, redis_server_address(r->redis_server));
	set(&r->settings->http_listen, "127.0.0.1:0");
	set(&r->settings->tenants, r->tenants_path);
	r->settings->redis_timeout = 300 * CLOCK_MS;
	if (fn)
		fn(r->settings);
}

static void open_api(struct rig *r)
{
	const struct redis_handler nobody = { 0 };
	struct settings *s = r->settings;
	char why[256] = "";

	need(records_open("", "", why, sizeof(why)) == 0, why);
	need(tenants_load(&r->api.tenants, s->tenants, why, sizeof(why)) == 0, why);
	need(callback_rules_open(&r->callbacks, s->callbacks_allow, why, sizeof(why)) == 0, why);
	need(former_parse(&r->api.former, s->commands_former) == 0, "commands.former");
	need(loop_open(&r->loop) == 0, "no loop");
	traffic_open();
	r->api.loop = r->loop;
	r->api.settings = s;
	r->api.callbacks = r->callbacks;
	need(rate_open(&r->api.rate, s->http_rate) == 0, "no rate");
	need(redis_open(&r->api.redis, r->loop, s->redis, s->redis_timeout, &nobody) == 0, "no redis");
	need(accept_open(&r->api.accept, r->loop, s) == 0, "no accept");
	need(partitions_open(&r->api.partitions, s) == 0, "no partitions");
}

struct rig *rig_open(rig_settings_fn *fn)
{
	struct rig *r = must_calloc(1, sizeof(*r));
	struct server_handler handler;
	struct server_limits limits;
	int64_t until;

	log_threshold = LOG_ERROR;
	write_tenants(r);
	open_mock(r);
	r->redis_server = redis_server_start(false);
	open_settings(r, fn);
	open_api(r);
	handler = api_handler(&r->api);
	limits = (struct server_limits){ .deadline = r->settings->http_deadline,
		                         .connections = (unsigned)r->settings->http_connections,
		                         .per_address = (unsigned)r->settings->http_connections_address,
		                         .body = BODY_MAX,
		                         .bodies = 8 * BODY_MAX };
	need(server_open(&r->server, r->loop, r->settings->http_listen, &limits, &handler) == 0, "no server");
	r->curl = curl_multi_init();
	until = clock_mono() + 10 * CLOCK_SEC;
	while ((!partitions_commands(r->api.partitions) || !redis_is_up(r->api.redis)) &&
	       clock_mono() < until)
		rig_turn(r, 2 * CLOCK_MS);
	need(partitions_commands(r->api.partitions) == RIG_PARTITIONS, "partitions unknown");
	return r;
}

void rig_close(struct rig *r)
{
	curl_multi_cleanup(r->curl);
	partitions_close(r->api.partitions);
	redis_close(r->api.redis);
	accept_close(r->api.accept);
	server_close(r->server);
	rate_close(r->api.rate);
	loop_close(r->loop);
	callback_rules_close(r->callbacks);
	tenants_free(r->api.tenants);
	records_close();
	settings_free(r->settings);
	redis_server_free(r->redis_server);
	if (r->reader)
		rd_kafka_destroy(r->reader);
	rd_kafka_mock_cluster_destroy(r->mock);
	rd_kafka_destroy(r->mock_owner);
	unlink(r->tenants_path);
	free(r);
}

void rig_turn(struct rig *r, int64_t wait)
{
	int64_t until = clock_mono() + wait;

	do
		need(loop_turn(r->loop, until) == 0, "loop");
	while (clock_mono() < until);
}

/* ---- HTTP ---- */

struct rig_request {
	CURL *easy;
	struct curl_slist *headers;
	struct reply reply;
	size_t text_len, headers_len;
	bool over;
};

static size_t append(char **text, size_t *len, const char *data, size_t n)
{
	*text = must_realloc(*text, *len + n + 1);
	memcpy(*text + *len, data, n);
	*len += n;
	(*text)[*len] = '\0';
	return n;
}

static size_t on_text(char *data, size_t size, size_t n, void *arg)
{
	struct rig_request *q = arg;

	return append(&q->reply.text, &q->text_len, data, size * n);
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct rig_request *q = arg;

	return append(&q->reply.headers, &q->headers_len, data, size * n);
}

struct rig_request *rig_begin(struct rig *r, const char *method, const char *target,
                              const char *const *headers, const char *body)
{
	struct rig_request *q = must_calloc(1, sizeof(*q));
	char *url = must_printf("http://127.0.0.1:%d%s", server_port(r->server), target);
	bool authorized = false, typed = false;

	q->easy = curl_easy_init();
	for (size_t i = 0; headers && headers[i]; i++) {
		authorized = authorized || !strncasecmp(headers[i], "Authorization", 13);
		typed = typed || !strncasecmp(headers[i], "Content-Type", 12);
		q->headers = curl_slist_append(q->headers, headers[i]);
	}
	if (!authorized)
		q->headers = curl_slist_append(q->headers, "Authorization: Bearer rig-bearer");
	if (body && !typed)
		q->headers = curl_slist_append(q->headers, "Content-Type: application/json");
	curl_easy_setopt(q->easy, CURLOPT_PRIVATE, q);
	curl_easy_setopt(q->easy, CURLOPT_URL, url);
	curl_easy_setopt(q->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(q->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(q->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(q->easy, CURLOPT_HTTPHEADER, q->headers);
	if (body) {
		curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
		curl_easy_setopt(q->easy, CURLOPT_COPYPOSTFIELDS, body);
	} else if (!strcmp(method, "POST")) {
		curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(q->easy, CURLOPT_COPYPOSTFIELDS, "");
	}
	curl_easy_setopt(q->easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(q->easy, CURLOPT_WRITEFUNCTION, on_text);
	curl_easy_setopt(q->easy, CURLOPT_WRITEDATA, q);
	curl_easy_setopt(q->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(q->easy, CURLOPT_HEADERDATA, q);
	curl_multi_add_handle(r->curl, q->easy);
	free(url);
	return q;
}

/* Several may be on their way; whoever waits hears of all of them. */
static void note_over(const CURLMsg *m)
{
	struct rig_request *q = NULL;

	curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &q);
	if (m->msg == CURLMSG_DONE)
		q->over = true;
}

struct reply rig_wait(struct rig *r, struct rig_request *q)
{
	int64_t until = clock_mono() + 20 * CLOCK_SEC;
	struct reply reply;

	while (!q->over) {
		int running, left;
		CURLMsg *m;

		need(clock_mono() < until, "no answer in 20 s");
		curl_multi_perform(r->curl, &running);
		while ((m = curl_multi_info_read(r->curl, &left)))
			note_over(m);
		rig_turn(r, 200);
	}
	curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &q->reply.status);
	curl_multi_remove_handle(r->curl, q->easy);
	curl_easy_cleanup(q->easy);
	curl_slist_free_all(q->headers);
	reply = q->reply;
	if (reply.text)
		reply.json = json_loads(reply.text, JSON_REJECT_DUPLICATES, NULL);
	free(q);
	return reply;
}

struct reply rig_ask(struct rig *r, const char *method, const char *target, const char *const *headers,
                     const char *body)
{
	return rig_wait(r, rig_begin(r, method, target, headers, body));
}

void reply_clear(struct reply *r)
{
	free(r->headers);
	free(r->text);
	json_decref(r->json);
	*r = (struct reply){ 0 };
}

void rig_sign(char *out[5], const char *method, const char *target, const char *host, const char *body)
{
	char date[64], hash64[BASE64_SIZE(DIGEST_SIZE)], mac64[BASE64_SIZE(DIGEST_SIZE)];
	uint8_t hash[DIGEST_SIZE], key[64];
	time_t now = time(NULL);
	struct digest_part part;
	struct digest_key *k;
	struct tm tm;
	char *text;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	digest_sha256(hash, body, strlen(body));
	base64_encode(hash64, hash, DIGEST_SIZE);
	text = must_printf("%s\n%s\n%s;%s;%s", method, target, date, host, hash64);
	part = (struct digest_part){ text, strlen(text) };
	digest_key_open(&k, key, (size_t)base64_decode(key, RIG_KEY, strlen(RIG_KEY)));
	digest_hmac(k, hash, &part, 1);
	digest_key_close(k);
	base64_encode(mac64, hash, DIGEST_SIZE);
	out[0] = must_printf("x-ms-date: %s", date);
	out[1] = must_printf("x-ms-content-sha256: %s", hash64);
	out[2] = must_printf("Authorization: HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
	                     "&Signature=%s",
	                     mac64);
	out[3] = must_printf("Host: %s", host);
	out[4] = NULL;
	free(text);
}

/* ---- Kafka and Redis ---- */

static rd_kafka_t *reader(struct rig *r)
{
	rd_kafka_conf_t *conf;
	char why[256];

	if (r->reader)
		return r->reader;
	conf = kafka_conf(r->settings, KAFKA_READER, NULL);
	r->reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	need(r->reader != NULL, why);
	rd_kafka_poll_set_consumer(r->reader);
	return r->reader;
}

int64_t rig_records(struct rig *r, int32_t partition)
{
	int64_t low, high;

	need(rd_kafka_query_watermark_offsets(reader(r), "calls.commands", partition, &low, &high, 5000) == 0,
	     "no watermarks");
	return high;
}

int64_t rig_all_records(struct rig *r)
{
	int64_t all = 0;

	for (int32_t p = 0; p < RIG_PARTITIONS; p++)
		all += rig_records(r, p);
	return all;
}

void rig_command(struct rig *r, int32_t partition, int64_t offset, struct call_command *out)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_message_t *m = NULL;
	const char *why = "";

	memset(out, 0, sizeof(*out));
	rd_kafka_topic_partition_list_add(list, "calls.commands", partition)->offset = offset;
	need(rd_kafka_assign(reader(r), list) == 0, "not assigned");
	for (int i = 0; i < 50 && !m; i++)
		m = rd_kafka_consumer_poll(reader(r), 200);
	need(m && !m->err, "no record");
	need(record_decode(RECORD_CALL_COMMAND, out, m->payload, m->len, &why) == 0, why);
	need(m->key_len == CALLID_LEN && !memcmp(m->key, out->call_leg_id, CALLID_LEN), "another key");
	rd_kafka_message_destroy(m);
	rd_kafka_assign(reader(r), NULL);
	rd_kafka_topic_partition_list_destroy(list);
}

void rig_save(struct rig *r, const struct call_record *record)
{
	struct callid id;
	struct bytes b;
	char *value;

	need(callid_parse(&id, record->call_leg_id) == 0, "not an id");
	need(record_encode(RECORD_CALL_RECORD, record, &b) == 0, "not encoded");
	value = must_calloc(1, 32 + b.len);
	memset(value, '0', 32);
	memcpy(value + 32, b.data, b.len);
	redis_server_ask(r->redis_server, "SET {%d}:call:%s %b", (int)id.partition, record->call_leg_id,
	                 value, 32 + b.len);
	free(value);
	free(b.data);
}
