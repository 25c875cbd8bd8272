/*
 * test_notifier_delivery.c - the life of webhooks, with all around it played by the test
 *
 * The clock, Kafka, Redis, the receivers and the tenants file are below.  What
 * is POSTed stands in `posts` until the test answers it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "callback.h"
#include "clock.h"
#include "delivered.h"
#include "delivery.h"
#include "letters.h"
#include "log.h"
#include "loop.h"
#include "must.h"
#include "poster.h"
#include "settings.h"
#include "tenants.h"

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define HOOK   "http://127.0.0.1:9000/cb?secret=1"
#define START  INT64_C(1700000000000000)

enum { FINISHED = 64 };

static struct world {
	int64_t now;
	struct loop *loop;
	struct settings *settings;
	struct deliveries *deliveries;
	uint64_t assignment;
	int64_t finished[FINISHED]; /* offsets, in the order in which they finished */
	size_t finished_count;
	bool held;
	struct post_seen {
		char uri[128], id[128], timestamp[64], body[1024];
		post_done_fn *fn;
		void *arg;
	} posts[64];
	size_t post_count, transfers;
	struct letter_seen {
		enum kafka_topic topic;
		char reason[64];
		int attempts;
		size_t answers;
		int64_t offset;
		letters_done_fn *fn;
		void *arg;
	} letters[64];
	size_t letter_count;
	bool redis;
	delivered_fn *asked;
	void *asked_arg;
	size_t asks;
	char raised[64];
	bool tenant_there;
	const char *refused;
} w;

/* ---- what stands in for the real modules ---- */

int64_t clock_utc(void)
{
	return START + w.now;
}

int64_t clock_mono(void)
{
	return w.now;
}

void intake_done(struct intake *in, const struct intake_ticket *t)
{
	(void)in;
	if (t->assignment == w.assignment)
		w.finished[w.finished_count++ % FINISHED] = t->offset;
}

bool intake_is_current(const struct intake *in, const struct intake_ticket *t)
{
	(void)in;
	return t->assignment == w.assignment;
}

void intake_hold(struct intake *in, bool hold)
{
	(void)in;
	w.held = hold;
}

void intake_stop_partition(struct intake *in, int32_t partition, const char *why)
{
	(void)in;
	(void)partition;
	(void)why;
}

const char *kafka_topic(const struct settings *s, enum kafka_topic t)
{
	(void)s;
	return t == TOPIC_EVENTS ? "calls.events" : "other";
}

void letters_send(struct letters *l, enum kafka_topic topic, const struct dead_letter *letter,
                  letters_done_fn *fn, void *arg)
{
	struct letter_seen *seen = &w.letters[w.letter_count++];

	(void)l;
	*seen = (struct letter_seen){ .topic = topic,
		                      .attempts = letter->attempts,
		                      .answers = letter->answers_count,
		                      .offset = letter->offset,
		                      .fn = fn,
		                      .arg = arg };
	snprintf(seen->reason, sizeof(seen->reason), "%s", letter->reason);
}

struct delivered_ask *delivered_ask(struct delivered *d, const char *call, const char *endpoint,
                                    delivered_fn *fn, void *arg)
{
	(void)d;
	(void)call;
	(void)endpoint;
	if (!w.redis)
		return NULL;
	w.asks++;
	w.asked = fn;
	w.asked_arg = arg;
	return (struct delivered_ask *)&w;
}

void delivered_forget(struct delivered_ask *a)
{
	if (a)
		w.asked = NULL;
}

void delivered_raise(struct delivered *d, const char *call, const char *endpoint, int64_t number)
{
	(void)d;
	snprintf(w.raised, sizeof(w.raised), "%.1s %s %d", call, endpoint, (int)number);
}

int poster_send(struct poster *p, const struct post *post, post_done_fn *fn, void *arg)
{
	struct post_seen *seen = &w.posts[w.post_count++];

	(void)p;
	w.transfers++;
	seen->fn = fn;
	seen->arg = arg;
	snprintf(seen->uri, sizeof(seen->uri), "%s", post->uri);
	snprintf(seen->id, sizeof(seen->id), "%s", post->headers[0]);
	snprintf(seen->timestamp, sizeof(seen->timestamp), "%s", post->headers[1]);
	snprintf(seen->body, sizeof(seen->body), "%.*s", (int)post->len, (const char *)post->body);
	return 0;
}

