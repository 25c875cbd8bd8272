/*
 * settings.c - see settings.h: the sources, from the weakest to the strongest
 *
 * A fault does not end the reading: all of them are printed, then the start is refused.
 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "must.h"
#include "settings_table.h"

#define ENV_PREFIX   "CALLCAST_"
#define KAFKA_PREFIX "kafka."
#define NAME_SIZE    128
#define LINE_MAX_LEN 8192

struct load {
	struct settings *settings;
	unsigned int faults;
	bool file_is_open; /* others may read it */
};

/* What the local stack's env file holds besides settings. */
static const char *const known_variables[] = {
	"CALLCAST_ENDPOINT",      "CALLCAST_ACCESS_KEY",     "CALLCAST_CONNECTION_STRING",
	"CALLCAST_BEARER",        "CALLCAST_WEBHOOK_SECRET", "CALLCAST_PRODUCER_ADMIN",
	"CALLCAST_WORKER_ADMINS", "CALLCAST_NOTIFIER_ADMIN", "CALLCAST_CONFIG",
};

static void fault(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct load *l, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_name(l->settings->program));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	l->faults++;
}

/* ---- one value ---- */

static void assign(struct load *l, const struct setting *d, const char *value, const char *source)
{
	char right[256];

	if (setting_assign(l->settings, d, value) == 0)
		return;
	setting_right(right, sizeof(right), d);
	if (d->kind == SETTING_SECRET ||
	    d->kind == SETTING_URL) /* which is refused where it holds a password */
		fault(l, "%s (%s): %s", d->name, source, right);
	else
		fault(l, "%s \"%s\" (%s): %s", d->name, value, source, right);
}

static void assign_pair(struct load *l, const char *name, const char *value, const char *source)
{
	struct settings *s = l->settings;
	char why[320];
	size_t i;

	if (kafka_pair_check(name, value, why, sizeof(why)) < 0) {
		fault(l, "kafka.%s (%s): %s", name, source, why);
		return;
	}
	for (i = 0; i < s->kafka_pair_count; i++) {
		if (!strcmp(s->kafka_pairs[i].name, name))
			break;
	}
	if (i == s->kafka_pair_count) {
		s->kafka_pairs = must_realloc(s->kafka_pairs, (i + 1) * sizeof(*s->kafka_pairs));
		s->kafka_pairs[i] = (struct settings_pair){ .name = must_strdup(name) };
		s->kafka_pair_count++;
	}
	free(s->kafka_pairs[i].value);
	s->kafka_pairs[i].value = must_strdup(value);
}

static void assign_defaults(struct settings *s)
{
	for (const struct setting *d = settings_table; d->name; d++) {
		if (setting_assign(s, d, setting_default(d, s->program)) < 0)
			abort(); /* the table is wrong; a unit test reads every row */
	}
}

/* ---- the file ---- */

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	for (len = strlen(text); len && strchr(" \t\r\n", text[len - 1]); len--)
		text[len - 1] = '\0';
	return text;
}

static void read_line(struct load *l, char *line, const char *source)
{
	const struct setting *d;
	char *equals, *name, *value;

	line = trim(line);
	if (!*line || *line == '#')
		return;
	equals = strchr(line, '=');
	if (!equals) {
		fault(l, "%s: must be `name = value`", source);
		return;
	}
	*equals = '\0';
	name = trim(line);
	value = trim(equals + 1);
	d = setting_find(name);
	if (d && d->programs & l->settings->program) {
		if (d->kind == SETTING_SECRET && *value && l->file_is_open)
			fault(l, "%s (%s): others may read this file: chmod 600", name, source);
		else
			assign(l, d, value, source);
	} else if (!strncmp(name, KAFKA_PREFIX, strlen(KAFKA_PREFIX))) {
		assign_pair(l, name + strlen(KAFKA_PREFIX), value, source);
	} else if (!d) { /* another program's is fine: one file serves all */
		fault(l, "%s (%s): no such setting", name, source);
	}
}

