/*
 * test_call.c - what a call does: stories in a table, then what holds for every story
 *
 * A story is a list of words.  `create` (or `create:2` for two targets) makes the
 * call; `confirm` is Kafka's word on its first event; `try1 ring1 answer1 over1`,
 * `over1:486`, `digit1:5` happen to leg 1; `play` `played1` `nofile1` to the prompt
 * (its events: played, failed, or cancelled); `hangup` `delete` `cancel` are commands; `invite:<n>` invites n phones that nobody
 * called yet, `invite!` one that is in the call, `invite?` one that can't be reached, `old-invite` comes too late (events: in, out); `remove:<leg>` that
 * leg's participant; `create+:2` asked for the roster too (event: who<how many>); `confirm:<leg>` is of an announcement that reaches that far; `wait:<ms>` lets time pass and brings what is
 * due; `taken` is a takeover by somebody who remembers nothing, `taken!` from
 * another Redis; `leaving` is a hand-over before that; from `no-record` on the carrier has none of any leg; `dialled` comes when the dials were late; `again` repeats the last
 * command; `dead-create` was set aside; `dead`: nothing of the call can be saved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "call.h"
#include "clock.h"
#include "leg.h"
#include "must.h"
#include "result.h"

#define CALL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* ---- a carrier that has an address for every phone, and a record for every leg ---- */

static int address_of(struct carrier *c, const struct identifier *id, char **out)
{
	(void)c;
	if (id->kind != IDENTIFIER_PHONE)
		return -22;
	*out = must_strdup(id->value);
	return 0;
}

static int stored; /* how often */

static bool no_record; /* the phone has ended, and the carrier knows it no more */

static int store(struct carrier *c, const char *dial_id, struct bytes *out)
{
	stored++;
	(void)c;
	if (no_record)
		return -2;
	out->data = must_strdup(dial_id);
	out->len = strlen(dial_id);
	return 0;
}

static const struct carrier_ops ops = { .name = "fake", .address_of = address_of, .store = store };
static struct carrier carrier = { &ops };

/* ---- telling a story ---- */

#define WORDS 4096 /* room in each list of words */

struct told {
	struct call_record rec;
	struct call_rules rules;
	int64_t version;
	char events[WORDS], acts[WORDS];
	int64_t seq, number; /* the last ones seen */
	int finals, after_final, commands;
	char last_command[40];
	int last_kind, last_invite;
	bool roster;       /* asked for */
	int owed, results; /* of operations that were taken */
	int dialled[128];  /* by leg */
	bool twice;
};

