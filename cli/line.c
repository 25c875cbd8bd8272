/* line.c - see line.h */
#include "line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "must.h"
#include "settings.h"
#include "settings_table.h"

#define NAME_SIZE 128

static int fault(char why[LINE_WHY], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fault(char why[LINE_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, LINE_WHY, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- the words on the line, one after the other ---- */

struct walk {
	int argc, next;
	char **argv;
	char name[NAME_SIZE]; /* of the flag, without -- and value */
	char *value;          /* behind its '='; NULL: none */
};

static void split_flag(struct walk *w, char *word)
{
	char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	snprintf(w->name, sizeof(w->name), "%.*s", (int)(len < NAME_SIZE ? len : NAME_SIZE - 1), word);
	w->value = equals ? equals + 1 : NULL;
}

static bool is_setting(const char *name)
{
	return setting_find(name) || !strncmp(name, "kafka.", 6) || !strcmp(name, "config");
}

static int add_option(struct line *l, struct walk *w, const struct option *o, char why[LINE_WHY])
{
	struct given *g = &l->given[l->given_count];

	if (l->given_count == LINE_OPTIONS)
		return fault(why, "more than %d options", LINE_OPTIONS);
	if (!o->value && w->value)
		return fault(why, "--%s takes no value", o->name);
	if (o->value && !w->value && w->next < w->argc)
		w->value = w->argv[w->next++];
	if (o->value && !w->value)
		return fault(why, "--%s needs a value: %s", o->name, o->value);
	*g = (struct given){ o, w->value };
	l->given_count++;
	return 0;
}

/* As settings_load() reads it: the value is behind a '=', or the next word. */
static void add_setting(struct line *l, struct walk *w, char *word)
{
	l->settings[l->settings_count++] = word;
	if (!w->value && strcmp(w->name, "version") != 0 && w->next < w->argc)
		l->settings[l->settings_count++] = w->argv[w->next++];
}

static int add_flag(struct line *l, struct walk *w, char *word, char why[LINE_WHY])
{
	const struct option *o;

	split_flag(w, word + 2);
	o = option_anywhere(w->name);
	if (o)
		return add_option(l, w, o, why);
	if (!strcmp(w->name, "help") && !w->value)
		l->help = true;
	else if (is_setting(w->name) || !strcmp(w->name, "version"))
		add_setting(l, w, word);
	else
		return fault(why, "--%s: no such option or setting", w->name);
	return 0;
}

static int add_word(struct line *l, const char *word, char why[LINE_WHY])
{
	if (l->word_count == LINE_WORDS)
		return fault(why, "more than %d words", LINE_WORDS);
	l->words[l->word_count++] = word;
	return 0;
}

static int sort(struct line *l, int argc, char **argv, char why[LINE_WHY])
{
	struct walk w = { .argc = argc, .argv = argv, .next = 1 };
	bool flags = true;
	int r = 0;

	while (w.next < argc && r == 0) {
		char *word = argv[w.next++];

		if (!flags || word[0] != '-' || !word[1])
			r = add_word(l, word, why);
		else if (!strcmp(word, "--"))
			flags = false;
		else if (!strcmp(word, "-h"))
			l->help = true;
		else if (word[1] == '-')
			r = add_flag(l, &w, word, why);
		else
			r = fault(why, "%s: options begin with --", word);
	}
	return r;
}

/* What JSON can't hold would be missing from a request, without a word. */
static int check_text(int argc, char **argv, char why[LINE_WHY])
{
	for (int i = 1; i < argc; i++)
		if (!text_is_utf8(argv[i]))
			return fault(why, "word %d is not UTF-8", i);
	return 0;
}

/* ---- what the words mean ---- */

/* How many words of the line are the command's; 0: they are not. */
static size_t command_words(const struct line *l, const struct command *c)
{
	const char *at = c->words;
	size_t n = 0;

	while (*at) {
		size_t len = strcspn(at, " ");

		if (n == l->word_count || strlen(l->words[n]) != len || strncmp(l->words[n], at, len) != 0)
			return 0;
		n++;
		at += len + (at[len] == ' ');
	}
	return n;
}

static bool is_group(const char *word)
{
	const size_t len = strlen(word);

	for (const struct command *c = commands; c->words; c++) {
		if (!strncmp(c->words, word, len) && c->words[len] == ' ')
			return true;
	}
	return false;
}

static int find_command(struct line *l, char why[LINE_WHY])
{
	for (const struct command *c = commands; c->words; c++) {
		const size_t n = command_words(l, c);

		if (!n)
			continue;
		l->command = c;
		l->arguments = l->words + n;
		l->argument_count = l->word_count - n;
		return 0;
	}
	if (!l->word_count || (l->help && l->word_count == 1 && is_group(l->words[0])))
		return 0;
	if (!is_group(l->words[0]))
		return fault(why, "%s: no such command", l->words[0]);
	if (l->word_count == 1)
		return fault(why, "%s: is not all of a command", l->words[0]);
	return fault(why, "%s %s: no such command", l->words[0], l->words[1]);
}

static int check_options(const struct line *l, char why[LINE_WHY])
{
	for (size_t i = 0; i < l->given_count; i++) {
		const struct option *o = option_of(l->command, l->given[i].option->name);

		if (!o)
			return fault(why, "%s: has no --%s", l->command->words, l->given[i].option->name);
		for (size_t k = 0; k < i && !o->many; k++)
			if (!strcmp(l->given[k].option->name, o->name))
				return fault(why, "--%s: given twice", o->name);
		if (o->choices && !(o->many ? choices_are : choice_is)(o->choices, l->given[i].value))
			return fault(why, "--%s %s: must be one of: %s", o->name, l->given[i].value,
			             o->choices);
	}
	return 0;
}

static int check_arguments(const struct line *l, char why[LINE_WHY])
{
	const struct command *c = l->command;

	if (l->argument_count < c->least)
		return fault(why, "%s: needs %s", c->words, c->arguments);
	if (l->argument_count > c->most)
		return fault(why, "%s: \"%s\" is one word too many", c->words, l->arguments[c->most]);
	for (size_t i = 0; i < l->argument_count && c->choices; i++)
		if (!choice_is(c->choices, l->arguments[i]))
			return fault(why, "%s %s: must be one of: %s", c->words, l->arguments[i], c->choices);
	return 0;
}

int line_parse(struct line *l, int argc, char **argv, char why[LINE_WHY])
{
	int r;

	*l = (struct line){ .settings = must_calloc((size_t)argc + 1, sizeof(*l->settings)) };
	l->settings[l->settings_count++] = argv[0];
	r = check_text(argc, argv, why);
	if (r == 0)
		r = sort(l, argc, argv, why);
	if (r == 0)
		r = find_command(l, why);
	if (r < 0 || l->help || !l->command)
		return r;
	r = check_options(l, why);
	return r < 0 ? r : check_arguments(l, why);
}

void line_clear(struct line *l)
{
	free(l->settings);
	l->settings = NULL;
}

bool line_has(const struct line *l, const char *option)
{
	for (size_t i = 0; i < l->given_count; i++)
		if (!strcmp(l->given[i].option->name, option))
			return true;
	return false;
}

const char *line_value(const struct line *l, const char *option)
{
	for (size_t i = 0; i < l->given_count; i++)
		if (!strcmp(l->given[i].option->name, option))
			return l->given[i].value;
	return NULL;
}

int line_duration(int64_t *out, const struct line *l, const char *option)
{
	const char *text = line_value(l, option);
	int64_t time;

	if (!text)
		return 0;
	if (settings_duration(&time, text) < 0 || time <= 0) {
		fprintf(stderr, "callcast: --%s %s: must be a duration, such as 250ms, 90s, 10m\n", option,
		        text);
		return -EINVAL;
	}
	*out = time;
	return 0;
}

int line_callid(struct callid *out, const struct line *l)
{
	if (callid_parse(out, l->arguments[0]) == 0)
		return 0;
	fprintf(stderr, "callcast: %s: not a callLegId (32 characters, as call create prints it)\n",
	        l->arguments[0]);
	return -EINVAL;
}
