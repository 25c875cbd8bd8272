/*
 * client_http.h - one request over HTTP and its answer, by libcurl; no second try
 *
 * No redirect is followed and no proxy of the environment is used: the key goes
 * to the API and to nobody else.
 */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_ANSWER_MAX (1024 * 1024)

struct client_http;

struct http_question {
	const char *method, *url;
	char *const *headers; /* whole lines */
	size_t header_count;
	const char *body; /* NULL: none */
	size_t body_len;
	int64_t timeout; /* us */
};

struct http_answer {
	int status;          /* 0: none came; `error` says why */
	char *body;          /* terminated, free(); NULL: none */
	int64_t retry_after; /* us; -1: not said */
	bool again;          /* status 0: another try may fare better */
	bool unsent;         /* status 0: nobody can have read the request */
	const char *error;
};

int client_http_open(struct client_http **out); /* 0 or -ENOMEM */
void client_http_close(struct client_http *h);  /* NULL is fine */
void client_http_ask(struct client_http *h, const struct http_question *q, struct http_answer *out);

#endif
