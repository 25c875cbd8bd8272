/*
 * visible.h - texts that go into logs, dials and addresses as they are
 */
#ifndef VISIBLE_H
#define VISIBLE_H

#include <stdbool.h>

/*
 * No space and no control character: neither of ASCII nor, in UTF-8, of C1
 * (U+0080 to U+009F), which some terminals obey as well.  "" is visible.
 */
bool visible_text(const char *text);

#endif
