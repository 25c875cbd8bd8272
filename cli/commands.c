/* commands.c - see commands.h: every command, its options, what each says of itself */
#include "commands.h"

#include <string.h>

#include "tool.h"

#define TARGETS_MOST 50 /* of a call, and people of an invite: the API's own bound */

#define WHO                                                                                                  \
	"A person is a number in E.164 (+46701740605), a user (8:acs:..., or user: before any other id), "   \
	"or else a raw id."

/* clang-format off: one row, one option */
#define JSON                                                                                                 \
	{                                                                                                    \
		"json", NULL, NULL, false, "the answer as JSON"                                              \
	}
#define FULL                                                                                                 \
	{                                                                                                    \
		"full", NULL, NULL, false, "whole phone numbers (they are masked else)"                      \
	}
#define CONTEXT                                                                                              \
	{                                                                                                    \
		"context", "TEXT", NULL, false, "operationContext: comes back in the result's event"         \
	}
#define CALLER                                                                                               \
	{                                                                                                    \
		"caller-id", "NUMBER", NULL, false, "the number shown to who is called"                      \
	}

static const struct option create_options[] = {
	{ "to", "WHO", NULL, true, "whom to call; 1 to 50, all in one call" },
	{ "from", "WHO", NULL, false, "the call's source; else the tenant's own" },
	CALLER,
	{ "callback", "URI", NULL, false, "where the call reports; else the setting api.callback" },
	{ "subject", "TEXT", NULL, false, "what the call is about" },
	{ "events", "NAME,...", "participantsUpdated dtmfReceived", true,
	  "events to send beside those that always come" },
	{ "context", "TEXT", NULL, false, "operationContext: comes back with the call" },
	{ "wait", NULL, NULL, false, "until somebody has answered, or the call has ended" },
	{ "timeout", "TIME", NULL, false, "how long --wait waits, such as 90s; 60s" },
	JSON,
	{ 0 },
};
static const struct option hangup_options[] = {
	{ "all", NULL, NULL, false, "end the call for everybody in it" },
	JSON,
	{ 0 },
};
static const struct option play_options[] = {
	{ "loop", NULL, NULL, false, "again and again, until it is cancelled" },
	CONTEXT,
	{ "callback", "URI", NULL, false, "where its result goes; else where the call reports" },
	JSON,
	{ 0 },
};
static const struct option cancel_options[] = { CONTEXT, JSON, { 0 } };
static const struct option invite_options[] = {
	CALLER,
	CONTEXT,
	{ "callback", "URI", NULL, false, "where the results go; else where the call reports" },
	JSON,
	{ 0 },
};
static const struct option remove_options[] = { JSON, { 0 } };
static const struct option show_options[] = { FULL, JSON, { 0 } };
static const struct option watch_options[] = {
	{ "since", "TIME", NULL, false,
	  "from so long ago, such as 10m; else all that is kept of one call, what comes of all" },
	{ "all", NULL, NULL, false, "also what only the ledger has: dials, legs, commands taken" },
	{ "timeout", "TIME", NULL, false, "stop after so long" },
	FULL,
	{ "json", NULL, NULL, false, "a JSON object a line" },
	{ 0 },
};
static const struct option settings_options[] = {
	{ "markdown", NULL, NULL, false, "as a table" },
	{ "example", NULL, NULL, false, "as a commented file for --config" },
	{ 0 },
};
static const struct option no_options[] = { { 0 } };
/* clang-format on */

