/* test_store.c - the store's scripts and answers, against a private redis-server */
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "loop.h"
#include "redis_server.h"
#include "settings.h"

#define PATIENCE (20 * CLOCK_SEC)
#define CALL     "AQAHaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct redis_server *server;
static struct loop *loop;
static struct store *store;
static int ups, downs;
static char given[256]; /* answers in the order they came: one letter each */

static void on_up(void *arg)
{
	(void)arg;
	ups++;
}

static void on_down(void *arg)
{
	(void)arg;
	downs++;
	strcat(given, "!");
}

static void wait_until(bool (*ready)(void))
{
	int64_t until = clock_mono() + PATIENCE;

	while (!ready()) {
		assert_true(clock_mono() < until);
		loop_turn(loop, clock_mono() + 50 * CLOCK_MS);
	}
}

static bool is_up(void)
{
	return store_is_up(store);
}

static bool is_down(void)
{
	return downs > 0;
}

static bool nothing_open(void)
{
	return store_open_requests(store) == 0;
}

static void open_store(bool aof)
{
	struct settings s = { .redis_timeout = CLOCK_SEC, .call_keep = 60 * CLOCK_SEC };
	struct store_handler h = { on_up, on_down, NULL };

	server = redis_server_start(aof);
	s.redis = (char *)redis_server_address(server);
	ups = downs = 0;
	given[0] = '\0';
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(store_open(&store, loop, &s, &h), 0);
	wait_until(is_up);
}

static int setup(void **state)
{
	(void)state;
	open_store(false);
	return 0;
}

