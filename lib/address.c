/* address.c - see address.h */
#include "address.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static int parse_port(const char *text)
{
	int port = 0;

	if (!*text || strlen(text) > 5)
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		port = port * 10 + (*text - '0');
	}
	return port <= 65535 ? port : -EINVAL;
}

int address_split(const char *text, char host[ADDRESS_HOST_SIZE], int *port)
{
	const char *begin = text, *colon = strrchr(text, ':'), *end = colon, *p;
	int number;

	if (!colon)
		return -EINVAL;
	number = parse_port(colon + 1);
	if (number < 0)
		return number;
	if (*begin == '[') {
		if (colon - begin < 3 || colon[-1] != ']')
			return -EINVAL;
		begin++;
		end--;
	}
	if (end == begin || end - begin >= ADDRESS_HOST_SIZE)
		return -EINVAL;
	for (p = begin; p < end; p++) {
		/* an IPv6 address without brackets can't be told from its port */
		if (!isalnum((unsigned char)*p) && !strchr(begin > text ? ":.%-_" : ".-_", *p))
			return -EINVAL;
	}
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*port = number;
	return 0;
}
