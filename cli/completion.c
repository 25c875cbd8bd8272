/*
 * completion.c - callcast completion: what makes a shell complete callcast's words
 *
 * One function in words that bash and zsh share, made from the tables of
 * commands and settings, finds what may come next; the shell's own few lines
 * hand it the words and offer what it found.
 */
#include "tool.h"

#include <stdio.h>
#include <string.h>

#include "line.h"
#include "settings_table.h"

/* ---- lists ---- */

/* A setting's have commas between them. */
static void put_choices(const char *choices)
{
	for (const char *at = choices; *at; at++)
		if (*at != ',')
			putchar(*at);
}

/* Those commands' next words that begin with `group`; NULL: the first words, each once. */
static void put_words(const char *group)
{
	const size_t skip = group ? strlen(group) + 1 : 0;
	const char *before = "";

	for (const struct command *c = commands; c->words; c++) {
		const char *word = c->words + skip;
		const size_t len = strcspn(c->words, " ");

		if (group && (len != skip - 1 || strncmp(c->words, group, len) != 0))
			continue;
		if (!group && !strncmp(before, word, len) && (!before[len] || before[len] == ' '))
			continue;
		printf(" %.*s", (int)(group ? strlen(word) : len), word);
		before = word;
	}
}

static void put_options(const struct command *c)
{
	for (const struct option *o = c->options; o->name; o++)
		printf(" --%s", o->name);
}

static void put_settings(void)
{
	for (const struct setting *d = settings_table; d->name; d++)
		if (d->programs & TOOL && d->kind != SETTING_SECRET)
			printf(" --%s", d->name);
	fputs(" --config --help", stdout);
}

/* Several commands may have an option of that name: is this the first of them? */
static bool is_first(const struct command *c, const struct option *o)
{
	const struct command *first = commands;

	while (!option_of(first, o->name))
		first++;
	return first == c;
}

/* ---- the function's parts, each a list of cases ---- */

static void put_flags_alone(void)
{
	fputs("\t\t--help | --version", stdout);
	for (const struct command *c = commands; c->words; c++)
		for (const struct option *o = c->options; o->name; o++)
			if (!o->value && is_first(c, o))
				printf(" | --%s", o->name);
	puts(") ;;");
}

static void put_command_names(void)
{
	const char *group = "";

	fputs("\t\t\tcase \"$command${command:+ }$word\" in\n\t\t\t", stdout);
	for (const struct command *c = commands; c->words; c++) {
		const size_t len = strcspn(c->words, " ");

		if (c->words[len] && strncmp(group, c->words, len + 1) != 0) {
			printf("'%.*s' | ", (int)len, c->words);
			group = c->words;
		}
		printf("'%s'%s", c->words, c[1].words ? " | " : ")");
	}
	puts(" command=\"$command${command:+ }$word\" ;;\n\t\t\tesac");
}

static void put_values(void)
{
	for (const struct command *c = commands; c->words; c++) {
		for (const struct option *o = c->options; o->name; o++) {
			if (!o->choices || !is_first(c, o))
				continue;
			printf("\t--%s) candidates='", o->name);
			put_choices(o->choices);
			puts("' ;;");
		}
	}
	for (const struct setting *d = settings_table; d->name; d++) {
		if (!(d->programs & TOOL))
			continue;
		if (d->kind == SETTING_PATH) {
			printf("\t--%s) files=yes ;;\n", d->name);
		} else if (d->choices) {
			printf("\t--%s) candidates='", d->name);
			put_choices(d->choices);
			puts("' ;;");
		}
	}
	puts("\t--config) files=yes ;;");
}

static void put_commands(void)
{
	const char *group = "";

	fputs("\t'') candidates='", stdout);
	put_words(NULL);
	puts("' ;;");
	for (const struct command *c = commands; c->words; c++) {
		const size_t len = strcspn(c->words, " ");
		char word[64];

		if (c->words[len] && strncmp(group, c->words, len + 1) != 0) {
			snprintf(word, sizeof(word), "%.*s", (int)len, c->words);
			printf("\t'%s') candidates='", word);
			put_words(word);
			puts("' ;;");
			group = c->words;
		}
		printf("\t'%s') candidates='", c->words);
		if (c->choices)
			put_choices(c->choices);
		fputs("' options='", stdout);
		put_options(c);
		puts("' ;;");
	}
}

