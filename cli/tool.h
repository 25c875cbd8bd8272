/*
 * tool.h - callcast's commands: one function each, named in the table of commands.c
 *
 * Each writes its answer on stdout and complaints on stderr, and returns the
 * exit status.
 */
#ifndef TOOL_H
#define TOOL_H

struct line;
struct settings;

/* What each means to people: tool_exits in commands.c. */
enum tool_status {
	TOOL_DONE = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,
	TOOL_NO_CALL = 3,
	TOOL_REFUSED = 4,
	TOOL_UNANSWERED = 5,
};

/* Over the API. */
int tool_call_create(const struct settings *s, const struct line *l);
int tool_call_hangup(const struct settings *s, const struct line *l);
int tool_call_play(const struct settings *s, const struct line *l);
int tool_call_cancel(const struct settings *s, const struct line *l);
int tool_call_invite(const struct settings *s, const struct line *l);
int tool_call_remove(const struct settings *s, const struct line *l);
int tool_call_show(const struct settings *s, const struct line *l);

/* From Kafka and Redis themselves. */
int tool_watch(const struct settings *s, const struct line *l);
int tool_show(const struct settings *s, const struct line *l);
int tool_topics_create(const struct settings *s, const struct line *l);

/* About the programs; these need no settings. */
int tool_settings(const struct settings *s, const struct line *l);
int tool_completion(const struct settings *s, const struct line *l);
int tool_man(const struct settings *s, const struct line *l);

#endif
