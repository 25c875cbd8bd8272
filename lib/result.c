/* result.c - see result.h.  The two tables are the specification. */
#include "result.h"

#include "records_parts.h"

const struct result RESULT_OK = { 200, 0, "Action completed successfully." };
const struct result RESULT_CANCELLED = { 400, 8508, "The operation was cancelled." };
const struct result RESULT_PLAY_FAILED = { 500, 8511, "The prompt could not be played." };
const struct result RESULT_BAD_FORMAT = { 400, 8535, "The audio file's format is not supported." };
const struct result RESULT_DOWNLOAD_FAILED = { 400, 8536, "The audio file could not be fetched." };
const struct result RESULT_CALL_ENDED = { 400, 8528, "The call has ended." };
const struct result RESULT_NOT_ESTABLISHED = { 400, 8501, "The call is not established." };
const struct result RESULT_TOO_MUCH = { 413, 8523, "The call holds no more of this." };
const struct result RESULT_IN_CALL = { 409, 8519, "The participant is in the call already." };

static const struct result results[OUTCOMES] = {
	[OUTCOME_NONE] = { 0, 0, "The call has not ended." },
	[OUTCOME_COMPLETED] = { 0, 560000, "The call was answered and ended normally." },
	[OUTCOME_BUSY] = { 486, 560486, "The callee is busy." },
	[OUTCOME_NO_ANSWER] = { 480, 560480, "Nobody answered." },
	[OUTCOME_DECLINED] = { 603, 560603, "The callee, or the network for it, declined the call." },
	[OUTCOME_NO_SUCH_NUMBER] = { 404, 560404, "There is no such number." },
	[OUTCOME_NETWORK] = { 503, 560503, "The network could not carry the call." },
	[OUTCOME_UNREACHABLE] = { 408, 560408, "The callee could not be reached: nothing came back." },
	[OUTCOME_CANCELLED] = { 487, 560487, "The call was ended by the caller before it was answered." },
	[OUTCOME_EXPIRED] = { 410, 8542, "The command was too old to be carried out; nothing was dialled." },
	[OUTCOME_FAILED] = { 500, 0, "The call could not be carried out." },
	[OUTCOME_UNKNOWN] = { 500, 8500,
	                      "What became of the call cannot be known; the phone may have rung." },
};

static const struct {
	int code;
	enum outcome outcome;
} sip_codes[] = {
	{ 486, OUTCOME_BUSY },           { 600, OUTCOME_BUSY },
	{ 480, OUTCOME_NO_ANSWER },      { 403, OUTCOME_DECLINED },
	{ 603, OUTCOME_DECLINED },       { 607, OUTCOME_DECLINED }, /* "unwanted", RFC 8197 */
	{ 608, OUTCOME_DECLINED }, /* rejected by an intermediary, RFC 8688 */
	{ 404, OUTCOME_NO_SUCH_NUMBER }, { 410, OUTCOME_NO_SUCH_NUMBER },
	{ 484, OUTCOME_NO_SUCH_NUMBER }, /* address incomplete */
	{ 485, OUTCOME_NO_SUCH_NUMBER }, /* ambiguous */
	{ 604, OUTCOME_NO_SUCH_NUMBER }, { 408, OUTCOME_UNREACHABLE },
	{ 430, OUTCOME_UNREACHABLE }, /* flow failed */
	{ 487, OUTCOME_CANCELLED },
};

const char *outcome_name(int outcome)
{
	if (outcome < 0 || outcome >= OUTCOMES)
		outcome = OUTCOME_UNKNOWN;
	return outcome_symbols[outcome];
}

struct result outcome_result(int outcome)
{
	if (outcome < 0 || outcome >= OUTCOMES)
		outcome = OUTCOME_UNKNOWN;
	return results[outcome];
}

enum outcome outcome_of_sip(int code)
{
	size_t i;

	for (i = 0; i < sizeof(sip_codes) / sizeof(sip_codes[0]); i++) {
		if (sip_codes[i].code == code)
			return sip_codes[i].outcome;
	}
	if (code >= 200 && code < 300)
		return OUTCOME_COMPLETED;
	if (code >= 500 && code < 600)
		return OUTCOME_NETWORK;
	return OUTCOME_FAILED;
}