static int setup_aof(void **state)
{
	(void)state;
	open_store(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	loop_close(loop);
	redis_server_free(server);
	return 0;
}

/* ---- asking, and waiting for the answer ---- */

static void note(enum store_answer a)
{
	static const char letters[] = {
		[STORE_DONE] = 'D', [STORE_REFUSED] = 'R', [STORE_STALE] = 'S',
		[STORE_AWAY] = 'A', [STORE_FAILED] = 'F',
	};

	strncat(given, &letters[a], 1);
}

static void on_done(void *arg, enum store_answer a)
{
	if (arg)
		*(enum store_answer *)arg = a;
	note(a);
}

static void on_taken(void *arg, enum store_answer a, const struct store_taken *t)
{
	if (arg)
		*(struct store_taken *)arg = *t;
	note(a);
}

static struct store_taken take(int32_t p, int64_t known)
{
	struct store_taken t;

	store_take(store, p, known, NULL, on_taken, &t);
	wait_until(nothing_open);
	return t;
}

static enum store_answer check(int32_t p, const struct store_epoch *e)
{
	enum store_answer a;

	store_check(store, p, e, on_done, &a);
	wait_until(nothing_open);
	return a;
}

static enum store_answer save(const struct store_save *s)
{
	enum store_answer a;

	store_save(store, s, on_done, &a);
	wait_until(nothing_open);
	return a;
}

static enum store_answer clear(const struct store_epoch *e, const char *name, int64_t told, int64_t next)
{
	struct store_clear c = { 7, e, name ? &name : NULL, name ? 1 : 0, told, next };
	enum store_answer a;

	store_clear(store, &c, on_done, &a);
	wait_until(nothing_open);
	return a;
}

static struct store_save step_of(const struct store_epoch *e, int64_t version, uint64_t stamp, char *record)
{
	return (struct store_save){
		.partition = 7,
		.epoch = e,
		.call_leg_id = CALL,
		.version = version,
		.stamp = stamp,
		.record = { record, strlen(record) },
		.deadline = 1000,
		.told = -1,
		.next = -1,
	};
}

struct loaded {
	enum store_answer answer;
	int64_t version;
	char text[64];
};

static void on_loaded(void *arg, enum store_answer a, int64_t version, const void *data, size_t len)
{
	struct loaded *l = arg;

	note(a);
	if (!l)
		return;
	l->answer = a;
	l->version = version;
	snprintf(l->text, sizeof(l->text), "%.*s", (int)len, len ? (const char *)data : "");
}

static struct loaded load(const struct store_epoch *e)
{
	struct loaded l;

	store_load(store, 7, e, CALL, on_loaded, &l);
	wait_until(nothing_open);
	return l;
}

#define ask(...) redis_server_ask(server, __VA_ARGS__)

/* ---- takeover ---- */

static void test_take_counts_up_and_honours_known(void **state)
{
	struct store_taken first, second, third;

	(void)state;
	first = take(7, 0);
	assert_true(!strncmp(first.epoch.text, "1.", 2) && strlen(first.epoch.text) == 34);
	assert_string_equal(first.epoch.run_id, store_run_id(store));
	assert_string_equal(first.previous, "");
	assert_string_equal(first.previous_run, "");
	assert_int_equal(first.told, -1);
	assert_int_equal(first.next, -1);

	ask("SET {7}:told 41");
	ask("SET {7}:next 9007199254740990");
	second = take(7, 0);
	assert_true(!strncmp(second.epoch.text, "2.", 2));
	assert_string_equal(second.previous, first.epoch.text);
	assert_string_equal(second.previous_run, first.epoch.run_id);
	assert_int_equal(second.told, 41);
	assert_int_equal(second.next, INT64_C(9007199254740990));

	third = take(7, 5000000);
	assert_true(!strncmp(third.epoch.text, "5000001.", 8));
	assert_true(!strncmp(take(7, 3).epoch.text, "5000002.", 8));
	assert_true(!strncmp(take(8, 0).epoch.text, "1.", 2));
}

static void test_check(void **state)
{
	struct store_epoch old, now;

	(void)state;
	old = take(7, 0).epoch;
	assert_int_equal(check(7, &old), STORE_DONE);
	assert_int_equal(check(8, &old), STORE_REFUSED); /* missing */
	now = take(7, 0).epoch;
	assert_int_equal(check(7, &old), STORE_REFUSED);
	assert_int_equal(check(7, &now), STORE_DONE);
	strcpy(now.run_id, "another");
	assert_int_equal(check(7, &now), STORE_REFUSED);
	/* a beginning of the epoch is not the epoch */
	now = take(7, 0).epoch;
	now.text[20] = '\0';
	assert_int_equal(check(7, &now), STORE_REFUSED);
}

/* ---- steps ---- */

static void test_save_writes_all_parts(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 0xabc, "first");
	struct store_event events[] = { { CALL "-1", { "one", 3 } }, { CALL "-2", { "t\0o", 3 } } };
	struct loaded l;

	(void)state;
	s.events = events;
	s.event_count = 2;
	s.told = 5;
	s.next = 6;
	assert_int_equal(load(&e).version, 0);
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(ask("GET {7}:call:" CALL), "00000000000000010000000000000abcfirst");
	assert_string_equal(ask("ZSCORE {7}:live " CALL), "1000");
	assert_string_equal(ask("HGET {7}:outbox " CALL "-1"), "one");
	assert_string_equal(ask("HSTRLEN {7}:outbox " CALL "-2"), "3");
	assert_string_equal(ask("GET {7}:told"), "5");
	assert_string_equal(ask("GET {7}:next"), "6");
	assert_string_equal(ask("PTTL {7}:call:" CALL), "-1");
	l = load(&e);
	assert_int_equal(l.answer, STORE_DONE);
	assert_int_equal(l.version, 1);
	assert_string_equal(l.text, "first");
}

static void test_stale(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 1, "first");

	(void)state;
	assert_int_equal(save(&s), STORE_DONE);
	s = step_of(&e, 0, 2, "not this one");
	assert_int_equal(save(&s), STORE_STALE);
	s = step_of(&e, 2, 3, "nor this one");
	assert_int_equal(save(&s), STORE_STALE);
	assert_string_equal(load(&e).text, "first");
	assert_string_equal(ask("HLEN {7}:outbox"), "0");
	s = step_of(&e, 1, 2, "second");
	assert_int_equal(save(&s), STORE_DONE);
	assert_int_equal(load(&e).version, 2);
}

