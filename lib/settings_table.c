/* settings_table.c - every setting of every program: name, who has it, default, range, help */
#include "settings_table.h"

#include <ctype.h>
#include <string.h>

#define AT(field) offsetof(struct settings, field)

#define TEXT(n, p, f, v, h)                                                                                  \
	{                                                                                                    \
		n, p, SETTING_TEXT, AT(f), v, NULL, NULL, NULL, h                                            \
	}
#define PATH(n, p, f, v, h)                                                                                  \
	{                                                                                                    \
		n, p, SETTING_PATH, AT(f), v, NULL, NULL, NULL, h                                            \
	}
#define NAME(n, p, f, v, h)                                                                                  \
	{                                                                                                    \
		n, p, SETTING_NAME, AT(f), v, NULL, NULL, NULL, h                                            \
	}
#define ADDRESS(n, p, f, v, h)                                                                               \
	{                                                                                                    \
		n, p, SETTING_ADDRESS, AT(f), v, NULL, NULL, NULL, h                                         \
	}
#define ADDRESSES(n, p, f, v, h)                                                                             \
	{                                                                                                    \
		n, p, SETTING_ADDRESSES, AT(f), v, NULL, NULL, NULL, h                                       \
	}
#define URL(n, p, f, v, h)                                                                                   \
	{                                                                                                    \
		n, p, SETTING_URL, AT(f), v, NULL, NULL, NULL, h                                             \
	}
#define SECRET(n, p, f, h)                                                                                   \
	{                                                                                                    \
		n, p, SETTING_SECRET, AT(f), "", NULL, NULL, NULL, h                                         \
	}
#define CHOICE(n, p, f, v, c, h)                                                                             \
	{                                                                                                    \
		n, p, SETTING_CHOICE, AT(f), v, NULL, NULL, c, h                                             \
	}
#define NUMBER(n, p, f, v, min, max, h)                                                                      \
	{                                                                                                    \
		n, p, SETTING_NUMBER, AT(f), v, min, max, NULL, h                                            \
	}
#define SECONDS(n, p, f, v, min, max, h)                                                                     \
	{                                                                                                    \
		n, p, SETTING_DURATION, AT(f), v, min, max, NULL, h                                          \
	}
#define BYTES(n, p, f, v, min, max, h)                                                                       \
	{                                                                                                    \
		n, p, SETTING_SIZE, AT(f), v, min, max, NULL, h                                              \
	}
#define FORMER(n, p, f, v, h)                                                                                \
	{                                                                                                    \
		n, p, SETTING_FORMER, AT(f), v, NULL, NULL, NULL, h                                          \
	}
#define WEIGHTS(n, p, f, v, h)                                                                               \
	{                                                                                                    \
		n, p, SETTING_WEIGHTS, AT(f), v, NULL, NULL, NULL, h                                         \
	}

