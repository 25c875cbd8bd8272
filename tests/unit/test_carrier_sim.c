/* test_carrier_sim.c - the simulated carrier: events when they are due, the ledger, taking phones over */
#include "carrier.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "clock.h"
#include "loop.h"
#include "metrics.h"
#include "settings.h"

#define T0 INT64_C(1700000000000000)

/* the time as this test sets it */
static int64_t now;

int64_t clock_utc(void)
{
	return T0 + now;
}

int64_t clock_mono(void)
{
	return 77 + now;
}

static struct loop *loop;
static struct settings settings;
static char events[1024];
static void (*at_event)(struct carrier *c, const struct carrier_event *ev);

/* One carrier is one worker. */
struct worker {
	struct carrier *c;
	const char *name;
};
static struct worker one, two;

static void on_event(void *arg, const struct carrier_event *ev)
{
	struct worker *w = arg;
	size_t len = strlen(events);
	char what[64];

	switch (ev->kind) {
	case CARRIER_TRYING:
		strcpy(what, "trying");
		break;
	case CARRIER_RINGING:
		strcpy(what, "ringing");
		break;
	case CARRIER_ANSWERED:
		strcpy(what, "answered");
		break;
	case CARRIER_DIGIT:
		snprintf(what, sizeof(what), "digit=%c", ev->digit);
		break;
	case CARRIER_PLAYED:
		snprintf(what, sizeof(what), "played=%s=%d", ev->play, ev->played);
		break;
	case CARRIER_ENDED:
		assert_non_null(ev->reason);
		snprintf(what, sizeof(what), "ended=%d", ev->code);
		break;
	}
	snprintf(events + len, sizeof(events) - len, "%s%lld:%s%s.%s", len ? " " : "",
	         (long long)(now / CLOCK_MS), w->name, ev->dial_id, what);
	if (at_event)
		at_event(w->c, ev);
}

/* Lets the time pass in steps of 10 ms; what happened meanwhile is in `events`. */
static const char *pass(int64_t ms)
{
	int64_t end = now + ms * CLOCK_MS;

	events[0] = '\0';
	for (;;) {
		for (int turn = 0; turn < 20; turn++)
			loop_run_due(loop);
		if (now >= end)
			return events;
		now += now + 10 * CLOCK_MS < end ? 10 * CLOCK_MS : end - now;
	}
}

static void open_worker(struct worker *w, const char *name)
{
	w->name = name;
	settings.worker_name = (char *)(*name ? name : "w1");
	assert_int_equal(carrier_sim_open(&w->c, loop, &settings, on_event, w), 0);
}

static int setup(void **state)
{
	(void)state;
	now = 0;
	events[0] = '\0';
	at_event = NULL;
	settings = (struct settings){
		.sim_ring = 300000, .sim_press = 1000000, .sim_talk = 5000000, .sim_prompt = 3000000
	};
	assert_int_equal(loop_open(&loop), 0);
	open_worker(&one, "");
	open_worker(&two, "B");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	one.c->ops->close(one.c);
	two.c->ops->close(two.c);
	loop_close(loop);
	return 0;
}

static void dial(struct worker *w, const char *dial_id, const char *address)
{
	struct carrier_dial d = { dial_id, address, "+46700000000" };

	w->c->ops->dial(w->c, &d);
}

static void test_a_call(void **state)
{
	const struct carrier_ops *ops = one.c->ops;

	(void)state;
	assert_string_equal(ops->name, "sim");
	dial(&one, "a", "+46700000003");
	assert_string_equal(events, ""); /* never from within */
	assert_string_equal(pass(1000), "0:a.trying 30:a.ringing 300:a.answered");
	ops->play(one.c, "a", "p1", "http://x/a.wav", false, clock_utc());
	ops->bridge(one.c, "a", "b1");
	ops->unbridge(one.c, "a");
	ops->send_digits(one.c, "a", "12");
	ops->answer_early(one.c, "a");
	assert_string_equal(pass(4000), "2000:a.digit=3 4000:a.played=p1=0");
	ops->hang_up(one.c, "a");
	ops->hang_up(one.c, "a");
	assert_string_equal(events, "2000:a.digit=3 4000:a.played=p1=0");
	assert_string_equal(pass(0), "5000:a.ended=200");
	assert_string_equal(pass(100000), "");
}

