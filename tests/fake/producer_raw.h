/*
 * producer_raw.h - requests byte by byte, and what must hold after each that is refused
 *
 * A row is a request as text in which these are put in:
 *   $0         a zero byte
 *   $call      an id of tenant "default"; $other: one of "other"
 *   $len       how many bytes follow the head
 *   $(N TEXT)  TEXT, N times
 *   $date, $hash, $sig   as raw_sign() made them last
 * The word "hush" stands for what nobody may see again, neither in the answer nor in the log.
 */
#ifndef PRODUCER_RAW_H
#define PRODUCER_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer_rig.h"

struct raw_row {
	const char *name, *request;
	int status;
	const char *code;  /* "": no body */
	const char *words; /* stand in the message */
	bool closes;       /* else the next request on the connection is answered */
};

#define RAW_HOST   "Host: a\r\n"
#define RAW_AUTH   "Authorization: Bearer rig-bearer\r\n"
#define RAW_JSON   "Content-Type: application/json\r\n"
#define RAW_LENGTH "Content-Length: $len\r\n"
/* A request that is fine but for `headers` (each with its CR LF) and `body`. */
#define RAW_POST(target, headers, body)                                                                      \
	"POST " target " HTTP/1.1\r\n" RAW_HOST RAW_AUTH RAW_JSON RAW_LENGTH headers "\r\n" body
#define RAW_ASK(method, target) method " " target " HTTP/1.1\r\n" RAW_HOST RAW_AUTH "\r\n"

/* Makes the two ids.  The rig stays the caller's. */
void raw_open(struct rig *rig);
const char *raw_call(void);

/*
 * Runs all rows, says on stderr what was not as it should be, and returns how many these were.  Besides each
 * row's own: nothing went to Kafka, nothing waits, no connection is left, no secret was told.
 */
size_t raw_run(const struct raw_row *rows, size_t n);
/* One row; `fine` false: something was said. */
bool raw_check(const struct raw_row *row);

struct raw_signing {
	const char *key;  /* NULL: the rig's */
	int64_t skew;     /* seconds */
	const char *date; /* NULL: now, and `skew` */
	const char *text; /* what is signed, with $date and $hash in it */
	const char *body; /* what is hashed */
};
void raw_sign(const struct raw_signing *how);

/* malloc'ed, terminated; *len without the end. */
char *raw_fill(const char *request, size_t *len);

/* ---- sockets, not blocking ---- */

int raw_dial(const struct rig *rig);
/* All of it, while the loop turns; false: the other side has closed. */
bool raw_put(struct rig *rig, int fd, const char *text, size_t len);
/* One answer with its body; "": none within `wait`.  malloc'ed. */
char *raw_hear(struct rig *rig, int fd, int64_t wait);
/* Closed by the other side, with nothing more said, within `wait`. */
bool raw_closed(struct rig *rig, int fd, int64_t wait);

#endif
