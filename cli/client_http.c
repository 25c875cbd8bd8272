/* client_http.c - see client_http.h */
#include "client_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "clock.h"
#include "must.h"
#include "settings.h"

#define RETRY_AFTER_MOST 86400

struct client_http {
	CURL *easy;
};

struct body {
	char *data;
	size_t len;
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct body *b = arg;

	if (b->len + size * n > HTTP_ANSWER_MAX)
		return 0;
	b->data = must_realloc(b->data, b->len + size * n + 1);
	memcpy(b->data + b->len, data, size * n);
	b->len += size * n;
	b->data[b->len] = '\0';
	return size * n;
}

/* What a restart or a moment of load explains; a wrong address or certificate stays wrong. */
static bool may_pass(CURLcode result)
{
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return true;
	default:
		return false;
	}
}

static bool is_unsent(CURLcode result)
{
	return result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_CONNECT ||
	       result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CONNECT_ERROR ||
	       result == CURLE_URL_MALFORMAT;
}

static void read_answer(CURL *e, CURLcode result, struct body *b, struct http_answer *out)
{
	curl_off_t seconds = 0;
	long status = 0;

	*out = (struct http_answer){ .retry_after = -1 };
	if (result != CURLE_OK) {
		out->again = may_pass(result);
		out->unsent = is_unsent(result);
		out->error = curl_easy_strerror(result);
		free(b->data);
		return;
	}
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	/* 0 stands for "none" too */
	if (!curl_easy_getinfo(e, CURLINFO_RETRY_AFTER, &seconds) && seconds > 0)
		out->retry_after = (seconds < RETRY_AFTER_MOST ? seconds : RETRY_AFTER_MOST) * CLOCK_SEC;
	out->status = (int)status;
	out->body = b->data;
}

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (!longer)
		abort(); /* out of memory, as must.h */
	return longer;
}

/* The connection stays open from one request to the next, nothing else does. */
static void prepare(CURL *e, const struct http_question *q)
{
	const long ms = (long)(q->timeout / CLOCK_MS) + 1;

	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, q->url);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "callcast/" CALLCAST_VERSION);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take);
	if (!strcmp(q->method, "POST")) { /* a length of 0 where there is no body */
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, q->body ? q->body : "");
	} else if (strcmp(q->method, "GET") != 0) {
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, q->method);
	}
}

int client_http_open(struct client_http **out)
{
	struct client_http *h = must_calloc(1, sizeof(*h));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->easy = curl_easy_init();
	if (!h->easy) {
		client_http_close(h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void client_http_close(struct client_http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->easy);
	curl_global_cleanup();
	free(h);
}

void client_http_ask(struct client_http *h, const struct http_question *q, struct http_answer *out)
{
	/* libcurl's own: the API refuses Expect, and a form's type on what has no body */
	struct curl_slist *headers = add(NULL, "Expect:");
	struct body b = { 0 };
	CURLcode result;

	headers = add(headers, q->body ? "Content-Type: application/json" : "Content-Type:");
	headers = add(headers, "Accept: application/json");
	for (size_t i = 0; i < q->header_count; i++)
		headers = add(headers, q->headers[i]);
	prepare(h->easy, q);
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, &b);
	result = curl_easy_perform(h->easy);
	read_answer(h->easy, result, &b, out);
	curl_slist_free_all(headers);
}