static void test_many_phones_side_by_side(void **state)
{
	(void)state;
	dial(&one, "a", "+4620");
	now += 100 * CLOCK_MS;
	dial(&one, "b", "+4622");
	dial(&one, "c", "+4623");
	assert_string_equal(pass(1000),
	                    "100:a.trying 100:b.trying 100:c.trying 100:c.ended=404 130:b.ringing "
	                    "300:a.ended=486 400:b.ended=603");
}

static void test_prompts_that_fail_and_stop(void **state)
{
	const struct carrier_ops *ops = one.c->ops;

	(void)state;
	dial(&one, "a", "+4600");
	pass(500);
	ops->play(one.c, "a", "p1", "http://x/missing.wav?x=1", false, clock_utc());
	assert_string_equal(pass(0), "500:a.played=p1=2");
	ops->play(one.c, "a", "p2", "http://x/bad.wav", false, clock_utc());
	ops->play(one.c, "a", "p3", "http://x/good.wav", false, clock_utc());
	ops->play(one.c, "a", "p4", "http://x/good.wav", true, clock_utc());
	ops->play(one.c, "a", "p5", "http://x/good.wav", false, clock_utc() - CLOCK_SEC); /* goes on */
	ops->stop(one.c, "a", "p3");
	ops->stop(one.c, "a", "p3");
	assert_string_equal(pass(60000), "500:a.played=p2=1 2500:a.played=p5=0");
}

static void test_unknown_dials_are_fine(void **state)
{
	const struct carrier_ops *ops = one.c->ops;
	struct bytes record = { 0 };

	(void)state;
	ops->hang_up(one.c, "x");
	ops->play(one.c, "x", "p", "u", false, 0);
	ops->stop(one.c, "x", "p");
	ops->bridge(one.c, "x", "b");
	ops->unbridge(one.c, "x");
	ops->send_digits(one.c, "x", "1");
	ops->answer_early(one.c, "x");
	ops->forget(one.c, "x");
	assert_int_equal(ops->store(one.c, "x", &record), -ENOENT);
	assert_string_equal(pass(1000), "");
}

static void test_forget_drops_without_a_word(void **state)
{
	(void)state;
	dial(&one, "a", "+4600");
	pass(100);
	one.c->ops->forget(one.c, "a");
	assert_string_equal(pass(100000), "");
}

/* ---- taking over ---- */

static struct bytes store(struct worker *w, const char *dial_id)
{
	struct bytes record;

	assert_int_equal(w->c->ops->store(w->c, dial_id, &record), 0);
	return record;
}

static void adopt(struct worker *w, const char *dial_id, struct bytes record)
{
	w->c->ops->adopt(w->c, dial_id, &record);
	free(record.data);
}

/* The first owner dies at 2.1 s, the second comes at 3 s: what fell due meanwhile comes at once, in order. */
static void test_a_new_owner_goes_on(void **state)
{
	struct bytes record;

	(void)state;
	dial(&one, "a", "+4611");
	pass(1000);
	one.c->ops->play(one.c, "a", "p", "a.wav", false, clock_utc());
	assert_string_equal(pass(1000), "2000:a.digit=1");
	record = store(&one, "a");
	pass(100);
	one.c->ops->forget(one.c, "a");
	assert_string_equal(pass(900), "");
	adopt(&two, "a", record);
	two.c->ops->play(two.c, "a", "p", "a.wav", false, T0 + CLOCK_SEC); /* is there already */
	assert_string_equal(events, "");
	assert_string_equal(
	        pass(5000),
	        "3000:Ba.digit=2 3000:Ba.digit=3 3000:Ba.digit=4 3000:Ba.digit=# 4000:Ba.played=p=0");
	two.c->ops->hang_up(two.c, "a");
	assert_string_equal(pass(0), "8000:Ba.ended=200");
}

/* Its end was told and not saved: for a while it can be stored still, and whoever adopts it hears the end again. */
static void test_an_end_is_told_again_to_the_next_owner(void **state)
{
	struct bytes record;

	(void)state;
	dial(&one, "a", "+4620");
	pass(200);
	assert_string_equal(pass(100), "300:a.ended=486");
	assert_string_equal(pass(9000), "");
	record = store(&one, "a");
	one.c->ops->hang_up(one.c, "a");
	assert_string_equal(pass(2000), "");
	assert_int_equal(one.c->ops->store(one.c, "a", &(struct bytes){ 0 }), -ENOENT);
	adopt(&two, "a", record);
	assert_string_equal(pass(0), "11300:Ba.ended=486");
}

