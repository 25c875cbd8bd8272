/*
 * tool.h - callcast's commands: one function each, in a file of its own
 *
 * Each writes its answer on stdout and complaints on stderr, and returns the
 * exit status.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>

struct settings;

enum tool_status {
	TOOL_DONE = 0,
	TOOL_FAILED = 1,  /* Kafka or Redis did not answer, or is not as it should be */
	TOOL_USAGE = 2,   /* wrong words or flags */
	TOOL_NO_CALL = 3, /* no trace of the call */
};

/* The tool's own flags; all others are settings. */
struct tool_options {
	bool json, full, markdown, example;
};

#define TOOL_WORDS_MAX 4

/* topics create: makes the topics that are missing, checks those that are there. */
int tool_topics_create(const struct settings *s);
/* show <callLegId>: the call's record in Redis and its events on calls.events. */
int tool_show(const struct settings *s, const struct tool_options *o, const char *call_leg_id);
/* settings: the list of all settings, as help, as Markdown or as an example file. */
int tool_settings(const struct tool_options *o);

#endif
