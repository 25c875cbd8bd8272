/*
 * test_notifier.c - the notifier as a program: Kafka's mock cluster, a private Redis, a receiver over real HTTP
 *
 * The mock cluster lets every group wait 3 s for its first member.  So each
 * story has a topic prefix, and by it a group, of its own, all programs are
 * started together, and the stories then look at what theirs did.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <microhttpd.h>

#include "clock.h"
#include "digest.h"
#include "records.h"
#include "redis_server.h"

#define PARTITIONS 4
#define SECRET     "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PATIENCE   (20 * CLOCK_SEC)
#define SEEN_MAX   512

static rd_kafka_t *kafka; /* owns the mock cluster, and produces */
static rd_kafka_mock_cluster_t *cluster;
static struct redis_server *redis;
static struct MHD_Daemon *receiver;
static char folder[] = "/tmp/test_notifier.XXXXXX";

/* ---- the receiver: answers by path, notes everything ---- */

static struct seen {
	char path[64], id[80], timestamp[24], signature[128], type[64], agent[64], trace[64];
	char body[2048];
	size_t len;
} seen[SEEN_MAX];
static size_t seen_count;
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static void copy_header(char *out, size_t size, struct MHD_Connection *c, const char *name)
{
	const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	snprintf(out, size, "%s", value ? value : "");
}

static atomic_bool slow_may_answer; /* set by the story that it is for */

static int status_for(const char *path)
{
	for (int i = 0; !strcmp(path, "/slow") && !slow_may_answer && i < 900; i++)
		usleep(10000);
	if (!strcmp(path, "/brief"))
		usleep(20000);
	if (!strcmp(path, "/busy"))
		return 503;
	return !strcmp(path, "/missing") ? 404 : 200;
}

/* Runs on a thread of its own for each connection. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *len, void **con)
{
	struct seen *s = *con;
	struct MHD_Response *r;
	enum MHD_Result result;

	(void)cls;
	(void)version;
	(void)method;
	if (!s) {
		s = calloc(1, sizeof(*s));
		snprintf(s->path, sizeof(s->path), "%s", url);
		copy_header(s->id, sizeof(s->id), c, "webhook-id");
		copy_header(s->timestamp, sizeof(s->timestamp), c, "webhook-timestamp");
		copy_header(s->signature, sizeof(s->signature), c, "webhook-signature");
		copy_header(s->type, sizeof(s->type), c, "content-type");
		copy_header(s->agent, sizeof(s->agent), c, "user-agent");
		copy_header(s->trace, sizeof(s->trace), c, "traceparent");
		*con = s;
		return MHD_YES;
	}
	if (*len) {
		if (s->len + *len < sizeof(s->body))
			memcpy(s->body + s->len, data, *len);
		s->len += *len;
		*len = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&seen_lock);
	if (seen_count < SEEN_MAX)
		seen[seen_count++] = *s;
	pthread_mutex_unlock(&seen_lock);
	r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	result = MHD_queue_response(c, (unsigned int)status_for(s->path), r);
	MHD_destroy_response(r);
	free(s);
	*con = NULL;
	return result;
}

/* A story's own ones: its calls are named after it.  Copies the i-th to `out` (NULL allowed); returns how many. */
static size_t look(const char *prefix, size_t i, struct seen *out)
{
	size_t n = 0;

	pthread_mutex_lock(&seen_lock);
	for (size_t k = 0; k < seen_count; k++)
		if (seen[k].id[0] == prefix[0] && n++ == i && out)
			*out = seen[k];
	pthread_mutex_unlock(&seen_lock);
	return n;
}

static size_t count_seen(const char *prefix)
{
	return look(prefix, 0, NULL);
}

static struct seen seen_at(const char *prefix, size_t i)
{
	struct seen s = { 0 };

	assert_true(look(prefix, i, &s) > i);
	return s;
}

static int receiver_port(void)
{
	return MHD_get_daemon_info(receiver, MHD_DAEMON_INFO_BIND_PORT)->port;
}

/* ---- waiting ---- */

