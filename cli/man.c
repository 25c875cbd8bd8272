/* man.c - callcast man: the manual page of a program, made from the tables of commands and settings */
#include "man.h"

#include <stdio.h>
#include <string.h>

#include "help.h"
#include "line.h"
#include "settings_table.h"
#include "tool.h"

static const enum program programs[] = { TOOL, PRODUCER, WORKER, NOTIFIER };

/* ---- what all pages have ---- */

static void put_paragraphs(const char *text)
{
	char part[2048];

	while (*text) {
		const char *end = strstr(text, "\n\n");
		const size_t len = end ? (size_t)(end - text) : strlen(text);

		troff_paragraph(stdout);
		snprintf(part, sizeof(part), "%.*s", (int)len, text);
		troff_text(stdout, part);
		text += len + strspn(text + len, "\n");
	}
}

static void put_setting(const struct setting *d, enum program program)
{
	const char *value = setting_default(d, program);
	char text[512], term[128];

	snprintf(term, sizeof(term), "%s%s", d->kind == SETTING_SECRET ? "" : "--", d->name);
	troff_term(stdout, term, d->kind == SETTING_SECRET ? NULL : "value");
	snprintf(text, sizeof(text), "%s", d->help);
	troff_text(stdout, text);
	if (d->min)
		snprintf(text, sizeof(text), "(%s; %s to %s)", value, d->min, d->max);
	else if (d->choices)
		snprintf(text, sizeof(text), "(%s; one of %s)", value, d->choices);
	else
		snprintf(text, sizeof(text), "(%s)", *value ? value : "empty");
	troff_text(stdout, text);
}

static void put_settings(enum program program)
{
	troff_section(stdout, "SETTINGS");
	troff_text(stdout, "In parentheses is what a setting is by itself, and its range. "
	                   "Durations are written 250ms, 3s, 5m, 4h, 7d, sizes 512, 64K, 32M.");
	for (const struct setting *d = settings_table; d->name; d++)
		if (d->programs & program)
			put_setting(d, program);
	troff_term(stdout, "--kafka.<name>", "value");
	troff_text(stdout, "passed to librdkafka, which knows the names: kafka.security.protocol and so on");
	troff_term(stdout, "--config", "path");
	troff_text(stdout, "a file with `name = value` lines; one file may serve all programs");
	troff_term(stdout, "--help", NULL);
	troff_text(stdout, "what this page says, in short");
	troff_term(stdout, "--version", NULL);
	troff_text(stdout, "the version");

	troff_section(stdout, "ENVIRONMENT");
	troff_term(stdout, "CALLCAST_CONFIG", NULL);
	troff_text(stdout, "the path of the file, where --config does not name it");
	troff_term(stdout, program & WORKER ? "CALLCAST_RING_TIMEOUT" : "CALLCAST_REDIS_TIMEOUT", NULL);
	troff_text(stdout,
	           "and so on, for each setting: its name in capitals, with underscores for the dots. "
	           "A flag counts more than the environment, and that more than the file.");
}

static void put_see_also(enum program program)
{
	const char *comma = "";

	troff_section(stdout, "SEE ALSO");
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *name = program_name(programs[i]);

		if (programs[i] == program)
			continue;
		if (*comma)
			puts(comma);
		fputs(".BR ", stdout);
		for (const char *c = name; *c; c++)
			printf("%s", *c == '-' ? "\\-" : (char[]){ *c, '\0' });
		printf(" (%d)", programs[i] == TOOL ? 1 : 8);
		comma = ",";
	}
	putchar('\n');
}

static void put_name(enum program program, const char *what)
{
	troff_title(stdout, program_name(program), program == TOOL ? 1 : 8);
	troff_section(stdout, "NAME");
	printf("%s \\- ", program_name(program));
	troff_text(stdout, what);
	troff_section(stdout, "SYNOPSIS");
}

/* ---- the daemons ---- */

