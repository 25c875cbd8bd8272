/* demo_api.c - see demo_api.h */
#include "demo_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "clock.h"
#include "digest.h"

#define ANSWER_MAX (8 * 1024) /* ours are one short object */

struct request {
	struct request *next;
	char *path, *body;
	char id[UUID_SIZE], first_sent[40];
	int tries;
	int64_t due; /* clock_mono() */
	api_answer_fn *fn;
	void *arg;
	/* while it is on its way */
	CURL *easy;
	struct curl_slist *headers;
	char answer[ANSWER_MAX];
	size_t answer_len;
	char error[CURL_ERROR_SIZE];
};

struct api {
	char *endpoint, *host;
	struct digest_key *key;
	CURLM *multi;
	CURL *spare[API_AT_ONCE]; /* handles are used again: each keeps what it learnt */
	size_t spare_count;
	struct request *first, **last; /* not sent yet, or to be sent again */
	struct request *sent;
	size_t sent_count, repeats;
};

int api_open(struct api **out, const char *endpoint, const char *access_key)
{
	const size_t len = strlen(access_key);
	struct api *a;
	uint8_t *key;
	long n;
	int r = -ENOMEM;

	if (strncmp(endpoint, "http://", 7) != 0 || !endpoint[7] || strchr(endpoint + 7, '/'))
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	key = malloc(len + 1);
	if (!a || !key)
		goto fail;
	a->last = &a->first;
	a->endpoint = strdup(endpoint);
	a->host = strdup(endpoint + 7);
	a->multi = curl_multi_init();
	if (!a->endpoint || !a->host || !a->multi)
		goto fail;
	n = base64_decode(key, access_key, len);
	r = n > 0 ? digest_key_open(&a->key, key, (size_t)n) : -EINVAL;
	if (r < 0)
		goto fail;
	free(key);
	*out = a;
	return 0;
fail:
	free(key);
	api_close(a);
	return r;
}

static void request_free(struct request *q)
{
	curl_slist_free_all(q->headers);
	free(q->path);
	free(q->body);
	free(q);
}

void api_close(struct api *a)
{
	struct request *q;

	if (!a)
		return;
	while ((q = a->sent)) {
		a->sent = q->next;
		curl_multi_remove_handle(a->multi, q->easy);
		curl_easy_cleanup(q->easy);
		request_free(q);
	}
	while ((q = a->first)) {
		a->first = q->next;
		request_free(q);
	}
	while (a->spare_count)
		curl_easy_cleanup(a->spare[--a->spare_count]);
	curl_multi_cleanup(a->multi);
	digest_key_close(a->key);
	free(a->endpoint);
	free(a->host);
	free(a);
}

/* RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT" */
static void http_date(char *out, size_t size)
{
	const time_t now = (time_t)(clock_utc() / CLOCK_SEC);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, size, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void put_last(struct api *a, struct request *q)
{
	q->next = NULL;
	*a->last = q;
	a->last = &q->next;
}

int api_post(struct api *a, const char *path, json_t *body, api_answer_fn *fn, void *arg)
{
	struct request *q;

	q = calloc(1, sizeof(*q));
	if (!q)
		goto fail;
	q->path = strdup(path);
	q->body = body ? json_dumps(body, JSON_COMPACT) : strdup("");
	if (!q->path || !q->body)
		goto fail;
	q->fn = fn;
	q->arg = arg;
	uuid_random(q->id);
	http_date(q->first_sent, sizeof(q->first_sent));
	json_decref(body);
	put_last(a, q);
	return 0;
fail:
	if (q)
		request_free(q);
	json_decref(body);
	return -ENOMEM;
}

static void header(struct request *q, const char *name, const char *value)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	q->headers = curl_slist_append(q->headers, line);
}

/* What is signed: "POST\n<path>\n<date>;<host>;<hash of the body>".  A new date each time it is sent. */
static void sign(struct api *a, struct request *q)
{
	char date[40], hash[BASE64_SIZE(DIGEST_SIZE)], signature[BASE64_SIZE(DIGEST_SIZE)], line[256];
	uint8_t digest[DIGEST_SIZE];

	http_date(date, sizeof(date));
	digest_sha256(digest, q->body, strlen(q->body));
	base64_encode(hash, digest, sizeof(digest));
	digest_hmac(a->key, digest,
	            (const struct digest_part[]){
	                    { "POST\n", 5 },
	                    { q->path, strlen(q->path) },
	                    { "\n", 1 },
	                    { date, strlen(date) },
	                    { ";", 1 },
	                    { a->host, strlen(a->host) },
	                    { ";", 1 },
	                    { hash, strlen(hash) },
	            },
	            8);
	base64_encode(signature, digest, sizeof(digest));

	header(q, "x-ms-date", date);
	header(q, "x-ms-content-sha256", hash);
	snprintf(line, sizeof(line),
	         "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=%s", signature);
	header(q, "Authorization", line);
}

