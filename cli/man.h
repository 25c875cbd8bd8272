/* man.h - manual pages: their text in troff, and what each daemon's says beside its settings */
#ifndef MAN_H
#define MAN_H

#include <stdio.h>

#include "settings.h"

/* ---- man_troff.c: macros and text; whatever the text holds, it is no macro ---- */

void troff_title(FILE *out, const char *name, int section);
void troff_section(FILE *out, const char *name);
void troff_paragraph(FILE *out);
/* A definition's term, bold, and what it takes, in italics (NULL: nothing); text follows. */
void troff_term(FILE *out, const char *term, const char *takes);
void troff_text(FILE *out, const char *text); /* ends the line */
void troff_code(FILE *out, const char *text); /* a line by itself, as it is typed */

/* ---- man_programs.c ---- */

struct man_program {
	enum program program;
	const char *what;       /* behind "NAME - " */
	const char *paragraphs; /* with empty lines between them */
	const char *signals;    /* likewise; NULL: none of its own */
};

/* Of the three daemons; NULL: it is none. */
const struct man_program *man_program(enum program program);

#endif
