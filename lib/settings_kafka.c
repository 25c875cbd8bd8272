/* settings_kafka.c - which kafka.* settings are passed through to librdkafka, and which would void a promise */
#include "settings_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

static const struct {
	const char *name; /* a '*' at the end: all that begin so */
	const char *why;
} refused[] = {
	{ "acks", "an accepted command must be on all replicas" },
	{ "request.required.acks", "an accepted command must be on all replicas" },
	{ "enable.idempotence", "a retry must not write a record twice" },
	{ "max.in.flight*", "records of one call must stay in order" },
	{ "retries", "a record must not be given up early" },
	{ "message.send.max.retries", "a record must not be given up early" },
	{ "message.timeout.ms", "it decides what the API answers and which events are lost" },
	{ "delivery.timeout.ms", "it decides what the API answers and which events are lost" },
	{ "delivery.report.only.error", "every record's acknowledgement is waited for" },
	{ "transactional.id", "transactions are not used" },
	{ "partitioner", "the partition stands in the call's id" },
	{ "partition.assignment.strategy", "all members must use range" },
	{ "enable.auto.commit", "an offset moves only when its events are told" },
	{ "enable.auto.offset.store", "an offset moves only when its events are told" },
	{ "auto.offset.reset", "an offset out of range is an alarm, not a guess" },
	{ "enable.partition.eof", "readers of a partition need it, members of a group must not have it" },
	{ "group.id", "groups are named by topic.prefix" },
	{ "session.timeout.ms", "use group.session" },
	{ "heartbeat.interval.ms", "use group.heartbeat" },
	{ "socket.nagle.disable", "without it acknowledgements take 41 ms" },
	{ "bootstrap.servers", "use kafka" },
	{ "metadata.broker.list", "use kafka" },
};

static const char *why_refused(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		size_t len = strlen(refused[i].name);

		if (!strcmp(name, refused[i].name) ||
		    (refused[i].name[len - 1] == '*' && !strncmp(name, refused[i].name, len - 1)))
			return refused[i].why;
	}
	return NULL;
}

int kafka_pair_check(const char *name, const char *value, char *why, size_t size)
{
	const char *refusal = why_refused(name);
	char message[256];
	rd_kafka_conf_t *conf;
	rd_kafka_conf_res_t result;

	if (refusal) {
		snprintf(why, size, "is not passed through: %s", refusal);
		return -EINVAL;
	}
	conf = rd_kafka_conf_new();
	result = rd_kafka_conf_set(conf, name, value, message, sizeof(message));
	rd_kafka_conf_destroy(conf);
	switch (result) {
	case RD_KAFKA_CONF_OK:
		return 0;
	case RD_KAFKA_CONF_UNKNOWN:
		snprintf(why, size, "librdkafka has no such property");
		break;
	default:
		/* librdkafka's own words may repeat the value, which may be a password */
		if (strstr(name, "password") || strstr(name, "secret") || strstr(name, "key") ||
		    strstr(name, "config"))
			snprintf(why, size, "librdkafka does not accept the value");
		else
			snprintf(why, size, "%s", message);
	}
	return -EINVAL;
}