static size_t take_answer(char *data, size_t size, size_t n, void *arg)
{
	struct request *q = arg;

	if (size * n > sizeof(q->answer) - q->answer_len)
		return 0;
	memcpy(q->answer + q->answer_len, data, size * n);
	q->answer_len += size * n;
	return size * n;
}

static void send_request(struct api *a, struct request *q)
{
	char url[2048];

	q->easy = a->spare_count ? a->spare[--a->spare_count] : curl_easy_init();
	if (!q->easy)
		abort();
	q->tries++;
	q->answer_len = 0;
	q->error[0] = '\0';
	snprintf(url, sizeof(url), "%s%s", a->endpoint, q->path);
	sign(a, q);
	header(q, "Content-Type", "application/json");
	header(q, "Repeatability-Request-ID", q->id);
	header(q, "Repeatability-First-Sent", q->first_sent);

	curl_easy_setopt(q->easy, CURLOPT_URL, url);
	curl_easy_setopt(q->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(q->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(q->easy, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(q->easy, CURLOPT_POSTFIELDS, q->body);
	curl_easy_setopt(q->easy, CURLOPT_HTTPHEADER, q->headers);
	curl_easy_setopt(q->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(q->easy, CURLOPT_WRITEDATA, q);
	curl_easy_setopt(q->easy, CURLOPT_ERRORBUFFER, q->error);
	curl_easy_setopt(q->easy, CURLOPT_PRIVATE, q);
	curl_multi_add_handle(a->multi, q->easy);
	q->next = a->sent;
	a->sent = q;
	a->sent_count++;
}

/* Sends what is due, as far as there is room. */
static void send_due(struct api *a)
{
	const int64_t now = clock_mono();
	struct request **at = &a->first, *q;

	while ((q = *at) && a->sent_count < API_AT_ONCE) {
		if (q->due > now) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		if (!q->next)
			a->last = at;
		send_request(a, q);
	}
}

static void take_back(struct api *a, struct request *q)
{
	struct request **at = &a->sent;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	a->sent_count--;
	curl_multi_remove_handle(a->multi, q->easy);
	curl_easy_reset(q->easy);
	a->spare[a->spare_count++] = q->easy; /* there are never more than API_AT_ONCE */
	q->easy = NULL;
	curl_slist_free_all(q->headers);
	q->headers = NULL;
}

static void finished(struct api *a, CURL *easy, CURLcode code)
{
	curl_off_t retry_after = 0;
	struct request *q = NULL;
	long status = 0;
	json_t *body;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&q);
	if (code == CURLE_OK) {
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
	}
	take_back(a, q);
	if ((status == 0 || status == 429 || status >= 500) && q->tries < API_TRIES) {
		q->due = clock_mono() +
		         (retry_after > 0 ? retry_after * CLOCK_SEC : (100 * CLOCK_MS) << q->tries);
		a->repeats++;
		put_last(a, q);
		return;
	}
	if (status)
		body = json_loadb(q->answer, q->answer_len, 0, NULL);
	else
		body = json_pack("{s:s, s:s}", "code", "noAnswer", "message",
		                 q->error[0] ? q->error : curl_easy_strerror(code));
	q->fn(q->arg, (int)status, body);
	json_decref(body);
	request_free(q);
}

void api_turn(struct api *a, int fd, int wait_ms)
{
	struct curl_waitfd other = { .fd = fd, .events = CURL_WAIT_POLLIN };
	CURLMsg *msg;
	int running, left;

	send_due(a);
	curl_multi_perform(a->multi, &running);
	while ((msg = curl_multi_info_read(a->multi, &left)))
		if (msg->msg == CURLMSG_DONE)
			finished(a, msg->easy_handle, msg->data.result);
	send_due(a);
	curl_multi_perform(a->multi, &running);
	curl_multi_poll(a->multi, &other, 1, wait_ms, NULL);
}

size_t api_repeats(const struct api *a)
{
	return a->repeats;
}