const struct command commands[] = {
	{ .words = "call create",
	  .arguments = "",
	  .options = create_options,
	  .help = "calls somebody, and prints the callLegId",
	  .more = WHO
	  " With --wait, a second line says how it came out: established, or terminated with the outcome.",
	  .example = "call create --to +15555550105 --events dtmfReceived --wait",
	  .run = tool_call_create },
	{ .words = "call hangup",
	  .arguments = "<callLegId>",
	  .least = 1,
	  .most = 1,
	  .options = hangup_options,
	  .help = "hangs up: the app leaves the call",
	  .more = "Two or more people who are connected talk on; otherwise the call ends, and with --all "
	          "it always does.",
	  .example = "call hangup --all $call",
	  .run = tool_call_hangup },
	{ .words = "call play",
	  .arguments = "<callLegId> <uri>",
	  .least = 2,
	  .most = 2,
	  .options = play_options,
	  .help = "plays an audio file to the call, and prints the operation's id",
	  .example = "call play $call https://files.example/prompt.wav --loop --context p1",
	  .run = tool_call_play },
	{ .words = "call cancel",
	  .arguments = "<callLegId>",
	  .least = 1,
	  .most = 1,
	  .options = cancel_options,
	  .help = "ends every prompt of the call, and prints the operation's id",
	  .example = "call cancel $call",
	  .run = tool_call_cancel },
	{ .words = "call invite",
	  .arguments = "<callLegId> <who>...",
	  .least = 2,
	  .most = 1 + TARGETS_MOST,
	  .options = invite_options,
	  .help = "calls more people into the call",
	  .more = WHO " What becomes of it comes as events.",
	  .example = "call invite $call +15555550100 --caller-id +15555550199",
	  .run = tool_call_invite },
	{ .words = "call remove",
	  .arguments = "<callLegId> <participantId>",
	  .least = 2,
	  .most = 2,
	  .options = remove_options,
	  .help = "hangs up on one of the call's people; call show has the ids",
	  .example = "call remove $call 0b32cb93-1f0c-86d4-9d2a-54b21f1c1f02",
	  .run = tool_call_remove },
	{ .words = "call show",
	  .arguments = "<callLegId>",
	  .least = 1,
	  .most = 1,
	  .options = show_options,
	  .help = "the call and who is in it, as the API answers",
	  .example = "call show $call --json",
	  .run = tool_call_show },
	{ .words = "watch",
	  .arguments = "[<callLegId>]",
	  .least = 0,
	  .most = 1,
	  .options = watch_options,
	  .help = "the events of one call, or of all, as they happen; from Kafka",
	  .more = "A line has the time, the callLegId, the event's number (what its webhook's id ends in; "
	          "- where only the ledger has it) and what happened. The watch of one call ends when the "
	          "call does; that of all at SIGINT or SIGTERM, and sees no partitions that are added "
	          "meanwhile.",
	  .example = "watch $call --all",
	  .needs = NEEDS_RECORDS,
	  .run = tool_watch },
	{ .words = "show",
	  .arguments = "<callLegId>",
	  .least = 1,
	  .most = 1,
	  .options = show_options,
	  .help = "a call as the programs have it: its record in Redis, its events in Kafka",
	  .example = "show $call --full",
	  .needs = NEEDS_RECORDS,
	  .run = tool_show },
	{ .words = "topics create",
	  .arguments = "",
	  .options = no_options,
	  .help = "makes the topics that are missing, checks those that are there",
	  .example = "topics create --commands.partitions 32",
	  .run = tool_topics_create },
	{ .words = "settings",
	  .arguments = "",
	  .options = settings_options,
	  .help = "every setting of every program",
	  .example = "settings --example > callcast.conf",
	  .needs = NEEDS_NOTHING,
	  .run = tool_settings },
	{ .words = "completion",
	  .arguments = "<shell>",
	  .least = 1,
	  .most = 1,
	  .choices = "bash zsh",
	  .options = no_options,
	  .help = "what makes a shell complete callcast's words",
	  .example = "completion bash > /etc/bash_completion.d/callcast",
	  .needs = NEEDS_NOTHING,
	  .run = tool_completion },
	{ .words = "man",
	  .arguments = "[<program>]",
	  .least = 0,
	  .most = 1,
	  .choices = "callcast callcast-producer callcast-worker callcast-notifier",
	  .options = no_options,
	  .help = "the manual page of a program, for man -l",
	  .example = "man callcast-worker | man -l -",
	  .needs = NEEDS_NOTHING,
	  .run = tool_man },
	{ 0 },
};

const struct tool_exit tool_exits[] = {
	{ TOOL_DONE, "done" },
	{ TOOL_FAILED, "Kafka, Redis or the API did not answer in time, or is not as it should be" },
	{ TOOL_USAGE, "wrong usage: nothing was asked" },
	{ TOOL_NO_CALL, "no such call, or nobody of that id in it" },
	{ TOOL_REFUSED, "the API refused; its code and message are on stderr" },
	{ TOOL_UNANSWERED, "call create --wait: the call has ended, and nobody had answered" },
	{ 0, NULL },
};

const struct option *option_of(const struct command *c, const char *name)
{
	for (const struct option *o = c->options; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

const struct option *option_anywhere(const char *name)
{
	for (const struct command *c = commands; c->words; c++) {
		const struct option *o = option_of(c, name);

		if (o)
			return o;
	}
	return NULL;
}

static bool is_choice(const char *choices, const char *text, size_t len)
{
	for (const char *at = choices; *at; at += strspn(at, " ")) {
		const size_t n = strcspn(at, " ");

		if (n == len && !strncmp(at, text, len))
			return true;
		at += n;
	}
	return false;
}

bool choice_is(const char *choices, const char *text)
{
	return is_choice(choices, text, strlen(text));
}

bool choices_are(const char *choices, const char *text)
{
	for (;;) {
		const size_t n = strcspn(text, ",");

		if (!is_choice(choices, text, n))
			return false;
		if (!text[n])
			return true;
		text += n + 1;
	}
}
