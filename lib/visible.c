/* visible.c - see visible.h */
#include "visible.h"

bool visible_text(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	for (; *c; c++) {
		if (*c <= ' ' || *c == 0x7f)
			return false;
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			return false;
	}
	return true;
}
