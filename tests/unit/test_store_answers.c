/*
 * test_store_answers.c - what the store makes of answers that no Redis of ours gives
 *
 * A key may be somebody else's, and another server may answer at the address: whatever comes, a takeover gets
 * no epoch that is none, and nobody is handed a name that is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <hiredis/hiredis.h>
#include <string.h>

#include "settings.h"
#include "store.h"
#include "store_link.h"

#define RUN "0123456789012345678901234567890123456789"

static const struct store_epoch epoch = { "3.00", RUN };
static struct store_request *asked;
static enum store_answer answer;
static int64_t told;

/* ---- in the place of store_link.c: one request at a time, answered by hand ---- */

int store_link_open(struct store_link **out, struct loop *loop, const struct settings *s,
                    const struct store_handler *h)
{
	(void)loop;
	(void)s;
	(void)h;
	*out = NULL;
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
	(void)l;
	return asked != NULL;
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
	(void)error;
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
	(void)l;
	(void)argc;
	(void)argv;
	(void)lengths;
	asked = q;
}

void store_link_skip(struct store_link *l, struct store_request *q)
{
	(void)l;
	asked = q;
}

/* ---- asking ---- */

static void on_taken(void *arg, enum store_answer a, const struct store_taken *t)
{
	(void)arg;
	answer = a;
	told = t->told;
}

static void on_entries(void *arg, enum store_answer a, const struct store_entry *entries, size_t n, bool more)
{
	(void)arg;
	(void)more;
	answer = a;
	for (size_t i = 0; i < n; i++)
		assert_non_null(entries[i].name);
}

enum question { TAKE, OUTBOX, LIVE };

/* The bytes come as over the wire. */
static enum store_answer ask(enum question what, const char *bytes)
{
	redisReader *reader = redisReaderCreate();
	struct settings settings = { .call_keep = 1 };
	struct store *s;
	void *reply;

	assert_int_equal(store_open(&s, NULL, &settings, NULL), 0);
	if (what == TAKE)
		store_take(s, 3, 0, "", on_taken, NULL);
	else if (what == OUTBOX)
		store_outbox(s, 3, &epoch, on_entries, NULL);
	else
		store_live(s, 3, &epoch, on_entries, NULL);
	redisReaderFeed(reader, bytes, strlen(bytes));
	assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
	assert_non_null(reply);
	asked->answer(asked, reply);
	freeReplyObject(reply);
	redisReaderFree(reader);
	store_close(s);
	return answer;
}

#define TEXT(n, t) "$" #n "\r\n" t "\r\n"
#define NIL        "$-1\r\n"

static void test_what_is_an_epoch(void **state)
{
	(void)state;
	assert_int_equal(ask(TAKE, "*5\r\n" TEXT(6, "4.ff r") NIL TEXT(2, "17") NIL ":0\r\n"), STORE_DONE);
	assert_int_equal(told, 17);
	assert_int_equal(ask(TAKE, "*5\r\n" NIL NIL NIL NIL ":0\r\n"), STORE_REFUSED);
	assert_int_equal(ask(TAKE, "*5\r\n" TEXT(0, "") NIL NIL NIL ":0\r\n"), STORE_REFUSED);
	assert_int_equal(ask(TAKE, "*5\r\n:7\r\n" NIL NIL NIL ":0\r\n"), STORE_REFUSED);
	assert_int_equal(ask(TAKE, "*5\r\n" TEXT(3, "4\nf") NIL NIL NIL ":0\r\n"), STORE_REFUSED);
}

static void test_an_offset_below_none_is_none(void **state)
{
	(void)state;
	assert_int_equal(ask(TAKE, "*5\r\n" TEXT(4, "4.ff") NIL TEXT(3, "-17") NIL ":0\r\n"), STORE_DONE);
	assert_int_equal(told, -1);
}

static void test_entries_without_a_name(void **state)
{
	(void)state;
	assert_int_equal(ask(OUTBOX, "*2\r\n" TEXT(1, "0") "*2\r\n" TEXT(3, "x-1") TEXT(1, "v")), STORE_DONE);
	assert_int_equal(ask(OUTBOX, "*2\r\n" TEXT(1, "0") "*2\r\n" NIL TEXT(1, "v")), STORE_REFUSED);
	assert_int_equal(ask(OUTBOX, "*2\r\n" TEXT(1, "0") "*2\r\n" TEXT(3, "x-1") ":1\r\n"), STORE_REFUSED);
	assert_int_equal(ask(OUTBOX, "*2\r\n:0\r\n*0\r\n"), STORE_REFUSED);
	assert_int_equal(ask(OUTBOX, "*2\r\n" NIL "*0\r\n"), STORE_REFUSED);
	assert_int_equal(ask(LIVE, "*0\r\n"), STORE_DONE);
	assert_int_equal(ask(LIVE, "*1\r\n" NIL), STORE_REFUSED);
	assert_int_equal(ask(LIVE, "*1\r\n:5\r\n"), STORE_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_an_epoch),
		cmocka_unit_test(test_an_offset_below_none_is_none),
		cmocka_unit_test(test_entries_without_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