static bool wait_for(bool (*done)(void *), void *arg)
{
	int64_t until = clock_mono() + PATIENCE;

	while (!done(arg)) {
		if (clock_mono() > until)
			return false;
		rd_kafka_poll(kafka, 10);
	}
	return true;
}

struct wanted {
	const char *prefix;
	size_t count;
};

static bool has_seen(void *arg)
{
	const struct wanted *want = arg;

	return count_seen(want->prefix) >= want->count;
}

static void wait_seen(const char *prefix, size_t n)
{
	struct wanted want = { prefix, n };

	if (!wait_for(has_seen, &want))
		fail_msg("%zu of %zu webhooks came", count_seen(prefix), n);
}

/* ---- the program ---- */

struct program {
	pid_t pid;
	char log[128];
	int admin;
	rd_kafka_t *reader; /* of its dead letters */
};

static void program_path(char *out, size_t size)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *tests;

	assert_true(n > 0);
	self[n] = '\0';
	tests = strstr(self, "/tests/");
	if (getenv("TEST_NOTIFIER")) {
		snprintf(out, size, "%s", getenv("TEST_NOTIFIER"));
	} else {
		assert_non_null(tests);
		snprintf(out, size, "%.*s/bin/callcast-notifier", (int)(tests - self), self);
	}
	if (access(out, X_OK))
		fail_msg("%s is not there: build it first", out);
}

/* The value behind `name=` in the program's log; -1: not there yet. */
static int logged(const char *path, const char *name)
{
	char text[65536], *at;
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return -1;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strstr(text, name);
	return at ? atoi(at + strlen(name)) : -1;
}

