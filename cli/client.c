/* client.c - see client.h */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_http.h"
#include "client_key.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "mask.h"
#include "must.h"
#include "settings_table.h"
#include "stop.h"
#include "tool.h"

#define DEFAULT_URL "http://127.0.0.1:8080"
#define TRY_MOST    (10 * CLOCK_SEC) /* one that takes longer will not be answered any more */
#define PAUSE_FIRST (200 * CLOCK_MS)
#define PAUSE_MOST  (2 * CLOCK_SEC)
#define LINES       8

struct client {
	struct client_http *http;
	struct client_key key;
	char *url;        /* without '/' at its end */
	const char *host; /* in url: as the header has it */
	int64_t timeout;
};

/* One command on its way, over all its tries. */
struct command_on_way {
	const char *method, *path;
	char *body; /* NULL: none */
	char id[UUID_SIZE], first_sent[HTTP_DATE_SIZE];
	int64_t until; /* clock_mono() */
	int tries;
	bool maybe; /* some try may have been carried out */
	struct http_answer last;
	json_t *json; /* of the last */
};

/* ---- where and who ---- */

/* As the API's other clients write it: no port that the scheme implies. */
static void find_host(struct client *c)
{
	const bool tls = !strncmp(c->url, "https://", 8);
	const char *const implied = tls ? ":443" : ":80";
	const size_t len = strlen(c->url), cut = strlen(implied);

	c->host = c->url + (tls ? 8 : 7);
	if (len > cut && !strcmp(c->url + len - cut, implied))
		c->url[len - cut] = '\0';
}

static bool url_is_good(const char *url)
{
	struct settings one = { 0 };
	const bool good = *url && setting_assign(&one, setting_find("api.url"), url) == 0;

	free(one.api_url);
	return good;
}

static int find_api(struct client *c, const struct settings *s)
{
	const char *url = *s->api_url ? s->api_url : c->key.url ? c->key.url : DEFAULT_URL;
	size_t len = strlen(url);

	if (!url_is_good(url)) {
		fprintf(stderr, "callcast: api.key: its endpoint must be http://host:port/ or "
		                "https://host:port/\n");
		return TOOL_USAGE;
	}
	len -= url[len - 1] == '/';
	c->url = must_printf("%.*s", (int)len, url);
	find_host(c);
	return TOOL_DONE;
}

int client_open(struct client **out, const struct settings *s)
{
	struct client *c = must_calloc(1, sizeof(*c));
	const char *why = "not set: put a bearer key or a connection string into CALLCAST_API_KEY";
	int r;

	c->timeout = s->api_timeout;
	if (!*s->api_key || client_key_open(&c->key, s->api_key, &why) < 0) {
		fprintf(stderr, "callcast: api.key: %s\n", why);
		r = TOOL_USAGE;
	} else {
		r = find_api(c, s);
	}
	if (r == TOOL_DONE && client_http_open(&c->http) < 0) {
		fprintf(stderr, "callcast: libcurl can't be used\n");
		r = TOOL_FAILED;
	}
	if (r == TOOL_DONE)
		*out = c;
	else
		client_close(c);
	return r;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	client_http_close(c->http);
	client_key_close(&c->key);
	free(c->url);
	free(c);
}

/* ---- one try ---- */

static size_t write_headers(const struct client *c, const struct command_on_way *w, char *lines[LINES])
{
	const struct client_signed q = {
		.method = w->method,
		.target = w->path,
		.host = c->host,
		.body = w->body,
		.body_len = w->body ? strlen(w->body) : 0,
		.now = clock_utc(),
	};
	size_t n = client_key_headers(&c->key, &q, lines); /* anew each time: a signature ages */

	lines[n++] = must_printf("Host: %s", c->host);
	if (strcmp(w->method, "GET") != 0) {
		lines[n++] = must_printf("Repeatability-Request-ID: %s", w->id);
		lines[n++] = must_printf("Repeatability-First-Sent: %s", w->first_sent);
	}
	return n;
}

static const char *error_text(const json_t *json, const char *name)
{
	const json_t *inner = json_object_get(json, "error"); /* the later shapes of the API wrap it */
	const char *text = json_string_value(json_object_get(inner ? inner : json, name));

	return text ? text : "";
}

static void forget_answer(struct command_on_way *w)
{
	free(w->last.body);
	json_decref(w->json);
	w->last = (struct http_answer){ 0 };
	w->json = NULL;
}

