/*
 * first_webhook.c - how long after the answered create comes the call's first webhook, on an idle stack
 *
 * One process creates the calls and receives the webhooks, so that one clock
 * measures both ends.  Beside it stand the two limits: answerBy, before which no
 * webhook may leave, read from the commands themselves, and a bare produce to
 * consume round trip through the same broker.  From the environment, as `make up`
 * writes it: CALLCAST_ENDPOINT, CALLCAST_BEARER, CALLCAST_KAFKA.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <librdkafka/rdkafka.h>
#include <microhttpd.h>

#include "callid.h"
#include "clock.h"
#include "kafka.h"
#include "records.h"
#include "settings.h"

#define CALLS_MAX   5000
#define WARM_UP     20 /* connections, caches, and the answers that answerBy is made of */
#define WEBHOOKS    2  /* of a call to a number that does not exist: establishing, terminated */
#define PATIENCE    (5 * CLOCK_SEC)
#define ROUND_TOPIC "bench.round-trip"

static struct sample {
	char call[CALLID_SIZE];
	int64_t sent, answered;      /* clock_mono(), us */
	int64_t first, first_utc;    /* the first webhook; 0: none came */
	int64_t accepted, answer_by; /* of its command, clock_utc() */
	int webhooks;
} samples[CALLS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "first_webhook: %s: %s\n", what, why);
	exit(1);
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	if (!value || !*value)
		fail(name, "not set: `make up`, then `set -a; . build/run/env`");
	return value;
}

/* ---- the webhooks, on a thread of their own ---- */

/* The path is /<index>.  The time is that of the head: the answer to it costs us, not the notifier. */
static enum MHD_Result on_webhook(void *arg, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
	const long i = strtol(path + 1, NULL, 10);
	int64_t now = clock_mono(), utc = clock_utc();
	struct MHD_Response *nothing;
	enum MHD_Result r;

	(void)arg, (void)method, (void)version, (void)data;
	if (!*state) {
		*state = samples;
		pthread_mutex_lock(&lock);
		if (i >= 0 && i < CALLS_MAX && samples[i].webhooks++ == 0) {
			samples[i].first = now;
			samples[i].first_utc = utc;
		}
		pthread_mutex_unlock(&lock);
		return MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	nothing = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	r = MHD_queue_response(c, MHD_HTTP_OK, nothing);
	MHD_destroy_response(nothing);
	return r;
}

static void wait_for_webhooks(struct sample *s)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE / CLOCK_SEC;
	pthread_mutex_lock(&lock);
	while (s->webhooks < WEBHOOKS)
		if (pthread_cond_timedwait(&changed, &lock, &until))
			fail("webhook", "none within 5 s");
	pthread_mutex_unlock(&lock);
}

/* ---- the calls ---- */

static size_t take_answer(char *data, size_t size, size_t n, void *arg)
{
	static const char before[] = "{\"callLegId\":\"";
	struct sample *s = arg;

	if (size * n < strlen(before) + CALLID_LEN || memcmp(data, before, strlen(before)))
		fail("create", "the answer is not what was expected");
	memcpy(s->call, data + strlen(before), CALLID_LEN);
	return size * n;
}

static void create(CURL *easy, struct sample *s, int port)
{
	char body[256];
	long status = 0;

	snprintf(body, sizeof(body),
	         "{\"targets\":[{\"phoneNumber\":{\"value\":\"+15559000023\"}}],"
	         "\"callbackUri\":\"http://127.0.0.1:%d/%td\"}",
	         port, s - samples);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, s);
	s->sent = clock_mono();
	if (curl_easy_perform(easy) != CURLE_OK)
		fail("create", "no answer");
	s->answered = clock_mono();
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		fail("create", "refused");
}

static void pause_us(int64_t us)
{
	nanosleep(&(struct timespec){ us / CLOCK_SEC, us % CLOCK_SEC * 1000 }, NULL);
}

static void make_calls(size_t n, int port)
{
	struct curl_slist *headers = NULL;
	CURL *easy = curl_easy_init();
	char line[512];

	snprintf(line, sizeof(line), "Authorization: Bearer %s", from_environment("CALLCAST_BEARER"));
	headers = curl_slist_append(headers, line);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	snprintf(line, sizeof(line), "%s/calls", from_environment("CALLCAST_ENDPOINT"));
	curl_easy_setopt(easy, CURLOPT_URL, line);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
	for (size_t i = 0; i < n; i++) {
		create(easy, &samples[i], port);
		wait_for_webhooks(&samples[i]);
		pause_us(10 * CLOCK_MS + rand() % (20 * CLOCK_MS)); /* idle, and in no step with any poll */
	}
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
}

/* ---- what the commands say ---- */

static void note_command(const rd_kafka_message_t *m, size_t n)
{
	struct call_command c = { 0 };
	const char *why;

	if (record_decode(RECORD_CALL_COMMAND, &c, m->payload, m->len, &why) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(samples[i].call, c.call_leg_id)) {
			samples[i].accepted = c.accepted_at;
			samples[i].answer_by = c.answer_by;
		}
	}
	call_command_clear(&c);
}

static rd_kafka_t *reader(const struct settings *s)
{
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_READER, NULL);
	char why[256];
	rd_kafka_t *rk = conf ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why)) : NULL;

	if (!rk)
		fail("kafka", "no consumer");
	rd_kafka_poll_set_consumer(rk);
	return rk;
}