static void show_log(const struct program *p)
{
	char line[1024];
	FILE *f = fopen(p->log, "r");

	while (f && fgets(line, sizeof(line), f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

static bool is_started(void *arg)
{
	struct program *p = arg;

	p->admin = logged(p->log, "notifier.started admin=");
	return p->admin > 0;
}

static size_t keep(char *data, size_t size, size_t n, void *arg)
{
	char *out = arg;
	size_t have = strlen(out), room = 8191 - have;

	memcpy(out + have, data, size * n < room ? size * n : room);
	return size * n;
}

/* GET on the admin port: the status; the body in `out` (8 KiB). */
static long ask_admin(const struct program *p, const char *path, char *out)
{
	CURL *e = curl_easy_init();
	char url[128];
	long status = 0;

	memset(out, 0, 8192);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", p->admin, path);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 2000L);
	curl_easy_perform(e);
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(e);
	return status;
}

static bool is_ready(void *arg)
{
	char out[8192];

	return ask_admin(arg, "/readyz", out) == 200;
}

/* Until /readyz gives that reason. */
static void wait_reason(const struct program *p, const char *reason)
{
	int64_t until = clock_mono() + PATIENCE;
	char out[8192];

	while (ask_admin(p, "/readyz", out) != 503 || !strstr(out, reason)) {
		if (clock_mono() > until)
			fail_msg("/readyz says: %s", out);
		usleep(10000);
	}
}

static void run_program(const struct program *p, const char *prefix, const char *allow)
{
	char path[600], tenants[128];
	int fd = open(p->log, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	program_path(path, sizeof(path));
	snprintf(tenants, sizeof(tenants), "%s/tenants.json", folder);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, STDERR_FILENO);
	execl(path, path, "--kafka", rd_kafka_mock_cluster_bootstraps(cluster), "--redis",
	      redis_server_address(redis), "--topic.prefix", prefix, "--admin.listen", "127.0.0.1:0",
	      "--tenants", tenants, "--callbacks.allow", allow, "--webhook.tries", "3", "--webhook.retry",
	      "20ms", "--webhook.timeout", "5s", "--log.level", "info", (char *)NULL);
	_exit(127);
}

static void start_program(struct program *p, const char *prefix, const char *allow)
{
	static int starts;

	snprintf(p->log, sizeof(p->log), "%s/%slog.%d", folder, prefix, ++starts);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (!p->pid)
		run_program(p, prefix, allow);
}

static void wait_started(struct program *p)
{
	if (!wait_for(is_started, p)) {
		show_log(p);
		fail_msg("the notifier did not start");
	}
}

/* Ends it with SIGTERM; it must exit 0. */
static void stop_program(struct program *p)
{
	int status;

	kill(p->pid, SIGTERM);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	p->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show_log(p);
		fail_msg("the notifier ended with status %x", status);
	}
}

/* ---- events ---- */

static void make_topics(const char *prefix)
{
	static const char *const names[] = { "calls.events", "calls.dead", "webhooks.dead" };
	char name[64];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", prefix, names[i]);
		assert_int_equal(rd_kafka_mock_topic_create(cluster, name, PARTITIONS, 1), 0);
	}
}

/* Named after the story too: they share one Redis. */
static void call_name(char out[33], const char *prefix, int call)
{
	snprintf(out, 33, "%c---%028d", prefix[0], call);
}

static void produce(const char *prefix, int partition, const char *key, const void *bytes, size_t len)
{
	char topic[64];

	snprintf(topic, sizeof(topic), "%scalls.events", prefix);
	assert_int_equal(rd_kafka_producev(kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
	                                   RD_KAFKA_V_KEY(key, strlen(key)),
	                                   RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, len),
	                                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
	                 0);
}

static void tell(const char *prefix, int call, int64_t seq, int64_t number, const char *uri)
{
	char name[33];
	struct call_event ev = {
		.call_leg_id = name,
		.tenant = (char *)(uintptr_t) "default",
		.api = API_CALLING,
		.seq = seq,
		.number = number,
		.type = EVENT_CALL_STATE,
		.data = (char *)(uintptr_t) "{\"callState\":\"established\"}",
		.callback_uri = (char *)(uintptr_t)uri,
		.traceparent = (char *)(uintptr_t) "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		.at = clock_utc()
	};
	struct bytes b;

	call_name(name, prefix, call);
	assert_int_equal(record_encode(RECORD_CALL_EVENT, &ev, &b), 0);
	produce(prefix, call % PARTITIONS, name, b.data, b.len);
	free(b.data);
}

static void hook(char out[96], const char *host, const char *path)
{
	snprintf(out, 96, "http://%s:%d%s", host, receiver_port(), path);
}

/* ---- the tenants file ---- */

static void write_tenants(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tenants.json", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fchmod(fileno(f), 0600);
	fprintf(f,
	        "{\"serverKeys\":[{\"number\":1,\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}],"
	        "\"tenants\":[{\"name\":\"%s\",\"hosts\":[],\"webhookSecrets\":[\"whsec_%s\"]}]}",
	        name, SECRET);
	fclose(f);
}

/* ---- dead letters ---- */

static void read_from(struct program *p, const char *prefix, const char *topic)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char name[64], why[256];

	rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), why,
	                  sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "test", why, sizeof(why));
	p->reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	assert_non_null(p->reader);
	snprintf(name, sizeof(name), "%s%s", prefix, topic);
	for (int i = 0; i < PARTITIONS; i++)
		rd_kafka_topic_partition_list_add(list, name, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(p->reader, list);
	rd_kafka_topic_partition_list_destroy(list);
}

/* The next letter; its partition too. */
static void next_letter(struct program *p, struct dead_letter *letter, int *partition)
{
	int64_t until = clock_mono() + PATIENCE;
	rd_kafka_message_t *m = NULL;
	const char *why;

	while (clock_mono() < until && (!m || m->err)) {
		if (m)
			rd_kafka_message_destroy(m);
		m = rd_kafka_consumer_poll(p->reader, 100);
	}
	assert_non_null(m);
	*letter = (struct dead_letter){ 0 };
	assert_int_equal(record_decode(RECORD_DEAD_LETTER, letter, m->payload, m->len, &why), 0);
	*partition = m->partition;
	rd_kafka_message_destroy(m);
}

static void stop_reading(struct program *p)
{
	rd_kafka_consumer_close(p->reader);
	rd_kafka_destroy(p->reader);
	p->reader = NULL;
}

/* ---- what is there before the programs start, and the stories ---- */

static struct program ordered, dead, unread, inside, known, slow, lost, leaving, staying;

