/*
 * result.h - outcomes: their names, and the API's code, subcode and message for each
 *
 * One table serves the call's end, a leg's end and a media operation's result.
 * Codes: call-automation-api reference, part 4 (560xxx: outbound, xxx the SIP code).
 * Our own, because that API has no such ends: expired is 410 (gone) with 8542
 * (cancelled before it was dialled), unknown 500 with 8500, failed 500 with 0.
 */
#ifndef RESULT_H
#define RESULT_H

#include "records.h"

struct result {
	int32_t code, subcode;
	const char *message;
};

const char *outcome_name(int outcome); /* "noAnswer": in events, the CLI and demo's table */
struct result outcome_result(int outcome);
/* What a leg's last SIP code says; 200: it hung up after an answer. */
enum outcome outcome_of_sip(int code);

extern const struct result RESULT_OK;              /* 200, 0 */
extern const struct result RESULT_CANCELLED;       /* 400, 8508 */
extern const struct result RESULT_PLAY_FAILED;     /* 500, 8511 */
extern const struct result RESULT_BAD_FORMAT;      /* 400, 8535 */
extern const struct result RESULT_DOWNLOAD_FAILED; /* 400, 8536 */
extern const struct result RESULT_CALL_ENDED;      /* 400, 8528 */
extern const struct result RESULT_NOT_ESTABLISHED; /* 400, 8501 */
extern const struct result RESULT_TOO_MUCH;        /* 413, 8523: a bound of the call is reached */
extern const struct result RESULT_IN_CALL;         /* 409, 8519: invited, and in the call already */

#endif
