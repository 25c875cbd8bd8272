/* demo_contacts.c - see demo_contacts.h */
#include "demo_contacts.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 3

static int fault(char *why, size_t size, const char *path, size_t line, const char *what)
{
	snprintf(why, size, "%s:%zu: %s", path, line, what);
	return -EINVAL;
}

/*
 * Cuts one field off *rest, in place: plain, or in double quotes, inside which
 * a doubled quote stands for one.  NULL: a quote without its other half.
 */
static char *cut_field(char **rest)
{
	char *in = *rest, *out = in, *field = in;

	if (*in != '"') {
		field = strsep(rest, ",");
		return field;
	}
	for (in++;; in++) {
		if (!*in)
			return NULL;
		if (*in == '"') {
			if (in[1] != '"')
				break;
			in++;
		}
		*out++ = *in;
	}
	if (in[1] && in[1] != ',')
		return NULL;
	*rest = in[1] ? in + 2 : NULL;
	*out = '\0';
	return field;
}

static const char *number_fault(const char *number)
{
	size_t digits;

	if (*number != '+')
		return "the number must begin with +, as in +46701740605";
	digits = strspn(number + 1, "0123456789");
	if (number[1 + digits])
		return "the number holds more than + and digits";
	if (digits < 7 || digits > 15 || number[1] == '0')
		return "the number must have 7 to 15 digits and not begin with 0 (E.164)";
	return NULL;
}

static int add(struct contacts *c, char *const fields[FIELDS])
{
	struct contact *list, *new;

	list = realloc(c->list, (c->count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->list = list;
	new = &list[c->count++];
	new->name = strdup(fields[0]);
	new->number = strdup(fields[1]);
	new->note = strdup(fields[2]);
	return new->name &&new->number &&new->note ? 0 : -ENOMEM;
}

static int read_line(struct contacts *c, char *text, const char *path, size_t line, char *why, size_t size)
{
	char *fields[FIELDS] = { NULL }, *rest = text, empty[] = "";
	const char *wrong;
	size_t n = 0;

	for (; rest; n++) {
		if (n == FIELDS)
			return fault(why, size, path, line, "more than three fields: name,number,note");
		fields[n] = cut_field(&rest);
		if (!fields[n])
			return fault(why, size, path, line,
			             "a quoted field does not end with \" before the next comma");
	}
	if (n < 2)
		return fault(why, size, path, line, "no number: a line is name,number,note");
	if (!*fields[0])
		return fault(why, size, path, line, "the name is empty");
	wrong = number_fault(fields[1]);
	if (wrong)
		return fault(why, size, path, line, wrong);
	if (c->count == CONTACTS_MAX)
		return fault(why, size, path, line, "too many contacts");
	if (!fields[2])
		fields[2] = empty;
	return add(c, fields);
}

int contacts_read(struct contacts *out, const char *path, char *why, size_t size)
{
	char *text = NULL;
	size_t room = 0, line = 0;
	ssize_t len;
	FILE *f;
	int r = 0;

	memset(out, 0, sizeof(*out));
	f = fopen(path, "re");
	if (!f) {
		r = -errno;
		snprintf(why, size, "%s: %s", path, strerror(-r));
		return r;
	}
	while (r == 0 && (len = getline(&text, &room, f)) >= 0) {
		line++;
		while (len > 0 && strchr("\r\n", text[len - 1]))
			text[--len] = '\0';
		if (line == 1 && strcmp(text, "name,number,note") != 0)
			r = fault(why, size, path, line, "the first line must be name,number,note");
		else if (line > 1 && len > 0)
			r = read_line(out, text, path, line, why, size);
		if (r == -ENOMEM)
			snprintf(why, size, "%s:%zu: no memory", path, line);
	}
	if (r == 0 && out->count == 0)
		r = fault(why, size, path, line, "no contacts");
	free(text);
	fclose(f);
	if (r < 0)
		contacts_free(out);
	return r;
}

void contacts_free(struct contacts *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->list[i].name);
		free(c->list[i].number);
		free(c->list[i].note);
	}
	free(c->list);
	memset(c, 0, sizeof(*c));
}