/* Asked again because the answer was lost: said to be done, and an event already taken out stays out. */
static void test_the_same_step_again_changes_nothing(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 77, "first");
	struct store_event event = { CALL "-1", { "one", 3 } };

	(void)state;
	s.events = &event;
	s.event_count = 1;
	assert_int_equal(save(&s), STORE_DONE);
	assert_int_equal(clear(&e, CALL "-1", 3, -1), STORE_DONE);
	s.record = (struct bytes){ "FIRST", 5 };
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(load(&e).text, "first");
	assert_int_equal(load(&e).version, 1);
	assert_string_equal(ask("HLEN {7}:outbox"), "0");
	/* and with the same version but another stamp it is somebody else's step */
	s.stamp = 78;
	assert_int_equal(save(&s), STORE_STALE);
}

/* The repeat of a confirm may know of more acknowledgements than its first try. */
static void test_confirm_clears_and_raises(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 1, "intent");
	struct store_event events[] = { { CALL "-1", { "one", 3 } }, { CALL "-2", { "two", 3 } } };
	const char *cleared[] = { CALL "-1", CALL "-2" };

	(void)state;
	s.events = events;
	s.event_count = 2;
	s.told = 10;
	assert_int_equal(save(&s), STORE_DONE);
	s = step_of(&e, 1, 2, "go");
	s.cleared = cleared;
	s.cleared_count = 1;
	s.told = 12;
	s.next = 30;
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(ask("HEXISTS {7}:outbox " CALL "-1"), "0");
	assert_string_equal(ask("HEXISTS {7}:outbox " CALL "-2"), "1");
	assert_string_equal(ask("GET {7}:told"), "12");
	s.cleared_count = 2;
	s.told = 13;
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(ask("HLEN {7}:outbox"), "0");
	assert_string_equal(ask("GET {7}:told"), "13");
	/* never lowered, neither by save nor by clear, and compared as numbers */
	s = step_of(&e, 2, 3, "later");
	s.told = 9;
	s.next = 4;
	assert_int_equal(save(&s), STORE_DONE);
	assert_int_equal(clear(&e, NULL, 5, 29), STORE_DONE);
	assert_string_equal(ask("GET {7}:told"), "13");
	assert_string_equal(ask("GET {7}:next"), "30");
	assert_int_equal(clear(&e, NULL, 100, 200), STORE_DONE);
	assert_string_equal(ask("GET {7}:told"), "100");
	assert_string_equal(ask("GET {7}:next"), "200");
}

static void test_clear_takes_out_many(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_clear c = { 7, &e, NULL, 2500, -1, -1 };
	const char **names = calloc(2500, sizeof(*names));
	enum store_answer a;
	size_t i;

	(void)state;
	for (i = 0; i < 2500; i++) {
		char *name = malloc(16);

		snprintf(name, 16, "name-%zu", i);
		names[i] = name;
	}
	ask("EVAL %s 0", "for i = 0, 2500 do redis.call('HSET', '{7}:outbox', 'name-' .. i, 'x') end");
	c.cleared = names;
	store_clear(store, &c, on_done, &a);
	wait_until(nothing_open);
	assert_int_equal(a, STORE_DONE);
	assert_string_equal(ask("HLEN {7}:outbox"), "1");
	assert_string_equal(ask("HEXISTS {7}:outbox name-2500"), "1");
	assert_string_equal(ask("EXISTS {7}:told {7}:next"), "0");
	for (i = 0; i < 2500; i++)
		free((char *)names[i]);
	free(names);
}

