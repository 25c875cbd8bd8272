/* test_sim_phone.c - what each simulated phone does, and when */
#include "sim_phone.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "carrier.h"

#define T0 INT64_C(1700000000000000)
#define MS INT64_C(1000)

static const struct sim_times times = { 300 * MS, 1000 * MS, 5000 * MS, 3000 * MS };
static const struct sim_times at_once;
static const struct sim_outcomes none;

/* Takes steps until nothing is due before `until` and writes them down: "300:answered". */
static void run(struct sim_phone *p, const struct sim_times *t, int64_t until, char *out, size_t size)
{
	static const char *const names[] = {
		[SIM_TRYING] = "trying",
		[SIM_RINGING] = "ringing",
		[SIM_ANSWERED] = "answered",
	};
	struct sim_step s;
	size_t len = 0;

	out[0] = '\0';
	while (sim_phone_next(p, t, &s) && s.at <= until) {
		len += (size_t)snprintf(out + len, size - len, "%s%lld:", len ? " " : "",
		                        (long long)((s.at - T0) / MS));
		if (s.kind == SIM_DIGIT)
			len += (size_t)snprintf(out + len, size - len, "%c", s.digit);
		else if (s.kind == SIM_PLAYED)
			len += (size_t)snprintf(out + len, size - len, "played=%s=%d", p->plays[s.play].id,
			                        p->plays[s.play].fault);
		else if (s.kind == SIM_ENDED)
			len += (size_t)snprintf(out + len, size - len, "ended=%d", s.code);
		else
			len += (size_t)snprintf(out + len, size - len, "%s", names[s.kind]);
		if (s.kind == SIM_ENDED) {
			assert_true(strlen(s.reason) > 0);
			return;
		}
		sim_phone_done(p, &s);
	}
}

static void dial(struct sim_phone *p, const char *number)
{
	sim_phone_dial(p, sim_script(number, "dial", &none), T0);
}

#define ANSWERED "0:trying 30:ringing 300:answered"

/* The whole life of a phone to which a prompt is played at 1 s, and which nobody hangs up on. */
static const struct {
	const char *number, *life;
} stories[] = {
	{ "+46700000000", ANSWERED " 4000:played=p=0" },
	{ "+46700000001", ANSWERED " 2000:1 4000:played=p=0" },
	{ "+46700000009", ANSWERED " 2000:9 4000:played=p=0" },
	{ "+46700000010", ANSWERED " 4000:played=p=0 5300:ended=200" },
	{ "+46700000011", ANSWERED " 2000:1 2200:2 2400:3 2600:4 2800:# 4000:played=p=0" },
	{ "+46700000012", ANSWERED " 4000:played=p=0" }, /* not in the table: as 00 */
	{ "+46700000020", "0:trying 300:ended=486" },
	{ "+46700000021", "0:trying 30:ringing" },
	{ "+46700000022", "0:trying 30:ringing 300:ended=603" },
	{ "+46700000023", "0:trying 0:ended=404" },
	{ "+46700000024", "0:trying 0:ended=503" },
	{ "+46700000025", "32000:ended=408" },
	{ "+46700000030", ANSWERED " 300:ended=200" },
	{ "+46700000031", ANSWERED " 4000:played=p=0 60300:ended=200" },
	{ "+46700000032", "0:trying 30:ringing 5000:answered" },
	{ "8:acs:someone-20", "0:trying 300:ended=486" },
	{ "8:acs:someone", ANSWERED " 4000:played=p=0" },
	{ "x", ANSWERED " 4000:played=p=0" },
};

static void test_stories(void **state)
{
	struct sim_phone p;
	char life[256], first[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		dial(&p, stories[i].number);
		run(&p, &times, T0 + 1000 * MS, first, sizeof(first));
		if (p.told == SIM_ANSWERED)
			assert_int_equal(sim_phone_play(&p, "p", "http://x/a.wav", false, T0 + 1000 * MS), 0);
		if (!strstr(first, "ended"))
			run(&p, &times, INT64_MAX - 1, life, sizeof(life));
		else
			life[0] = '\0';
		if (*first && *life)
			strcat(first, " ");
		strcat(first, life);
		assert_string_equal(first, stories[i].life);
		sim_phone_clear(&p);
	}
}