static void check_signature(const struct seen *s)
{
	char want[64], text[256];
	uint8_t key[64], mac[DIGEST_SIZE];
	struct digest_key *k;
	long n = base64_decode(key, SECRET, strlen(SECRET));
	int len = snprintf(text, sizeof(text), "%s.%s.", s->id, s->timestamp);
	const struct digest_part parts[] = { { text, (size_t)len }, { s->body, s->len } };

	assert_int_equal(digest_key_open(&k, key, (size_t)n), 0);
	digest_hmac(k, mac, parts, 2);
	digest_key_close(k);
	memcpy(want, "v1,", 3);
	base64_encode(want + 3, mac, sizeof(mac));
	assert_string_equal(s->signature, want);
	assert_true(llabs(strtoll(s->timestamp, NULL, 10) - clock_utc() / CLOCK_SEC) < 60);
}

static void check_order(const char *prefix, int calls, int events)
{
	char name[33], id[80];
	int next[64] = { 0 };
	size_t count = count_seen(prefix);

	for (size_t i = 0; i < count; i++) {
		struct seen s = seen_at(prefix, i);
		int call = atoi(s.id + 4);

		assert_true(call >= 0 && call < calls);
		call_name(name, prefix, call);
		snprintf(id, sizeof(id), "%s-%d", name, ++next[call]);
		assert_string_equal(s.id, id);
		check_signature(&s);
		assert_non_null(strstr(s.body, id));
		assert_string_equal(s.type, "application/json");
		assert_string_equal(s.agent, "callcast/0.1.0");
		assert_string_equal(s.trace, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	}
	for (int call = 0; call < calls; call++)
		assert_int_equal(next[call], events);
}

/* Before the group has ever committed: read from the beginning. */
static void prepare_ordered(void)
{
	char uri[96];

	hook(uri, "127.0.0.1", "/ok");
	for (int number = 1; number <= 3; number++)
		for (int call = 0; call < 20; call++)
			tell("a-", call, 2 * number - 1, number, uri);
	tell("a-", 1, 5, 3, uri);  /* a second record of that seq */
	tell("a-", 2, 6, 0, uri);  /* for the ledger only */
	tell("a-", 3, 7, 4, NULL); /* nobody asked for it */
}

static void test_in_order_signed_and_once(void **state)
{
	char uri[96], out[8192];

	(void)state;
	hook(uri, "127.0.0.1", "/ok");
	wait_seen("a-", 60);
	tell("a-", 0, 7, 4, uri);
	for (int call = 1; call < 20; call++)
		tell("a-", call, 8, 4, uri);
	wait_seen("a-", 80);
	check_order("a-", 20, 4);
	assert_true(wait_for(is_ready, &ordered));
	assert_int_equal(ask_admin(&ordered, "/metrics", out), 200);
	assert_non_null(strstr(out, "callcast_webhooks_total{result=\"delivered\"} 80\n"));
	stop_program(&ordered);
	assert_int_equal(count_seen("a-"), 80);
}

static void prepare_slow(void)
{
	char uri[96];

	hook(uri, "127.0.0.1", "/slow");
	tell("f-", 1, 1, 1, uri);
	tell("f-", 1, 2, 2, uri);
}

static bool drains(void *arg)
{
	const struct program *p = arg;

	return logged(p->log, "notifier.draining on_way=") >= 0;
}

static void test_sigterm_finishes_what_is_on_its_way(void **state)
{
	(void)state;
	wait_seen("f-", 1);
	kill(slow.pid, SIGTERM);
	assert_true(wait_for(drains, &slow));
	slow_may_answer = true;
	stop_program(&slow);
	assert_int_equal(logged(slow.log, "notifier.draining on_way="), 1);
	assert_int_equal(logged(slow.log, "notifier.drained on_way="), 0);
	assert_true(logged(slow.log, "webhook.delivered call=") >= 0);
	assert_int_equal(count_seen("f-"), 1); /* the second one was not begun */
}

/* Both groups committed all that they had finished. */
static void test_what_is_committed_is_not_sent_again(void **state)
{
	char uri[96];

	(void)state;
	hook(uri, "127.0.0.1", "/ok");
	tell("a-", 4, 9, 5, uri);
	start_program(&ordered, "a-", "127.0.0.0/8");
	start_program(&slow, "f-", "127.0.0.0/8");
	wait_seen("a-", 81);
	wait_seen("f-", 2);
	assert_non_null(strstr(seen_at("a-", 80).id, "-5"));
	assert_non_null(strstr(seen_at("f-", 1).id, "-2"));
	stop_program(&ordered);
	stop_program(&slow);
	assert_int_equal(count_seen("a-"), 81);
	assert_int_equal(count_seen("f-"), 2);
}

static void prepare_dead(void)
{
	char uri[96];

	hook(uri, "127.0.0.1", "/busy");
	tell("b-", 5, 1, 1, uri);
}

static bool has_new_tenants(void *arg)
{
	return logged(((struct program *)arg)->log, "tenants.read") >= 0;
}

static void test_dead_letters(void **state)
{
	struct dead_letter letter;
	char missing[96];
	int partition;

	(void)state;
	read_from(&dead, "b-", "webhooks.dead");
	next_letter(&dead, &letter, &partition);
	assert_int_equal(count_seen("b-"), 3);
	assert_string_equal(seen_at("b-", 0).id, seen_at("b-", 2).id);
	assert_string_equal(seen_at("b-", 0).body, seen_at("b-", 2).body);
	assert_string_equal(letter.reason, "answered 503");
	assert_int_equal(letter.attempts, 3);
	assert_int_equal(letter.answers_count, 3);
	assert_int_equal(letter.answers[2].status, 503);
	assert_string_equal(letter.topic, "b-calls.events");
	assert_int_equal(letter.partition, 1);
	assert_int_equal(letter.offset, 0);
	assert_int_equal(partition, 1);
	assert_true(letter.value.len > 0);
	dead_letter_clear(&letter);

	hook(missing, "127.0.0.1", "/missing?secret=hidden");
	tell("b-", 6, 1, 1, missing);
	next_letter(&dead, &letter, &partition);
	assert_int_equal(count_seen("b-"), 4);
	assert_string_equal(letter.reason, "answered 404");
	assert_int_equal(logged(dead.log, "hidden"), -1);
	dead_letter_clear(&letter);

	write_tenants("other");
	kill(dead.pid, SIGHUP);
	assert_true(wait_for(has_new_tenants, &dead));
	write_tenants("default"); /* for whoever starts next */
	tell("b-", 7, 1, 1, missing);
	next_letter(&dead, &letter, &partition);
	assert_string_equal(letter.reason, "no such tenant any more");
	dead_letter_clear(&letter);
	stop_program(&dead);
}

static void prepare_unread(void)
{
	char uri[96];

	hook(uri, "127.0.0.1", "/ok");
	produce("c-", 2, "key", "not a record", 12);
	tell("c-", 2, 1, 1, uri); /* same partition: it moves on */
}

static void test_records_that_can_not_be_read(void **state)
{
	static const uint8_t newer[] = { 0xC3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0 };
	struct dead_letter letter;
	char uri[96];
	int partition;

	(void)state;
	hook(uri, "127.0.0.1", "/ok");
	wait_seen("c-", 1);
	read_from(&unread, "c-", "calls.dead");
	next_letter(&unread, &letter, &partition);
	assert_int_equal(letter.value.len, 12);
	assert_memory_equal(letter.value.data, "not a record", 12);
	assert_true(strlen(letter.reason) > 0);
	assert_int_equal(partition, 2);
	dead_letter_clear(&letter);

	assert_true(wait_for(is_ready, &unread));
	produce("c-", 3, "key", newer, sizeof(newer));
	tell("c-", 3, 1, 1, uri); /* behind it: stands still */
	wait_reason(&unread, "partition 3 stands still: a record was written with a newer schema");
	tell("c-", 2, 2, 2, uri); /* another partition: goes on */
	wait_seen("c-", 2);
	assert_non_null(strstr(seen_at("c-", 1).id, "-2"));
	stop_program(&unread);
	assert_int_equal(count_seen("c-"), 2);
}

/* A name that the machine knows, points inside, and does not say so: false if there is none. */
static bool inside_name(char name[64])
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	for (int i = 0; i < 2; i++) {
		if (i)
			gethostname(name, 60);
		else
			strcpy(name, "ip6-loopback");
		if (strcmp(name, "localhost") != 0 && !getaddrinfo(name, "80", &hints, &found)) {
			freeaddrinfo(found);
			return true;
		}
	}
	return false;
}

