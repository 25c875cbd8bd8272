/* test_cli_line.c - the command line by the table of commands, and the table itself */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "line.h"
#include "settings_table.h"

#define CALL "AQAEawNq2bMOP9QDYkwGteWkWE2WzRxj"

static struct line line;
static char why[LINE_WHY];
static char words[4096];

static int parse(const char *text)
{
	char *argv[512] = { "callcast" }, *save = NULL, *word;
	int argc = 1;

	line_clear(&line);
	why[0] = '\0';
	snprintf(words, sizeof(words), "%s", text);
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	return line_parse(&line, argc, argv, why);
}

static int teardown(void **state)
{
	(void)state;
	line_clear(&line);
	return 0;
}

static void test_words_options_and_settings_in_any_order(void **state)
{
	static const char *const lines[] = {
		"call hangup " CALL " --all --kafka a:1 --redis=b:2",
		"--kafka a:1 call --all hangup --redis=b:2 " CALL,
		"--all --kafka a:1 --redis=b:2 call hangup -- " CALL,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i]), 0);
		assert_string_equal(line.command->words, "call hangup");
		assert_int_equal(line.argument_count, 1);
		assert_string_equal(line.arguments[0], CALL);
		assert_true(line_has(&line, "all"));
		assert_false(line_has(&line, "json"));
		assert_int_equal(line.settings_count, 4);
		assert_string_equal(line.settings[1], "--kafka");
		assert_string_equal(line.settings[2], "a:1");
		assert_string_equal(line.settings[3], "--redis=b:2");
	}
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(parse("call create --to +46701740605 --to=user:x --context --wait --events "
	                       "dtmfReceived,participantsUpdated --events dtmfReceived"),
	                 0);
	assert_int_equal(line.given_count, 5);
	assert_string_equal(line.given[1].value, "user:x");
	assert_string_equal(line_value(&line, "context"), "--wait"); /* as settings do */
	assert_false(line_has(&line, "wait"));
	assert_null(line_value(&line, "subject"));
	assert_int_equal(parse("call play " CALL " -- --odd"), 0);
	assert_string_equal(line.arguments[1], "--odd");
	assert_int_equal(parse("watch"), 0);
	assert_int_equal(line.argument_count, 0);
	assert_int_equal(parse(""), 0);
	assert_null(line.command);
	assert_int_equal(parse("--version"), 0);
	assert_int_equal(line.settings_count, 2);
}

static void test_what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "dance", "dance: no such command" },
		{ "call", "call: is not all of a command" },
		{ "call dance", "call dance: no such command" },
		{ "calls create", "calls: no such command" },
		{ "call hangup", "call hangup: needs <callLegId>" },
		{ "call hangup a b", "call hangup: \"b\" is one word too many" },
		{ "watch a b", "watch: \"b\" is one word too many" },
		{ "topics create x", "topics create: \"x\" is one word too many" },
		{ "call invite " CALL, "call invite: needs <callLegId> <who>..." },
		{ "call hangup a --loop", "call hangup: has no --loop" },
		{ "show a --since 1m", "show: has no --since" },
		{ "call show a --jsn", "--jsn: no such option or setting" },
		{ "call show a --json=1", "--json takes no value" },
		{ "call show a --json --json", "--json: given twice" },
		{ "call play a b --context x --context y", "--context: given twice" },
		{ "call create --to", "--to needs a value: WHO" },
		{ "call create --events dancing",
		  "--events dancing: must be one of: participantsUpdated dtmfReceived" },
		{ "call create --events dtmfReceived,",
		  "--events dtmfReceived,: must be one of: participantsUpdated dtmfReceived" },
		{ "completion fish", "completion fish: must be one of: bash zsh" },
		{ "completion bash,zsh", "completion bash,zsh: must be one of: bash zsh" },
		{ "show -x", "-x: options begin with --" },
		{ "call create --subject \xff", "word 4 is not UTF-8" },
		{ "call create --subject=\xff", "word 3 is not UTF-8" },
		{ "\xc0\xaf", "word 1 is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].text), -EINVAL);
		assert_string_equal(why, rows[i].why);
	}
}