bool poster_is_full(const struct poster *p)
{
	(void)p;
	return false;
}

const struct tenant *tenants_by_name(const struct tenants *t, const char *name)
{
	static struct tenant tenant;

	(void)t;
	(void)name;
	return w.tenant_there ? &tenant : NULL;
}

const char *callback_refused(const struct callback_rules *r, const char *uri, char *const *prefixes, size_t n)
{
	(void)r;
	(void)uri;
	(void)prefixes;
	(void)n;
	return w.refused;
}

int callback_endpoint(char *out, size_t size, const char *uri)
{
	const char *path = strchr(uri + strlen("http://"), '/');

	snprintf(out, size, "%.*s", (int)(path - uri), uri);
	return 0;
}

/* ---- the test's hands ---- */

static int set_up(void **state)
{
	struct delivery_parts parts = { 0 };

	(void)state;
	w = (struct world){ .assignment = 1, .tenant_there = true };
	assert_int_equal(settings_default(&w.settings, NOTIFIER), 0);
	w.settings->webhook_tries = 3;
	w.settings->webhook_retry = 100 * CLOCK_MS;
	w.settings->webhook_retry_max = 2 * CLOCK_SEC;
	w.settings->webhook_waiting = 8;
	assert_int_equal(loop_open(&w.loop), 0);
	parts.loop = w.loop;
	parts.settings = w.settings;
	assert_int_equal(deliveries_open(&w.deliveries, &parts), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	deliveries_close(w.deliveries);
	loop_close(w.loop);
	settings_free(w.settings);
	return 0;
}

static void event_to(const char *uri, const char *call, int64_t number, int64_t offset, int64_t answer_by,
                     bool old)
{
	struct intake_record r = { .ticket = { 3, offset, w.assignment },
		                   .key = call,
		                   .key_len = strlen(call),
		                   .value = "bytes",
		                   .value_len = 5,
		                   .old = old };
	struct call_event ev = { .call_leg_id = must_strdup(call),
		                 .tenant = must_strdup("default"),
		                 .number = number,
		                 .type = EVENT_DTMF,
		                 .data = must_strdup("{\"a\":1}"),
		                 .callback_uri = must_strdup(uri),
		                 .at = START,
		                 .answer_by = answer_by };

	deliveries_add(w.deliveries, &r, &ev);
	call_event_clear(&ev);
}

static void event(const char *call, int64_t number, int64_t offset)
{
	event_to(HOOK, call, number, offset, 0, false);
}

static void answer_with(size_t i, struct post_answer a)
{
	w.transfers--;
	w.posts[i].fn(w.posts[i].arg, &a);
}

static void answer(size_t i, int status)
{
	answer_with(i, (struct post_answer){ .status = status, .retry_after = -1 });
}

static void pass(int64_t us)
{
	w.now += us;
	loop_run_due(w.loop);
}

static void acknowledge(size_t i)
{
	w.letters[i].fn(w.letters[i].arg);
}

/* ---- stories ---- */

static void test_delivered_in_order(void **state)
{
	(void)state;
	event(CALL_A, 1, 10);
	event(CALL_A, 2, 11);
	event(CALL_B, 1, 12);
	assert_int_equal(w.post_count, 2); /* A's second waits, B does not */
	assert_string_equal(w.posts[0].id, "webhook-id: " CALL_A "-1");
	assert_string_equal(w.posts[1].id, "webhook-id: " CALL_B "-1");
	assert_string_equal(w.posts[0].timestamp, "webhook-timestamp: 1700000000");
	answer(0, 200);
	assert_string_equal(w.raised, "A http://127.0.0.1:9000 1");
	assert_int_equal(w.post_count, 3);
	assert_string_equal(w.posts[2].id, "webhook-id: " CALL_A "-2");
	answer(2, 204);
	answer(1, 200);
	assert_int_equal(w.finished_count, 3);
	assert_int_equal(w.finished[0], 10);
	assert_int_equal(deliveries_count(w.deliveries), 0);
}

static void test_never_before_the_answer(void **state)
{
	(void)state;
	event_to(HOOK, CALL_A, 1, 1, START + 30 * CLOCK_MS, false);
	event_to(HOOK, CALL_A, 2, 2, START + 10 * CLOCK_MS, false);
	pass(29 * CLOCK_MS);
	assert_int_equal(w.post_count, 0);
	pass(1 * CLOCK_MS);
	assert_int_equal(w.post_count, 1);
	answer(0, 200);
	assert_int_equal(w.post_count, 2);
	answer(1, 200);
}

static void test_a_wrong_clock_does_not_hold_it_for_hours(void **state)
{
	(void)state;
	event_to(HOOK, CALL_A, 1, 1, START + 3600 * CLOCK_SEC, false);
	pass(6 * CLOCK_SEC);
	assert_int_equal(w.post_count, 1);
	answer(0, 200);
}

static void test_retried_then_given_up(void **state)
{
	(void)state;
	event(CALL_A, 1, 5);
	event(CALL_A, 2, 6);
	answer(0, 503);
	pass(79 * CLOCK_MS);
	assert_int_equal(w.post_count, 1);
	pass(41 * CLOCK_MS); /* 100 ms and a fifth are over */
	assert_int_equal(w.post_count, 2);
	assert_string_equal(w.posts[1].id, w.posts[0].id);
	assert_string_equal(w.posts[1].body, w.posts[0].body);
	answer_with(1, (struct post_answer){ .error = "refused by peer", .retry_after = -1 });
	pass(240 * CLOCK_MS);
	assert_int_equal(w.post_count, 3);
	answer(2, 500);
	assert_int_equal(w.letter_count, 1);
	assert_int_equal(w.letters[0].topic, TOPIC_WEBHOOKS_DEAD);
	assert_int_equal(w.letters[0].attempts, 3);
	assert_int_equal(w.letters[0].answers, 3);
	assert_string_equal(w.letters[0].reason, "answered 500");
	assert_int_equal(w.finished_count, 0); /* not before the letter's acknowledgement */
	assert_int_equal(w.post_count, 3);     /* nor does the next leave */
	acknowledge(0);
	assert_int_equal(w.finished[0], 5);
	assert_int_equal(w.post_count, 4);
	answer(3, 200);
	assert_int_equal(w.finished[1], 6);
}

static void test_retry_after_is_obeyed(void **state)
{
	(void)state;
	event(CALL_A, 1, 5);
	answer_with(0, (struct post_answer){ .status = 429, .retry_after = CLOCK_SEC });
	pass(CLOCK_SEC - 1);
	assert_int_equal(w.post_count, 1);
	pass(1);
	assert_int_equal(w.post_count, 2);
	answer(1, 200);
}

static void test_a_mistaken_address_is_given_up_at_once(void **state)
{
	(void)state;
	event(CALL_A, 1, 5);
	answer(0, 404);
	assert_string_equal(w.letters[0].reason, "answered 404");
	acknowledge(0);
	assert_int_equal(w.finished_count, 1);
	event(CALL_A, 2, 6); /* each event is tried by itself */
	assert_int_equal(w.post_count, 2);
	answer(1, 200);
}

static void test_410_disables_the_endpoint(void **state)
{
	(void)state;
	event(CALL_A, 1, 5);
	event(CALL_A, 2, 6);
	event_to("http://127.0.0.1:9000/other", CALL_B, 1, 7, 0, false);
	answer(0, 410);
	acknowledge(0);
	assert_int_equal(w.letter_count, 2); /* what waited for it */
	assert_int_equal(w.letters[1].attempts, 0);
	acknowledge(1);
	assert_int_equal(w.post_count, 2);
	answer(1, 200); /* another app on the same host is not concerned */
	assert_int_equal(w.finished_count, 3);
}

static void test_what_may_not_be_sent(void **state)
{
	(void)state;
	w.tenant_there = false;
	event(CALL_A, 1, 1);
	w.tenant_there = true;
	w.refused = "points inside";
	event(CALL_B, 1, 2);
	assert_int_equal(w.post_count, 0);
	assert_string_equal(w.letters[0].reason, "no such tenant any more");
	assert_string_equal(w.letters[1].reason, "the callback address is not allowed");
	acknowledge(0);
	acknowledge(1);
	w.refused = NULL;
	event(CALL_B, 2, 3);
	answer_with(0, (struct post_answer){
	                       .refused = true, .error = "address not allowed", .retry_after = -1 });
	assert_string_equal(w.letters[2].reason, "address not allowed");
	acknowledge(2);
	assert_int_equal(w.finished_count, 3);
}

static void test_another_process_had_delivered_it(void **state)
{
	(void)state;
	w.redis = true;
	event_to(HOOK, CALL_A, 4, 1, 0, true);
	event_to(HOOK, CALL_A, 5, 2, 0, true);
	event_to(HOOK, CALL_A, 6, 3, 0, true);
	assert_int_equal(w.post_count, 0);
	w.asked(w.asked_arg, 5);
	assert_int_equal(w.finished_count, 2);
	assert_int_equal(w.post_count, 1);
	assert_string_equal(w.posts[0].id, "webhook-id: " CALL_A "-6");
	answer(0, 200);
	assert_int_equal(w.asks, 1); /* once for a call and endpoint */
}

static void test_redis_is_not_asked_for_what_is_new(void **state)
{
	(void)state;
	w.redis = true;
	event(CALL_A, 1, 1);
	assert_int_equal(w.asks, 0);
	answer(0, 200);
	w.redis = false; /* away: goes on from memory */
	event_to(HOOK, CALL_B, 1, 2, 0, true);
	assert_int_equal(w.post_count, 2);
	answer(1, 200);
}

static void test_a_rebalance_while_one_is_on_its_way(void **state)
{
	(void)state;
	event(CALL_A, 1, 1);
	event(CALL_A, 2, 2);
	event(CALL_B, 1, 3);
	answer(1, 503);
	deliveries_drop(w.deliveries);
	assert_int_equal(deliveries_count(w.deliveries), 1); /* A's first, on its way */
	w.assignment++;
	deliveries_restart(w.deliveries);
	event(CALL_A, 1, 1); /* read again: the one on its way counts for it */
	event(CALL_A, 2, 2);
	event(CALL_B, 1, 3);
	assert_int_equal(w.post_count, 3);
	assert_string_equal(w.posts[2].id, "webhook-id: " CALL_B "-1");
	answer(0, 200);
	assert_int_equal(w.post_count, 4);
	assert_string_equal(w.posts[3].id, "webhook-id: " CALL_A "-2");
	answer(3, 200);
	answer(2, 200);
	assert_int_equal(w.finished_count, 3);
}

static void test_taken_away_for_good(void **state)
{
	(void)state;
	event(CALL_A, 1, 1);
	event(CALL_B, 1, 2);
	deliveries_drop(w.deliveries);
	w.assignment++;
	answer(0, 503); /* whoever has it now tries it again */
	answer(1, 200); /* and is told of this one by Redis */
	assert_string_equal(w.raised, "B http://127.0.0.1:9000 1");
	pass(10 * CLOCK_SEC);
	assert_int_equal(w.post_count, 2);
	assert_int_equal(w.finished_count, 0);
	assert_int_equal(deliveries_count(w.deliveries), 0);
}

/* Between the revoke and the end of the hand-over its ticket still counts: the next owner tries it again, not we. */
static void test_not_tried_again_while_it_is_handed_over(void **state)
{
	(void)state;
	event(CALL_A, 1, 1);
	event(CALL_B, 1, 2);
	deliveries_drop(w.deliveries);
	answer(0, 503);
	assert_int_equal(deliveries_on_way(w.deliveries), 1);
	assert_int_equal(deliveries_count(w.deliveries), 1);
	answer(1, 200); /* what is done is committed with the rest */
	assert_int_equal(w.finished_count, 1);
	w.assignment++;
	pass(10 * CLOCK_SEC);
	assert_int_equal(w.post_count, 2);
	deliveries_restart(w.deliveries);
	event(CALL_A, 1, 1);
	answer(2, 503); /* ours again: tried again */
	pass(CLOCK_SEC);
	assert_int_equal(w.post_count, 4);
	answer(3, 200);
}

static void test_waiting_is_bounded(void **state)
{
	(void)state;
	for (int i = 1; i <= 7; i++)
		event(CALL_A, i, i);
	assert_false(w.held);
	event(CALL_A, 8, 8);
	assert_true(w.held);
	answer(0, 200);
	answer(1, 200);
	assert_true(w.held);
	answer(2, 200); /* below three quarters */
	assert_false(w.held);
	for (size_t i = 3; i < 8; i++)
		answer(i, 200);
}

/* Where one event is all that may wait, an empty memory is below three quarters too. */
static void test_the_smallest_bound(void **state)
{
	(void)state;
	w.settings->webhook_waiting = 1;
	event(CALL_A, 1, 1);
	assert_true(w.held);
	answer(0, 200);
	assert_false(w.held);
}

/* A whole line that was delivered by another process is left at once, however long it is. */
static void test_a_long_line_was_delivered(void **state)
{
	enum { LINE = 200000 };

	(void)state;
	w.redis = true;
	w.settings->webhook_waiting = 2 * LINE;
	w.settings->webhook_waiting_bytes = INT64_MAX / 8;
	for (int i = 1; i <= LINE; i++)
		event_to(HOOK, CALL_A, i, i, 0, true);
	w.asked(w.asked_arg, LINE);
	assert_int_equal(deliveries_count(w.deliveries), 0);
	assert_int_equal(w.post_count, 0);
	assert_int_equal(w.finished_count, LINE);
}

static void test_bytes_are_bounded(void **state)
{
	(void)state;
	w.settings->webhook_waiting_bytes = 1;
	event(CALL_A, 1, 1);
	assert_true(w.held);
	answer(0, 200);
}

static void test_one_endpoint_has_its_share_only(void **state)
{
	char call[33] = CALL_A;

	(void)state;
	w.settings->webhook_waiting = 1000;
	for (int i = 0; i < 40; i++) {
		call[0] = (char)('0' + i / 10);
		call[1] = (char)('0' + i % 10);
		event(call, 1, i);
	}
	assert_int_equal(w.transfers, 16);
	event_to("http://127.0.0.1:9001/fast", CALL_B, 1, 99, 0, false);
	assert_int_equal(w.transfers, 17);
	for (size_t i = 0; i < w.post_count; i++)
		answer(i, 200);
	assert_int_equal(w.post_count, 41);
	assert_int_equal(w.finished_count, 41);
}

static void test_drain(void **state)
{
	(void)state;
	event(CALL_A, 1, 1);
	event(CALL_A, 2, 2);
	event_to(HOOK, CALL_B, 1, 3, START + CLOCK_SEC, false);
	deliveries_drain(w.deliveries);
	assert_true(w.held);
	assert_int_equal(deliveries_on_way(w.deliveries), 1);
	answer(0, 200);
	pass(2 * CLOCK_SEC);
	assert_int_equal(w.post_count, 1);
	assert_int_equal(w.finished_count, 1);
	assert_int_equal(deliveries_on_way(w.deliveries), 0);
	assert_true(w.held);
}

static void test_undecodable_records_are_set_aside(void **state)
{
	struct intake_record r = { .ticket = { 3, 9, 1 }, .value = "??", .value_len = 2 };

	(void)state;
	deliveries_bury(w.deliveries, &r, TOPIC_DEAD, "no record");
	assert_int_equal(w.letters[0].topic, TOPIC_DEAD);
	assert_int_equal(w.letters[0].offset, 9);
	assert_int_equal(w.finished_count, 0);
	acknowledge(0);
	assert_int_equal(w.finished[0], 9);
}

int main(void)
{
#define STORY(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(test_delivered_in_order),
		STORY(test_never_before_the_answer),
		STORY(test_a_wrong_clock_does_not_hold_it_for_hours),
		STORY(test_retried_then_given_up),
		STORY(test_retry_after_is_obeyed),
		STORY(test_a_mistaken_address_is_given_up_at_once),
		STORY(test_410_disables_the_endpoint),
		STORY(test_what_may_not_be_sent),
		STORY(test_another_process_had_delivered_it),
		STORY(test_redis_is_not_asked_for_what_is_new),
		STORY(test_a_rebalance_while_one_is_on_its_way),
		STORY(test_taken_away_for_good),
		STORY(test_not_tried_again_while_it_is_handed_over),
		STORY(test_waiting_is_bounded),
		STORY(test_the_smallest_bound),
		STORY(test_a_long_line_was_delivered),
		STORY(test_bytes_are_bounded),
		STORY(test_one_endpoint_has_its_share_only),
		STORY(test_drain),
		STORY(test_undecodable_records_are_set_aside),
	};

	log_threshold = LOG_ERROR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