/* Nobody had stored the prompt, and the digit fell due while nobody had the phone: pressed once, late. */
static void test_a_prompt_started_before_the_takeover(void **state)
{
	struct bytes record;

	(void)state;
	dial(&one, "a", "+4605");
	pass(300);
	record = store(&one, "a");
	one.c->ops->forget(one.c, "a");
	pass(2700);
	adopt(&two, "a", record);
	two.c->ops->play(two.c, "a", "p", "a.wav", false, T0 + CLOCK_SEC);
	assert_string_equal(pass(0), "3000:Ba.digit=5");
	assert_string_equal(pass(10000), "4000:Ba.played=p=0");
}

/* The sum of the lateness of all events, as /metrics shows it. */
static double lateness(void)
{
	const char *name = "callcast_sim_late_seconds_sum ";
	char *text = NULL, *at;
	double sum = -1;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	metrics_write(f);
	fclose(f);
	at = strstr(text, name);
	if (at)
		sum = strtod(at + strlen(name), NULL);
	free(text);
	return sum;
}

static void test_lateness_is_measured_against_the_schedule(void **state)
{
	double before = lateness();

	(void)state;
	assert_true(before >= 0);
	dial(&one, "a", "+4623");
	now += CLOCK_SEC; /* both trying and its end were due at once */
	assert_string_equal(pass(0), "1000:a.trying 1000:a.ended=404");
	assert_true(lateness() - before > 1.999 && lateness() - before < 2.001);
}

static void test_a_phone_that_hung_up_meanwhile(void **state)
{
	struct bytes record;

	(void)state;
	dial(&one, "a", "+4610");
	pass(300);
	record = store(&one, "a");
	one.c->ops->forget(one.c, "a");
	pass(60000);
	adopt(&two, "a", record);
	assert_string_equal(pass(0), "60300:Ba.ended=200");
}

static void on_deadline(void *arg)
{
	(void)arg;
	strcat(events, " deadline");
}

/* Nobody had it while it rang and was answered: what is due after that waits for all of it. */
static void test_adopted_late_it_tells_all_before_what_is_due_later(void **state)
{
	struct loop_timer deadline = { 0 };
	struct bytes record;

	(void)state;
	dial(&one, "a", "+46700000003");
	pass(0); /* trying */
	record = store(&one, "a");
	one.c->ops->forget(one.c, "a");
	pass(10000);
	adopt(&two, "a", record);
	assert_int_equal(loop_timer_set(loop, &deadline, clock_mono() - 5 * CLOCK_SEC, on_deadline, NULL), 0);
	assert_string_equal(pass(0), "10000:Ba.ringing 10000:Ba.answered deadline");
}

static void test_adopting_what_is_here_or_can_not_be_had(void **state)
{
	struct bytes record, bad = { "rubbish", 7 };

	(void)state;
	dial(&one, "a", "+4621");
	pass(1000);
	record = store(&one, "a");
	one.c->ops->adopt(one.c, "a", &bad); /* is here: left as it is */
	adopt(&one, "a", record);
	assert_string_equal(pass(1000), "");
	two.c->ops->adopt(two.c, "b", &bad);
	assert_string_equal(events, "");
	two.c->ops->play(two.c, "b", "p", "u", false, 0);
	two.c->ops->hang_up(two.c, "b");
	assert_int_equal(two.c->ops->store(two.c, "b", &record), -ENOENT);
	assert_string_equal(pass(1000), "2000:Bb.ended=481");
	assert_string_equal(pass(1000), "");
}

/* ---- asked from within an event ---- */

static void hang_up_at_once(struct carrier *c, const struct carrier_event *ev)
{
	c->ops->hang_up(c, ev->dial_id);
}

static void forget_at_once(struct carrier *c, const struct carrier_event *ev)
{
	c->ops->forget(c, ev->dial_id);
}

static void dial_again_at_the_end(struct carrier *c, const struct carrier_event *ev)
{
	struct carrier_dial d = { "again", "+4623", NULL };

	if (ev->kind != CARRIER_ENDED || !strcmp(ev->dial_id, "again"))
		return;
	c->ops->hang_up(c, ev->dial_id); /* over: nothing follows */
	c->ops->forget(c, ev->dial_id);
	c->ops->dial(c, &d);
}