static void prepare_inside(void)
{
	char uri[96], name[64];

	if (!inside_name(name))
		return;
	hook(uri, name, "/ok"); /* only its resolution tells */
	tell("d-", 0, 1, 1, uri);
}

static void test_the_inside_is_out_of_reach(void **state)
{
	struct dead_letter letter;
	char uri[96], name[64];
	int partition;

	(void)state;
	read_from(&inside, "d-", "webhooks.dead");
	if (inside_name(name)) {
		next_letter(&inside, &letter, &partition);
		assert_string_equal(letter.reason, "address not allowed");
		assert_int_equal(letter.attempts, 1);
		dead_letter_clear(&letter);
	}
	hook(uri, "127.0.0.1", "/ok");
	tell("d-", 1, 1, 1, uri);
	next_letter(&inside, &letter, &partition);
	assert_string_equal(letter.reason, "the callback address is not allowed");
	assert_int_equal(letter.attempts, 0);
	dead_letter_clear(&letter);
	assert_int_equal(count_seen("d-"), 0);
	stop_program(&inside);
}

static void prepare_known(void)
{
	char uri[96], name[33];

	hook(uri, "127.0.0.1", "/ok");
	call_name(name, "e-", 7);
	redis_server_ask(redis, "SET delivered:%s:http://127.0.0.1:%d 2", name, receiver_port());
	for (int number = 1; number <= 3; number++)
		tell("e-", 7, number, number, uri);
}

