/*
 * client_key.h - who callcast is to the API: a bearer key, or a connection string
 *
 * A connection string is "endpoint=https://host:port/;accesskey=<base64>", in any
 * order and case, as the API's clients take it.  Nothing here prints a key.
 */
#ifndef CLIENT_KEY_H
#define CLIENT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_key {
	char *url;               /* the connection string's endpoint, without '/' at its end; NULL */
	char *bearer;            /* or */
	struct digest_key *hmac; /* one of them */
};

/* 0, or -EINVAL: `why` says what is wrong and repeats nothing of it.  `text` is not empty. */
int client_key_open(struct client_key *out, const char *text, const char **why);
void client_key_close(struct client_key *k);

/* What a signature covers. */
struct client_signed {
	const char *method, *target, *host; /* host as the header has it */
	const char *body;
	size_t body_len;
	int64_t now; /* clock_utc() */
};

#define CLIENT_KEY_HEADERS 3
/* Whole header lines, malloc'ed, at most CLIENT_KEY_HEADERS; returns how many. */
size_t client_key_headers(const struct client_key *k, const struct client_signed *q,
                          char *lines[CLIENT_KEY_HEADERS]);

#define HTTP_DATE_SIZE 40
/* "Thu, 22 Apr 2021 08:00:00 GMT".  Returns out. */
const char *http_date_text(char out[HTTP_DATE_SIZE], int64_t us);

#endif