static void assign(rd_kafka_t *rk, const char *topic, int count, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);

	for (int i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = offset;
	rd_kafka_assign(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

static void read_commands(const struct settings *s, size_t n)
{
	const char *topic = kafka_topic(s, TOPIC_COMMANDS);
	rd_kafka_t *rk = reader(s);
	int count = kafka_partitions(rk, topic, PATIENCE), ends = 0;

	if (count < 0)
		fail("calls.commands", "not there");
	assign(rk, topic, count, RD_KAFKA_OFFSET_BEGINNING);
	while (ends < count) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, (int)(PATIENCE / CLOCK_MS));

		if (!m)
			fail("calls.commands", "no end of it came");
		if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			ends++;
		else if (!m->err)
			note_command(m, n);
		rd_kafka_message_destroy(m);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
}

/* ---- the bare round trip ---- */

static void make_topic(rd_kafka_t *rk)
{
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(ROUND_TOPIC, 1, 1, NULL, 0);

	rd_kafka_CreateTopics(rk, &topic, 1, NULL, q);
	rd_kafka_event_destroy(rd_kafka_queue_poll(q, (int)(PATIENCE / CLOCK_MS)));
	rd_kafka_NewTopic_destroy(topic);
	rd_kafka_queue_destroy(q);
}

/*
 * One record at a time, from the produce to its arrival at a consumer that waits
 * for it.  The first ones, which find a topic that is just made, count not.
 */
static void round_trips(const struct settings *s, int64_t *out, size_t n)
{
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_TELLER, NULL);
	char why[256], value[300] = { 0 };
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why)), *in = reader(s);
	rd_kafka_message_t *m;

	make_topic(rk);
	assign(in, ROUND_TOPIC, 1, RD_KAFKA_OFFSET_END);
	while ((m = rd_kafka_consumer_poll(in, 1000)))
		rd_kafka_message_destroy(m); /* its end: it stands there now */
	for (size_t i = 0; i < n + WARM_UP; i++) {
		int64_t sent = clock_mono(), took = 0;

		if (rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(ROUND_TOPIC), RD_KAFKA_V_PARTITION(0),
		                      RD_KAFKA_V_VALUE(value, sizeof(value)),
		                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END))
			fail("round trip", "not produced");
		do {
			m = rd_kafka_consumer_poll(in, (int)(PATIENCE / CLOCK_MS));
			if (!m)
				fail("round trip", "nothing came");
			took = m->err ? 0 : clock_mono() - sent;
			rd_kafka_message_destroy(m);
		} while (!took);
		if (i >= WARM_UP)
			out[i - WARM_UP] = took;
		rd_kafka_poll(rk, 0);
		pause_us(10 * CLOCK_MS + rand() % (20 * CLOCK_MS));
	}
	rd_kafka_flush(rk, 1000);
	rd_kafka_destroy(rk);
	rd_kafka_consumer_close(in);
	rd_kafka_destroy(in);
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void row(const char *what, int64_t *us, size_t n)
{
	const size_t median = n / 2, p99 = n * 99 / 100;

	qsort(us, n, sizeof(*us), compare);
	printf("  %-52s %7.2f %7.2f %7.2f\n", what, (double)us[median] / 1e3, (double)us[p99] / 1e3,
	       (double)us[n - 1] / 1e3);
}

enum measure { ANSWER, WEBHOOK, ANSWER_BY, BEYOND, BEFORE_BY, MEASURES };

static int64_t measure(const struct sample *s, enum measure m)
{
	switch (m) {
	case ANSWER:
		return s->answered - s->sent;
	case WEBHOOK:
		return s->first - s->answered;
	case ANSWER_BY: /* how far answerBy is behind the command's coming */
		return s->answer_by - s->accepted;
	case BEYOND:
		return s->first_utc - s->answer_by;
	default: /* how late answerBy is, seen from the answer: what the webhook must wait for */
		return s->answer_by - (s->first_utc - (s->first - s->answered));
	}
}

static void table(size_t n)
{
	static const char *const names[MEASURES] = {
		[ANSWER] = "create: request to answer",
		[WEBHOOK] = "answered create to first webhook",
		[BEFORE_BY] = "  of it: until answerBy, the floor",
		[BEYOND] = "  of it: from answerBy to the webhook",
		[ANSWER_BY] = "answerBy: how far ahead the command sets it",
	};
	static const enum measure order[] = { ANSWER, WEBHOOK, BEFORE_BY, BEYOND, ANSWER_BY };
	int64_t us[CALLS_MAX] = { 0 };

	for (size_t m = 0; m < MEASURES; m++) {
		for (size_t i = 0; i < n; i++)
			us[i] = measure(&samples[WARM_UP + i], order[m]);
		row(names[order[m]], us, n);
	}
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 300;
	char *no_flags[] = { argv[0], NULL };
	const union MHD_DaemonInfo *info;
	struct settings *s = NULL;
	struct MHD_Daemon *d;
	int64_t trips[CALLS_MAX];
	char why[256];

	if (!n || n + WARM_UP > CALLS_MAX)
		fail("usage", "first_webhook [calls, 1 to 4980]");
	srand((unsigned)clock_mono());
	curl_global_init(CURL_GLOBAL_ALL);
	if (settings_load(&s, TOOL, 1, no_flags, NULL) || records_open("", "", why, sizeof(why)) < 0)
		return 2;
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_webhook, NULL, MHD_OPTION_END);
	info = d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (!info)
		fail("receiver", strerror(errno));

	make_calls(n + WARM_UP, info->port);
	read_commands(s, n + WARM_UP);
	round_trips(s, trips, n);

	printf("%zu calls, one at a time, ms:%38s%8s%8s\n", n, "median", "p99", "max");
	table(n);
	row("bare round trip: produce to consume, same broker", trips, n);
	MHD_stop_daemon(d);
	records_close();
	settings_free(s);
	curl_global_cleanup();
	return 0;
}
