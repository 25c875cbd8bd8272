/*
 * commands.h - the one table of callcast's commands
 *
 * The parser (line.c), --help (help.c), shell completion (completion.c) and the
 * manual page (man.c) all read it, so that none of them can differ.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

struct line;
struct settings;

/* An option of a command: `--name`, or `--name VALUE`.  No setting has its name, and it takes a value everywhere or nowhere. */
struct option {
	const char *name;    /* "to" */
	const char *value;   /* what it takes, "WHO"; NULL: nothing */
	const char *choices; /* all that it may be, "a b c"; NULL: anything */
	bool many;           /* may be there more than once; choices with commas between them, then */
	const char *help;
};

/* What main() has ready before a command runs. */
enum needs {
	NEEDS_SETTINGS,
	NEEDS_RECORDS, /* and the schemas */
	NEEDS_NOTHING, /* `s` is NULL: works even where the settings are wrong, as a shell's start may need it */
};

struct command {
	const char *words;            /* "call create" */
	const char *arguments;        /* "<callLegId> <who>..."; "" */
	size_t least, most;           /* how many of them */
	const char *choices;          /* of an argument, as an option's */
	const struct option *options; /* end with a NULL name */
	const char *help;             /* a line */
	const char *more;             /* what else there is to know; NULL */
	const char *example;          /* "call create --to +46701740605" */
	enum needs needs;
	int (*run)(const struct settings *s, const struct line *l);
};

extern const struct command commands[]; /* ends with NULL words; grouped by the first word */

/* What people read of an exit status. */
struct tool_exit {
	int status;
	const char *meaning;
};

extern const struct tool_exit tool_exits[]; /* ends with a NULL meaning */

/* NULL: none of that name.  Of any command: whether it takes a value is the same in all. */
const struct option *option_of(const struct command *c, const char *name);
const struct option *option_anywhere(const char *name);

/* Is `text` one of the words of `choices`? */
bool choice_is(const char *choices, const char *text);
/* Some of them, with commas in between? */
bool choices_are(const char *choices, const char *text);

#endif
