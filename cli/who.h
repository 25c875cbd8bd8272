/* who.h - whom a command means: a word of the command line as the API's identifier */
#ifndef WHO_H
#define WHO_H

#include <jansson.h>

/*
 * "+46701740605": phoneNumber; "8:acs:..." and "user:alice": communicationUser;
 * else rawId.  The caller's to decref.  Whether it is any good the API says.
 */
json_t *who_json(const char *text);

/* The number, user id or raw id of one, borrowed; "" where it has none. */
const char *who_text(const json_t *identifier);

#endif
