/* request.c - see server_parts.h: one request and its answer */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "must.h"
#include "server_parts.h"

struct request *request_new(struct connection *c)
{
	struct request *r = must_calloc(1, sizeof(*r));

	r->own = must_calloc(1, sizeof(*r->own));
	r->own->connection = c;
	r->began = c->since;
	r->method = r->target = "";
	c->request = r;
	return r;
}

void request_over(struct request *r, bool left)
{
	struct request_private *own = r->own;
	struct server *s = own->connection->server;

	r->left = left;
	s->handler.gone(s->handler.arg, r);
	own->connection->request = NULL;
	s->body_bytes -= own->capacity;
	for (size_t i = 0; i < own->header_count; i++) {
		free(own->headers[i].name);
		free(own->headers[i].value);
	}
	free(own->text);
	free(own->json);
	free(own);
	free(r->body);
	free(r);
}

/* ---- the body ---- */

void request_take(struct request *r, const char *data, size_t len)
{
	struct request_private *own = r->own;
	struct server *s = own->connection->server;
	size_t needed = r->body_len + len + 1;

	if (r->status)
		return;
	if (needed - 1 > s->limits.body) {
		request_refuse(r, 413, "body: too large");
		return;
	}
	if (needed > own->capacity) {
		size_t more = needed + needed / 2;

		if (s->body_bytes - own->capacity + more > s->limits.bodies) {
			request_add(r, "Retry-After", "1");
			request_refuse(r, 503, "too much at once: not accepted, try again");
			return;
		}
		r->body = must_realloc(r->body, more);
		s->body_bytes += more - own->capacity;
		own->capacity = more;
	}
	memcpy(r->body + r->body_len, data, len);
	r->body_len += len;
	r->body[r->body_len] = '\0';
}

/* ---- the answer ---- */

void request_add(struct request *r, const char *name, const char *value)
{
	struct request_private *own = r->own;
	size_t i = own->header_count;

	if (i == HEADERS_MAX)
		return;
	own->headers[i].name = must_strdup(name);
	own->headers[i].value = must_strdup(value);
	own->header_count++;
}

void request_answer(struct request *r, int status, char *json)
{
	struct connection *c = r->own->connection;

	r->own->json = json;
	r->status = status;
	if (!c->turning) /* never from within: the handler may still look at its request */
		server_ready(c->server, c);
}

void request_answer_shared(struct request *r, int status, const char *json)
{
	r->own->shared = json;
	request_answer(r, status, NULL);
}

void request_refuse(struct request *r, int status, const char *message)
{
	r->own->closes = true;
	request_answer(r, status, r->own->connection->server->handler.words(status, message));
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *words;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].words;
	}
	return "";
}

char *request_bytes(const struct request *r, size_t *len)
{
	const struct request_private *own = r->own;
	const char *body = own->shared ? own->shared : own->json;
	time_t now = (time_t)(clock_utc() / CLOCK_SEC);
	char date[40], *text = NULL;
	struct tm tm;
	FILE *f = open_memstream(&text, len);

	if (!f)
		abort(); /* out of memory for a few hundred bytes */
	/* the C locale: none is ever set */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	fprintf(f, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status, reason(r->status), date);
	if (own->closes)
		fputs("Connection: close\r\n", f);
	if (body)
		fputs("Content-Type: application/json\r\n", f);
	for (size_t i = 0; i < own->header_count; i++)
		fprintf(f, "%s: %s\r\n", own->headers[i].name, own->headers[i].value);
	if (r->status != 304) /* it would be taken for the length of what the client has */
		fprintf(f, "Content-Length: %zu\r\n", body ? strlen(body) : 0);
	fputs("\r\n", f);
	if (own->json && strcmp(r->method, "HEAD"))
		fputs(own->json, f);
	if (fclose(f))
		abort();
	return text;
}

/* ---- what handlers ask ---- */

const char *request_header(const struct request *r, const char *name)
{
	return http_head_value(&r->own->head, name);
}

bool request_has_body(const struct request *r)
{
	return r->own->head.length || r->own->head.chunked;
}
