/* mask.h - what people may see: numbers without their middle, and text that does a terminal no harm */
#ifndef MASK_H
#define MASK_H

#include <stdbool.h>

#include <jansson.h>

/*
 * A copy, malloc'ed, in which each number (a '+' and digits, however many, with
 * single spaces and such between them) keeps no more than its country code and its
 * last two digits: "4:+46701234567" is "4:+46*******67".  A short one keeps its
 * last two only, or nothing.
 */
char *mask_text(const char *text);
/* The same of what says who somebody is: there four digits are a number without a '+' too, but not in a UUID. */
char *mask_identifier(const char *text);

/* A copy of `v`, the caller's, with its strings masked: identifiers, by the names they stand under, as such. */
json_t *json_masked(const json_t *v);

/*
 * A copy, malloc'ed, with control characters as '?': what an app called a call
 * must not move a reader's cursor.
 */
char *text_printable(const char *text);
/* A copy, the caller's, with its strings like that: for a terminal, where JSON does not escape them. */
json_t *json_printable(const json_t *v);

/* JSON holds nothing else. */
bool text_is_utf8(const char *text);

#endif