static void test_live_follows_deadline_and_end(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 1, "a");

	(void)state;
	s.deadline = INT64_C(1900000000123456);
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(ask("ZSCORE {7}:live " CALL), "1900000000123456");
	s = step_of(&e, 1, 2, "b");
	s.deadline = 5;
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(ask("ZSCORE {7}:live " CALL), "5");
	s = step_of(&e, 2, 3, "c");
	s.ended = true;
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(ask("ZCARD {7}:live"), "0");
	assert_true(atol(ask("PTTL {7}:call:" CALL)) > 50000);
	assert_true(atol(ask("PTTL {7}:call:" CALL)) <= 60000);
	/* what is saved after the end keeps the time that is left */
	ask("PEXPIRE {7}:call:" CALL " 30000");
	s = step_of(&e, 3, 4, "d");
	s.ended = true;
	assert_int_equal(save(&s), STORE_DONE);
	assert_true(atol(ask("PTTL {7}:call:" CALL)) > 0);
	assert_true(atol(ask("PTTL {7}:call:" CALL)) <= 30000);
	assert_string_equal(load(&e).text, "d");
}

/* ---- fences ---- */

static void test_old_epoch_is_refused_everywhere(void **state)
{
	struct store_epoch old = take(7, 0).epoch, now = take(7, 0).epoch;
	struct store_save s = step_of(&old, 0, 1, "late");
	struct store_event event = { CALL "-1", { "one", 3 } };

	(void)state;
	s.events = &event;
	s.event_count = 1;
	assert_int_equal(save(&s), STORE_REFUSED);
	assert_string_equal(ask("EXISTS {7}:call:" CALL " {7}:outbox {7}:live"), "0");
	ask("HSET {7}:outbox x y");
	assert_int_equal(clear(&old, "x", 5, 5), STORE_REFUSED);
	assert_string_equal(ask("HLEN {7}:outbox"), "1");
	assert_string_equal(ask("EXISTS {7}:told {7}:next"), "0");
	assert_int_equal(load(&old).answer, STORE_REFUSED);
	assert_int_equal(load(&now).answer, STORE_DONE);
	ask("DEL {7}:epoch");
	s.epoch = &now;
	assert_int_equal(save(&s), STORE_REFUSED);
	assert_int_equal(clear(&now, "x", 5, 5), STORE_REFUSED);
	assert_int_equal(load(&now).answer, STORE_REFUSED);
	/* an epoch that only begins like ours is another's */
	ask("SET {7}:epoch %s", "1.0");
	assert_int_equal(save(&s), STORE_REFUSED);
}

/* The data is all there, the epoch too: but what this process of Redis lost, nobody can tell. */
static void test_another_process_is_refused_until_taken_again(void **state)
{
	struct store_taken before = take(7, 0), after;
	struct store_save s = step_of(&before.epoch, 0, 1, "first");
	char run[STORE_RUN_SIZE];

	(void)state;
	s.told = 17;
	assert_int_equal(save(&s), STORE_DONE);
	strcpy(run, store_run_id(store));
	redis_server_restart(server);
	wait_until(is_down);
	wait_until(is_up);
	assert_string_not_equal(run, store_run_id(store));
	assert_int_equal(check(7, &before.epoch), STORE_REFUSED);
	s = step_of(&before.epoch, 1, 2, "second");
	assert_int_equal(save(&s), STORE_REFUSED);
	assert_int_equal(clear(&before.epoch, NULL, 99, 99), STORE_REFUSED);
	assert_int_equal(load(&before.epoch).answer, STORE_REFUSED);
	assert_string_equal(ask("GET {7}:told"), "17");
	after = take(7, 0);
	assert_string_equal(after.previous, before.epoch.text);
	assert_string_equal(after.previous_run, run);
	assert_int_equal(after.told, 17);
	s.epoch = &after.epoch;
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(load(&after.epoch).text, "second");
	assert_int_equal(ups, 2);
	assert_int_equal(downs, 1);
}

