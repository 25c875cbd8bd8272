/*
 * route.h - the request target, as it came over the wire, to the operation that it names
 *
 * The target is split first and each segment decoded after, so that an encoded
 * slash is no separator and an encoded zero cuts nothing; both are refused.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "callid.h"
#include "digest.h"

enum operation_name {
	ROUTE_CALLS,
	ROUTE_CALL,
	ROUTE_HANGUP,
	ROUTE_PLAY,
	ROUTE_CANCEL,
	ROUTE_PARTICIPANTS,
	ROUTE_PARTICIPANT,
	ROUTE_DOCUMENT,
	ROUTE_NONE,
	ROUTES
};

#define ROUTE_TARGET_MAX 2048

struct route {
	enum operation_name name;
	int api;                     /* enum api_shape */
	char call[CALLID_SIZE];      /* the segment, if it can be an id at all; else "" */
	char participant[UUID_SIZE]; /* the segment in lower case, if it is a UUID; else "" */
	bool api_version;            /* the query has a value for api-version: an SDK asks */
	size_t path_len;             /* the part of the target before '?' */
};

/* 0; -EINVAL: a target that nobody should send; -ENOENT: no such route (out->name is ROUTE_NONE). */
int route_parse(struct route *out, const char *target);

/* "POST", "GET, DELETE": for Allow.  NULL: the route does not exist. */
const char *route_methods(enum operation_name name);
bool route_allows(enum operation_name name, const char *method);

#endif