static void test_asked_from_within_an_event(void **state)
{
	(void)state;
	at_event = hang_up_at_once;
	dial(&one, "a", "+4600");
	assert_string_equal(pass(1000), "0:a.trying 0:a.ended=487");
	at_event = forget_at_once;
	dial(&one, "b", "+4600");
	assert_string_equal(pass(1000), "1000:b.trying");
	at_event = dial_again_at_the_end;
	dial(&one, "c", "+4623");
	assert_string_equal(pass(1000),
	                    "2000:c.trying 2000:c.ended=404 2000:again.trying 2000:again.ended=404");
}

/* The sim's times may be 0: still nothing comes from within, and each thing in its order. */
static void test_all_times_zero(void **state)
{
	struct worker w;

	(void)state;
	settings.sim_ring = settings.sim_press = settings.sim_talk = settings.sim_prompt = 0;
	open_worker(&w, "0");
	dial(&w, "a", "+4601");
	assert_string_equal(events, "");
	assert_string_equal(pass(0), "0:0a.trying 0:0a.ringing 0:0a.answered");
	w.c->ops->play(w.c, "a", "p", "u", false, clock_utc());
	assert_string_equal(pass(0), "0:0a.digit=1 0:0a.played=p=0");
	w.c->ops->close(w.c); /* with a phone off the hook */
}

/* ---- addresses, ledger, settings ---- */

static void test_addresses(void **state)
{
	struct identifier id = { IDENTIFIER_PHONE, "+46701234567" };
	char *address;

	(void)state;
	assert_int_equal(one.c->ops->address_of(one.c, &id, &address), 0);
	assert_string_equal(address, "+46701234567");
	free(address);
	id = (struct identifier){ IDENTIFIER_RAW, "8:acs:x" };
	assert_int_equal(one.c->ops->address_of(one.c, &id, &address), 0);
	assert_string_equal(address, "8:acs:x");
	free(address);
	id.value = "";
	assert_int_equal(one.c->ops->address_of(one.c, &id, &address), -EINVAL);
	id = (struct identifier){ IDENTIFIER_NONE, NULL };
	assert_int_equal(one.c->ops->address_of(one.c, &id, &address), -EINVAL);
}

static void test_ledger(void **state)
{
	char path[] = "/tmp/callcast-ledger-XXXXXX", line[256];
	struct worker w1, w2;
	FILE *f;

	(void)state;
	close(mkstemp(path));
	settings.sim_ledger = path;
	open_worker(&w1, "w-1");
	open_worker(&w2, "w 2\n");
	now = 5;
	dial(&w1, "a.1.1", "+46700000000");
	dial(&w2, "b.1.1", "raw id\n20");
	now = 6;
	dial(&w1, "a.1.1", "+46700000000"); /* a fault of the caller's: it must show */
	assert_string_equal(pass(0), "0:w-1a.1.1.trying 0:w 2\nb.1.1.trying");
	w1.c->ops->close(w1.c);
	w2.c->ops->close(w2.c);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "a.1.1 +46700000000 1700000000000005 w-1\n");
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "b.1.1 raw?id?20 1700000000000005 w?2?\n");
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "a.1.1 +46700000000 1700000000000006 w-1\n");
	assert_null(fgets(line, sizeof(line), f));
	fclose(f);
	unlink(path);
}

static void test_bad_settings_are_refused(void **state)
{
	struct carrier *c;

	(void)state;
	settings.sim_outcomes = "00=5,nonsense";
	assert_int_equal(carrier_sim_open(&c, loop, &settings, on_event, &one), -EINVAL);
	settings.sim_outcomes = "00=5";
	settings.sim_ledger = "/nowhere/at/all";
	assert_int_equal(carrier_sim_open(&c, loop, &settings, on_event, &one), -ENOENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_call),
		TEST(test_many_phones_side_by_side),
		TEST(test_prompts_that_fail_and_stop),
		TEST(test_unknown_dials_are_fine),
		TEST(test_forget_drops_without_a_word),
		TEST(test_a_new_owner_goes_on),
		TEST(test_an_end_is_told_again_to_the_next_owner),
		TEST(test_a_prompt_started_before_the_takeover),
		TEST(test_lateness_is_measured_against_the_schedule),
		TEST(test_a_phone_that_hung_up_meanwhile),
		TEST(test_adopted_late_it_tells_all_before_what_is_due_later),
		TEST(test_adopting_what_is_here_or_can_not_be_had),
		TEST(test_asked_from_within_an_event),
		TEST(test_all_times_zero),
		TEST(test_addresses),
		TEST(test_ledger),
		TEST(test_bad_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
