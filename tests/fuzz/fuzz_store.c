/*
 * fuzz_store.c - what Redis answers the worker: worker/store.c, store_takeover.c, store_request.c
 *
 * An input is a letter for what was asked, then one answer after the other as they come over the wire. A Redis of
 * somebody else's, or with keys of somebody else's, may answer anything.  hiredis takes the bytes
 * apart; store_link.c is played by the functions below.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "settings.h"
#include "store.h"
#include "store_link.h"

#define RUN "0123456789012345678901234567890123456789"

struct store_link {
	redisReader *reader;
	struct store_request *asked;
};

static struct store_link link = { 0 };
static int answered, done;

/* ---- the link ---- */

int store_link_open(struct store_link **out, struct loop *loop, const struct settings *s,
                    const struct store_handler *h)
{
	(void)loop;
	(void)s;
	(void)h;
	*out = &link;
	return 0;
}

void store_link_close(struct store_link *l)
{
	(void)l;
}

bool store_link_is_up(const struct store_link *l)
{
	(void)l;
	return true;
}

const char *store_link_run_id(const struct store_link *l)
{
	(void)l;
	return RUN;
}

size_t store_link_open_requests(const struct store_link *l)
{
	return l->asked != NULL;
}

int64_t store_link_now(const struct store_link *l)
{
	(void)l;
	return 0;
}

const char *store_link_error(const struct store_link *l)
{
	(void)l;
	return "";
}

void store_link_set_error(struct store_link *l, const char *error)
{
	(void)l;
	HOLDS(fuzz_names_something(error));
}

const char *store_link_sha(const struct store_link *l, enum store_script script)
{
	(void)l;
	(void)script;
	return "sha";
}

void store_link_ask(struct store_link *l, struct store_request *q, int argc, const char *const *argv,
                    const size_t *lengths)
{
	for (int i = 0; i < argc; i++)
		HOLDS(argv[i] && (!lengths[i] || lengths[i] >= strnlen(argv[i], lengths[i])));
	HOLDS(!l->asked);
	l->asked = q;
}

void store_link_skip(struct store_link *l, struct store_request *q)
{
	store_link_ask(l, q, 0, NULL, NULL);
}

/* ---- who asked ---- */

static void check_answer(enum store_answer a)
{
	HOLDS(a >= STORE_DONE && a <= STORE_FAILED);
	answered++;
}

static void on_taken(void *arg, enum store_answer a, const struct store_taken *t)
{
	(void)arg;
	check_answer(a);
	done++;
	HOLDS(memchr(t->epoch.text, 0, STORE_EPOCH_SIZE) && memchr(t->epoch.run_id, 0, STORE_RUN_SIZE));
	HOLDS(memchr(t->previous, 0, STORE_EPOCH_SIZE) && memchr(t->previous_run, 0, STORE_RUN_SIZE));
	HOLDS(t->told >= -1 && t->next >= -1);
	/* an epoch that every script is to carry */
	HOLDS(a != STORE_DONE || (fuzz_visible(t->epoch.text) && !strcmp(t->epoch.run_id, RUN)));
}

static void on_done(void *arg, enum store_answer a)
{
	(void)arg;
	check_answer(a);
	done++;
}

static void on_entries(void *arg, enum store_answer a, const struct store_entry *entries, size_t n, bool more)
{
	(void)arg;
	check_answer(a);
	HOLDS(a == STORE_DONE || (!n && !more));
	done += !more;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *bytes = entries[i].value.data;
		volatile uint8_t byte = 0; /* read, for ASan */

		HOLDS(entries[i].name && (bytes || !entries[i].value.len));
		for (size_t k = 0; k < entries[i].value.len; k++)
			byte = bytes[k];
		(void)byte;
	}
}

static void on_loaded(void *arg, enum store_answer a, int64_t version, const void *data, size_t len)
{
	(void)arg;
	check_answer(a);
	done++;
	HOLDS(data || !len);
	HOLDS(a == STORE_DONE || (!version && !len));
}

static void ask(struct store *s, char what)
{
	static const struct store_epoch epoch = { "3.00112233445566778899aabbccddeeff", RUN };
	const char *cleared[] = { "x-1" };
	struct store_event event = { "x-2", { (void *)"\nv", 2 } };
	struct store_save save = { .epoch = &epoch,
		                   .call_leg_id = "x",
		                   .record = { (void *)"r", 1 },
		                   .events = &event,
		                   .event_count = 1,
		                   .told = -1,
		                   .next = -1 };
	struct store_clear clear = { .epoch = &epoch, .cleared = cleared, .cleared_count = 1 };

	switch (what) {
	case 't':
		store_take(s, 3, 2, "", on_taken, NULL);
		break;
	case 'c':
		store_check(s, 3, &epoch, on_done, NULL);
		break;
	case 'o':
		store_outbox(s, 3, &epoch, on_entries, NULL);
		break;
	case 'l':
		store_live(s, 3, &epoch, on_entries, NULL);
		break;
	case 'g':
		store_load(s, 3, &epoch, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", on_loaded, NULL);
		break;
	case 's':
		store_save(s, &save, on_done, NULL);
		break;
	default:
		store_clear(s, &clear, on_done, NULL);
	}
}

/* One reply after the other, until all are used up; then the connection is lost. */
static void answer_all(void)
{
	while (link.asked) {
		struct store_request *q = link.asked;
		void *reply = NULL;
		int before = answered;

		redisReaderGetReply(link.reader, &reply);
		link.asked = NULL;
		q->link = &link;
		q->answer(q, reply);
		if (reply)
			freeReplyObject(reply);
		HOLDS(answered > before || link.asked); /* told, or asked on */
	}
}

/* hiredis 0.14 makes room for as many elements as an array's head says, before they come. */
static bool claims_too_much(const uint8_t *data, size_t size)
{
	size_t digits = 0;
	bool array = false;

	for (size_t i = 0; i < size; i++) {
		bool digit = data[i] >= '0' && data[i] <= '9';

		array = data[i] == '*' || (array && (digit || data[i] == '+' || data[i] == '-'));
		digits = array && digit ? digits + 1 : 0;
		if (digits > 4)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings = { .call_keep = 1 };
	struct store *s;

	if (!size || claims_too_much(data + 1, size - 1))
		return 0;
	link.reader = redisReaderCreate();
	HOLDS(link.reader && store_open(&s, NULL, &settings, NULL) == 0);
	redisReaderFeed(link.reader, (const char *)data + 1, size - 1);
	done = 0;
	ask(s, (char)data[0]);
	answer_all();
	HOLDS(done == 1);
	store_close(s);
	redisReaderFree(link.reader);
	return 0;
}