/* A refusal that Redis is not even asked for still waits for its turn. */
static void test_answers_keep_the_order_of_the_requests(void **state)
{
	struct store_epoch e = take(7, 0).epoch, other = e;
	struct store_save s = step_of(&e, 0, 1, "a");

	(void)state;
	strcpy(other.run_id, "another");
	given[0] = '\0';
	store_save(store, &s, on_done, NULL);
	store_check(store, 7, &other, on_done, NULL);
	s = step_of(&e, 0, 2, "b");
	store_save(store, &s, on_done, NULL);
	store_load(store, 7, &other, CALL, on_loaded, NULL);
	store_check(store, 7, &e, on_done, NULL);
	assert_string_equal(given, ""); /* never from within */
	assert_int_equal(store_open_requests(store), 5);
	wait_until(nothing_open);
	assert_string_equal(given, "DRSRD");
}

/* ---- Redis goes away ---- */

static void test_away_is_answered_before_down(void **state)
{
	struct store_epoch e = take(7, 0).epoch;

	(void)state;
	given[0] = '\0';
	redis_server_pause(server);
	store_check(store, 7, &e, on_done, NULL);
	store_load(store, 7, &e, CALL, on_loaded, NULL);
	store_take(store, 7, 0, NULL, on_taken, NULL);
	wait_until(is_down);
	assert_string_equal(given, "AAA!");
	assert_false(store_is_up(store));
	store_check(store, 7, &e, on_done, NULL);
	assert_string_equal(given, "AAA!");
	wait_until(nothing_open);
	assert_string_equal(given, "AAA!A");
	redis_server_resume(server);
	wait_until(is_up);
	assert_int_equal(ups, 2);
	/* the same process: the take in the pause may have been carried out, so the old epoch may be gone */
	assert_true(atoi(take(7, 0).epoch.text) >= 2);
}

static void test_killed(void **state)
{
	struct store_epoch e = take(7, 0).epoch;

	(void)state;
	given[0] = '\0';
	redis_server_kill(server);
	store_check(store, 7, &e, on_done, NULL);
	wait_until(is_down);
	assert_string_equal(given, "A!");
	redis_server_restart(server);
	wait_until(is_up);
	/* scripts are loaded again, and all data is gone: missing is refused */
	assert_true(!strncmp(take(9, 0).epoch.text, "1.", 2));
	strcpy(e.run_id, store_run_id(store));
	assert_int_equal(check(7, &e), STORE_REFUSED);
}

static void test_an_error_of_redis_is_a_down(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 1, "a");

	(void)state;
	given[0] = '\0';
	ask("SCRIPT FLUSH");
	store_save(store, &s, on_done, NULL);
	store_save(store, &s, on_done, NULL);
	wait_until(is_down);
	assert_string_equal(given, "AA!");
	wait_until(is_up);
	assert_int_equal(save(&s), STORE_DONE);
}

static struct store_taken take_ours(const char *ours)
{
	struct store_taken t;

	store_take(store, 7, 0, ours, on_taken, &t);
	wait_until(nothing_open);
	return t;
}

/* Takes of our own, whose answers were lost, don't end our memory; anybody else's does. */
static void test_a_take_says_whether_our_memory_holds(void **state)
{
	const struct store_taken first = take_ours("");

	(void)state;
	assert_false(first.kept);
	assert_true(take_ours(first.epoch.text).kept);
	assert_true(take_ours(first.epoch.text).kept);
	assert_string_equal(take_ours(first.epoch.text).previous_run, store_run_id(store));
	assert_false(take_ours("1.another's").kept);
	assert_false(take_ours(first.epoch.text).kept);
}

/* One call's key is no string: its own affair, and the others' steps go on. */
static void test_an_error_of_one_call_is_its_own(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct store_save s = step_of(&e, 0, 1, "a"), other = s;

	(void)state;
	other.call_leg_id = "AQAHbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	ask("RPUSH {7}:call:" CALL " x");
	given[0] = '\0';
	assert_int_equal(save(&s), STORE_FAILED);
	assert_non_null(strstr(store_error(store), "WRONGTYPE"));
	assert_int_equal(save(&other), STORE_DONE);
	ask("DEL {7}:call:" CALL);
	assert_int_equal(save(&s), STORE_DONE);
	assert_string_equal(given, "FDD");
	assert_int_equal(downs, 0);
}