static void test_what_redis_knows_is_not_sent_again(void **state)
{
	char name[33];

	(void)state;
	call_name(name, "e-", 7);
	wait_seen("e-", 1);
	assert_non_null(strstr(seen_at("e-", 0).id, "-3"));
	stop_program(&known); /* after its end all it asked of Redis is done */
	assert_int_equal(count_seen("e-"), 1);
	assert_string_equal(
	        redis_server_ask(redis, "GET delivered:%s:http://127.0.0.1:%d", name, receiver_port()), "3");
	assert_true(atoll(redis_server_ask(redis, "PTTL delivered:%s:http://127.0.0.1:%d", name,
	                                   receiver_port())) > 0);
}

/* The group's offset in partition 1 points to nothing. */
static void prepare_lost(void)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char uri[96], why[256];
	rd_kafka_t *rk;

	rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), why,
	                  sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "g-notifier", why, sizeof(why));
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	rd_kafka_topic_partition_list_add(list, "g-calls.events", 1)->offset = 999;
	assert_int_equal(rd_kafka_commit(rk, list, 0), 0);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
	hook(uri, "127.0.0.1", "/ok");
	tell("g-", 1, 1, 1, uri);
	tell("g-", 2, 1, 1, uri);
}

/* No guess is made. */
static void test_an_offset_out_of_range_is_an_alarm(void **state)
{
	(void)state;
	wait_seen("g-", 1);
	wait_reason(&lost, "g-calls.events partition 1 stands still: its committed offset is out of range");
	stop_program(&lost);
	assert_int_equal(count_seen("g-"), 1);
}

#define MEMBERS_CALLS 24

static void tell_all(int from, int to)
{
	char uri[96];

	hook(uri, "127.0.0.1", "/brief");
	for (int number = from; number <= to; number++)
		for (int call = 0; call < MEMBERS_CALLS; call++)
			tell("h-", call, number, number, uri);
}

static void prepare_members(void)
{
	tell_all(1, 3);
}

