/* producer_raw.c - see producer_raw.h */
#include "producer_raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "accept.h"
#include "clock.h"
#include "log.h"
#include "loop.h"
#include "must.h"

#define PATIENCE (5 * CLOCK_SEC) /* never needed: an answer is there in a millisecond */

static struct rig *rig;
static char call[CALLID_SIZE], other[CALLID_SIZE];
static char date[80], hash64[BASE64_SIZE(DIGEST_SIZE)], mac64[BASE64_SIZE(DIGEST_SIZE)];

void raw_open(struct rig *r)
{
	rig = r;
	callid_make(call, r->api.tenants, "default", -1, 1, 0, NULL);
	callid_make(other, r->api.tenants, "other", -1, 1, 0, NULL);
}

const char *raw_call(void)
{
	return call;
}

/* ---- the text of a request ---- */

static const char *put_many(FILE *f, const char *at)
{
	char *text;
	unsigned long n = strtoul(at, &text, 10);
	const char *end = strchr(++text, ')');

	for (; n; n--)
		fwrite(text, 1, (size_t)(end - text), f);
	return end + 1;
}

static const char *put_in(FILE *f, const char *at)
{
	const struct {
		const char *name, *value;
	} words[] = { { "$call", call },   { "$other", other }, { "$date", date },
		      { "$hash", hash64 }, { "$sig", mac64 },   { "$len", "$len" } };

	if (!strncmp(at, "$(", 2))
		return put_many(f, at + 2);
	if (!strncmp(at, "$0", 2)) {
		fputc('\0', f);
		return at + 2;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strncmp(at, words[i].name, strlen(words[i].name))) {
			fputs(words[i].value, f);
			return at + strlen(words[i].name);
		}
	}
	fputc('$', f);
	return at + 1;
}

/* Only once all else is in it is known how long the body is. */
static char *put_length(char *text, size_t *len)
{
	char *at = memmem(text, *len, "$len", 4), *body = memmem(text, *len, "\r\n\r\n", 4), *out;
	FILE *f;

	if (!at || !body)
		return text;
	f = open_memstream(&out, len);
	fwrite(text, 1, (size_t)(at - text), f);
	fprintf(f, "%zu", (size_t)(text + *len - body - 4));
	fwrite(at + 4, 1, (size_t)(text + *len - at - 4), f);
	fclose(f);
	free(text);
	return out;
}

char *raw_fill(const char *request, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	while (*request) {
		size_t plain = strcspn(request, "$");

		fwrite(request, 1, plain, f);
		request += plain;
		if (*request)
			request = put_in(f, request);
	}
	fclose(f);
	return put_length(text, len);
}

void raw_sign(const struct raw_signing *how)
{
	const char *key64 = how->key ? how->key : RIG_KEY;
	uint8_t hash[DIGEST_SIZE], key[64];
	time_t at = time(NULL) + (time_t)how->skew;
	struct digest_part part;
	struct digest_key *k;
	struct tm tm;
	char *text;
	size_t len;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
	if (how->date)
		snprintf(date, sizeof(date), "%s", how->date);
	digest_sha256(hash, how->body, strlen(how->body));
	base64_encode(hash64, hash, DIGEST_SIZE);
	text = raw_fill(how->text, &len);
	part = (struct digest_part){ text, len };
	digest_key_open(&k, key, (size_t)base64_decode(key, key64, strlen(key64)));
	digest_hmac(k, hash, &part, 1);
	digest_key_close(k);
	base64_encode(mac64, hash, DIGEST_SIZE);
	free(text);
}

/* ---- sockets ---- */

int raw_dial(const struct rig *r)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(r->server)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void turn(struct rig *r)
{
	if (loop_turn(r->loop, clock_mono() + 200) < 0)
		exit(1);
}

bool raw_put(struct rig *r, int fd, const char *text, size_t len)
{
	int64_t until = clock_mono() + PATIENCE;

	while (len && clock_mono() < until) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else {
			turn(r);
		}
	}
	return !len;
}

/* -1: not there yet; else how long the first answer is. */
static ssize_t answer_length(const char *text, size_t have, bool bodiless)
{
	const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");
	size_t whole;

	if (!body || !length || length > body)
		return -1;
	whole = (size_t)(body + 4 - text);
	if (!bodiless)
		whole += strtoul(length + 17, NULL, 10);
	return have >= whole ? (ssize_t)whole : -1;
}

static char *hear(struct rig *r, int fd, int64_t wait, bool bodiless)
{
	int64_t until = clock_mono() + wait;
	char *text = must_calloc(1, 8192);
	size_t used = 0;

	for (;;) {
		ssize_t whole = answer_length(text, used, bodiless), n;

		if (whole >= 0) {
			recv(fd, text, (size_t)whole, 0); /* only now: what follows stays */
			text[whole] = '\0';
			return text;
		}
		n = recv(fd, text, 8191, MSG_PEEK);
		used = n > 0 ? (size_t)n : used;
		text[used] = '\0';
		if (answer_length(text, used, bodiless) >= 0)
			continue;
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || clock_mono() >= until)
			break;
		turn(r);
	}
	return text;
}

