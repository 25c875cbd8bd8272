/*
 * broker.c - callcast-broker: an embedded Kafka for the demo and quick tests
 *
 * librdkafka's mock cluster in a process of its own.  Nothing is durable: what
 * it holds is gone when it ends, and a partition keeps its newest 5 MiB only.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "log.h"

static const char default_topics[] = "calls.commands:32,calls.events:32,calls.dead:32,webhooks.dead:32";

/*
 * The mock cluster binds to a port of its own choice and has no setting for
 * it.  Its bind() is this one: while `wanted` is armed, which is only around
 * the making of the cluster, port 0 becomes the port that we were told.
 */
static struct sockaddr_in wanted = { .sin_family = AF_INET };
static bool armed;

int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "bind");
	if (!armed || sa->sa_family != AF_INET)
		return real(fd, sa, len);

	/* or a restart on the same port would wait for old connections to be forgotten */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	return real(fd, (const struct sockaddr *)&wanted, sizeof(wanted));
}

/* Asked before the cluster is made: the library aborts on a port that is taken. */
static int try_listen(void)
{
	int fd, r = 0;

	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (const struct sockaddr *)&wanted, sizeof(wanted)) < 0 || listen(fd, 1) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int parse_listen(const char *text)
{
	char host[INET_ADDRSTRLEN], *end;
	const char *colon;
	long port;

	colon = strrchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	errno = 0;
	port = strtol(colon + 1, &end, 10);
	if (errno || *end || end == colon + 1 || port < 0 || port > 65535)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &wanted.sin_addr) != 1)
		return -EINVAL;
	if (wanted.sin_addr.s_addr == htonl(INADDR_ANY))
		return -EINVAL; /* it would be told to clients as the address to connect to */
	wanted.sin_port = htons((uint16_t)port);
	return 0;
}

/* One topic of "name:partitions,...".  `item` is cut up. */
static int make_topic(rd_kafka_mock_cluster_t *cluster, const char *prefix, char *item)
{
	char name[250], *colon, *end;
	rd_kafka_resp_err_t err;
	long partitions;
	int n;

	colon = strrchr(item, ':');
	if (!colon || colon == item)
		return -EINVAL;
	*colon = '\0';
	errno = 0;
	partitions = strtol(colon + 1, &end, 10);
	if (errno || *end || partitions < 1 || partitions > 1024)
		return -EINVAL;
	n = snprintf(name, sizeof(name), "%s%s", prefix, item);
	if (n < 0 || (size_t)n >= sizeof(name))
		return -EINVAL;

	err = rd_kafka_mock_topic_create(cluster, name, (int)partitions, 1);
	if (err) {
		log_error("broker.failed topic=%s error=\"%s\"", name, rd_kafka_err2str(err));
		return -EIO;
	}
	return 0;
}

static int make_topics(rd_kafka_mock_cluster_t *cluster, const char *prefix, const char *list)
{
	char *copy, *item, *next;
	int r = 0;

	copy = strdup(list);
	if (!copy)
		return -ENOMEM;
	for (item = strtok_r(copy, ",", &next); item && r == 0; item = strtok_r(NULL, ",", &next)) {
		r = make_topic(cluster, prefix, item);
		if (r == -EINVAL)
			log_error("broker.failed error=\"--topics: not name:partitions (1..1024)\" topic=%s",
			          item);
	}
	free(copy);
	return r;
}

/* The handle that the cluster lives in; it never produces anything. */
static rd_kafka_t *make_handle(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *rk;
	char why[256];

	rd_kafka_conf_set(conf, "log_level", "3", why, sizeof(why));
	/* with Nagle on, an acknowledgement waits up to 41 ms for the client's delayed ACK */
	if (rd_kafka_conf_set(conf, "socket.nagle.disable", "true", why, sizeof(why)) != RD_KAFKA_CONF_OK)
		log_warn("broker.slow error=\"%s\"", why);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk) {
		rd_kafka_conf_destroy(conf);
		log_error("broker.failed error=\"%s\"", why);
	}
	return rk;
}

static void wait_for_end(rd_kafka_t *rk, const sigset_t *ends)
{
	const struct timespec second = { .tv_sec = 1 };
	int signo;

	do {
		rd_kafka_poll(rk, 0); /* or its errors would pile up */
		signo = sigtimedwait(ends, NULL, &second);
	} while (signo < 0);
	log_info("broker.ended signal=%s", sigabbrev_np(signo));
}

static int serve(const char *prefix, const char *topics)
{
	rd_kafka_mock_cluster_t *cluster = NULL;
	rd_kafka_t *rk;
	sigset_t ends;
	int r;

	/* before librdkafka starts its threads, so that the signals come to this one only */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);

	r = try_listen();
	if (r < 0) {
		log_error("broker.failed error=\"can't listen: %s\"", strerror(-r));
		return r;
	}
	rk = make_handle();
	if (!rk)
		return -EIO;
	armed = true;
	cluster = rd_kafka_mock_cluster_new(rk, 1);
	armed = false;
	if (!cluster) {
		r = -EIO;
		goto out;
	}
	r = make_topics(cluster, prefix, topics);
	if (r < 0)
		goto out;

	log_warn("broker.volatile note=\"in memory only: all is lost at exit, 5 MiB a partition, the oldest "
	         "is "
	         "dropped\"");
	printf("broker.ready bootstrap=%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	wait_for_end(rk, &ends);
out:
	if (cluster)
		rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(rk);
	return r;
}

static void usage(FILE *out)
{
	fprintf(out,
	        "usage: callcast-broker [--listen IPv4:PORT] [--prefix TEXT] [--topics NAME:PARTITIONS,...]\n"
	        "A Kafka in memory, for demo and tests: librdkafka's mock cluster.\n"
	        "  --listen   default 127.0.0.1:0, a free port; it is printed as `broker.ready "
	        "bootstrap=...`\n"
	        "  --prefix   goes before each topic's name\n"
	        "  --topics   default %s\n"
	        "Clients that ask for any other topic make one with 4 partitions.  SIGTERM ends it.\n",
	        default_topics);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "prefix", required_argument, NULL, 'p' },
		{ "topics", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *listen_on = "127.0.0.1:0", *prefix = "", *topics = default_topics;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			listen_on = optarg;
			break;
		case 'p':
			prefix = optarg;
			break;
		case 't':
			topics = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "callcast-broker: unexpected word: %s\n", argv[optind]);
		return 2;
	}
	if (parse_listen(listen_on) < 0) {
		fprintf(stderr,
		        "callcast-broker: --listen %s: must be an IPv4 address, not 0.0.0.0, and a port\n",
		        listen_on);
		return 2;
	}
	return serve(prefix, topics) < 0 ? 1 : 0;
}
