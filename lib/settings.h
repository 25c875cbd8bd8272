/*
 * settings.h - the one table of settings of all four programs
 *
 * A setting is named `subject.word`.  It is read, weakest first, from the
 * default, a file (`name = value` lines, named by --config or CALLCAST_CONFIG),
 * the environment (CALLCAST_ + name in capitals, dots as underscores) and flags
 * (--name value or --name=value).  Everything is checked before anything opens.
 * Durations are written 250ms, 3s, 5m, 4h, 7d; sizes 512, 64K, 32M.
 * A key is taken from the environment, or from a file that is nobody else's to
 * read, but not from a flag: those stand in the list of processes.
 * The table in settings.c is also --help and README's list.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum program { PRODUCER = 1, WORKER = 2, NOTIFIER = 4, TOOL = 8 };

struct settings_pair {
	char *name; /* librdkafka's own, without our "kafka." */
	char *value;
};

struct settings {
	enum program program;

	/* all programs */
	char *kafka;             /* kafka: host:port[,host:port] */
	char *redis;             /* redis: host:port */
	char *topic_prefix;      /* topic.prefix: goes before every topic and group name; "" */
	char *admin_listen;      /* admin.listen: host:port; the default port differs per program */
	char *tenants;           /* tenants: path of the tenants file */
	char *log_level;         /* log.level */
	int64_t drain_timeout;   /* drain.timeout, us */
	int64_t redis_timeout;   /* redis.timeout, us: an answer later than this counts as none */
	int64_t group_session;   /* group.session, us: session timeout of the consumer groups, 6 s */
	int64_t group_heartbeat; /* group.heartbeat, us: 200 ms */
	char *schema_write;      /* schema.write: version of the schemas written; "" newest */
	char *schema_registry; /* schema.registry: "" none; a JSON file that maps schema names to ids: framing 0x00 + id */
	int64_t command_ttl;               /* command.ttl, us: a create older than this is not carried out */
	int64_t call_keep;                 /* call.keep, us: how long an ended call stays readable */
	struct settings_pair *kafka_pairs; /* kafka.<librdkafka name> */
	size_t kafka_pair_count;

	/* producer */
	char *http_listen;                /* http.listen: host:port */
	int64_t http_deadline;            /* http.deadline, us: whole request, first byte to last */
	int64_t http_connections;         /* http.connections: at most so many at once */
	int64_t http_connections_address; /* http.connections.address: of these, from one address; 0 no limit */
	int64_t http_inflight;            /* http.inflight: requests that wait for Kafka; more get 503 */
	int64_t http_rate;                /* http.rate: requests a second and tenant, 0 none; more get 429 */
	int64_t commands_partitions;      /* commands.partitions: what `topics create` makes */
	char *commands_former;            /* commands.former: "<partitions>@<RFC 3339 time it ended>,..." */

	/* producer and notifier */
	char *callbacks_allow; /* callbacks.allow: networks that callbacks may reach although inside, "127.0.0.0/8,..." */

	/* worker */
	char *worker_name;        /* worker.name: in the sim's ledger and logs; default host-pid */
	int64_t worker_inflight;  /* worker.inflight: steps on their way to Redis, at most */
	int64_t command_tries;    /* command.tries: of one that Redis can't carry out, before calls.dead */
	int64_t worker_commands;  /* worker.commands: commands in hand a partition, at most */
	int64_t worker_unacked;   /* worker.unacked, bytes: events not yet acknowledged by Kafka, at most */
	int64_t call_max;         /* call.max, us */
	int64_t ring_timeout;     /* ring.timeout, us */
	int64_t hangup_timeout;   /* hangup.timeout, us: a leg that does not end by itself is ended */
	int64_t dial_bound;       /* dial.bound, us */
	int64_t handover_timeout; /* handover.timeout, us: at a revoke, the steps in hand get this long */
	int64_t sim_ring;         /* sim.ring, us */
	int64_t sim_press;        /* sim.press, us */
	int64_t sim_talk;         /* sim.talk, us */
	int64_t sim_prompt;       /* sim.prompt, us */
	char *sim_ledger;         /* sim.ledger: path, "" none */
	char *sim_outcomes;       /* sim.outcomes: "00=50,20=10,..." weights for numbers that end in 40-99 */

	/* notifier */
	char *callbacks_envelope;  /* callbacks.envelope: cloudevents | eventgrid */
	int64_t webhook_timeout;   /* webhook.timeout, us: one POST */
	int64_t webhook_transfers; /* webhook.transfers: POSTs on their way, at most */
	int64_t webhook_tries;     /* webhook.tries: quick tries in memory before webhooks.dead */
	int64_t webhook_retry;     /* webhook.retry, us: the first delay; doubled each time, jittered */
	int64_t webhook_retry_max; /* webhook.retry.max, us: the longest delay, and the longest Retry-After obeyed */
	int64_t webhook_waiting;       /* webhook.waiting: events in memory, at most */
	int64_t webhook_waiting_bytes; /* webhook.waiting.bytes */

	/* callcast */
	char *api_url;      /* api.url: "" the connection string's endpoint, else this machine's producer */
	char *api_key;      /* api.key: a bearer key or a connection string; never a flag, never shown */
	char *api_callback; /* api.callback: where calls report that are made without --callback; "" nowhere */
	int64_t api_timeout; /* api.timeout, us: one request with all its tries */
};

/*
 * Reads flags, environment and file for `program`.  1: --help or --version was
 * asked for and printed on stdout, exit 0.  -EINVAL: one line per fault was
 * printed on stderr, naming setting, source (flag, variable, file:line) and
 * what would be right.  Unknown CALLCAST_ variables only warn.
 * argv beginning at *rest (NULL allowed) was not a flag; without `rest` such words are a fault.
 */
int settings_load(struct settings **out, enum program program, int argc, char **argv, int *rest);
void settings_free(struct settings *s); /* NULL is fine */

/* "250ms", "3s", "5m", "4h", "7d" in microseconds; -EINVAL. */
int settings_duration(int64_t *out, const char *text);

/* The defaults only; for tests. */
int settings_default(struct settings **out, enum program program);

void settings_help(FILE *out, enum program program);
/* README's list: a Markdown table of all programs' settings. */
void settings_markdown(FILE *out);

#define CALLCAST_VERSION "0.1.0"

#endif
