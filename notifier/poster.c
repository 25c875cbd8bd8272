/*
 * poster.c - see poster.h
 *
 * Each POST has an easy handle of its own; the connections, which are what is worth keeping,
 * belong to the multi handle.  Handles were used again once: libcurl 7.88 keeps a pointer to the
 * last header of the answer before, which is freed by then, and an answer that begins with a
 * folded line makes it grow that header.  Any endpoint could end the notifier so, or worse.
 */
#include "poster.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "callback.h"
#include "clock.h"
#include "loop.h"
#include "metrics.h"
#include "must.h"
#include "settings.h"

/* headers and body of an answer together */
#define READ_MAX (64 * 1024)

static struct metric refusals = METRIC_COUNTER_INIT("callcast_webhook_refused_total", NULL,
                                                    "Addresses that a webhook was not allowed to connect to");

struct transfer {
	struct poster *p;
	CURL *easy;
	struct transfer *next_free;
	struct curl_slist *headers;
	size_t read;
	int allowed, refused; /* addresses */
	post_done_fn *fn;
	void *arg;
};

struct poster {
	struct loop *loop;
	const struct callback_rules *rules;
	CURLM *multi;
	long timeout_ms;
	struct loop_timer timer;
	struct transfer *transfers, *free;
	size_t count;
};

/* ---- libcurl's sockets and timer, on the loop ---- */

static void hand_out(struct poster *p);

static void act(struct poster *p, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(p->multi, fd, mask, &running);
	hand_out(p);
}

struct watched {
	struct poster *p;
	curl_socket_t fd;
};

static void on_socket(void *arg, uint32_t events)
{
	struct watched *w = arg;
	int mask = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		mask |= CURL_CSELECT_ERR;
	act(w->p, w->fd, mask); /* w may be freed in here */
}

static int watch(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
	struct poster *p = userp;
	struct watched *w = socketp;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		loop_unwatch(p->loop, fd);
		curl_multi_assign(p->multi, fd, NULL);
		free(w);
		return 0;
	}
	if (!w) {
		w = must_calloc(1, sizeof(*w));
		w->p = p;
		w->fd = fd;
		curl_multi_assign(p->multi, fd, w);
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	return loop_watch(p->loop, fd, events, on_socket, w) < 0 ? -1 : 0;
}

static void on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *userp)
{
	struct poster *p = userp;

	(void)multi;
	if (ms < 0)
		loop_timer_clear(p->loop, &p->timer);
	else
		loop_timer_set(p->loop, &p->timer, clock_mono() + ms * CLOCK_MS, on_timer, p);
	return 0;
}

/* ---- one transfer ---- */

/* Called for each address that libcurl is about to try. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = arg;

	if (purpose != CURLSOCKTYPE_IPCXN || !callback_address_allowed(t->p->rules, &a->addr)) {
		t->refused++;
		metric_add(&refusals, 1);
		return CURL_SOCKET_BAD;
	}
	t->allowed++;
	return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

static size_t discard(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)data;
	t->read += size * n;
	return t->read > READ_MAX ? 0 : size * n;
}

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (!longer)
		abort(); /* out of memory, as must.h */
	return longer;
}

static CURL *make_easy(struct transfer *t)
{
	CURL *e = curl_easy_init();

	if (!e)
		return NULL;
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, t->p->timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, t->p->timeout_ms);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "callcast/" CALLCAST_VERSION);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, discard);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	return e;
}

/* What the handle says now that it ended. */
static void read_answer(struct transfer *t, CURLcode result, struct post_answer *a)
{
	curl_off_t seconds = 0;
	long status = 0;

	*a = (struct post_answer){ .retry_after = -1 };
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	/* the status counts although the body was too long for us; an answer that broke off is none */
	if (status >= 100 && status <= 999 && (result == CURLE_OK || result == CURLE_WRITE_ERROR)) {
		a->status = (int)status;
		/* 0 stands for "none" too */
		if (!curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds) && seconds > 0)
			a->retry_after = seconds > 86400 ? 86400 * CLOCK_SEC : seconds * CLOCK_SEC;
		return;
	}
	a->refused = t->refused && !t->allowed;
	if (a->refused)
		a->error = "address not allowed";
	else
		a->error = result == CURLE_OK ? "a status that is none" : curl_easy_strerror(result);
}

static void ended(struct poster *p, struct transfer *t, CURLcode result)
{
	struct post_answer a;

	read_answer(t, result, &a);
	curl_multi_remove_handle(p->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	t->next_free = p->free;
	p->free = t;
	t->fn(t->arg, &a);
}

static void hand_out(struct poster *p)
{
	struct transfer *t;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		ended(p, t, m->data.result);
	}
}

/* ---- the poster ---- */

int poster_open(struct poster **out, struct loop *loop, const struct callback_rules *rules, size_t transfers,
                int64_t timeout)
{
	struct poster *p;

	p = must_calloc(1, sizeof(*p));
	p->loop = loop;
	p->rules = rules;
	p->timeout_ms = (long)(timeout / CLOCK_MS);
	p->transfers = must_calloc(transfers, sizeof(*p->transfers));
	p->count = transfers;
	for (size_t i = transfers; i-- > 0;) {
		p->transfers[i].p = p;
		p->transfers[i].next_free = p->free;
		p->free = &p->transfers[i];
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	p->multi = curl_multi_init();
	if (!p->multi) {
		poster_close(p);
		return -ENOMEM;
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)transfers);
	curl_multi_setopt(p->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	metric_register(&refusals);
	*out = p;
	return 0;
}

void poster_close(struct poster *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		struct transfer *t = &p->transfers[i];

		if (!t->easy)
			continue;
		if (t->headers)
			curl_multi_remove_handle(p->multi, t->easy);
		curl_easy_cleanup(t->easy);
		curl_slist_free_all(t->headers);
	}
	if (p->multi)
		curl_multi_cleanup(p->multi);
	loop_timer_clear(p->loop, &p->timer);
	free(p->transfers);
	free(p);
}

bool poster_is_full(const struct poster *p)
{
	return !p->free;
}

int poster_send(struct poster *p, const struct post *post, post_done_fn *fn, void *arg)
{
	struct transfer *t = p->free;

	if (!t)
		return -EAGAIN;
	t->easy = make_easy(t);
	if (!t->easy)
		return -EAGAIN;
	p->free = t->next_free;
	t->fn = fn;
	t->arg = arg;
	t->read = 0;
	t->allowed = t->refused = 0;
	t->headers = add(NULL, "Content-Type: application/json");
	t->headers = add(t->headers, "Expect:"); /* a 100-continue costs a round trip */
	for (size_t i = 0; i < POST_HEADERS && post->headers[i]; i++)
		t->headers = add(t->headers, post->headers[i]);
	curl_easy_setopt(t->easy, CURLOPT_URL, post->uri);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->len);
	curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, post->body);
	/* starts by a timer of 0 ms that libcurl sets: the next turn of the loop */
	curl_multi_add_handle(p->multi, t->easy);
	return 0;
}
