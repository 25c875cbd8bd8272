/* main.c - callcast, the tool for people: which command, with which settings */
#include <stdio.h>

#include "help.h"
#include "line.h"
#include "log.h"
#include "records.h"
#include "settings.h"
#include "tool.h"

static int run_with_records(const struct line *l, const struct settings *s)
{
	char why[256];
	int r;

	if (records_open(s->schema_write, s->schema_registry, why, sizeof(why)) < 0) {
		fprintf(stderr, "callcast: schemas: %s\n", why);
		return TOOL_FAILED;
	}
	r = l->command->run(s, l);
	records_close();
	return r;
}

static int run_with_settings(const struct line *l)
{
	struct settings *s = NULL;
	int r;

	r = settings_load(&s, TOOL, l->settings_count, l->settings, NULL);
	if (r)
		return r > 0 ? TOOL_DONE : TOOL_USAGE;
	log_level_parse(&log_threshold, s->log_level);
	if (!l->command) {
		help_usage(stderr);
		r = TOOL_USAGE;
	} else if (l->command->needs == NEEDS_RECORDS) {
		r = run_with_records(l, s);
	} else {
		r = l->command->run(s, l);
	}
	settings_free(s);
	return r;
}

static int run(const struct line *l)
{
	/* with flags for settings those are checked all the same */
	if (l->command && l->command->needs == NEEDS_NOTHING && l->settings_count == 1)
		return l->command->run(NULL, l);
	return run_with_settings(l);
}

/* An answer that could not be written is none: a full disk must not look like success. */
static int flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("callcast: stdout");
	return status == TOOL_DONE ? TOOL_FAILED : status;
}

int main(int argc, char **argv)
{
	char why[LINE_WHY];
	struct line l;
	int r;

	if (line_parse(&l, argc, argv, why) < 0) {
		fprintf(stderr, "callcast: %s; callcast --help, or of a command, says more\n", why);
		r = TOOL_USAGE;
	} else if (l.help) {
		help_print(stdout, &l);
		r = TOOL_DONE;
	} else {
		r = run(&l);
	}
	line_clear(&l);
	return flushed(r);
}