static void word(char *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void word(char *list, const char *fmt, ...)
{
	const size_t len = strlen(list);
	va_list ap;

	assert_true(len + 65 < WORDS);
	va_start(ap, fmt);
	if (len)
		strcat(list, " ");
	vsnprintf(list + strlen(list), 64, fmt, ap);
	va_end(ap);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void note_event(struct told *t, const struct call_event *e)
{
	assert_int_equal(e->seq, t->seq + 1); /* gapless */
	t->seq = e->seq;
	assert_int_equal(e->version, t->version);
	if (e->number) {
		assert_int_equal(e->number, t->number + 1);
		t->number = e->number;
		t->after_final += t->finals;
	}
	t->finals += e->final;
	t->results += e->type == EVENT_PLAY_RESULT || e->type == EVENT_INVITE_RESULT;
	if (e->type == EVENT_CALL_STATE && e->final)
		word(t->events, "%s:%s", e->state == CALL_LEFT ? "left" : "terminated",
		     outcome_name(e->outcome));
	else if (e->type == EVENT_CALL_STATE && !e->number)
		word(t->events, "(gone)");
	else if (e->type == EVENT_CALL_STATE)
		word(t->events, "%s", call_state_name(e->state));
	else if (e->type == EVENT_INVITE_RESULT)
		word(t->events, "%s%d", strstr(e->data, "\"completed\"") ? "in" : "out",
		     atoi(strstr(e->data, "\"code\":") + 7));
	else if (e->type == EVENT_PARTICIPANTS)
		word(t->events, "who%d", (int)count(e->data, "participantId"));
	else if (e->type == EVENT_DIAL)
		assert_int_equal(e->number, 0);
	else if (e->type == EVENT_DTMF)
		word(t->events, e->number ? "digit" : "(digit)");
	else if (e->type == EVENT_PLAY_RESULT)
		word(t->events, strstr(e->data, "8508")            ? "cancelled"
		                : strstr(e->data, "\"completed\"") ? "played"
		                                                   : "failed");
}

static void note_act(struct told *t, const struct act *a)
{
	static const char *const names[] = { "dial", "hangup", "play", "stop", "bridge", "leave" };

	const int leg = atoi(a->dial_id + strlen(CALL) + 1);

	word(t->acts, "%s%d", names[a->kind], leg);
	if (a->kind == ACT_DIAL && ++t->dialled[leg] > 1)
		t->twice = true;
}

static void happen(struct told *t, const struct input *in)
{
	struct call_record next = { 0 };
	struct plan plan = { 0 };

	if (call_exists(&t->rec))
		assert_int_equal(call_record_copy(&next, &t->rec), 0);
	t->version++;
	call_decide(&plan, &next, in, &t->rules, t->version);
	if (plan.nothing) {
		t->version--;
		assert_int_equal(plan.event_count + plan.act_count, 0);
		call_record_clear(&next);
	} else {
		call_record_clear(&t->rec);
		t->rec = next;
		for (size_t i = 0; i < plan.event_count; i++)
			note_event(t, &plan.events[i]);
		for (size_t i = 0; i < plan.act_count; i++)
			note_act(t, &plan.acts[i]);
		assert_true(t->rec.next_seq == t->seq + 1 && t->rec.next_number == t->number + 1);
		if (in->kind == INPUT_COMMAND && in->command->play)
			t->owed++;
		if (in->kind == INPUT_COMMAND && in->command->invite)
			t->owed += (int)in->command->invite->participants_count;
	}
	if (plan.started) {
		plan_clear(&plan);
		happen(t, &(struct input){ .kind = INPUT_STARTED });
		return;
	}
	plan_clear(&plan);
}

#define DEAD (-1) /* for targets: a create that has no body */

static void command(struct told *t, int kind, int targets, bool again, int64_t expires_at)
{
	static struct identifier phones[3] = { { IDENTIFIER_PHONE, (char *)"+4670000001" },
		                               { IDENTIFIER_PHONE, (char *)"+4670000002" },
		                               { IDENTIFIER_USER, (char *)"8:acs:nobody" } };
	struct create_body create = { .source = { IDENTIFIER_PHONE, (char *)"+4680000000" },
		                      .targets = targets == 3 ? phones + 2 : phones,
		                      .targets_count = targets == 3 ? 1 : (size_t)targets,
		                      .participants_updated = t->roster,
		                      .dtmf_received = targets != 1 };
	struct play_body play = { .audio_file_uri = (char *)"https://a.example/x.wav" };
	struct call_command c = { .call_leg_id = (char *)CALL,
		                  .command_id = t->last_command,
		                  .tenant = (char *)"default",
		                  .kind = kind,
		                  .expires_at = expires_at,
		                  .callback_uri = (char *)"https://app.example/cb",
		                  .create = kind == COMMAND_CREATE && targets != DEAD ? &create : NULL,
		                  .play = kind == COMMAND_PLAY ? &play : NULL };

	if (!again)
		snprintf(t->last_command, sizeof(t->last_command), "command-%d", ++t->commands);
	t->last_kind = kind;
	happen(t, &(struct input){ .kind = targets == DEAD ? INPUT_DEAD : INPUT_COMMAND, .command = &c });
}

#define SAME (-1) /* for invite: who is in the call; who can't be reached */
#define NONE (-2)

static void invite(struct told *t, int n, int64_t expires_at, bool again)
{
	static char numbers[64][16];
	struct identifier whom[64];
	struct invite_body body = { .participants = whom, .participants_count = n < 0 ? 1 : (size_t)n };
	struct call_command c = { .call_leg_id = (char *)CALL,
		                  .command_id = t->last_command,
		                  .tenant = (char *)"default",
		                  .kind = COMMAND_INVITE,
		                  .expires_at = expires_at,
		                  .operation_context = (char *)"context",
		                  .callback_uri = (char *)"https://app.example/invite",
		                  .invite = &body };

	for (size_t i = 0; i < body.participants_count; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "+4690%04d%02d", t->commands - again, (int)i);
		whom[i] = (struct identifier){ IDENTIFIER_PHONE, numbers[i] };
	}
	if (n == SAME)
		whom[0] = (struct identifier){ IDENTIFIER_PHONE, (char *)"+4670000001" };
	if (n == NONE)
		whom[0] = (struct identifier){ IDENTIFIER_USER, (char *)"8:acs:nobody" };
	if (!again)
		snprintf(t->last_command, sizeof(t->last_command), "command-%d", ++t->commands);
	t->last_kind = COMMAND_INVITE;
	t->last_invite = n;
	happen(t, &(struct input){ .kind = INPUT_COMMAND, .command = &c });
}

static void take_off(struct told *t, int leg)
{
	char participant[64] = "nobody";
	struct call_command c = { .call_leg_id = (char *)CALL,
		                  .command_id = t->last_command,
		                  .tenant = (char *)"default",
		                  .kind = COMMAND_REMOVE,
		                  .participant_id = participant };

	if (leg >= 1 && (size_t)leg <= t->rec.legs_count)
		snprintf(participant, sizeof(participant), "%s", t->rec.legs[leg - 1].participant_id);
	snprintf(t->last_command, sizeof(t->last_command), "command-%d", ++t->commands);
	happen(t, &(struct input){ .kind = INPUT_COMMAND, .command = &c });
}

static void leg_event(struct told *t, enum carrier_event_kind kind, int leg, int code, char digit, int played)
{
	char dial[64];
	const struct carrier_event ev = { .kind = kind,
		                          .dial_id = dial,
		                          .digit = digit,
		                          .play = t->last_command,
		                          .played = played,
		                          .code = code };

	snprintf(dial, sizeof(dial), "%s.%d.1", CALL, leg);
	happen(t, &(struct input){ .kind = INPUT_CARRIER, .carrier = &ev });
}

static void one_word(struct told *t, const char *w)
{
	int leg = 1, number = 0;
	char digit = '1';

	if (sscanf(w, "create+:%d", &number) == 1) {
		t->roster = true;
		command(t, COMMAND_CREATE, number, false, 0);
	} else if (sscanf(w, "create:%d", &number) == 1 || !strcmp(w, "create"))
		command(t, COMMAND_CREATE, number ? number : 1, false, 0);
	else if (!strcmp(w, "old-create"))
		command(t, COMMAND_CREATE, 1, false, t->rules.now);
	else if (!strcmp(w, "dead-create"))
		command(t, COMMAND_CREATE, DEAD, false, 0);
	else if (!strcmp(w, "dead"))
		happen(t, &(struct input){ .kind = INPUT_DEAD });
	else if (!strcmp(w, "hangup"))
		command(t, COMMAND_HANGUP, 0, false, 0);
	else if (!strcmp(w, "delete"))
		command(t, COMMAND_DELETE, 0, false, 0);
	else if (!strcmp(w, "play"))
		command(t, COMMAND_PLAY, 0, false, 0);
	else if (!strcmp(w, "cancel"))
		command(t, COMMAND_CANCEL, 0, false, 0);
	else if (!strcmp(w, "again") && t->last_kind == COMMAND_INVITE)
		invite(t, t->last_invite, 0, true);
	else if (!strcmp(w, "again"))
		command(t, t->last_kind, 1, true, 0);
	else if (!strcmp(w, "confirm"))
		happen(t, &(struct input){ .kind = INPUT_CONFIRM, .announced = INT32_MAX });
	else if (sscanf(w, "confirm:%d", &leg) == 1)
		happen(t, &(struct input){ .kind = INPUT_CONFIRM, .announced = leg });
	else if (!strcmp(w, "invite!"))
		invite(t, SAME, 0, false);
	else if (!strcmp(w, "invite?"))
		invite(t, NONE, 0, false);
	else if (!strcmp(w, "old-invite"))
		invite(t, 1, t->rules.now, false);
	else if (sscanf(w, "invite:%d", &number) == 1)
		invite(t, number, 0, false);
	else if (sscanf(w, "remove:%d", &leg) == 1)
		take_off(t, leg);
	else if (!strcmp(w, "no-record"))
		no_record = true;
	else if (!strcmp(w, "dialled"))
		happen(t, &(struct input){ .kind = INPUT_DIALLED });
	else if (!strcmp(w, "leaving"))
		happen(t, &(struct input){ .kind = INPUT_LEAVING });
	else if (!strcmp(w, "taken") || !strcmp(w, "taken!")) {
		t->rules.redis_run = w[5] ? "another run" : t->rules.redis_run;
		happen(t, &(struct input){ .kind = INPUT_TAKEN });
	} else if (sscanf(w, "wait:%d", &number) == 1) {
		t->rules.now += number * CLOCK_MS;
		if (t->rec.deadline && t->rec.deadline <= t->rules.now)
			happen(t, &(struct input){ .kind = INPUT_DEADLINE });
	} else if (sscanf(w, "try%d", &leg) == 1)
		leg_event(t, CARRIER_TRYING, leg, 0, 0, 0);
	else if (sscanf(w, "ring%d", &leg) == 1)
		leg_event(t, CARRIER_RINGING, leg, 0, 0, 0);
	else if (sscanf(w, "answer%d", &leg) == 1)
		leg_event(t, CARRIER_ANSWERED, leg, 0, 0, 0);
	else if (sscanf(w, "played%d", &leg) == 1)
		leg_event(t, CARRIER_PLAYED, leg, 0, 0, PLAYED_OK);
	else if (sscanf(w, "nofile%d", &leg) == 1)
		leg_event(t, CARRIER_PLAYED, leg, 0, 0, PLAYED_DOWNLOAD_FAILED);
	else if (sscanf(w, "digit%d:%c", &leg, &digit) == 2)
		leg_event(t, CARRIER_DIGIT, leg, 0, digit, 0);
	else if (sscanf(w, "over%d:%d", &leg, &number) >= 1)
		leg_event(t, CARRIER_ENDED, leg, number ? number : 200, 0, 0);
	else
		fail_msg("no such word: %s", w);
}

static void tell_story(struct told *t, const char *story)
{
	char words[WORDS], *save = NULL;

	*t = (struct told){ .rules = { .ring_timeout = 30 * CLOCK_SEC,
		                       .call_max = 3600 * CLOCK_SEC,
		                       .hangup_timeout = 10 * CLOCK_SEC,
		                       .dial_bound = 2 * CLOCK_SEC,
		                       .carrier = &carrier,
		                       .epoch = "1.x",
		                       .redis_run = "run",
		                       .now = 1000 * CLOCK_SEC } };
	no_record = false;
	snprintf(words, sizeof(words), "%s", story);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		one_word(t, w);
}

/* what happens; what the ledger is told; what is asked of the carrier */
static const struct story {
	const char *story, *events, *acts;
} stories[] = {
	/* the plain ones */
	{ "create confirm try1 ring1 answer1 hangup over1",
	  "establishing established terminating terminated:completed", "dial1 hangup1" },
	{ "create confirm ring1 answer1 over1", "establishing established terminating terminated:completed",
	  "dial1" },
	{ "create confirm ring1 over1:486", "establishing terminated:busy", "dial1" },
	{ "create confirm over1:603", "establishing terminated:declined", "dial1" },
	{ "create confirm over1:404", "establishing terminated:noSuchNumber", "dial1" },
	{ "create confirm over1:503", "establishing terminated:network", "dial1" },
	{ "create:3", "establishing terminated:noSuchNumber", "" },
	{ "old-create", "terminated:expired", "" },
	/* hanging up, whenever */
	{ "create hangup confirm", "establishing terminating terminated:cancelled", "" },
	{ "create confirm hangup over1:487", "establishing terminating terminated:cancelled",
	  "dial1 hangup1" },
	{ "create confirm ring1 delete over1:487", "establishing terminating terminated:cancelled",
	  "dial1 hangup1" },
	/* the answer crosses our CANCEL: only BYE ends it */
	{ "create confirm ring1 hangup answer1 over1", "establishing terminating terminated:cancelled",
	  "dial1 hangup1 hangup1" },
	{ "create confirm hangup wait:10000", "establishing terminating terminated:cancelled",
	  "dial1 hangup1 hangup1" },
	/* time */
	{ "create confirm ring1 wait:30000 over1:487", "establishing terminated:noAnswer", "dial1 hangup1" },
	{ "create confirm wait:30000 over1:487", "establishing terminated:unreachable", "dial1 hangup1" },
	{ "create confirm answer1 wait:3600000 over1",
	  "establishing established terminating terminated:completed", "dial1 hangup1" },
	/* the phone rings that long, whatever the way to it took */
	{ "create confirm wait:29000 try1 wait:29000 answer1", "establishing established", "dial1" },
	{ "create wait:3600000", "establishing terminating terminated:expired", "" },
	{ "create wait:40000", "establishing", "" }, /* Kafka is away: the ring timeout runs from the dial */
	/* prompts and digits */
	{ "create confirm answer1 play played1 over1",
	  "establishing established played terminating terminated:completed", "dial1 play1" },
	{ "create confirm answer1 play nofile1", "establishing established failed", "dial1 play1" },
	{ "create play", "establishing failed", "" },
	{ "create confirm answer1 play over1",
	  "establishing established terminating failed terminated:completed", "dial1 play1" },
	{ "create confirm answer1 digit1:5 digit1:x", "establishing established (digit)", "dial1" },
	{ "create:2 confirm answer1 digit1:5", "establishing established digit", "dial1 dial2" },
	{ "create confirm ring1 digit1:5", "establishing", "dial1" },
	/* cancel: every open prompt has its result, and is stopped wherever it is heard */
	{ "create confirm answer1 play cancel played1", "establishing established cancelled",
	  "dial1 play1 stop1" },
	{ "create:2 confirm answer1 answer2 play play cancel again",
	  "establishing established cancelled cancelled",
	  "dial1 dial2 bridge1 bridge2 play1 play2 play1 play2 stop1 stop2 stop1 stop2" },
	/* who comes later hears what the others hear, and the first word of its end counts */
	{ "create:2 confirm answer1 play answer2 played2 played1", "establishing established played",
	  "dial1 dial2 play1 bridge1 bridge2 play2 stop1" },
	{ "create confirm answer1 cancel play played1", "establishing established played", "dial1 play1" },
	{ "create cancel confirm answer1 play", "establishing established", "dial1 play1" },
	{ "create confirm answer1 play hangup cancel over1",
	  "establishing established terminating failed terminated:completed", "dial1 play1 hangup1" },
	/* several targets */
	{ "create:2 confirm ring1 ring2 answer2 over1:486 over2",
	  "establishing established terminating terminated:completed", "dial1 dial2" },
	{ "create:2 confirm over2:486 over1:404", "establishing terminated:noSuchNumber", "dial1 dial2" },
	{ "create:2 confirm answer1 answer2 play played1 played2", "establishing established played",
	  "dial1 dial2 bridge1 bridge2 play1 play2 stop2" },
	{ "create:2 confirm answer1 hangup over2:487 over1",
	  "establishing established terminating terminated:completed", "dial1 dial2 hangup1 hangup2" },
	/* invite: one result for each who was invited, whatever becomes of him */
	{ "create confirm answer1 invite:1 confirm ring2 answer2 over2", "establishing established in200",
	  "dial1 dial2 bridge1 bridge2" },
	{ "create confirm answer1 invite:2 confirm over2:486 ring3 over3:603",
	  "establishing established out486 out603", "dial1 dial2 dial3" },
	{ "create confirm answer1 invite:2 confirm answer3 ring2 wait:30000 over2:487",
	  "establishing established in200 out480", "dial1 dial2 dial3 bridge1 bridge3 hangup2" },
	{ "create confirm answer1 invite? invite! invite:1 again confirm again answer3 again",
	  "establishing established out404 out409 in200", "dial1 dial3 bridge1 bridge3" },
	{ "create invite:2 confirm answer1 old-invite", "establishing out400 out400 established out410",
	  "dial1" },
	{ "create confirm answer1 invite:1 hangup over2 over1",
	  "establishing established terminating out487 terminated:completed", "dial1 hangup1" },
	{ "create confirm answer1 invite:1 confirm ring2 hangup over1 over2:487",
	  "establishing established terminating out487 terminated:completed", "dial1 dial2 hangup1 hangup2" },
	{ "create confirm answer1 invite:1 confirm ring2 over1 over2:486",
	  "establishing established out486 terminating terminated:completed", "dial1 dial2" },
	{ "create confirm answer1 invite:1 confirm hangup over1 wait:10000",
	  "establishing established terminating out487 terminated:completed",
	  "dial1 dial2 hangup1 hangup2 hangup2" },
	{ "create confirm answer1 invite:1 confirm dead", "establishing established out400 terminated:failed",
	  "dial1 dial2 hangup1 hangup2" },
	/* each confirm is of what was announced by then */
	{ "create confirm:1 answer1 invite:1 invite:2 confirm:2 confirm:4", "establishing established",
	  "dial1 dial2 dial3 dial4" },
	{ "create confirm:1 answer1 invite:1 invite:2 confirm:2", "establishing established", "dial1 dial2" },
	{ "create confirm answer1 invite:1 taken confirm answer2", "establishing established in200",
	  "dial1 dial2 bridge1 bridge2" },
	{ "create confirm answer1 invite:1 confirm taken wait:2000", "establishing established out500",
	  "dial1 dial2 hangup2" },
	/* remove: on his way or in it; the last one takes the call with him */
	{ "create confirm answer1 remove:1 over1",
	  "establishing established terminating terminated:completed", "dial1 hangup1" },
	{ "create:2 confirm answer1 answer2 remove:1 over1 remove:1 remove:9 over2",
	  "establishing established terminating terminated:completed",
	  "dial1 dial2 bridge1 bridge2 hangup1" },
	{ "create confirm answer1 invite:1 confirm ring2 remove:2 over2:487",
	  "establishing established out487", "dial1 dial2 hangup2" },
	{ "create confirm answer1 invite:1 remove:2 confirm", "establishing established out487", "dial1" },
	{ "create confirm ring1 remove:1 over1:487", "establishing terminated:cancelled", "dial1 hangup1" },
	{ "create remove:1", "establishing terminated:cancelled", "" },
	{ "create confirm answer1 remove:1 invite:1 over1",
	  "establishing established out400 terminating terminated:completed", "dial1 hangup1" },
	/* the app leaves: two talk on until one is left, and nobody hears of it but the ledger */
	{ "create:2 confirm answer1 answer2 hangup over1 over2",
	  "establishing established terminating left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 leave1 leave2 hangup2" },
	{ "create:2 confirm answer1 answer2 play hangup digit1:1 played1 play hangup over2 over1",
	  "establishing established terminating failed left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 play1 play2 stop1 stop2 leave1 leave2 hangup1" },
	{ "create:2 confirm answer1 answer2 invite:1 confirm hangup answer3 over3 delete over1 over2 delete",
	  "establishing established terminating out487 left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2 hangup3 hangup3 hangup1 hangup2" },
	{ "create:2 confirm answer1 answer2 hangup taken wait:3600000 over1 wait:10000",
	  "establishing established terminating left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 leave1 leave2 hangup1 hangup2 hangup2" },
	{ "create:2 confirm answer1 answer2 hangup dead over1",
	  "establishing established terminating left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 leave1 leave2 hangup1 hangup2" },
	{ "create:2 confirm answer1 answer2 delete over1 over2",
	  "establishing established terminating terminated:completed",
	  "dial1 dial2 bridge1 bridge2 hangup1 hangup2" },
	/* nobody may ring after the app's last event: it waits for a dial that a former owner may still make */
	{ "create:2 confirm answer1 answer2 invite:1 confirm taken wait:1000 hangup hangup wait:999",
	  "establishing established terminating", "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2" },
	{ "create:2 confirm answer1 answer2 invite:1 confirm taken wait:1000 hangup wait:1000 over1 over2",
	  "establishing established terminating out500 left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2 hangup3 hangup2" },
	{ "create:2 confirm answer1 answer2 invite:1 confirm taken hangup over1 wait:2000 over2",
	  "establishing established terminating out500 left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2 hangup3 hangup2" },
	{ "create:2 confirm answer1 answer2 invite:1 confirm taken hangup over1 over2 wait:2000",
	  "establishing established terminating out500 terminated:completed",
	  "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2 hangup3" },
	{ "create:2 confirm answer1 answer2 invite:1 confirm taken hangup delete over1 over2 wait:2000",
	  "establishing established terminating out500 terminated:completed",
	  "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2 hangup1 hangup2 hangup3" },
	{ "create:2 confirm answer1 answer2 invite:1 confirm taken hangup play wait:2000 over1 over2",
	  "establishing established terminating failed out500 left:completed (gone)",
	  "dial1 dial2 bridge1 bridge2 dial3 leave1 leave2 hangup3 hangup2" },
	/* the roster, where asked for: who talks now */
	{ "create+:2 confirm answer1 answer2 remove:1 over1 over2",
	  "establishing established who1 who2 who1 terminating terminated:completed", 0 },
	{ "create+:1 confirm answer1 invite:1 confirm answer2 over2 hangup",
	  "establishing established who1 in200 who2 who1 terminating", 0 },
	/* once is enough */
	{ "create again confirm again confirm", "establishing", "dial1" },
	{ "create confirm answer1 play again", "establishing established", "dial1 play1" },
	{ "create confirm answer1 hangup hangup over1 hangup delete play",
	  "establishing established terminating terminated:completed", "dial1 hangup1" },
	{ "hangup", "", "" },
	{ "play", "", "" },
	/* an owner is gone: what was surely not dialled goes on, what may have been is unknown */
	{ "create taken confirm ring1", "establishing", "dial1" },
	{ "create confirm taken wait:1999", "establishing", "dial1" },
	{ "create confirm taken wait:2000", "establishing terminated:unknown", "dial1 hangup1" },
	/* it began to ring, or talked, and had ended when its record was to be kept: nobody knows how, but that it talked */
	{ "create confirm no-record try1 taken wait:2000", "establishing terminated:unknown",
	  "dial1 hangup1" },
	{ "create confirm no-record answer1 taken wait:2000",
	  "establishing established terminating terminated:completed", "dial1 hangup1" },
	/* dialled long after the confirm was decided: it rings as long as others */
	{ "create confirm wait:29999 dialled wait:29999 try1", "establishing", "dial1" },
	{ "create confirm try1 dialled", "establishing", "dial1" },
	/* an owner that hands over stores what it dialled */
	{ "create confirm leaving taken try1 answer1", "establishing established", "dial1" },
	{ "create:2 confirm leaving taken! wait:2000 over1:486 ring2", "establishing", "dial1 dial2" },
	{ "create leaving taken confirm ring1", "establishing", "dial1" },
	{ "create taken! confirm wait:2000", "establishing terminated:unknown", "hangup1" },
	{ "create confirm taken hangup wait:2000", "establishing terminating terminated:unknown",
	  "dial1 hangup1" },
	{ "create confirm try1 taken ring1 answer1", "establishing established", "dial1" },
	{ "create:2 confirm ring1 taken wait:2000 answer1 over1",
	  "establishing established terminating terminated:completed", "dial1 dial2 hangup2" },
	{ "create confirm answer1 play taken played1", "establishing established played", "dial1 play1" },
	/* what can't be carried out */
	{ "dead-create", "terminated:failed", "" },
	{ "dead-create dead-create dead", "terminated:failed", "" },
	{ "create dead-create", "establishing", "" }, /* not this call's create: there is one already */
	{ "dead", "", "" },
	{ "create:2 confirm ring1 answer2 play dead over1 over2",
	  "establishing established failed terminated:failed", "dial1 dial2 play2 hangup1 hangup2" },
};

static void test_stories(void **state)
{
	struct told t;

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++) {
		tell_story(&t, stories[i].story);
		if (strcmp(t.events, stories[i].events) ||
		    (stories[i].acts && strcmp(t.acts, stories[i].acts)))
			fail_msg("\"%s\"\n events %s\n   not %s\n acts   %s\n   not %s", stories[i].story,
			         t.events, stories[i].events, t.acts, stories[i].acts ? stories[i].acts : "");
		call_record_clear(&t.rec);
	}
}

