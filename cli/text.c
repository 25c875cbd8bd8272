/* text.c - see text.h */
#include "text.h"

#include <ctype.h>

#include <jansson.h>

#include "must.h"

char *text_printable(const char *text)
{
	char *out = must_strdup(text);

	for (unsigned char *at = (unsigned char *)out; *at; at++) {
		if (iscntrl(*at))
			*at = '?';
		else if (at[0] == 0xc2 && at[1] >= 0x80 &&
		         at[1] < 0xa0) /* the same, 0x80 to 0x9f, in UTF-8 */
			at[0] = at[1] = '?';
	}
	return out;
}

bool text_is_utf8(const char *text)
{
	json_t *j = json_string(text);
	const bool good = j != NULL;

	json_decref(j);
	return good;
}
