/*
 * settings_table.h - inside settings: the table, the values of each kind, the kafka.* names
 */
#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"

#define DAEMONS      (PRODUCER | WORKER | NOTIFIER)
#define ALL_PROGRAMS (DAEMONS | TOOL)

enum setting_kind {
	SETTING_TEXT,      /* printable */
	SETTING_PATH,      /* the same, not empty */
	SETTING_NAME,      /* A-Z a-z 0-9 . _ -, goes into topics and log lines */
	SETTING_ADDRESS,   /* host:port */
	SETTING_ADDRESSES, /* several, with commas */
	SETTING_URL,       /* http or https, host, port; nothing behind it; or "" */
	SETTING_SECRET,    /* visible characters; never a flag, never shown */
	SETTING_CHOICE,
	SETTING_NUMBER,
	SETTING_DURATION,
	SETTING_SIZE,
	SETTING_FORMER,  /* commands.former */
	SETTING_WEIGHTS, /* sim.outcomes */
};

struct setting {
	const char *name;
	unsigned int programs; /* enum program, or'ed */
	enum setting_kind kind;
	size_t offset;         /* of a char * or int64_t in struct settings */
	const char *value;     /* the default, written as a user would */
	const char *min, *max; /* likewise; numbers, durations, sizes */
	const char *choices;   /* "a, b" */
	const char *help;
};

extern const struct setting settings_table[]; /* ends with a NULL name */

const struct setting *setting_find(const char *name);
/* The default's text for that program. */
const char *setting_default(const struct setting *d, enum program program);

/* 0, -EINVAL: not a value of that kind, or out of range; *s is then as it was. */
int setting_assign(struct settings *s, const struct setting *d, const char *text);
/* What would be right: "must be a duration from 1s to 5m, such as ...". */
void setting_right(char *out, size_t size, const struct setting *d);

/* "RING_TIMEOUT" of ring.timeout: what follows CALLCAST_.  Cut at size. */
const char *setting_variable(char *out, size_t size, const struct setting *d);

const char *program_name(enum program program);    /* "callcast-worker" */
const char *program_purpose(enum program program); /* a sentence */
/* "producer, callcast": names for people, with commas. */
void settings_programs(FILE *out, unsigned int programs);

/*
 * kafka.<name>: -EINVAL and why not, as a whole sentence that holds no secret
 * value.  The names are librdkafka's; it is asked.
 */
int kafka_pair_check(const char *name, const char *value, char *why, size_t size);

#endif
