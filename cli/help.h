/* help.h - --help, from the table of commands */
#ifndef HELP_H
#define HELP_H

#include <stdio.h>

#include "line.h"

/* Of the line's command; of the commands that begin with its one word; or of all, with the settings. */
void help_print(FILE *out, const struct line *l);
/* Every command in a line each, for who said too little. */
void help_usage(FILE *out);
/* "call hangup <callLegId> [options]" */
void help_synopsis(FILE *out, const struct command *c);

#endif
