/* test_settings.c - the table holds together; each source and each kind of value; what a fault says */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "settings.h"
#include "settings_table.h"

static struct settings *settings;
static char said[16384]; /* on stderr and stdout by the last load() */
static char path[64];

static void read_back(int fd)
{
	ssize_t n = pread(fd, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs settings_load() on the words of `line`. */
static int load(enum program program, const char *line, int *rest)
{
	char words[1024], *argv[32] = { "program" }, *save = NULL, *word,
	                  name[] = "/tmp/callcast-said-XXXXXX";
	int argc = 1, r, out, saved[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };

	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	settings_free(settings);
	settings = NULL;
	out = mkstemp(name);
	unlink(name);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	r = settings_load(&settings, program, argc, argv, rest);
	fflush(stdout);
	dup2(saved[0], STDOUT_FILENO);
	dup2(saved[1], STDERR_FILENO);
	close(saved[0]);
	close(saved[1]);
	read_back(out);
	return r;
}

static void write_file(const char *text)
{
	FILE *f;
	int fd;

	strcpy(path, "/tmp/callcast-conf-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	static const char *const variables[] = { "CALLCAST_CONFIG",          "CALLCAST_RING_TIMEOUT",
		                                 "CALLCAST_KAFKA",           "CALLCAST_HTTP_RATE",
		                                 "CALLCAST_RING_TIMOUT",     "CALLCAST_ACCESS_KEY",
		                                 "CALLCAST_KAFKA_LINGER_MS", "CALLCAST_API_KEY" };

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	path[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	settings_free(settings);
	settings = NULL;
	if (path[0])
		unlink(path);
	return 0;
}

static void test_every_default_is_a_value_in_range(void **state)
{
	static const enum program programs[] = { PRODUCER, WORKER, NOTIFIER, TOOL };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct settings *s = NULL;

		for (const struct setting *d = settings_table; d->name; d++) {
			struct settings one = { 0 };
			int r = setting_assign(&one, d, setting_default(d, programs[i]));

			if (r < 0)
				print_error("%s\n", d->name);
			assert_int_equal(r, 0);
			assert_non_null(d->help);
			assert_ptr_equal(setting_find(d->name), d);
			if (!d->min)
				free(*(char **)((char *)&one + d->offset));
		}
		assert_int_equal(settings_default(&s, programs[i]), 0);
		assert_true(strlen(s->worker_name) > 2);
		settings_free(s);
	}
}

static void test_defaults_have_their_units(void **state)
{
	(void)state;
	assert_int_equal(load(NOTIFIER, "", NULL), 0);
	assert_string_equal(said, "");
	assert_string_equal(settings->admin_listen, "127.0.0.1:9103");
	assert_true(settings->sim_ring == 300 * CLOCK_MS);
	assert_true(settings->call_keep == 24 * 3600 * CLOCK_SEC);
	assert_int_equal(settings->webhook_waiting_bytes, 32 << 20);
	assert_int_equal(settings->http_inflight, 2000);
}

static void test_bad_values_of_each_kind(void **state)
{
	static const struct {
		enum program program;
		const char *line, *fault;
	} rows[] = {
		{ WORKER, "--ring.timeout 5",
		  "callcast-worker: ring.timeout \"5\" (flag --ring.timeout): must be a duration from 10ms "
		  "to 10m, "
		  "such as 250ms, 3s, 5m, 4h, 7d\n" },
		{ WORKER, "--ring.timeout=11m",
		  "callcast-worker: ring.timeout \"11m\" (flag --ring.timeout): must be a duration from 10ms "
		  "to "
		  "10m, such as 250ms, 3s, 5m, 4h, 7d\n" },
		{ PRODUCER, "--http.inflight -1",
		  "callcast-producer: http.inflight \"-1\" (flag --http.inflight): must be a whole number "
		  "from 1 "
		  "to 1000000\n" },
		{ PRODUCER, "--http.inflight 99999999999999999999",
		  "callcast-producer: http.inflight \"99999999999999999999\" (flag --http.inflight): must be "
		  "a "
		  "whole number from 1 to 1000000\n" },
		{ NOTIFIER, "--webhook.waiting.bytes 32MB",
		  "callcast-notifier: webhook.waiting.bytes \"32MB\" (flag --webhook.waiting.bytes): must be "
		  "a "
		  "size from 64K to 16G, such as 512, 64K, 32M\n" },
		{ TOOL, "--redis 127.0.0.1",
		  "callcast: redis \"127.0.0.1\" (flag --redis): must be host:port, such as 127.0.0.1:8080 "
		  "or "
		  "[::1]:8080\n" },
		{ TOOL, "--kafka a:1,,b:2",
		  "callcast: kafka \"a:1,,b:2\" (flag --kafka): must be host:port, or several with commas "
		  "between "
		  "them\n" },
		{ TOOL, "--log.level loud",
		  "callcast: log.level \"loud\" (flag --log.level): must be one of debug, info, warn, "
		  "error\n" },
		{ TOOL, "--log.level debug,",
		  "callcast: log.level \"debug,\" (flag --log.level): must be one of debug, info, warn, "
		  "error\n" },
		{ TOOL, "--topic.prefix a/b",
		  "callcast: topic.prefix \"a/b\" (flag --topic.prefix): must be at most 64 of the "
		  "characters A-Z "
		  "a-z 0-9 . _ -\n" },
		{ WORKER, "--tenants=",
		  "callcast-worker: tenants \"\" (flag --tenants): must be the path of a file\n" },
		{ TOOL, "--tenants x",
		  "callcast: tenants (flag --tenants): not a setting of this program\n" },
		{ WORKER, "--sim.ledger a\tb",
		  "callcast-worker: sim.ledger \"a\tb\" (flag --sim.ledger): must not hold control "
		  "characters\n" },
		{ WORKER, "--sim.outcomes 40=1",
		  "callcast-worker: sim.outcomes \"40=1\" (flag --sim.outcomes): must be scripts and their "
		  "weights, such as 00=50,20=10: two digits from 00 to 39, weights from 0 to 1000000, not "
		  "all of "
		  "them 0\n" },
		{ PRODUCER, "--commands.former 32@yesterday",
		  "callcast-producer: commands.former \"32@yesterday\" (flag --commands.former): must be "
		  "at most 16 partition "
		  "counts and when each ended, such as 32@2026-01-31T12:00:00Z, with commas between them\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load(rows[i].program, rows[i].line, NULL), -EINVAL);
		assert_string_equal(said, rows[i].fault);
	}
}

static void test_odd_but_good_values(void **state)
{
	(void)state;
	assert_int_equal(load(WORKER,
	                      "--sim.ring 0 --sim.talk=0s --sim.outcomes 00=0,39=1 --admin.listen "
	                      "127.0.0.1:0 --redis [::1]:6379 --worker.unacked 1G",
	                      NULL),
	                 0);
	assert_int_equal(settings->sim_ring, 0);
	assert_true(settings->worker_unacked == INT64_C(1) << 30);
	assert_int_equal(
	        load(PRODUCER, "--commands.former 32@2026-01-31T12:00:00Z,8@2025-01-31T12:00:00Z", NULL), 0);
	assert_int_equal(load(WORKER, "--sim.outcomes 00=0", NULL), -EINVAL);
	assert_int_equal(load(WORKER, "--sim.outcomes 0=1", NULL), -EINVAL);
	assert_int_equal(load(WORKER, "--sim.outcomes 00=1,", NULL), -EINVAL);
	assert_int_equal(load(WORKER, "--sim.outcomes 00=1000000", NULL), 0);
	assert_int_equal(load(WORKER, "--sim.outcomes 00=00000001", NULL), -EINVAL);
}

/* The producer keeps so many, and reads a time as it is written: what it would refuse is refused here. */
static void test_former_partition_counts(void **state)
{
	static const char one[] = ",32@2026-01-31T12:00:00Z";
	char line[1024] = "--commands.former ";

	(void)state;
	for (size_t n = 1; n <= 17; n++) {
		strcat(line, one + (n == 1));
		assert_int_equal(load(PRODUCER, line, NULL), n <= 16 ? 0 : -EINVAL);
	}
	assert_int_equal(load(PRODUCER, "--commands.former 32@2026-1-31T12:00:00Z", NULL), -EINVAL);
	assert_int_equal(load(PRODUCER, "--commands.former 00032@2026-01-31T12:00:00Z", NULL), -EINVAL);
}

static void test_all_faults_are_told(void **state)
{
	(void)state;
	assert_int_equal(
	        load(WORKER, "--foo 1 --http.rate 5 --ring.timeout x --kafka.acks 1 --sim.ring", NULL),
	        -EINVAL);
	assert_string_equal(
	        said,
	        "callcast-worker: foo (flag --foo): no such setting; --help lists them\n"
	        "callcast-worker: http.rate (flag --http.rate): not a setting of this program\n"
	        "callcast-worker: ring.timeout \"x\" (flag --ring.timeout): must be a duration from 10ms "
	        "to 10m, such as 250ms, 3s, 5m, 4h, 7d\n"
	        "callcast-worker: kafka.acks (flag --kafka.acks): is not passed through: an accepted "
	        "command must be on all replicas\n"
	        "callcast-worker: sim.ring (flag --sim.ring): needs a value\n");
}

static void test_the_stronger_source_counts(void **state)
{
	char line[128];

	(void)state;
	write_file("# all programs\n\n  ring.timeout = 11s \nhangup.timeout=12s\ndial.bound = 1s\nhttp.rate "
	           "= 5\n"
	           "kafka.linger.ms = 3\n");
	setenv("CALLCAST_RING_TIMEOUT", "21s", 1);
	setenv("CALLCAST_KAFKA", "example:1", 1);
	setenv("CALLCAST_HTTP_RATE", "not even read here", 1);
	setenv("CALLCAST_KAFKA_LINGER_MS", "4", 1);
	snprintf(line, sizeof(line), "--config %s --dial.bound 3s --kafka.client.id x", path);
	assert_int_equal(load(WORKER, line, NULL), 0);
	assert_string_equal(said, "");
	assert_true(settings->ring_timeout == 21 * CLOCK_SEC);
	assert_true(settings->hangup_timeout == 12 * CLOCK_SEC);
	assert_true(settings->dial_bound == 3 * CLOCK_SEC);
	assert_string_equal(settings->kafka, "example:1");
	assert_int_equal(settings->kafka_pair_count, 2);
	assert_string_equal(settings->kafka_pairs[0].name, "linger.ms");
	assert_string_equal(settings->kafka_pairs[0].value, "4");
}

static void test_faults_of_file_and_environment_name_their_place(void **state)
{
	char expected[1024];

	(void)state;
	write_file("ring.timeout = 11s\nring.timout = 11s\nwhat\nsim.ring = soon\n");
	setenv("CALLCAST_CONFIG", path, 1);
	setenv("CALLCAST_RING_TIMEOUT", "", 1);
	assert_int_equal(load(WORKER, "", NULL), -EINVAL);
	snprintf(expected, sizeof(expected),
	         "callcast-worker: ring.timout (%s:2): no such setting\n"
	         "callcast-worker: %s:3: must be `name = value`\n"
	         "callcast-worker: sim.ring \"soon\" (%s:4): must be a duration from 0 to 1h, such as 250ms, "
	         "3s, "
	         "5m, 4h, 7d\n"
	         "callcast-worker: ring.timeout \"\" (variable CALLCAST_RING_TIMEOUT): must be a duration "
	         "from "
	         "10ms to 10m, such as 250ms, 3s, 5m, 4h, 7d\n",
	         path, path, path);
	assert_string_equal(said, expected);
	setenv("CALLCAST_CONFIG", "/nowhere/at/all", 1);
	unsetenv("CALLCAST_RING_TIMEOUT");
	assert_int_equal(load(WORKER, "", NULL), -EINVAL);
	assert_string_equal(said, "callcast-worker: --config /nowhere/at/all: No such file or directory\n");
}

static void test_an_unknown_variable_only_warns(void **state)
{
	(void)state;
	setenv("CALLCAST_RING_TIMOUT", "1s", 1);
	setenv("CALLCAST_ACCESS_KEY", "secret", 1);
	assert_int_equal(load(WORKER, "", NULL), 0);
	assert_non_null(strstr(said, " warn settings.unknown variable=CALLCAST_RING_TIMOUT\n"));
	assert_null(strstr(said, "ACCESS_KEY"));
	assert_null(strstr(said, "1s"));
}

static void test_what_librdkafka_may_be_told(void **state)
{
	static const char *const refused[] = {
		"acks",
		"request.required.acks",
		"enable.idempotence",
		"partitioner",
		"partition.assignment.strategy",
		"enable.auto.commit",
		"enable.auto.offset.store",
		"auto.offset.reset",
		"message.timeout.ms",
		"delivery.timeout.ms",
		"group.id",
		"transactional.id",
		"max.in.flight",
		"max.in.flight.requests.per.connection",
		"bootstrap.servers",
		"enable.partition.eof",
		"retries",
		"message.send.max.retries",
		"delivery.report.only.error",
		"session.timeout.ms",
		"heartbeat.interval.ms",
		"socket.nagle.disable",
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(kafka_pair_check(refused[i], "1", why, sizeof(why)), -EINVAL);
		assert_non_null(strstr(why, "is not passed through: "));
	}
	assert_int_equal(kafka_pair_check("fetch.wait.max.ms", "5", why, sizeof(why)), 0);
	assert_int_equal(kafka_pair_check("fetch.wait.max", "5", why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "librdkafka has no such property");
	assert_int_equal(kafka_pair_check("fetch.wait.max.ms", "soon", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "fetch.wait.max.ms"));
}

static void test_a_password_is_never_shown(void **state)
{
	(void)state;
	assert_int_equal(load(WORKER, "--kafka.ssl.key.pem hunter2 --kafka.sasl.passwort hunter2", NULL),
	                 -EINVAL);
	assert_null(strstr(said, "hunter2"));
	assert_non_null(
	        strstr(said, "kafka.sasl.passwort (flag --kafka.sasl.passwort): librdkafka has no such"));
}

/* A key comes from the environment, or from a file that nobody else reads; no fault repeats it. */
static void test_a_key_is_taken_from_where_nobody_sees_it(void **state)
{
	char line[128], expected[256];

	(void)state;
	setenv("CALLCAST_API_KEY", "hunter2", 1);
	assert_int_equal(load(TOOL, "", NULL), 0);
	assert_string_equal(settings->api_key, "hunter2");
	assert_int_equal(load(WORKER, "", NULL), 0); /* not its own: no warning either */
	assert_string_equal(said, "");
	setenv("CALLCAST_API_KEY", "hunter2 hunter3", 1);
	assert_int_equal(load(TOOL, "", NULL), -EINVAL);
	assert_string_equal(said,
	                    "callcast: api.key (variable CALLCAST_API_KEY): must not hold spaces or control "
	                    "characters\n");
	unsetenv("CALLCAST_API_KEY");

	write_file("api.key = hunter2\n");
	snprintf(line, sizeof(line), "--config %s", path);
	assert_int_equal(load(TOOL, line, NULL), 0);
	assert_string_equal(settings->api_key, "hunter2");
	chmod(path, 0640);
	assert_int_equal(load(TOOL, line, NULL), -EINVAL);
	snprintf(expected, sizeof(expected),
	         "callcast: api.key (%s:1): others may read this file: chmod 600\n", path);
	assert_string_equal(said, expected);
	assert_int_equal(load(WORKER, line, NULL), 0);

	assert_int_equal(load(TOOL, "--api.key hunter2", NULL), -EINVAL);
	assert_non_null(strstr(said, "the variable CALLCAST_API_KEY or a file"));
	assert_null(strstr(said, "hunter2"));
	assert_int_equal(load(TOOL, "--api.key=hunter2", NULL), -EINVAL);
	assert_null(strstr(said, "hunter2"));
}

static void test_urls(void **state)
{
	static const char *const good[] = { "http://a:1", "https://a.example", "http://[::1]:8080/",
		                            "http://127.0.0.1:8080/" };
	static const char *const bad[] = { "a:1",         "ftp://a",    "http://",    "http://a/b",
		                           "http://a?x",  "http://u@a", "http:///",   "http://:80",
		                           "https://a#x", "HTTP://a",   "http://a//", "http://u:p@a" };
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "--api.url %s", good[i]);
		assert_int_equal(load(TOOL, line, NULL), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "--api.url %s", bad[i]);
		assert_int_equal(load(TOOL, line, NULL), -EINVAL);
		assert_non_null(strstr(said, "must be http://host:port or https://host:port, and nothing "
		                             "behind it"));
	}
}

static void test_durations_by_themselves(void **state)
{
	int64_t t = 7;

	(void)state;
	assert_int_equal(settings_duration(&t, "90s"), 0);
	assert_true(t == 90 * CLOCK_SEC);
	assert_int_equal(settings_duration(&t, "250ms"), 0);
	assert_true(t == 250 * CLOCK_MS);
	assert_int_equal(settings_duration(&t, "90"), -EINVAL);
	assert_int_equal(settings_duration(&t, "-1s"), -EINVAL);
	assert_int_equal(settings_duration(&t, ""), -EINVAL);
	assert_true(t == 250 * CLOCK_MS);
}

static void test_settings_that_contradict_each_other(void **state)
{
	(void)state;
	assert_int_equal(load(PRODUCER, "--command.ttl 24h", NULL), -EINVAL);
	assert_non_null(strstr(said, "call.keep: must be longer than command.ttl"));
	assert_int_equal(load(WORKER, "--group.session 1s --group.heartbeat 600ms", NULL), -EINVAL);
	assert_non_null(strstr(said, "group.heartbeat: must be at most half of group.session"));
	assert_int_equal(load(NOTIFIER, "--webhook.retry 1m", NULL), -EINVAL);
	assert_non_null(strstr(said, "webhook.retry.max: must not be shorter than webhook.retry"));
}

static void test_words_after_the_flags(void **state)
{
	int rest = 0;

	(void)state;
	assert_int_equal(load(TOOL, "--log.level warn topics create --force", &rest), 0);
	assert_int_equal(rest, 3);
	assert_int_equal(load(TOOL, "--log.level warn -- --x", &rest), 0);
	assert_int_equal(rest, 4);
	assert_int_equal(load(TOOL, "", &rest), 0);
	assert_int_equal(rest, 1);
	assert_int_equal(load(WORKER, "topics", NULL), -EINVAL);
	assert_string_equal(said, "callcast-worker: \"topics\": not a flag; flags begin with --\n");
	assert_int_equal(load(WORKER, "-x", NULL), -EINVAL);
}

static void test_help_and_version(void **state)
{
	(void)state;
	assert_int_equal(load(WORKER, "--version", NULL), 1);
	assert_string_equal(said, "callcast-worker 0.1.0\n");
	assert_int_equal(load(WORKER, "--ring.timeout x --help", NULL), 1);
	assert_non_null(strstr(said, "usage: callcast-worker [--name value"));
	assert_non_null(strstr(said, "\n  --ring.timeout 30s\n"));
	assert_non_null(strstr(said, "\n  --admin.listen 127.0.0.1:9102\n"));
	assert_non_null(strstr(said, "\n  --kafka.<name> "));
	assert_null(strstr(said, "--http.listen"));
	assert_int_equal(load(WORKER, "--sim.ledger --help", NULL), 0);
	assert_string_equal(settings->sim_ledger, "--help");
}

static void test_the_markdown_has_every_setting(void **state)
{
	char *text = NULL, row[64];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	settings_markdown(f);
	fclose(f);
	for (const struct setting *d = settings_table; d->name; d++) {
		snprintf(row, sizeof(row), "\n| `%s` | ", d->name);
		assert_non_null(strstr(text, row));
	}
	assert_non_null(strstr(text, "| `redis.timeout` | all | `1s` | 20ms to 1m | "));
	free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_default_is_a_value_in_range),
		TEST(test_defaults_have_their_units),
		TEST(test_bad_values_of_each_kind),
		TEST(test_odd_but_good_values),
		TEST(test_former_partition_counts),
		TEST(test_all_faults_are_told),
		TEST(test_the_stronger_source_counts),
		TEST(test_faults_of_file_and_environment_name_their_place),
		TEST(test_an_unknown_variable_only_warns),
		TEST(test_what_librdkafka_may_be_told),
		TEST(test_a_password_is_never_shown),
		TEST(test_a_key_is_taken_from_where_nobody_sees_it),
		TEST(test_urls),
		TEST(test_durations_by_themselves),
		TEST(test_settings_that_contradict_each_other),
		TEST(test_words_after_the_flags),
		TEST(test_help_and_version),
		TEST(test_the_markdown_has_every_setting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