static void test_all_times_may_be_zero(void **state)
{
	struct sim_phone p;
	char life[256];

	(void)state;
	dial(&p, "+4610");
	run(&p, &at_once, INT64_MAX - 1, life, sizeof(life));
	assert_string_equal(life, "0:trying 0:ringing 0:answered 0:ended=200");
	dial(&p, "+4601");
	assert_int_equal(sim_phone_play(&p, "p", "a.wav", false, T0), 0);
	run(&p, &at_once, INT64_MAX - 1, life, sizeof(life));
	assert_string_equal(life, "0:trying 0:ringing 0:answered 0:1 0:played=p=0");
	assert_int_equal(p.play_count, 0);
	sim_phone_clear(&p);
}

static void test_hang_up(void **state)
{
	static const struct {
		const char *number;
		int at;
		const char *life;
	} rows[] = {
		{ "+4621", 900, "0:trying 30:ringing 900:ended=487" },
		{ "+4600", 20, "0:trying 20:ended=487" },
		{ "+4600", 900, ANSWERED " 900:ended=200" },
		{ "+4625", 900, "900:ended=487" },
		{ "+4600", 300, "0:trying 30:ringing 300:ended=487" }, /* at the same time: the hang-up wins */
	};
	struct sim_phone p;
	char life[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dial(&p, rows[i].number);
		sim_phone_hang_up(&p, T0 + rows[i].at * MS);
		sim_phone_hang_up(&p, T0 + 10000 * MS); /* a second time changes nothing */
		run(&p, &times, INT64_MAX - 1, life, sizeof(life));
		assert_string_equal(life, rows[i].life);
		sim_phone_clear(&p);
	}
}

static void test_prompts(void **state)
{
	static const struct {
		const char *uri;
		bool loop;
		const char *life;
	} rows[] = {
		{ "https://x/missing.wav", false, "1000:played=p=2" },
		{ "https://x/missing.wav?sig=a", true, "1000:played=p=2" },
		{ "https://x/bad.wav#t=1", false, "1000:played=p=1" },
		{ "https://x/ok.wav?name=missing.wav", false, "2000:1 4000:played=p=0" },
		{ "wav", false, "2000:1 4000:played=p=0" },
		{ "https://x/ok.wav", true, "2000:1" }, /* for ever, or until stopped */
	};
	struct sim_phone p;
	char life[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dial(&p, "+4601");
		run(&p, &times, T0 + 1000 * MS, life, sizeof(life));
		assert_int_equal(sim_phone_play(&p, "p", rows[i].uri, rows[i].loop, T0 + 1000 * MS), 0);
		run(&p, &times, INT64_MAX - 1, life, sizeof(life));
		assert_string_equal(life, rows[i].life);
		sim_phone_clear(&p);
	}
}

/* The app stops the prompt at the first digit; who is pressing presses on. */
static void test_stop_ends_the_prompt_only(void **state)
{
	struct sim_phone p;
	char life[256];

	(void)state;
	dial(&p, "+4611");
	run(&p, &times, T0 + 1000 * MS, life, sizeof(life));
	assert_int_equal(sim_phone_play(&p, "p", "a.wav", false, T0 + 1000 * MS), 0);
	run(&p, &times, T0 + 2000 * MS, life, sizeof(life));
	assert_string_equal(life, "2000:1");
	sim_phone_stop(&p, "p");
	sim_phone_stop(&p, "unknown");
	run(&p, &times, INT64_MAX - 1, life, sizeof(life));
	assert_string_equal(life, "2200:2 2400:3 2600:4 2800:#");
	assert_int_equal(p.play_count, 0);
	/* each prompt is answered anew */
	assert_int_equal(sim_phone_play(&p, "q", "a.wav", false, T0 + 9000 * MS), 0);
	run(&p, &times, T0 + 10100 * MS, life, sizeof(life));
	assert_string_equal(life, "10000:1");
	sim_phone_clear(&p);
}