static void read_file(struct load *l, const char *path)
{
	char line[LINE_MAX_LEN];
	FILE *f = fopen(path, "re");
	struct stat st;
	int number = 0;

	if (!f) {
		fault(l, "--config %s: %s", path, strerror(errno));
		return;
	}
	l->file_is_open = fstat(fileno(f), &st) < 0 || st.st_mode & (S_IRWXG | S_IRWXO);
	while (fgets(line, sizeof(line), f)) {
		char *source = must_printf("%s:%d", path, ++number);

		if (strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n') {
			fault(l, "%s: longer than %d bytes", source, LINE_MAX_LEN - 2);
			free(source);
			break;
		}
		read_line(l, line, source);
		free(source);
	}
	if (ferror(f))
		fault(l, "--config %s: %s", path, strerror(errno));
	fclose(f);
}

/* ---- the environment ---- */

/* "CALLCAST_RING_TIMEOUT" to "ring.timeout" */
static void setting_of_variable(char out[NAME_SIZE], const char *variable, size_t len)
{
	size_t n = 0;

	for (size_t i = strlen(ENV_PREFIX); i < len && n < NAME_SIZE - 1; i++)
		out[n++] = variable[i] == '_' ? '.' : (char)tolower((unsigned char)variable[i]);
	out[n] = '\0';
}

static bool is_known_variable(const char *variable, size_t len)
{
	for (size_t i = 0; i < sizeof(known_variables) / sizeof(known_variables[0]); i++) {
		if (strlen(known_variables[i]) == len && !strncmp(known_variables[i], variable, len))
			return true;
	}
	return false;
}

static void read_variable(struct load *l, const char *variable)
{
	size_t len = strcspn(variable, "=");
	const struct setting *d;
	char name[NAME_SIZE], source[NAME_SIZE + 32];

	if (strncmp(variable, ENV_PREFIX, strlen(ENV_PREFIX)) != 0 || !variable[len] ||
	    is_known_variable(variable, len))
		return;
	setting_of_variable(name, variable, len);
	snprintf(source, sizeof(source), "variable %.*s", (int)(len < NAME_SIZE ? len : NAME_SIZE), variable);
	d = setting_find(name);
	if (d && d->programs & l->settings->program)
		assign(l, d, variable + len + 1, source);
	else if (!strncmp(name, KAFKA_PREFIX, strlen(KAFKA_PREFIX)))
		assign_pair(l, name + strlen(KAFKA_PREFIX), variable + len + 1, source);
	else if (!d)
		log_warn("settings.unknown variable=%.*s", (int)len, variable);
}

/* ---- the flags ---- */

/* Walks over argv.  A flag is `--name=value` or `--name value`. */
struct flags {
	int argc;
	char **argv;
	int next;
	char name[NAME_SIZE];
	const char *value; /* NULL: none */
};

static bool stands_alone(const char *name)
{
	return !strcmp(name, "help") || !strcmp(name, "version");
}

/* The next flag; false: the end, or the first word that is none (flags->next is there). */
static bool next_flag(struct flags *f)
{
	const char *word, *equals;
	size_t len;

	if (f->next >= f->argc || strncmp(f->argv[f->next], "--", 2) != 0)
		return false;
	word = f->argv[f->next++] + 2;
	if (!*word) /* "--" ends the flags */
		return false;
	equals = strchr(word, '=');
	len = equals ? (size_t)(equals - word) : strlen(word);
	if (len >= sizeof(f->name))
		len = sizeof(f->name) - 1;
	memcpy(f->name, word, len);
	f->name[len] = '\0';
	f->value = equals ? equals + 1 : NULL;
	if (!f->value && !stands_alone(f->name) && f->next < f->argc)
		f->value = f->argv[f->next++];
	return true;
}