static void daemon_page(const struct man_program *p)
{
	put_name(p->program, p->what);
	printf(".B %s\n", program_name(p->program));
	troff_text(stdout, "[--name value | --name=value]...");
	troff_section(stdout, "DESCRIPTION");
	troff_text(stdout, program_purpose(p->program));
	put_paragraphs(p->paragraphs);
	put_paragraphs("All settings are checked before anything opens. /metrics, /healthz and /readyz are "
	               "served at admin.listen. Log lines go to stderr.");
	put_settings(p->program);
	troff_section(stdout, "SIGNALS");
	troff_text(stdout, "SIGTERM and SIGINT: no new work is taken, what is in hand is finished and handed "
	                   "over within drain.timeout, then the program ends.");
	put_paragraphs(p->signals);
	troff_section(stdout, "EXIT STATUS");
	troff_term(stdout, "0", NULL);
	troff_text(stdout, "ended because it was asked to, all handed over");
	troff_term(stdout, "1", NULL);
	troff_text(stdout, "could not begin, go on, or hand over in time; the last log line says why");
	troff_term(stdout, "2", NULL);
	troff_text(stdout, "wrong usage; each fault is on stderr");
	put_see_also(p->program);
}

/* ---- the tool ---- */

static void put_command(const struct command *c)
{
	char text[256], example[256];

	troff_term(stdout, c->words, c->arguments);
	snprintf(text, sizeof(text), "%s.", c->help);
	troff_text(stdout, text);
	if (c->more)
		troff_text(stdout, c->more);
	if (c->choices) {
		snprintf(text, sizeof(text), "%s is one of: %s.", c->arguments, c->choices);
		troff_text(stdout, text);
	}
	puts(".RS");
	for (const struct option *o = c->options; o->name; o++) {
		snprintf(text, sizeof(text), "--%s", o->name);
		troff_term(stdout, text, o->value);
		snprintf(text, sizeof(text), "%s%s%s%s", o->help, o->choices ? ": " : "",
		         o->choices ? o->choices : "", o->many ? "; may be given several times" : "");
		troff_text(stdout, text);
	}
	snprintf(example, sizeof(example), "callcast %s", c->example);
	troff_code(stdout, example);
	puts(".RE");
}

static void put_key(void)
{
	troff_section(stdout, "KEY");
	troff_text(stdout,
	           "The call commands ask the API at api.url with api.key: a bearer key, or a connection "
	           "string, endpoint=https://host:port/;accesskey=<base64>, with which each request is "
	           "signed. A key is taken from CALLCAST_API_KEY, or from a file of mode 0600, but from "
	           "no flag: flags can be read in the list of processes. It is in no log and no error.");
	put_paragraphs(
	        "Each command names itself to the API, so that it can be tried again and is carried out "
	        "once: that is done where the connection fails and on 429, 502, 503 and 504, as "
	        "Retry-After says, for api.timeout in all. No redirect is followed and no proxy of the "
	        "environment used.");
}

static void tool_page(void)
{
	put_name(TOOL, "makes calls, acts in them, watches and shows them");
	puts(".B callcast");
	troff_text(stdout, "command [argument | --option]... [--setting value]...");
	troff_section(stdout, "DESCRIPTION");
	troff_text(stdout, program_purpose(TOOL));
	put_paragraphs("Answers go to stdout, complaints to stderr. Phone numbers are masked, but for their "
	               "country code and last two digits, where --full does not ask for them; the queries of "
	               "addresses always are.");
	troff_section(stdout, "COMMANDS");
	for (const struct command *c = commands; c->words; c++)
		put_command(c);
	put_key();
	put_settings(TOOL);
	troff_section(stdout, "EXIT STATUS");
	for (const struct tool_exit *e = tool_exits; e->meaning; e++) {
		char status[8];

		snprintf(status, sizeof(status), "%d", e->status);
		troff_term(stdout, status, NULL);
		troff_text(stdout, e->meaning);
	}
	put_see_also(TOOL);
}

int tool_man(const struct settings *s, const struct line *l)
{
	const char *name = l->argument_count ? l->arguments[0] : program_name(TOOL);

	(void)s;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (strcmp(program_name(programs[i]), name) != 0)
			continue;
		if (programs[i] == TOOL)
			tool_page();
		else
			daemon_page(man_program(programs[i]));
	}
	return TOOL_DONE;
}
