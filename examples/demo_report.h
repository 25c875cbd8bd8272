/* demo_report.h - what the person at the terminal sees: a line while it runs, a table at the end */
#ifndef DEMO_REPORT_H
#define DEMO_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct calls;

/* Writes the progress line if it is time for one: often on a terminal, every two seconds elsewhere. */
void report_progress(const struct calls *c, int64_t started);
/* Writes the table.  True: every call ended and every webhook was in order and signed. */
bool report_end(const struct calls *c, int64_t started);

#endif
