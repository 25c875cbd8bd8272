/* demo_hook.c - see demo_hook.h */
#include "demo_hook.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "clock.h"
#include "digest.h"

#define BODY_MAX (64 * 1024)
#define SKEW     (300 * CLOCK_SEC)

struct hook {
	struct MHD_Daemon *daemon;
	struct MHD_Response *empty;
	struct digest_key *key;
	hook_event_fn *fn;
	void *arg;
	struct hook_counts counts;
};

struct post {
	char *body;
	size_t len;
};

static const char *header(struct MHD_Connection *c, const char *name)
{
	const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	return value ? value : "";
}

/* webhook-signature holds one "v1,<base64>" per secret, separated by spaces. */
static bool is_signed(const struct hook *h, struct MHD_Connection *c, const struct post *p)
{
	const char *id = header(c, "webhook-id"), *at = header(c, "webhook-timestamp");
	const char *given = header(c, "webhook-signature");
	char wanted[3 + BASE64_SIZE(DIGEST_SIZE)] = "v1,";
	uint8_t mac[DIGEST_SIZE];
	int64_t skew;
	size_t len;

	skew = strtoll(at, NULL, 10) * CLOCK_SEC - clock_utc();
	if (!*id || skew > SKEW || skew < -SKEW)
		return false;
	digest_hmac(h->key, mac,
	            (const struct digest_part[]){
	                    { id, strlen(id) },
	                    { ".", 1 },
	                    { at, strlen(at) },
	                    { ".", 1 },
	                    { p->body, p->len },
	            },
	            5);
	base64_encode(wanted + 3, mac, sizeof(mac));
	for (; *given; given += len + strspn(given + len, " ")) {
		len = strcspn(given, " ");
		if (len == strlen(wanted) && digest_equal(given, wanted, len))
			return true;
	}
	return false;
}

/* The array of one event, taken apart.  False: not what was promised. */
static bool deliver(struct hook *h, const char *path, const char *webhook_id, json_t *body)
{
	static const char prefix[] = "Microsoft.Communication.";
	const json_t *event = json_array_size(body) == 1 ? json_array_get(body, 0) : NULL;
	const char *id = json_string_value(json_object_get(event, "id"));
	const char *type = json_string_value(json_object_get(event, "type"));
	struct hook_event ev = { .data = json_object_get(event, "data") };
	char call_leg_id[64], *end;
	const char *dash;

	if (!id || strcmp(id, webhook_id) != 0 || !type || strncmp(type, prefix, sizeof(prefix) - 1) != 0 ||
	    !ev.data)
		return false;
	dash = strrchr(id, '-');
	if (!dash || (size_t)(dash - id) >= sizeof(call_leg_id))
		return false;
	memcpy(call_leg_id, id, (size_t)(dash - id));
	call_leg_id[dash - id] = '\0';
	ev.call_leg_id = call_leg_id;
	ev.number = strtoll(dash + 1, &end, 10);
	if (*end || ev.number < 1)
		return false;
	ev.type = type + sizeof(prefix) - 1;
	ev.call = strtoul(path + strlen("/hook/"), &end, 10);
	if (*end)
		return false;
	h->fn(h->arg, &ev);
	return true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **state)
{
	struct hook *h = arg;
	struct post *p = *state;
	unsigned int status = MHD_HTTP_OK;
	json_t *body;

	(void)version;
	if (!p) {
		if (strcmp(method, "POST") != 0 || strncmp(path, "/hook/", 6) != 0)
			return MHD_queue_response(c, MHD_HTTP_NOT_FOUND, h->empty);
		*state = p = calloc(1, sizeof(*p));
		return p ? MHD_YES : MHD_NO;
	}
	if (*size) {
		char *more = p->len + *size <= BODY_MAX ? realloc(p->body, p->len + *size) : NULL;

		if (!more)
			return MHD_NO;
		p->body = more;
		memcpy(p->body + p->len, data, *size);
		p->len += *size;
		*size = 0;
		return MHD_YES;
	}

	h->counts.received++;
	if (is_signed(h, c, p)) {
		body = json_loadb(p->body, p->len, JSON_REJECT_DUPLICATES, NULL);
		if (!deliver(h, path, header(c, "webhook-id"), body))
			h->counts.malformed++;
		json_decref(body);
	} else {
		h->counts.unsigned_++;
		status = MHD_HTTP_UNAUTHORIZED;
	}
	return MHD_queue_response(c, status, h->empty);
}

static void on_end(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
	struct post *p = *state;

	(void)arg;
	(void)c;
	(void)code;
	if (p)
		free(p->body);
	free(p);
	*state = NULL;
}

static int open_key(struct hook *h, const char *secret)
{
	static const char prefix[] = "whsec_";
	uint8_t key[256];
	long n;

	if (strncmp(secret, prefix, sizeof(prefix) - 1) != 0 || strlen(secret) > sizeof(key))
		return -EINVAL;
	secret += sizeof(prefix) - 1;
	n = base64_decode(key, secret, strlen(secret));
	return n > 0 ? digest_key_open(&h->key, key, (size_t)n) : -EINVAL;
}

int hook_open(struct hook **out, const char *secret, hook_event_fn *fn, void *arg)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct hook *h;
	int r;

	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->fn = fn;
	h->arg = arg;
	r = open_key(h, secret);
	if (r < 0)
		goto fail;
	r = -ENOMEM;
	h->empty = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (!h->empty)
		goto fail;
	r = -EADDRNOTAVAIL;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR, &any,
	                             MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_CONNECTION_LIMIT,
	                             512u, MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
	if (!h->daemon)
		goto fail;
	*out = h;
	return 0;
fail:
	hook_close(h);
	return r;
}

void hook_close(struct hook *h)
{
	if (!h)
		return;
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	if (h->empty)
		MHD_destroy_response(h->empty);
	digest_key_close(h->key);
	free(h);
}

int hook_fd(const struct hook *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void hook_turn(struct hook *h)
{
	MHD_run(h->daemon);
}

const char *hook_address(const struct hook *h, char *out, size_t size, size_t call)
{
	const int port = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;

	snprintf(out, size, "http://127.0.0.1:%d/hook/%zu", port, call);
	return out;
}

struct hook_counts hook_counts(const struct hook *h)
{
	return h->counts;
}