static void put_function(void)
{
	puts("# What may come behind the words $2...; $1 is what there is of the next.\n"
	     "# Sets candidates, or files where a file is wanted.\n"
	     "_callcast_next() {\n"
	     "\tlocal current=$1 word='' command='' flag='' options=''\n"
	     "\tshift\n"
	     "\tcandidates='' files=''\n"
	     "\tfor word in \"$@\"; do\n"
	     "\t\tif [[ -n $flag ]]; then # its value\n"
	     "\t\t\tflag=''\n"
	     "\t\t\tcontinue\n"
	     "\t\tfi\n"
	     "\t\tcase $word in");
	put_flags_alone();
	puts("\t\t--*=*) ;;\n"
	     "\t\t--*) flag=$word ;;\n"
	     "\t\t*)");
	put_command_names();
	puts("\t\t\t;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase $flag in\n"
	     "\t'') ;;");
	put_values();
	puts("\tesac\n"
	     "\tif [[ -n $flag ]]; then return; fi\n"
	     "\tcase $command in");
	put_commands();
	fputs("\tesac\n"
	      "\tif [[ $current == -* ]]; then\n"
	      "\t\tcandidates=\"$options",
	      stdout);
	put_settings();
	puts("\"\n"
	     "\telif [[ -z $candidates ]]; then\n"
	     "\t\tcandidates=$options\n"
	     "\tfi\n"
	     "}");
}

/* ---- the shells ---- */

/* bash breaks words at = and : too, so they are taken from the line itself. */
static const char bash[] = "\n"
                           "_callcast() {\n"
                           "\tlocal line=${COMP_LINE:0:COMP_POINT} current='' words candidates files\n"
                           "\tread -r -a words <<<\"$line\"\n"
                           "\tif [[ $line != *[[:space:]] ]]; then\n"
                           "\t\tcurrent=${words[-1]}\n"
                           "\t\tunset 'words[-1]'\n"
                           "\tfi\n"
                           "\tif [[ $current == --*=* ]]; then\n"
                           "\t\twords+=(\"${current%%=*}\")\n"
                           "\t\tcurrent=${current#*=}\n"
                           "\tfi\n"
                           "\t_callcast_next \"$current\" \"${words[@]:1}\"\n"
                           "\tif [[ -n $files ]]; then\n"
                           "\t\tcompopt -o filenames 2>/dev/null\n"
                           "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                           "\telse\n"
                           "\t\tmapfile -t COMPREPLY < <(compgen -W \"$candidates\" -- \"$current\")\n"
                           "\tfi\n"
                           "}\n"
                           "complete -F _callcast callcast\n";

static const char zsh[] = "\n"
                          "_callcast() {\n"
                          "\tlocal candidates files\n"
                          "\tlocal -a before\n"
                          "\tbefore=(\"${(@)words[2,CURRENT-1]}\")\n"
                          "\tif compset -P '--*='; then before+=(\"${IPREFIX%=}\"); fi\n"
                          "\t_callcast_next \"$PREFIX\" \"$before[@]\"\n"
                          "\tif [[ -n $files ]]; then\n"
                          "\t\t_files\n"
                          "\telse\n"
                          "\t\tcompadd -- ${=candidates}\n"
                          "\tfi\n"
                          "}\n"
                          "compdef _callcast callcast\n";

int tool_completion(const struct settings *s, const struct line *l)
{
	const bool is_bash = !strcmp(l->arguments[0], "bash");

	(void)s;
	printf("# callcast's words for %s, printed by `callcast completion %s`\n\n", l->arguments[0],
	       l->arguments[0]);
	put_function();
	fputs(is_bash ? bash : zsh, stdout);
	return TOOL_DONE;
}