static void try_once(struct client *c, struct command_on_way *w)
{
	const int64_t left = w->until - clock_mono();
	char *lines[LINES], *url = must_printf("%s%s", c->url, w->path);
	struct http_question q = {
		.method = w->method,
		.url = url,
		.headers = lines,
		.header_count = write_headers(c, w, lines),
		.body = w->body,
		.body_len = w->body ? strlen(w->body) : 0,
		.timeout = left > TRY_MOST   ? TRY_MOST
		           : left > CLOCK_MS ? left
		                             : CLOCK_MS,
	};

	forget_answer(w);
	client_http_ask(c->http, &q, &w->last);
	w->tries++;
	if (w->last.body)
		w->json = json_loads(w->last.body, 0, NULL);
	for (size_t i = 0; i < q.header_count; i++)
		free(lines[i]);
	free(url);
}

/* ---- again? ---- */

static bool is_busy(int status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

/* Of a 5xx only "notAccepted" is sure: others are `unknown`, or a proxy's, and what is behind it may have got the request. */
static bool may_be_done(const struct command_on_way *w)
{
	if (!w->last.status)
		return !w->last.unsent;
	return w->last.status >= 500 && strcmp(error_text(w->json, "code"), "notAccepted") != 0;
}

static int64_t pause_of(const struct command_on_way *w)
{
	int64_t pause = PAUSE_FIRST;
	uint16_t chance;

	if (w->last.retry_after >= 0 && w->last.status)
		return w->last.retry_after;
	for (int i = 1; i < w->tries && pause < PAUSE_MOST; i++)
		pause *= 2;
	if (pause > PAUSE_MOST)
		pause = PAUSE_MOST;
	digest_random(&chance, sizeof(chance)); /* many that were refused together don't return together */
	return pause - pause / 4 * chance / UINT16_MAX;
}

static void try_until_answered(struct client *c, struct command_on_way *w)
{
	for (;;) {
		int64_t pause;

		try_once(c, w);
		w->maybe = w->maybe || may_be_done(w);
		if (w->last.status ? !is_busy(w->last.status) : !w->last.again)
			return;
		pause = pause_of(w);
		if (stop_asked() || clock_mono() + pause >= w->until)
			return;
		log_debug("client.again method=%s path=%s status=%d tries=%d", w->method, w->path,
		          w->last.status, w->tries);
		stop_sleep(pause);
		if (stop_asked())
			return;
	}
}

/* ---- what it means ---- */

static void say(const struct client *c, const struct command_on_way *w)
{
	const bool refused = w->last.status && w->last.status < 500 && w->last.status != 429;
	char *code = text_printable(error_text(w->json, "code"));
	char *message = text_printable(error_text(w->json, "message"));

	if (w->last.status)
		fprintf(stderr, "callcast: %s%s: %d %s%s%s", refused ? "refused by " : "", c->url,
		        w->last.status, *code ? code : "(no code)", *message ? ": " : "", message);
	else
		fprintf(stderr, "callcast: %s: %s", c->url, w->last.error);
	if (w->tries > 1)
		fprintf(stderr, " (%d tries)", w->tries);
	if (!refused && strcmp(w->method, "GET") != 0)
		fputs(w->maybe ? "; it may have been carried out" : "; nothing was done", stderr);
	fputc('\n', stderr);
	free(code);
	free(message);
}

static int status_of(const struct command_on_way *w)
{
	const int status = w->last.status;

	if (status >= 200 && status < 300)
		return TOOL_DONE;
	if (!status || status == 429 || status >= 500)
		return TOOL_FAILED;
	return status == 404 && w->path[strlen("/calls")] ? TOOL_NO_CALL : TOOL_REFUSED;
}

int client_ask_within(struct client *c, int64_t timeout, const char *method, const char *path,
                      const json_t *body, json_t **answer)
{
	struct command_on_way w = { .method = method, .path = path, .until = clock_mono() + timeout };
	int r;

	*answer = NULL;
	w.body = body ? json_dumps(body, JSON_COMPACT) : NULL;
	uuid_random(w.id);
	http_date_text(w.first_sent, clock_utc());
	try_until_answered(c, &w);
	r = status_of(&w);
	if (r == TOOL_DONE)
		*answer = json_incref(w.json);
	else
		say(c, &w);
	forget_answer(&w);
	free(w.body);
	return r;
}

int client_ask(struct client *c, const char *method, const char *path, const json_t *body, json_t **answer)
{
	return client_ask_within(c, c->timeout, method, path, body, answer);
}