/* A key of the partition: nothing of the step is saved, and all of the partition has to stop. */
static void test_a_spoilt_partition_saves_nothing(void **state)
{
	static const char *const keys[] = { "live", "outbox" };
	char event[] = "bytes", command[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct store_epoch e = take(7, 0).epoch;
		struct store_save s = step_of(&e, 0, 1, "a");
		const struct store_event told = { CALL "-1", { event, strlen(event) } };

		s.events = &told;
		s.event_count = 1;
		snprintf(command, sizeof(command), "RPUSH {7}:%s x", keys[i]);
		ask(command);
		assert_int_equal(save(&s), STORE_REFUSED);
		assert_int_equal(save(&s), STORE_REFUSED); /* again, with the same stamp */
		assert_int_equal(load(&e).version, 0);
		snprintf(command, sizeof(command), "DEL {7}:%s", keys[i]);
		ask(command);
	}
	assert_int_equal(downs, 0);
}

static void test_a_value_without_a_head_is_an_error(void **state)
{
	struct store_epoch e = take(7, 0).epoch;

	(void)state;
	ask("SET {7}:call:" CALL " short");
	assert_int_equal(load(&e).answer, STORE_FAILED);
	ask("SET {7}:call:" CALL " 0000000000000zzz0000000000000001rest");
	assert_int_equal(load(&e).answer, STORE_FAILED);
	assert_int_equal(downs, 0);
}

static void test_now_is_the_clock_of_redis(void **state)
{
	int64_t off = store_now(store) - clock_utc();

	(void)state;
	assert_true(off > -CLOCK_SEC && off < CLOCK_SEC);
}

/* ---- reading all of it ---- */

struct seen {
	enum store_answer answer;
	int parts, entries, empty, largest;
	bool ended;
	int count[700];
};

static void on_entries(void *arg, enum store_answer a, const struct store_entry *entries, size_t n, bool more)
{
	struct seen *s = arg;
	const char *number;
	size_t i;

	if (!s) {
		note(a);
		return;
	}
	assert_false(s->ended);
	s->answer = a;
	s->parts++;
	s->entries += (int)n;
	s->largest = (int)n > s->largest ? (int)n : s->largest;
	s->ended = !more;
	for (i = 0; i < n; i++) {
		number = strrchr(entries[i].name, '-') + 1;
		s->count[atoi(number)]++;
		if (!entries[i].value.len) {
			s->empty++;
			continue;
		}
		assert_int_equal(entries[i].value.len, 4 + strlen(number));
		assert_memory_equal(entries[i].value.data, "data", 4);
		assert_memory_equal((char *)entries[i].value.data + 4, number, strlen(number));
		assert_true(entries[i].version == 0 || entries[i].version == 10 + atoi(number));
	}
}

static struct seen read_all(void (*ask_for)(struct store *, int32_t, const struct store_epoch *,
                                            store_entries_fn *, void *),
                            const struct store_epoch *e)
{
	struct seen s = { 0 };

	ask_for(store, 7, e, on_entries, &s);
	wait_until(nothing_open);
	assert_true(s.ended);
	return s;
}

static void test_outbox_in_parts(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct seen s = read_all(store_outbox, &e);
	int i;

	(void)state;
	assert_int_equal(s.answer, STORE_DONE);
	assert_int_equal(s.entries, 0);
	ask("EVAL %s 0", "for i = 0, 699 do redis.call('HSET', '{7}:outbox', 'call-' .. i, 'data' .. i) end");
	s = read_all(store_outbox, &e);
	assert_int_equal(s.answer, STORE_DONE);
	assert_true(s.parts > 1);
	for (i = 0; i < 700; i++)
		assert_true(s.count[i] >= 1);
	take(7, 0);
	assert_int_equal(read_all(store_outbox, &e).answer, STORE_REFUSED);
}

