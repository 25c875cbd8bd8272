/*
 * demo_hook.h - the other half of a program that uses Callcast: it receives the webhooks
 *
 * Listens on a free port of 127.0.0.1.  Checks the signature (Standard Webhooks:
 * HMAC-SHA256 over "<webhook-id>.<webhook-timestamp>.<body>") before it looks inside.
 */
#ifndef DEMO_HOOK_H
#define DEMO_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct hook_event {
	size_t call;             /* of the callback address: hook_address() */
	const char *call_leg_id; /* event id <callLegId>-<number>, taken apart */
	int64_t number;
	const char *type;   /* "CallLegStateChanged" */
	const json_t *data; /* borrowed */
};

/* Valid ones only. */
typedef void hook_event_fn(void *arg, const struct hook_event *ev);

struct hook;

struct hook_counts {
	size_t received;
	size_t unsigned_; /* no valid signature, or a time more than five minutes off */
	size_t malformed; /* signed, but not what was promised */
};

/* `secret` is "whsec_<base64>".  -EINVAL: it isn't; else as listening fails. */
int hook_open(struct hook **out, const char *secret, hook_event_fn *fn, void *arg);
void hook_close(struct hook *h);   /* NULL is fine */
int hook_fd(const struct hook *h); /* readable: hook_turn() has something to do */
void hook_turn(struct hook *h);
/* The callback address of call number `call`; returns out. */
const char *hook_address(const struct hook *h, char *out, size_t size, size_t call);
struct hook_counts hook_counts(const struct hook *h);

#endif
