/*
 * admin.h - the admin port: GET /metrics, /healthz, /readyz
 *
 * libmicrohttpd inside the program's own loop.  /healthz answers 200 "ok" while
 * the loop turns; /readyz answers 200 "ready" or 503 with one reason a line.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include <stdio.h>

struct admin;
struct loop;

/* Writes one reason a line why the program is not ready; nothing: ready. */
typedef void admin_ready_fn(void *arg, FILE *reasons);

/*
 * `listen` is "host:port"; port 0 takes a free one (admin_port() tells).
 * -EADDRINUSE and others as bind(2) gives them, -EINVAL: not an address.
 */
int admin_open(struct admin **out, struct loop *loop, const char *listen, admin_ready_fn *ready, void *arg);
void admin_close(struct admin *a); /* NULL is fine */
int admin_port(const struct admin *a);

#endif
