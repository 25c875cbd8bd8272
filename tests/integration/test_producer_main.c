/* test_producer_main.c - the program itself: starts, says when it is ready, re-reads its tenants, drains */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "must.h"
#include "producer_rig.h"
#include "settings.h"

#define CREATE                                                                                               \
	"{\"targets\":[{\"phoneNumber\":{\"value\":\"+46701234500\"}}],\"callbackUri\":\"https://"           \
	"app.example/cb?secret=1\"}"

static struct rig *rig; /* for its mock cluster, its Redis and its tenants file */
static pid_t child;
static int log_fd;
static char log_text[64 * 1024];
static size_t log_len;

/* build/tests/integration/test_x: build/bin/callcast-producer.  NULL: not built. */
static char *program(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path;

	self[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 3 && strrchr(self, '/'); i++)
		*strrchr(self, '/') = '\0';
	path = must_printf("%s/bin/callcast-producer", self);
	if (access(path, X_OK) == 0)
		return path;
	fprintf(stderr, "SKIPPED: %s is not built\n", path);
	free(path);
	return NULL;
}

static void start(const char *path)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDERR_FILENO);
		setenv("CALLCAST_KAFKA", rig->settings->kafka, 1);
		setenv("CALLCAST_REDIS", rig->settings->redis, 1);
		setenv("CALLCAST_TENANTS", rig->tenants_path, 1);
		execl(path, path, "--http.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	log_fd = ends[0];
	fcntl(log_fd, F_SETFL, O_NONBLOCK);
	log_len = 0;
	log_text[0] = '\0';
}

static void read_log(void)
{
	ssize_t n = read(log_fd, log_text + log_len, sizeof(log_text) - 1 - log_len);

	if (n > 0)
		log_len += (size_t)n;
	log_text[log_len] = '\0';
}

/* What stands behind `words` in the log, once it is there. */
static const char *logged(const char *words)
{
	int64_t until = clock_mono() + 10 * CLOCK_SEC;

	while (clock_mono() < until) {
		read_log();
		if (strstr(log_text, words))
			return strstr(log_text, words) + strlen(words);
		usleep(2000); /* another process's pace */
	}
	fail_msg("no \"%s\" in:\n%s", words, log_text);
	return NULL;
}

static int connect_to(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* One request on a connection of its own; the answer is malloc'ed. */
static char *ask(int port, const char *request)
{
	char *text = must_calloc(1, 65536);
	int fd = connect_to(port);
	size_t used = 0;
	ssize_t n;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while ((n = recv(fd, text + used, 65535 - used, 0)) > 0)
		used += (size_t)n;
	close(fd);
	return text;
}

static void expect(int port, const char *request, const char *start_of_answer)
{
	char *text = ask(port, request);

	if (strncmp(text, start_of_answer, strlen(start_of_answer)))
		fail_msg("not \"%s\" but:\n%s\n%s", start_of_answer, text, log_text);
	free(text);
}

static char *create_request(void)
{
	return must_printf("POST /calls HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer rig-bearer\r\n"
	                   "Content-Type: application/json\r\nConnection: close\r\n"
	                   "Content-Length: %zu\r\n\r\n%s",
	                   strlen(CREATE), CREATE);
}

static void create(int port, const char *start_of_answer)
{
	char *request = create_request();

	expect(port, request, start_of_answer);
	free(request);
}

static void wait_ready(int admin)
{
	int64_t until = clock_mono() + 10 * CLOCK_SEC;
	bool ready = false;

	while (!ready && clock_mono() < until) {
		char *text = ask(admin, "GET /readyz HTTP/1.0\r\nHost: a\r\n\r\n");

		ready = strstr(text, " 200 ") != NULL;
		free(text);
		usleep(5000);
	}
	assert_true(ready);
}

static void rewrite(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static void check_end(void)
{
	int status;

	assert_int_equal(kill(child, SIGTERM), 0);
	logged("producer.drained inflight=0 ");
	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_life(void **state)
{
	char *path = program();
	int port, admin;

	(void)state;
	if (!path)
		skip();
	start(path);
	free(path);
	port = atoi(logged("http.listening port="));
	admin = atoi(logged("admin.listening port="));
	wait_ready(admin);
	create(port, "HTTP/1.1 200 ");
	logged("command.accepted call=");

	/* a broken tenants file changes nothing; another one does */
	rewrite(rig->tenants_path, "{");
	kill(child, SIGHUP);
	logged("tenants.refused ");
	create(port, "HTTP/1.1 200 ");
	rewrite(rig->tenants_path,
	        "{\"serverKeys\":[{\"number\":1,\"key\":\"" RIG_KEY
	        "\"}],\"tenants\":[{\"name\":\"default\",\"hosts\":[],\"accessKeys\":[\"" RIG_KEY
	        "\"],\"bearerKeys\":[],\"webhookSecrets\":[\"whsec_" RIG_KEY "\"]}]}");
	kill(child, SIGHUP);
	logged("tenants.loaded");
	create(port, "HTTP/1.1 401 ");

	check_end();
	/* no number, no callback's query, no key */
	assert_null(strstr(log_text, "46701234500"));
	assert_null(strstr(log_text, "secret"));
	assert_null(strstr(log_text, "rig-bearer"));
	close(log_fd);
}

/*
 * A drain that runs out of time: who still waits for Kafka is told that nobody
 * knows, never that nothing was done.
 */
static void test_drain_runs_out_of_time(void **state)
{
	char *path = program(), *request, text[4096] = "";
	int port, fd, status;
	ssize_t n;

	(void)state;
	if (!path)
		skip();
	setenv("CALLCAST_DRAIN_TIMEOUT", "200ms", 1);
	start(path);
	unsetenv("CALLCAST_DRAIN_TIMEOUT");
	free(path);
	port = atoi(logged("http.listening port="));
	wait_ready(atoi(logged("admin.listening port=")));
	create(port, "HTTP/1.1 200 ");
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 3000);
	request = create_request();
	fd = connect_to(port);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	free(request);
	usleep(300000); /* until it waits for Kafka, in another process */
	kill(child, SIGTERM);
	logged("producer.drained inflight=1 ");
	n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
	assert_true(n > 0);
	assert_memory_equal(text, "HTTP/1.1 503 ", 13);
	assert_non_null(strstr(text, "Retry-After: 1"));
	assert_non_null(strstr(text, "\"unknown\""));
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	assert_int_equal(status, 0);
	rd_kafka_mock_broker_set_rtt(rig->mock, 1, 0);
	close(log_fd);
}

/* Without a broker it says why it is not ready and accepts nothing; with one it goes on by itself. */
static void test_without_kafka(void **state)
{
	char *path = program(), *answer;
	int port, admin;

	(void)state;
	if (!path)
		skip();
	rd_kafka_mock_broker_set_down(rig->mock, 1);
	start(path);
	free(path);
	port = atoi(logged("http.listening port="));
	admin = atoi(logged("admin.listening port="));
	answer = ask(admin, "GET /readyz HTTP/1.0\r\nHost: a\r\n\r\n");
	assert_non_null(strstr(answer, " 503 "));
	assert_non_null(strstr(answer, "partitions are not known"));
	free(answer);
	create(port, "HTTP/1.1 503 ");
	rd_kafka_mock_broker_set_up(rig->mock, 1);
	wait_ready(admin);
	create(port, "HTTP/1.1 200 ");
	check_end();
	close(log_fd);
}

static int setup(void **state)
{
	(void)state;
	rig = rig_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (child > 0)
		kill(child, SIGKILL); /* a test that failed in between */
	rig_close(rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain_runs_out_of_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_kafka, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
