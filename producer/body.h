/*
 * body.h - a request's JSON body to the body of a command
 *
 * Strict where a mistake would cost a call: wrong types, duplicate keys, bad
 * UTF-8 and values out of bounds are refused, with the field named as the
 * client wrote it ("targets[0].phoneNumber.value").  Fields that nobody here
 * knows are accepted: later versions of the API send more.
 */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "callback.h"
#include "records.h"
#include "tenants.h"

#define BODY_MAX     (64 * 1024)
#define CONTEXT_MAX  5000 /* bytes */
#define SUBJECT_MAX  1000 /* bytes */
#define TARGETS_MAX  50   /* of a create, and participants of an invite */
#define MEDIA_ID_MAX 256

/* What is wrong, for the caller's eyes.  Holds no value from the body. */
struct body_fault {
	char message[256];
};

struct body_rules {
	const struct callback_rules *callbacks;
	const struct tenant *tenant;
};

/*
 * Fill c's body, operation_context and callback_uri; `c` is the caller's to
 * clear, also after a fault.  -EINVAL: `fault` says what; -ENOMEM.
 */
int body_create(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                struct body_fault *fault);
int body_play(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
              struct body_fault *fault);
int body_invite(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                struct body_fault *fault);
/* It may be missing altogether. */
int body_cancel(struct call_command *c, const char *text, size_t len, struct body_fault *fault);

/* ---- for body_*.c: one field each, absent and null alike ---- */

int body_fault(struct body_fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The object at the top.  -EINVAL, -ENOMEM. */
int body_parse(json_t **out, const char *text, size_t len, struct body_fault *fault);
/* Borrowed; NULL: absent or null. */
json_t *body_field(const json_t *object, const char *name);
/* *out stays NULL when the field is absent; it is malloc'ed. */
int body_string(char **out, const json_t *object, const char *name, size_t max, struct body_fault *fault);
int body_bool(bool *out, const json_t *object, const char *name, struct body_fault *fault);
/* `where` is the field's name.  A phone number must be E.164. */
int body_identifier(struct identifier *out, const json_t *value, const char *where, struct body_fault *fault);
/* The list `name`: 1 to TARGETS_MAX, none twice.  What *out holds is the command's, also after a fault. */
int body_identifiers(struct identifier **out, size_t *count, const json_t *object, const char *name,
                     struct body_fault *fault);
/* {"value": "+4670..."}; `where` names it. */
int body_phone(char **out, const json_t *value, const char *where, struct body_fault *fault);
/* callbackUri: absent is fine here. */
int body_callback(char **out, const json_t *object, const struct body_rules *rules, struct body_fault *fault);
bool body_is_e164(const char *number);

#endif