/* What a leg says is stored with it, so that a stranger who adopts the phone does not hear it again. */
static void test_each_word_of_a_leg_is_stored(void **state)
{
	static const char *const words[] = { "try1", "ring1", "answer1", "play", "played1", "digit1:5" };
	char story[WORDS] = "create confirm";
	struct told t;
	int before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		word(story, "%s", words[i]);
		stored = 0;
		tell_story(&t, story);
		if (stored <= before)
			fail_msg("%s is not stored", words[i]);
		before = stored;
		call_record_clear(&t.rec);
	}
}

/* Whatever comes, in whatever order: one final event, nothing told after it, nobody dialled twice, numbers gapless. */
static void test_any_order(void **state)
{
	static const char *const words[] = { "create",   "create:2",  "confirm",    "try1",      "ring1",
		                             "answer1",  "over1",     "over1:486",  "ring2",     "answer2",
		                             "over2",    "play",      "played1",    "nofile1",   "digit1:5",
		                             "hangup",   "delete",    "taken",      "taken!",    "again",
		                             "wait:500", "wait:2000", "wait:30000", "create+:2", "invite:1",
		                             "invite:2", "invite!",   "invite?",    "answer3",   "over3",
		                             "ring3",    "over4:486", "answer4",    "remove:1",  "remove:2",
		                             "remove:3", "confirm:2", "confirm:3",  "cancel" };
	const unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 1;
	struct told t;

	(void)state;
	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int i = 0; i < 20000; i++) {
		char story[WORDS] = "";

		for (int n = 0; n < 20; n++)
			word(story, "%s", words[(size_t)rand() % (sizeof(words) / sizeof(*words))]);
		tell_story(&t, story);
		if (t.twice)
			fail_msg("dialled twice: %s\n%s", story, t.acts);
		if (t.finals && t.results != t.owed)
			fail_msg("%d results for %d operations: %s\n%s", t.results, t.owed, story, t.events);
		if (t.finals > 1 || t.after_final)
			fail_msg("told after the end: %s\n%s", story, t.events);
		call_record_clear(&t.rec);
	}
}

/* A call that was dialled and left alone ends by itself. */
static void test_everything_ends(void **state)
{
	static const char *const begins[] = { "create confirm",
		                              "create confirm ring1",
		                              "create:2 confirm answer2",
		                              "create confirm taken",
		                              "create confirm answer1 invite:2 confirm",
		                              "create:2 confirm answer1 answer2 invite:1 confirm play hangup",
		                              "create confirm answer1 play" };
	struct told t;
	char story[WORDS];

	(void)state;
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		snprintf(story, sizeof(story), "%s wait:30000 wait:10000 wait:3600000 wait:10000 wait:10000",
		         begins[i]);
		tell_story(&t, story);
		if (t.finals != 1)
			fail_msg("never ends: %s\n%s", story, t.events);
		call_record_clear(&t.rec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_each_word_of_a_leg_is_stored),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_everything_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
