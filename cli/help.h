/* help.h - --help, from the table of commands */
#ifndef HELP_H
#define HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "line.h"

/* Of the line's command; of the commands that begin with its one word; or of all, with the settings. */
void help_print(FILE *out, const struct line *l);
/* Every command in a line each, for who said too little. */
void help_usage(FILE *out);
/* "call hangup <callLegId> [option]..." */
void help_synopsis(FILE *out, const struct command *c);

/* `text` in lines of `width`, broken between words, which `put` writes; `first`: of its line. */
typedef void help_word_fn(FILE *out, const char *word, size_t len, bool first);
void help_wrapped(FILE *out, const char *text, size_t width, help_word_fn *put);

#endif
