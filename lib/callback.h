/*
 * callback.h - callback addresses: what is accepted at the door, what may be connected to
 *
 * The producer checks an address when a command comes in, with no look-up; the
 * notifier checks each resolved address when it connects.  Both use one list of
 * inside networks, so that a callback can't be aimed at the inside.
 */
#ifndef CALLBACK_H
#define CALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct callback_rules; /* the parsed callbacks.allow */

/*
 * `allow`: "127.0.0.0/8,::1/128", or "".  -EINVAL: `why` says which part.
 * A network of IPv4 covers its addresses mapped into IPv6 too; one of IPv6 covers no IPv4 address.
 */
int callback_rules_open(struct callback_rules **out, const char *allow, char *why, size_t size);
void callback_rules_close(struct callback_rules *r); /* NULL is fine */

#define CALLBACK_URI_MAX 2048

/*
 * NULL: fine.  Else why not, as the end of a sentence ("must be http or https").
 * Checked: length, scheme, no userinfo, host there, port 1..65535, no control
 * characters or spaces, no fragment; literal addresses (all spellings that
 * inet_aton takes, IPv6, mapped ones) not inside.  `prefixes` (the tenant's
 * list; 0: any): scheme, host and port must be equal, the path begin alike.
 */
const char *callback_refused(const struct callback_rules *r, const char *uri, char *const *prefixes,
                             size_t n);

/* May this resolved address be connected to?  IPv4 in IPv6 (mapped, 6to4, NAT64, ISATAP) is unwrapped. */
bool callback_address_allowed(const struct callback_rules *r, const struct sockaddr *sa);

/* "https://host:port/path?***": the query is a secret.  Writes at most size bytes; returns out. */
const char *callback_masked(char *out, size_t size, const char *uri);
/* "scheme://host:port" in lower case with the port spelled out: names the endpoint.  -EINVAL. */
int callback_endpoint(char *out, size_t size, const char *uri);

#endif
