/* main.c - callcast, the tool for people: which command, with which settings */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "records.h"
#include "settings.h"
#include "tool.h"

/* The command line, sorted: the command's words, our own flags, and the rest, which is settings. */
struct line {
	char *words[TOOL_WORDS_MAX];
	int word_count;
	struct tool_options options;
	bool help, too_many;
	char **settings; /* argv[0] and setting flags */
	int settings_count;
};

static void usage(FILE *out)
{
	fputs("usage: callcast [--name value]... command\n"
	      "\n"
	      "  topics create              makes the topics that are missing, checks the others\n"
	      "  show <callLegId>           a call: its record in Redis, its events in Kafka\n"
	      "    --full                   whole phone numbers (they are masked else)\n"
	      "    --json                   one JSON object\n"
	      "  settings                   every setting of every program\n"
	      "    --markdown               as a table\n"
	      "    --example                as a commented file for --config\n"
	      "\n"
	      "Exit status: 0 done; 1 Kafka or Redis did not answer or is not as it should be;\n"
	      "2 wrong usage; 3 no trace of the call.\n"
	      "\n",
	      out);
}

static bool own_flag(struct tool_options *o, const char *word)
{
	bool *flag = !strcmp(word, "--json")       ? &o->json
	             : !strcmp(word, "--full")     ? &o->full
	             : !strcmp(word, "--markdown") ? &o->markdown
	             : !strcmp(word, "--example")  ? &o->example
	                                           : NULL;

	if (flag)
		*flag = true;
	return flag;
}

/* Settings take a value, in the same word after a '=' or in the next one. */
static void sort_line(struct line *l, int argc, char **argv)
{
	l->settings[l->settings_count++] = argv[0];
	for (int i = 1; i < argc; i++) {
		if (own_flag(&l->options, argv[i]))
			continue;
		if (!strcmp(argv[i], "--help")) {
			l->help = true;
		} else if (strncmp(argv[i], "--", 2) == 0) {
			l->settings[l->settings_count++] = argv[i];
			if (!strchr(argv[i], '=') && strcmp(argv[i], "--version") != 0 && i + 1 < argc)
				l->settings[l->settings_count++] = argv[++i];
		} else if (l->word_count < TOOL_WORDS_MAX) {
			l->words[l->word_count++] = argv[i];
		} else {
			l->too_many = true;
		}
	}
}

static bool is_command(const struct line *l, int words, const char *first, const char *second)
{
	return !l->too_many && l->word_count == words && !strcmp(l->words[0], first) &&
	       (!second || !strcmp(l->words[1], second));
}

static int run(const struct line *l, const struct settings *s)
{
	if (is_command(l, 2, "topics", "create"))
		return tool_topics_create(s);
	if (is_command(l, 2, "show", NULL))
		return tool_show(s, &l->options, l->words[1]);
	if (is_command(l, 1, "settings", NULL))
		return tool_settings(&l->options);

	if (l->word_count)
		fprintf(stderr, "callcast: %s%s%s: no such command, or not with these words\n", l->words[0],
		        l->word_count > 1 ? " " : "", l->word_count > 1 ? l->words[1] : "");
	usage(stderr);
	return TOOL_USAGE;
}

int main(int argc, char **argv)
{
	struct settings *s = NULL;
	struct line l = { 0 };
	char why[256];
	int r;

	l.settings = calloc((size_t)argc + 1, sizeof(*l.settings));
	if (!l.settings)
		return TOOL_FAILED;
	sort_line(&l, argc, argv);
	if (l.help) {
		usage(stdout);
		settings_help(stdout, TOOL);
		free(l.settings);
		return TOOL_DONE;
	}

	r = settings_load(&s, TOOL, l.settings_count, l.settings, NULL);
	free(l.settings);
	if (r)
		return r > 0 ? TOOL_DONE : TOOL_USAGE;
	log_level_parse(&log_threshold, s->log_level);
	r = records_open(s->schema_write, s->schema_registry, why, sizeof(why));
	if (r < 0) {
		fprintf(stderr, "callcast: schemas: %s\n", why);
		r = TOOL_FAILED;
	} else {
		r = run(&l, s);
		records_close();
	}
	settings_free(s);
	return r;
}
