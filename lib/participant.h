/*
 * participant.h - who is in a call, as JSON: for the producer's answers and the worker's events
 *
 * Each returns a new value, with its keys always in the same order: an event's
 * bytes must not depend on who tells it.  NULL: no memory.
 */
#ifndef PARTICIPANT_H
#define PARTICIPANT_H

#include <jansson.h>

#include "records.h"

/*
 * {"rawId":"4:+14250000001","communicationUser":null,"phoneNumber":{"value":"+14250000001"},
 * "microsoftTeamsUser":null}: always these four, as the API's events show them.  A user's rawId is its id; of a raw one
 * all but rawId is null.  IDENTIFIER_NONE: null.
 */
json_t *identifier_json(const struct identifier *i);

/*
 * [{"identifier":{...},"participantId":"<uuid>","isMuted":false}]: who talks now
 * (LEG_TALKING), in the order of the legs.  The call's own state is not looked at.
 */
json_t *participants_json(const struct call_record *r);

#endif
