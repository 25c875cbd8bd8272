/* man_troff.c - see man.h */
#include "man.h"

#include <ctype.h>
#include <string.h>

#include "help.h"

/* A date of its own would make each build another page. */
#define DATE "2026-11-22"

#define WIDTH 76 /* of the source's lines */

/* A '-' is a minus that can be copied, a '\' is one, and a bare '"' would end a macro's argument. */
static void put_part(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else if (text[i] == '"')
			fputs("\\(dq", out);
		else
			fputc(text[i], out);
	}
}

static void put(FILE *out, const char *text)
{
	put_part(out, text, strlen(text));
}

static void put_upper(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), out);
}

void troff_title(FILE *out, const char *name, int section)
{
	fputs(".TH ", out);
	put_upper(out, name);
	fprintf(out, " %d \"" DATE "\" \"callcast " CALLCAST_VERSION "\" \"Callcast\"\n", section);
}

void troff_section(FILE *out, const char *name)
{
	fprintf(out, ".SH \"%s\"\n", name);
}

void troff_paragraph(FILE *out)
{
	fputs(".PP\n", out);
}

void troff_term(FILE *out, const char *term, const char *takes)
{
	fputs(".TP\n.BR \"", out);
	put(out, term);
	fputc('"', out);
	if (takes && *takes) {
		fputs(" \" ", out);
		put(out, takes);
		fputc('"', out);
	}
	fputc('\n', out);
}

/* No line begins with what would be a macro. */
static void put_word(FILE *out, const char *word, size_t len, bool first)
{
	if (first && (*word == '.' || *word == '\''))
		fputs("\\&", out);
	put_part(out, word, len);
}

void troff_text(FILE *out, const char *text)
{
	help_wrapped(out, text, WIDTH, put_word);
}

void troff_code(FILE *out, const char *text)
{
	fputs(".PP\n.RS 4\n.nf\n\\&", out);
	put(out, text);
	fputs("\n.fi\n.RE\n", out);
}