/* After an adoption: what was cancelled meanwhile is heard no longer, what was not goes on, what is new begins. */
static void test_these_prompts_and_no_others_are_kept(void **state)
{
	const struct carrier_play kept[] = { { "b", "b.wav", false, T0 + 1000 * MS },
		                             { "d", "missing.wav", true, T0 + 900 * MS } };
	struct sim_phone p;
	char life[256];

	(void)state;
	dial(&p, "+4600");
	run(&p, &times, T0 + 1000 * MS, life, sizeof(life));
	assert_int_equal(sim_phone_play(&p, "a", "a.wav", true, T0 + 1000 * MS), 0);
	assert_int_equal(sim_phone_play(&p, "b", "b.wav", false, T0 + 1000 * MS), 0);
	assert_int_equal(sim_phone_play(&p, "c", "c.wav", true, T0 + 1000 * MS), 0);
	assert_int_equal(sim_phone_keep_plays(&p, kept, 2), 0);
	assert_int_equal(p.play_count, 2);
	assert_string_equal(p.plays[0].id, "b");
	run(&p, &times, T0 + 1000 * MS, life, sizeof(life));
	assert_string_equal(life, "900:played=d=2");
	assert_int_equal(sim_phone_keep_plays(&p, NULL, 0), 0);
	assert_int_equal(p.play_count, 0);
	sim_phone_clear(&p);
}

static void test_prompts_are_bounded(void **state)
{
	struct sim_phone p;
	char id[8];
	int i;

	(void)state;
	dial(&p, "+4601");
	for (i = 0; i < SIM_PLAYS_MAX; i++) {
		snprintf(id, sizeof(id), "p%d", i);
		assert_int_equal(sim_phone_play(&p, id, "a", true, T0), 0);
	}
	assert_int_equal(sim_phone_play(&p, "p3", "a", true, T0), 0); /* has it */
	assert_int_equal(sim_phone_play(&p, "more", "a", true, T0), -EMFILE);
	sim_phone_stop(&p, "p0"); /* its digit is still to come, but makes room */
	assert_int_equal(sim_phone_play(&p, "more", "a", true, T0), 0);
	sim_phone_clear(&p);
}

/* ---- the record ---- */

/* Stored after any step and restored elsewhere, the phone does exactly what is left. */
static void test_stored_anywhere_it_goes_on(void **state)
{
	struct sim_phone p, q;
	struct sim_step a, b;
	struct bytes record;
	size_t i, steps = 0;

	(void)state;
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		dial(&p, stories[i].number);
		assert_int_equal(sim_phone_bridge(&p, "a bridge: 12:x"), 0);
		assert_int_equal(sim_phone_play(&p, "first one", "missing.wav", false, T0 + 400 * MS), 0);
		assert_int_equal(sim_phone_play(&p, "second", "a.wav", false, T0 + 500 * MS), 0);
		while (sim_phone_next(&p, &times, &a)) {
			assert_int_equal(sim_phone_store(&p, &record), 0);
			sim_phone_clear(&p);
			assert_int_equal(sim_phone_restore(&q, &record), 0);
			free(record.data);
			assert_true(sim_phone_next(&q, &times, &b));
			assert_true(a.at == b.at && a.kind == b.kind && a.play == b.play);
			assert_true(a.digit == b.digit && a.code == b.code);
			assert_string_equal(q.bridge, "a bridge: 12:x");
			p = q;
			if (a.kind == SIM_ENDED)
				break;
			sim_phone_done(&p, &a);
			steps++;
		}
		sim_phone_clear(&p);
	}
	assert_true(steps > 40);
}

static void test_a_hang_up_is_stored(void **state)
{
	struct sim_phone p;
	struct bytes record;
	char life[64];

	(void)state;
	dial(&p, "+4621");
	sim_phone_hang_up(&p, T0 + 10 * MS);
	assert_int_equal(sim_phone_store(&p, &record), 0);
	assert_int_equal(sim_phone_restore(&p, &record), 0);
	free(record.data);
	run(&p, &times, INT64_MAX - 1, life, sizeof(life));
	assert_string_equal(life, "0:trying 10:ended=487");
}

/* Left to its bridge it hangs up after sim.talk; in another owner's hands too, once that has said since when. */
static void test_left_to_its_bridge_it_hangs_up(void **state)
{
	struct sim_phone p;
	struct bytes record;
	char life[64];

	(void)state;
	dial(&p, "+4600");
	run(&p, &times, T0 + 1000 * MS, life, sizeof(life));
	sim_phone_leave(&p, T0 + 1000 * MS);
	sim_phone_leave(&p, T0 + 2000 * MS); /* the first time counts */
	assert_int_equal(sim_phone_store(&p, &record), 0);
	sim_phone_clear(&p);
	assert_int_equal(sim_phone_restore(&p, &record), 0);
	free(record.data);
	sim_phone_leave(&p, T0 + 1000 * MS);
	run(&p, &times, INT64_MAX - 1, life, sizeof(life));
	assert_string_equal(life, "6000:ended=200");
	sim_phone_clear(&p);
}

