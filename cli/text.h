/* text.h - text that came from elsewhere, fit for a terminal */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>

/*
 * A copy, malloc'ed, with control characters as '?': what an app called a call
 * must not move a reader's cursor.
 */
char *text_printable(const char *text);

/* JSON holds nothing else. */
bool text_is_utf8(const char *text);

#endif