/* Two members, many webhooks on their way, one of them leaves; the last story looks at what came of it. */
static void test_a_member_leaves(void **state)
{
	(void)state;
	wait_seen("h-", MEMBERS_CALLS);
	kill(leaving.pid, SIGTERM);
	tell_all(4, 6);
}

static void test_another_member_takes_over(void **state)
{
	int next[MEMBERS_CALLS] = { 0 }, whole = 0, status;

	(void)state;
	assert_int_equal(waitpid(leaving.pid, &status, 0), leaving.pid);
	leaving.pid = 0;
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	for (size_t i = 0; whole < MEMBERS_CALLS; i++) {
		struct seen s;
		int call, number;

		wait_seen("h-", i + 1);
		s = seen_at("h-", i);
		call = atoi(s.id + 4);
		number = atoi(strrchr(s.id, '-') + 1);
		assert_true(number <= next[call] + 1); /* at least once, never ahead */
		if (number > next[call])
			next[call] = number;
		whole += number == 6 && next[call] == 6;
	}
	stop_program(&staying);
}

/* ---- all stories: what is there first, then their programs, at once ---- */

static const struct story {
	struct program *program;
	const char *prefix, *allow;
	void (*prepare)(void);
} stories[] = {
	{ &ordered, "a-", "127.0.0.0/8", prepare_ordered },
	{ &dead, "b-", "127.0.0.0/8", prepare_dead },
	{ &unread, "c-", "127.0.0.0/8", prepare_unread },
	{ &inside, "d-", "", prepare_inside },
	{ &known, "e-", "127.0.0.0/8", prepare_known },
	{ &slow, "f-", "127.0.0.0/8", prepare_slow },
	{ &lost, "g-", "127.0.0.0/8", prepare_lost },
	{ &leaving, "h-", "127.0.0.0/8", prepare_members },
	{ &staying, "h-", "127.0.0.0/8", NULL },
};
#define STORIES (sizeof(stories) / sizeof(stories[0]))

static int start_all(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char why[256];

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_tenants("default");
	assert_int_equal(records_open("", "", why, sizeof(why)), 0);
	redis = redis_server_start(false);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	kafka = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
	cluster = rd_kafka_mock_cluster_new(kafka, 1);
	assert_non_null(cluster);
	rd_kafka_brokers_add(kafka, rd_kafka_mock_cluster_bootstraps(cluster));
	receiver = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL,
	                            NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_END);
	assert_non_null(receiver);
	for (size_t i = 0; i < STORIES; i++) {
		if (!stories[i].prepare)
			continue; /* a second member */
		make_topics(stories[i].prefix);
		stories[i].prepare();
	}
	assert_int_equal(rd_kafka_flush(kafka, 10000), 0);
	for (size_t i = 0; i < STORIES; i++)
		start_program(stories[i].program, stories[i].prefix, stories[i].allow);
	for (size_t i = 0; i < STORIES; i++)
		wait_started(stories[i].program);
	return 0;
}

/* Also after failures: nothing is left running. */
static int stop_all(void **state)
{
	char command[64];

	(void)state;
	for (size_t i = 0; i < STORIES; i++) {
		struct program *p = stories[i].program;

		if (p->reader)
			stop_reading(p);
		if (p->pid > 0) {
			kill(p->pid, SIGKILL);
			waitpid(p->pid, NULL, 0);
		}
	}
	MHD_stop_daemon(receiver);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(kafka);
	redis_server_free(redis);
	records_close();
	curl_global_cleanup();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_member_leaves),
		cmocka_unit_test(test_sigterm_finishes_what_is_on_its_way), /* early: its moment passes */
		cmocka_unit_test(test_in_order_signed_and_once),
		cmocka_unit_test(test_dead_letters),
		cmocka_unit_test(test_records_that_can_not_be_read),
		cmocka_unit_test(test_the_inside_is_out_of_reach),
		cmocka_unit_test(test_what_redis_knows_is_not_sent_again),
		cmocka_unit_test(test_an_offset_out_of_range_is_an_alarm),
		cmocka_unit_test(test_what_is_committed_is_not_sent_again),
		cmocka_unit_test(test_another_member_takes_over),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