/* clang-format off: one row, one setting */
const struct setting settings_table[] = {
	ADDRESSES("kafka", ALL_PROGRAMS, kafka, "127.0.0.1:9092", "the brokers to begin with"),
	ADDRESS("redis", ALL_PROGRAMS, redis, "127.0.0.1:6379", "the Redis server"),
	NAME("topic.prefix", ALL_PROGRAMS, topic_prefix, "", "goes before the name of every topic and group"),
	ADDRESS("admin.listen", DAEMONS, admin_listen, NULL,
	        "where /metrics, /healthz and /readyz are served"),
	PATH("tenants", DAEMONS, tenants, "tenants.json",
	     "the tenants file, mode 0600; the producer and the notifier read it"),
	CHOICE("log.level", ALL_PROGRAMS, log_level, "info", "debug, info, warn, error",
	       "the least important lines that are logged"),
	SECONDS("drain.timeout", DAEMONS, drain_timeout, "30s", "100ms", "10m",
	        "how long SIGTERM waits for work in hand"),
	SECONDS("redis.timeout", ALL_PROGRAMS, redis_timeout, "1s", "20ms", "1m",
	        "an answer of Redis later than this counts as none"),
	SECONDS("group.session", DAEMONS, group_session, "6s", "1s", "5m",
	        "a member of a consumer group silent for so long is out"),
	SECONDS("group.heartbeat", DAEMONS, group_heartbeat, "200ms", "50ms", "1m",
	        "how often a member says that it is there"),
	NAME("schema.write", ALL_PROGRAMS, schema_write, "",
	     "the version of the schemas to write; empty: the newest"),
	TEXT("schema.registry", ALL_PROGRAMS, schema_registry, "",
	     "a JSON file that maps schema names to registry ids; empty: no registry"),
	SECONDS("command.ttl", DAEMONS, command_ttl, "1h", "1s", "7d",
	        "a create older than this is not carried out"),
	SECONDS("call.keep", DAEMONS, call_keep, "24h", "2s", "30d",
	        "how long an ended call stays readable; above command.ttl"),

	ADDRESS("http.listen", PRODUCER, http_listen, "127.0.0.1:8080", "where the API is served"),
	SECONDS("http.deadline", PRODUCER, http_deadline, "10s", "100ms", "5m",
	        "the time for a whole request, first byte to last"),
	NUMBER("http.connections", PRODUCER, http_connections, "4096", "1", "100000", "connections at once"),
	NUMBER("http.connections.address", PRODUCER, http_connections_address, "2048", "0", "100000",
	       "connections at once from one address, or one IPv6 /64; 0: no limit"),
	NUMBER("http.inflight", PRODUCER, http_inflight, "2000", "1", "1000000",
	       "requests that wait for Kafka; more are answered 503"),
	NUMBER("http.rate", PRODUCER, http_rate, "0", "0", "1000000",
	       "requests a second and tenant, more are answered 429; 0: no limit"),
	NUMBER("commands.partitions", PRODUCER | TOOL, commands_partitions, "32", "1", "4096",
	       "partitions of calls.commands that `topics create` makes"),
	FORMER("commands.former", PRODUCER, commands_former, "",
	       "former partition counts, <count>@<RFC 3339 time it ended>, with commas"),

	TEXT("callbacks.allow", PRODUCER | NOTIFIER, callbacks_allow, "",
	     "inside networks that callbacks may reach, such as 127.0.0.0/8,::1/128"),
	CHOICE("callbacks.envelope", NOTIFIER, callbacks_envelope, "cloudevents", "cloudevents, eventgrid",
	       "the form of webhooks"),

	NAME("worker.name", WORKER, worker_name, "",
	     "in logs and the simulator's ledger; empty: host name and process id"),
	NUMBER("worker.inflight", WORKER, worker_inflight, "1024", "1", "100000",
	       "steps on their way to Redis, at most"),
	NUMBER("worker.commands", WORKER, worker_commands, "256", "1", "100000",
	       "commands in hand per partition, at most"),
	NUMBER("command.tries", WORKER, command_tries, "5", "1", "100",
	       "tries of a command that Redis can't carry out, before calls.dead"),
	BYTES("worker.unacked", WORKER, worker_unacked, "32M", "64K", "4G",
	      "events that Kafka has not acknowledged, at most"),
	SECONDS("call.max", WORKER, call_max, "4h", "100ms", "7d", "the longest call"),
	SECONDS("ring.timeout", WORKER, ring_timeout, "30s", "10ms", "10m",
	        "a phone that rings for so long is not answered"),
	SECONDS("hangup.timeout", WORKER, hangup_timeout, "10s", "10ms", "5m",
	        "a leg that was hung up and does not end by itself is ended"),
	SECONDS("dial.bound", WORKER, dial_bound, "2s", "10ms", "1m",
	        "the longest time between a dial's confirm and the dial"),
	SECONDS("handover.timeout", WORKER, handover_timeout, "1s", "10ms", "30s",
	        "how long a rebalance waits for steps in hand"),
	SECONDS("sim.ring", WORKER, sim_ring, "300ms", "0", "1h",
	        "simulated phones: from the dial to the answer"),
	SECONDS("sim.press", WORKER, sim_press, "1s", "0", "1h",
	        "simulated phones: from a prompt's start to the first digit"),
	SECONDS("sim.talk", WORKER, sim_talk, "5s", "0", "1h",
	        "simulated phones: from the answer to their own hang-up"),
	SECONDS("sim.prompt", WORKER, sim_prompt, "3s", "0", "1h",
	        "simulated phones: the length of every prompt"),
	TEXT("sim.ledger", WORKER, sim_ledger, "",
	     "a file that every simulated dial is appended to; empty: none"),
	WEIGHTS("sim.outcomes", WORKER, sim_outcomes,
	        "00=20,01=30,02=10,10=10,20=8,21=12,22=4,23=3,24=1,30=1,32=1",
	        "what numbers that end in 40-99 do: script=weight, with commas"),

	SECONDS("webhook.timeout", NOTIFIER, webhook_timeout, "10s", "10ms", "5m", "the time for one POST"),
	NUMBER("webhook.transfers", NOTIFIER, webhook_transfers, "128", "1", "10000",
	       "POSTs on their way, at most"),
	NUMBER("webhook.tries", NOTIFIER, webhook_tries, "6", "1", "100", "tries before webhooks.dead"),
	SECONDS("webhook.retry", NOTIFIER, webhook_retry, "500ms", "1ms", "1h",
	        "the first delay between tries; each later one is twice as long"),
	SECONDS("webhook.retry.max", NOTIFIER, webhook_retry_max, "30s", "1ms", "24h",
	        "the longest delay, and the longest Retry-After that is obeyed"),
	NUMBER("webhook.waiting", NOTIFIER, webhook_waiting, "10000", "1", "10000000",
	       "events in memory, at most"),
	BYTES("webhook.waiting.bytes", NOTIFIER, webhook_waiting_bytes, "32M", "64K", "16G",
	      "their size, at most"),

	URL("api.url", TOOL, api_url, "",
	    "the API; empty: the endpoint in api.key, else http://127.0.0.1:8080"),
	SECRET("api.key", TOOL, api_key,
	       "a bearer key or a connection string; CALLCAST_API_KEY or a file of mode 0600, no flag"),
	TEXT("api.callback", TOOL, api_callback, "",
	     "where a call reports that is made without --callback; empty: nowhere"),
	SECONDS("api.timeout", TOOL, api_timeout, "20s", "100ms", "10m",
	        "the time for one request with all its tries"),
	{ 0 },
};
/* clang-format on */

const struct setting *setting_find(const char *name)
{
	for (const struct setting *d = settings_table; d->name; d++) {
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

const char *setting_default(const struct setting *d, enum program program)
{
	if (d->value)
		return d->value;
	/* admin.listen: all three run on one machine out of the box */
	return program == NOTIFIER ? "127.0.0.1:9103"
	       : program == WORKER ? "127.0.0.1:9102"
	                           : "127.0.0.1:9101";
}

const char *setting_variable(char *out, size_t size, const struct setting *d)
{
	size_t n = 0;

	for (const char *p = d->name; *p && n + 1 < size; p++)
		out[n++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
	out[n] = '\0';
	return out;
}

const char *program_name(enum program program)
{
	switch (program) {
	case PRODUCER:
		return "callcast-producer";
	case WORKER:
		return "callcast-worker";
	case NOTIFIER:
		return "callcast-notifier";
	case TOOL:
		break;
	}
	return "callcast";
}
