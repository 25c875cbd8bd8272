/*
 * redis_server.h - a private redis-server on a free port in a directory of its own
 *
 * It dies with the test that started it.  Functions fail the program (exit 1,
 * with a line on stderr) instead of returning errors: without a server there is no test.
 */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <stdbool.h>

struct redis_server;

/* Answers PING when this returns.  `aof`: appendfsync always, data outlives a restart; else it has no data file. */
struct redis_server *redis_server_start(bool aof);
/* Ends it and removes its directory.  NULL is fine. */
void redis_server_free(struct redis_server *s);

const char *redis_server_address(const struct redis_server *s); /* "127.0.0.1:port" */
int redis_server_port(const struct redis_server *s);

/* The port stays the same over stop, kill and restart. */
void redis_server_stop(struct redis_server *s);    /* SIGTERM, waits */
void redis_server_kill(struct redis_server *s);    /* SIGKILL, waits */
void redis_server_restart(struct redis_server *s); /* stops it first if it runs */
void redis_server_pause(struct redis_server *s);   /* SIGSTOP: connections stay, nothing answers */
void redis_server_resume(struct redis_server *s);

/* One command over a connection of its own; "%s" and "%b" as hiredis's.  The reply's text, number or "" is borrowed. */
const char *redis_server_ask(struct redis_server *s, const char *fmt, ...);

#endif