static void test_live_in_parts(void **state)
{
	struct store_epoch e = take(7, 0).epoch;
	struct seen s = read_all(store_live, &e);
	int i;

	(void)state;
	assert_int_equal(s.answer, STORE_DONE);
	assert_int_equal(s.entries, 0);
	ask("EVAL %s 0", "for i = 0, 249 do redis.call('ZADD', '{7}:live', i, 'c-' .. i)\n"
	                 "redis.call('SET', '{7}:call:c-' .. i, string.format('%016x%016x', 10 + i, 3) .. "
	                 "'data' .. i) end");
	ask("DEL {7}:call:c-17");
	s = read_all(store_live, &e);
	assert_int_equal(s.answer, STORE_DONE);
	assert_int_equal(s.entries, 250);
	assert_int_equal(s.parts, 3);
	assert_int_equal(s.largest, 100);
	assert_int_equal(s.empty, 1);
	for (i = 0; i < 250; i++)
		assert_int_equal(s.count[i], 1);
	take(7, 0);
	assert_int_equal(read_all(store_live, &e).answer, STORE_REFUSED);
}

/* Asked between the parts: a takeover by another worker ends the reading. */
static void take_at_first_part(void *arg, enum store_answer a, const struct store_entry *entries, size_t n,
                               bool more)
{
	(void)entries;
	(void)n;
	(void)arg;
	note(a);
	if (a == STORE_DONE && more && strlen(given) == 1)
		ask("SET {7}:epoch %s", "9.another run");
}

static void test_reading_stops_when_the_epoch_changes(void **state)
{
	struct store_epoch e = take(7, 0).epoch;

	(void)state;
	ask("EVAL %s 0", "for i = 0, 249 do redis.call('ZADD', '{7}:live', i, 'c-' .. i)\n"
	                 "redis.call('HSET', '{7}:outbox', 'call-' .. i, string.rep('x', 100)) end");
	given[0] = '\0';
	store_live(store, 7, &e, take_at_first_part, NULL);
	wait_until(nothing_open);
	assert_string_equal(given, "DR");
	e = take(7, 0).epoch;
	given[0] = '\0';
	store_outbox(store, 7, &e, take_at_first_part, NULL);
	wait_until(nothing_open);
	assert_string_equal(given, "DR");
}

static void test_close_answers_what_is_open(void **state)
{
	struct store_epoch e = take(7, 0).epoch;

	(void)state;
	given[0] = '\0';
	store_check(store, 7, &e, on_done, NULL);
	store_outbox(store, 7, &e, on_entries, NULL);
	store_close(store);
	store = NULL;
	assert_string_equal(given, "AA");
}

int main(void)
{
#define TEST(f)     cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_AOF(f) cmocka_unit_test_setup_teardown(f, setup_aof, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_take_counts_up_and_honours_known),
		TEST(test_check),
		TEST(test_save_writes_all_parts),
		TEST(test_stale),
		TEST(test_the_same_step_again_changes_nothing),
		TEST(test_confirm_clears_and_raises),
		TEST(test_clear_takes_out_many),
		TEST(test_live_follows_deadline_and_end),
		TEST(test_old_epoch_is_refused_everywhere),
		TEST_AOF(test_another_process_is_refused_until_taken_again),
		TEST(test_answers_keep_the_order_of_the_requests),
		TEST(test_away_is_answered_before_down),
		TEST(test_killed),
		TEST(test_an_error_of_redis_is_a_down),
		TEST(test_a_take_says_whether_our_memory_holds),
		TEST(test_an_error_of_one_call_is_its_own),
		TEST(test_a_spoilt_partition_saves_nothing),
		TEST(test_a_value_without_a_head_is_an_error),
		TEST(test_close_answers_what_is_open),
		TEST(test_now_is_the_clock_of_redis),
		TEST(test_outbox_in_parts),
		TEST(test_live_in_parts),
		TEST(test_reading_stops_when_the_epoch_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
