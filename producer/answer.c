/* answer.c - see api.h: the forms of an answer */
#include "api.h"

#include <stdlib.h>

#include <jansson.h>

#include "log.h"

/* The clients obey it to the second, and sign once for all tries: small. */
#define RETRY_AFTER "1"

const char *answer_code(int status)
{
	switch (status) {
	case 400:
		return CODE_INVALID;
	case 401:
		return "unauthorized";
	case 404:
		return CODE_NOT_FOUND;
	case 405:
		return "methodNotAllowed";
	case 408:
		return "timeout";
	case 412:
		return "8583";
	case 413:
		return "tooLarge";
	case 414:
		return "targetTooLong";
	case 415:
		return "unsupportedMediaType";
	case 417:
		return "expectationFailed";
	case 429:
		return "tooManyRequests";
	case 431:
		return "headersTooLarge";
	case 505:
		return "versionNotSupported";
	default:
		return "notAccepted";
	}
}

static char *words(const char *code, const char *message)
{
	json_t *j = json_pack("{s:s, s:s}", "code", code, "message", message);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	return text;
}

char *answer_words(int status, const char *message)
{
	return words(answer_code(status), message);
}

void answer_fault(struct ticket *t, int status, const char *code, const char *message)
{
	log_info("request.refused call=%s tenant=%s method=%s status=%d code=%s reason=\"%s\"",
	         t->route.call[0] ? t->route.call : "-", t->tenant[0] ? t->tenant : "-", t->request->method,
	         status, code, message);
	request_answer(t->request, status, words(code, message));
}

void answer_stranger(struct ticket *t, const char *why)
{
	request_add(t->request, "WWW-Authenticate", "HMAC-SHA256, Bearer");
	answer_fault(t, 401, answer_code(401), why);
}

void answer_busy(struct ticket *t, int status, const char *code, const char *message)
{
	request_add(t->request, "Retry-After", RETRY_AFTER);
	answer_fault(t, status, code, message);
}

void answer_json(struct ticket *t, int status, char *json)
{
	if (!json)
		answer_busy(t, 503, "notAccepted", "out of memory");
	else
		request_answer(t->request, status, json);
}

void answer_empty(struct ticket *t, int status)
{
	request_answer(t->request, status, NULL);
}
