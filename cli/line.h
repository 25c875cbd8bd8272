/*
 * line.h - the command line, sorted by the table of commands: command, arguments, options, settings
 *
 * Options and settings may stand before, between and behind the words; `--` ends
 * both.  All text is borrowed from argv.
 */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callid.h"
#include "commands.h"

#define LINE_WORDS   80 /* a call may have 50 targets, an invite as many people */
#define LINE_OPTIONS 128
#define LINE_WHY     256

struct given {
	const struct option *option;
	const char *value; /* NULL: the option takes none */
};

struct line {
	const struct command *command; /* NULL: none was named */
	const char *words[LINE_WORDS]; /* the command's own too */
	size_t word_count;
	const char *const *arguments; /* of words: what is behind the command's own */
	size_t argument_count;
	struct given given[LINE_OPTIONS];
	size_t given_count;
	bool help;
	char **settings; /* argv[0] and the flags that are settings, for settings_load() */
	int settings_count;
};

/*
 * 0, or -EINVAL: `why` says what is wrong, in a sentence.  With --help a command
 * may be half said, and nothing else is checked.
 */
int line_parse(struct line *l, int argc, char **argv, char why[LINE_WHY]);
void line_clear(struct line *l);

bool line_has(const struct line *l, const char *option);
const char *line_value(const struct line *l, const char *option); /* NULL: not there */

/* These say on stderr what is wrong, and return 0 or -EINVAL. */

/* The option's value in us, above 0; where it is not there, *out stays. */
int line_duration(int64_t *out, const struct line *l, const char *option);
/* The first argument, which is a callLegId. */
int line_callid(struct callid *out, const struct line *l);

#endif