static void read_flag(struct load *l, const struct flags *f)
{
	const struct setting *d = setting_find(f->name);
	char source[NAME_SIZE + 16];

	snprintf(source, sizeof(source), "flag --%s", f->name);
	if (d && !(d->programs & l->settings->program)) {
		fault(l, "%s (%s): not a setting of this program", f->name, source);
		return;
	}
	if (!d && strncmp(f->name, KAFKA_PREFIX, strlen(KAFKA_PREFIX)) != 0) {
		fault(l, "%s (%s): no such setting; --help lists them", f->name, source);
		return;
	}
	if (d && d->kind == SETTING_SECRET) {
		char variable[NAME_SIZE];

		fault(l,
		      "%s (%s): a flag can be read by everybody, in the list of processes; use the variable "
		      "%s%s or a file",
		      f->name, source, ENV_PREFIX, setting_variable(variable, sizeof(variable), d));
		return;
	}
	if (!f->value)
		fault(l, "%s (%s): needs a value", f->name, source);
	else if (d)
		assign(l, d, f->value, source);
	else
		assign_pair(l, f->name + strlen(KAFKA_PREFIX), f->value, source);
}

static void read_flags(struct load *l, int argc, char **argv, int *rest)
{
	struct flags f = { .argc = argc, .argv = argv, .next = 1 };

	while (next_flag(&f)) {
		if (strcmp(f.name, "config") != 0)
			read_flag(l, &f);
		else if (!f.value)
			fault(l, "config (flag --config): needs a value");
	}
	if (rest)
		*rest = f.next;
	else if (f.next < argc)
		fault(l, "\"%s\": not a flag; flags begin with --", argv[f.next]);
}

/* What has to be known before all else: 1: printed and done.  *config is borrowed. */
static int look_ahead(enum program program, int argc, char **argv, const char **config)
{
	struct flags f = { .argc = argc, .argv = argv, .next = 1 };

	*config = getenv("CALLCAST_CONFIG");
	while (next_flag(&f)) {
		if (!strcmp(f.name, "help")) {
			settings_help(stdout, program);
			return 1;
		}
		if (!strcmp(f.name, "version")) {
			printf("%s %s\n", program_name(program), CALLCAST_VERSION);
			return 1;
		}
		if (!strcmp(f.name, "config") && f.value)
			*config = f.value;
	}
	return 0;
}

/* ---- all of it ---- */

static void check_together(struct load *l)
{
	const struct settings *s = l->settings;

	if (s->call_keep <= s->command_ttl)
		fault(l, "call.keep: must be longer than command.ttl, or a repeated create could call twice");
	if (s->group_heartbeat * 2 > s->group_session)
		fault(l, "group.heartbeat: must be at most half of group.session");
	if (s->webhook_retry_max < s->webhook_retry)
		fault(l, "webhook.retry.max: must not be shorter than webhook.retry");
}

static void name_worker(struct settings *s)
{
	char host[64] = "worker";

	if (s->worker_name[0])
		return;
	gethostname(host, sizeof(host) - 1);
	free(s->worker_name);
	s->worker_name = must_printf("%s-%d", host, (int)getpid());
}

static struct settings *settings_new(enum program program)
{
	struct settings *s = must_calloc(1, sizeof(*s));

	s->program = program;
	assign_defaults(s);
	return s;
}

int settings_load(struct settings **out, enum program program, int argc, char **argv, int *rest)
{
	struct load l = { 0 };
	const char *config;

	if (look_ahead(program, argc, argv, &config) == 1)
		return 1;
	l.settings = settings_new(program);
	if (config)
		read_file(&l, config);
	for (char **variable = environ; *variable; variable++)
		read_variable(&l, *variable);
	read_flags(&l, argc, argv, rest);
	if (!l.faults) /* else these would repeat what was said */
		check_together(&l);
	if (l.faults) {
		settings_free(l.settings);
		return -EINVAL;
	}
	name_worker(l.settings);
	*out = l.settings;
	return 0;
}

int settings_default(struct settings **out, enum program program)
{
	*out = settings_new(program);
	name_worker(*out);
	return 0;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (const struct setting *d = settings_table; d->name; d++) {
		if (!d->min)
			free(*(char **)((char *)s + d->offset));
	}
	for (size_t i = 0; i < s->kafka_pair_count; i++) {
		free(s->kafka_pairs[i].name);
		free(s->kafka_pairs[i].value);
	}
	free(s->kafka_pairs);
	free(s);
}
