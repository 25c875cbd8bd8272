/* fuzz_body.h - what the bodies' fuzzers share: two tenants' rules, and what must hold of any command */
#ifndef FUZZ_BODY_H
#define FUZZ_BODY_H

#include <jansson.h>

#include "body.h"
#include "fuzz.h"

typedef int fuzz_body_fn(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                         struct body_fault *fault);
/* A command's own body: what must hold of it, and as JSON, field by field into `out`. */
struct fuzz_body_kind {
	fuzz_body_fn *parse;
	int kind; /* enum command_kind */
	void (*check)(const struct call_command *c);
	void (*print)(const struct call_command *c, json_t *out);
};

/*
 * For each of the two tenants: refused with a field's name, or taken, within
 * all bounds, the same after having been printed and parsed, and a record that Kafka can hold.
 */
void fuzz_body(const struct fuzz_body_kind *k, const uint8_t *data, size_t size);

void fuzz_body_open(void);
void fuzz_body_check_identifiers(const struct identifier *list, size_t n);
json_t *fuzz_body_identifier(const struct identifier *i);
json_t *fuzz_body_identifiers(const struct identifier *list, size_t n);
json_t *fuzz_body_phone(const char *number); /* NULL: null */
json_t *fuzz_body_text(const char *text);    /* NULL: null */

#endif