static void test_too_much_is_refused(void **state)
{
	char text[4096] = "call create";

	(void)state;
	for (int i = 0; i < LINE_OPTIONS; i++)
		strcat(text, " --to +1");
	assert_int_equal(parse(text), 0);
	strcat(text, " --to +1");
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(why, "more than 128 options");

	strcpy(text, "call invite " CALL);
	for (int i = 0; i < 50; i++)
		strcat(text, " +1");
	assert_int_equal(parse(text), 0);
	strcat(text, " +2");
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(why, "call invite: \"+2\" is one word too many");
	for (int i = 0; i < LINE_WORDS; i++)
		strcat(text, " +3");
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(why, "more than 80 words");
}

static void test_help_needs_no_whole_command(void **state)
{
	(void)state;
	assert_int_equal(parse("call hangup --help"), 0);
	assert_true(line.help);
	assert_string_equal(line.command->words, "call hangup");
	assert_int_equal(parse("call -h"), 0);
	assert_true(line.help);
	assert_null(line.command);
	assert_int_equal(parse("--help"), 0);
	assert_int_equal(parse("dance --help"), -EINVAL);
	assert_int_equal(parse("call hangup a --redis --help"), 0); /* a setting's value */
	assert_false(line.help);
}

/* ---- the table ---- */

static void test_an_option_is_the_same_everywhere_and_no_setting(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->words; c++) {
		assert_non_null(c->help);
		assert_non_null(c->example);
		assert_non_null(c->run);
		assert_true(c->least <= c->most && c->most < LINE_WORDS - 2);
		assert_true((c->most > 0) == (*c->arguments != '\0'));
		assert_true(!strncmp(c->example, c->words, strlen(c->words)));
		for (const struct option *o = c->options; o->name; o++) {
			const struct option *first = option_anywhere(o->name);

			assert_non_null(o->help);
			assert_null(setting_find(o->name));
			assert_string_not_equal(o->name, "help");
			assert_string_not_equal(o->name, "config");
			assert_int_equal(!first->value, !o->value);
			assert_true(!o->choices || (first->choices && !strcmp(first->choices, o->choices)));
		}
	}
}

static void test_every_example_is_a_command(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->words; c++) {
		char text[256];

		snprintf(text, sizeof(text), "%s", c->example);
		text[strcspn(text, ">|")] = '\0'; /* the shell's part */
		assert_int_equal(parse(text), 0);
		assert_ptr_equal(line.command, c);
	}
}

static char *printed(const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_int_equal(parse(text), 0);
	help_print(f, &line);
	fclose(f);
	return out;
}

static void test_help_names_all_of_it(void **state)
{
	char *all = printed("--help"), text[256], *one;

	(void)state;
	for (const struct command *c = commands; c->words; c++) {
		assert_non_null(strstr(all, c->words));
		assert_non_null(strstr(all, c->help));
		snprintf(text, sizeof(text), "%s --help", c->words);
		one = printed(text);
		assert_non_null(strstr(one, c->example));
		for (const struct option *o = c->options; o->name; o++) {
			snprintf(text, sizeof(text), "\n  --%s", o->name);
			assert_non_null(strstr(one, text));
			assert_non_null(strstr(one, o->help));
		}
		free(one);
	}
	for (const struct tool_exit *e = tool_exits; e->meaning; e++) {
		snprintf(text, sizeof(text), "\n  %d  %s\n", e->status, e->meaning);
		assert_non_null(strstr(all, text));
	}
	assert_non_null(strstr(all, "\n  --redis 127.0.0.1:6379\n"));
	assert_non_null(strstr(all, "\n  api.key\n"));
	assert_null(strstr(all, "--api.key"));
	free(all);
	all = printed("call --help");
	assert_non_null(strstr(all, "call invite"));
	assert_null(strstr(all, "topics"));
	free(all);
}

/* README is where people look them up. */
static void test_readme_has_the_exit_statuses(void **state)
{
	FILE *f = fopen("README.md", "r"); /* tests run from the top of the tree */
	char *text = calloc(1, 1 << 20), row[256];

	(void)state;
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	for (const struct tool_exit *e = tool_exits; e->meaning; e++) {
		snprintf(row, sizeof(row), "\n| %d | %s |\n", e->status, e->meaning);
		assert_non_null(strstr(text, row));
	}
	free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_words_options_and_settings_in_any_order),
		TEST(test_values),
		TEST(test_what_is_wrong_is_said),
		TEST(test_too_much_is_refused),
		TEST(test_help_needs_no_whole_command),
		TEST(test_an_option_is_the_same_everywhere_and_no_setting),
		TEST(test_every_example_is_a_command),
		TEST(test_help_names_all_of_it),
		TEST(test_readme_has_the_exit_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