static void test_bad_records(void **state)
{
	static char *const bad[] = {
		"",
		"sim2 0 1 0 0 0: 0",
		"sim1",
		"sim1 12 1 0 0 0: 0",
		"sim1 33 1 0 0 0: 0",
		"sim1 0 1 4 0 0: 0",
		"sim1 0 1 0 0 5:abc 0",
		"sim1 0 1 0 0 0: 17",
		"sim1 0 1 0 0 0: 0 ",
		"sim1 0 1 0 0 0: 1",
		"sim1 1 1 0 0 0: 1 5 0 0 0 2 1:p",
		"sim1 0 1 0 0 0: 1 5 0 0 0 1 1:p",
		"sim1 0 1 0 0 0: 1 5 0 0 0 0 0:",
		"sim1 0 -1 0 0 0: 0",
		"sim1 0 99999999999999999999 0 0 0: 0",
		"sim1  0 1 0 0 0: 0",
	};
	struct sim_phone p;
	struct bytes record;
	size_t i, cut;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		record = (struct bytes){ bad[i], strlen(bad[i]) };
		assert_int_equal(sim_phone_restore(&p, &record), -EBADMSG);
		assert_int_equal(p.play_count, 0);
	}
	dial(&p, "+4611");
	assert_int_equal(sim_phone_play(&p, "play", "a", false, T0), 0);
	assert_int_equal(sim_phone_bridge(&p, "bridge"), 0);
	assert_int_equal(sim_phone_store(&p, &record), 0);
	sim_phone_clear(&p);
	for (cut = record.len; cut-- > 0;) {
		struct bytes part = { record.data, cut };

		assert_int_equal(sim_phone_restore(&p, &part), -EBADMSG);
	}
	free(record.data);
	assert_int_equal(sim_phone_restore(&p, &(struct bytes){ NULL, 0 }), -EBADMSG);
	assert_int_equal(sim_phone_restore(&p, &(struct bytes){ "sim1\0 0", 7 }), -EBADMSG);
}

/* ---- which script ---- */

static void test_outcomes(void **state)
{
	struct sim_outcomes o;
	const char *bad;
	char dial_id[32];
	int i, count[SIM_SCRIPTS] = { 0 };

	(void)state;
	assert_int_equal(sim_outcomes_parse(&o, "00=50,20=30,21=0,32=20", &bad), 0);
	for (i = 0; i < 10000; i++) {
		snprintf(dial_id, sizeof(dial_id), "call-%d.1.1", i);
		count[sim_script("+46700000057", dial_id, &o)]++;
		/* the same dial, the same phone, for every worker */
		assert_int_equal(sim_script("+46799", dial_id, &o), sim_script("+46740", dial_id, &o));
	}
	assert_true(count[0] > 4700 && count[0] < 5300);
	assert_true(count[20] > 2700 && count[20] < 3300);
	assert_true(count[32] > 1700 && count[32] < 2300);
	assert_int_equal(count[0] + count[20] + count[32], 10000);
	assert_int_equal(sim_script("+46739", "d", &o), 0);
	assert_int_equal(sim_script("+46720", "d", &o), 20);
	assert_int_equal(sim_outcomes_parse(&o, "00=1000000", &bad), 0); /* as much as the setting takes */
	assert_int_equal(sim_outcomes_parse(&o, "", &bad), 0);
	assert_int_equal(sim_script("+46757", "d", &o), 0);
}

static void test_bad_outcomes_are_named(void **state)
{
	static const char *const bad[] = { "x",    "00", "00=",   "00=5;",      "12=5",
		                           "40=5", "=5", "00=5 ", "00=1000001", "00=-5" };
	struct sim_outcomes o;
	const char *where;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "01=1,%s", bad[i]);
		assert_int_equal(sim_outcomes_parse(&o, text, &where), -EINVAL);
		assert_string_equal(where, bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_all_times_may_be_zero),
		cmocka_unit_test(test_hang_up),
		cmocka_unit_test(test_prompts),
		cmocka_unit_test(test_stop_ends_the_prompt_only),
		cmocka_unit_test(test_these_prompts_and_no_others_are_kept),
		cmocka_unit_test(test_prompts_are_bounded),
		cmocka_unit_test(test_stored_anywhere_it_goes_on),
		cmocka_unit_test(test_a_hang_up_is_stored),
		cmocka_unit_test(test_left_to_its_bridge_it_hangs_up),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_bad_outcomes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
