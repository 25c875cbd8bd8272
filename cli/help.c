/* help.c - see help.h */
#include "help.h"

#include <string.h>

#include "settings_table.h"

#define WIDTH      34 /* of what stands left of the explanations */
#define LINE_WIDTH 100

static void row(FILE *out, const char *left, const char *right)
{
	if (strlen(left) < WIDTH)
		fprintf(out, "  %-*s %s\n", WIDTH, left, right);
	else
		fprintf(out, "  %s\n  %-*s %s\n", left, WIDTH, "", right);
}

void help_wrapped(FILE *out, const char *text, size_t width, help_word_fn *put)
{
	size_t column = 0;

	while (*text) {
		const size_t len = strcspn(text, " \n");

		if (column && column + 1 + len > width) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			fputc(' ', out);
		put(out, text, len, column == 0);
		column += len + (column != 0);
		text += len + strspn(text + len, " \n");
	}
	fputc('\n', out);
}

static void put_word(FILE *out, const char *word, size_t len, bool first)
{
	(void)first;
	fwrite(word, 1, len, out);
}

void help_synopsis(FILE *out, const struct command *c)
{
	fprintf(out, "%s%s%s%s", c->words, *c->arguments ? " " : "", c->arguments,
	        c->options->name ? " [option]..." : "");
}

static void list(FILE *out, const char *group)
{
	for (const struct command *c = commands; c->words; c++) {
		char left[128];

		if (group && (strncmp(c->words, group, strlen(group)) != 0 || c->words[strlen(group)] != ' '))
			continue;
		snprintf(left, sizeof(left), "%s%s%s", c->words, *c->arguments ? " " : "", c->arguments);
		row(out, left, c->help);
	}
}

static void options(FILE *out, const struct command *c)
{
	for (const struct option *o = c->options; o->name; o++) {
		char left[128], right[256];

		snprintf(left, sizeof(left), "--%s%s%s%s", o->name, o->value ? " " : "",
		         o->value ? o->value : "", o->many && !o->choices ? " ..." : "");
		snprintf(right, sizeof(right), "%s%s%s", o->help, o->choices ? ": " : "",
		         o->choices ? o->choices : "");
		row(out, left, right);
	}
}

static void of_command(FILE *out, const struct command *c)
{
	fputs("usage: callcast ", out);
	help_synopsis(out, c);
	fprintf(out, " [--setting value]...\n\n");
	fprintf(out, "%s\n", c->help);
	if (c->more)
		help_wrapped(out, c->more, LINE_WIDTH, put_word);
	if (c->choices)
		fprintf(out, "%s is one of: %s\n", c->arguments, c->choices);
	if (c->options->name) {
		fputc('\n', out);
		options(out, c);
	}
	fprintf(out, "\nexample: callcast %s\nsettings, exit status: callcast --help\n", c->example);
}

static const char usage[] = "usage: callcast command [option]... [--setting value]...\n";

void help_usage(FILE *out)
{
	fprintf(out, "%s\n", usage);
	list(out, NULL);
	fputs("\nOf each: callcast command --help.  Settings: callcast --help.\n", out);
}

static void of_all(FILE *out)
{
	fprintf(out, "%s%s\n\n", usage, program_purpose(TOOL));
	list(out, NULL);
	fputs("\nOf each: callcast command --help\n\nExit status:\n", out);
	for (const struct tool_exit *e = tool_exits; e->meaning; e++)
		fprintf(out, "  %d  %s\n", e->status, e->meaning);
	fputc('\n', out);
	settings_help(out, TOOL);
}

void help_print(FILE *out, const struct line *l)
{
	if (l->command) {
		of_command(out, l->command);
	} else if (l->word_count) {
		fprintf(out, "usage: callcast %s ...\n\n", l->words[0]);
		list(out, l->words[0]);
	} else {
		of_all(out);
	}
}