char *raw_hear(struct rig *r, int fd, int64_t wait)
{
	return hear(r, fd, wait, false);
}

bool raw_closed(struct rig *r, int fd, int64_t wait)
{
	int64_t until = clock_mono() + wait;
	char byte;

	for (;;) {
		ssize_t n = recv(fd, &byte, 1, 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return true;
		if (n > 0 || clock_mono() >= until)
			return false;
		turn(r);
	}
}

/* ---- a row ---- */

static int log_fd = -1, true_stderr = -1;

static void log_begin(void)
{
	if (log_fd < 0) {
		log_fd = memfd_create("log", MFD_CLOEXEC);
		true_stderr = dup(STDERR_FILENO);
	}
	if (ftruncate(log_fd, 0) < 0 || lseek(log_fd, 0, SEEK_SET) < 0)
		exit(1);
	dup2(log_fd, STDERR_FILENO);
	log_threshold = LOG_DEBUG;
}

static char *log_end(void)
{
	off_t len = lseek(log_fd, 0, SEEK_END);
	char *text = must_calloc(1, (size_t)len + 1);

	dup2(true_stderr, STDERR_FILENO);
	log_threshold = LOG_ERROR;
	if (pread(log_fd, text, (size_t)len, 0) != len)
		exit(1);
	return text;
}

static const char *secret_in(const char *text)
{
	static const char *const secrets[] = { "hush",         RIG_KEY,      RIG_OTHER_KEY, "rig-bearer",
		                               "other-bearer", "Signature=", NULL };
	size_t i = 0;

	while (secrets[i] && !strstr(text, secrets[i]))
		i++;
	if (!secrets[i] && *mac64 && strstr(text, mac64))
		return "the signature";
	return secrets[i];
}

/* What is wrong with the answer; NULL: nothing. */
static const char *answer_fault_of(const struct raw_row *row, const char *text)
{
	const char *body = strstr(text, "\r\n\r\n"), *fault = NULL;
	json_t *j;

	if (strncmp(text, "HTTP/1.1 ", 9) || atoi(text + 9) != row->status)
		return "another status";
	if (!*row->code)
		return body[4] ? "a body" : NULL;
	if (!strstr(text, "\r\nContent-Type: application/json\r\n"))
		return "not said to be JSON";
	j = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
	if (strcmp(json_string_value(json_object_get(j, "code")) ?: "", row->code))
		fault = "another code";
	else if (!strstr(json_string_value(json_object_get(j, "message")) ?: "", row->words))
		fault = "another message";
	json_decref(j);
	return fault;
}

/* The connection is as it should be: at its end, or good for another request. */
static const char *rest_fault_of(const struct raw_row *row, int fd, const char *text)
{
	const char *fault = NULL;
	size_t len;
	char *again, *answer;

	if (row->closes && !strstr(text, "\r\nConnection: close\r\n"))
		return "no Connection: close";
	if (row->closes)
		return raw_closed(rig, fd, PATIENCE) ? NULL : "not closed, or more was answered";
	again = raw_fill(RAW_ASK("GET", "/calls/$call"), &len);
	raw_put(rig, fd, again, len);
	answer = raw_hear(rig, fd, PATIENCE);
	if (strncmp(answer, "HTTP/1.1 200 ", 13) || !strstr(answer, "\"idle\""))
		fault = "the next request was not answered";
	free(again);
	free(answer);
	return fault;
}

bool raw_check(const struct raw_row *row)
{
	const char *fault, *secret;
	char *request, *text, *log;
	size_t len;
	int fd = raw_dial(rig);

	request = raw_fill(row->request, &len);
	log_begin();
	raw_put(rig, fd, request, len); /* refused half way is fine */
	text = hear(rig, fd, PATIENCE, !*row->code);
	fault = answer_fault_of(row, text);
	if (!fault)
		fault = rest_fault_of(row, fd, text);
	log = log_end();
	secret = secret_in(text) ? secret_in(text) : secret_in(log);
	if (fault || secret)
		fprintf(stderr, "%s: %s%s%s, wanted %d %s \"%s\"\n%s\n%s\n", row->name, fault ? fault : "",
		        secret ? " told " : "", secret ? secret : "", row->status, row->code, row->words,
		        text, log);
	close(fd);
	free(request);
	free(text);
	free(log);
	return !fault && !secret;
}

/* Whether anything of them is left. */
static bool all_gone(void)
{
	int64_t until = clock_mono() + PATIENCE;

	while (server_connections(rig->server) && clock_mono() < until)
		turn(rig);
	return !server_connections(rig->server) && !rig->api.inflight &&
	       !accept_open_commands(rig->api.accept);
}

size_t raw_run(const struct raw_row *rows, size_t n)
{
	int64_t before = rig_all_records(rig);
	size_t bad = 0;

	for (size_t i = 0; i < n; i++)
		bad += !raw_check(&rows[i]);
	if (!all_gone()) {
		fprintf(stderr, "something is left: %zu connections, %zu commands\n",
		        server_connections(rig->server), rig->api.inflight);
		bad++;
	}
	if (rig_all_records(rig) != before) {
		fprintf(stderr, "%d commands were produced\n", (int)(rig_all_records(rig) - before));
		bad++;
	}
	return bad;
}
