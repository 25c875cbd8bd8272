/*
 * fuzz_settings.c - the settings file: lib/settings.c, settings_value.c, settings_kafka.c
 *
 * The first byte says whose settings it reads.  What is said on stderr is caught.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "repeat.h"
#include "settings_table.h"

/* Each value, given once more, is taken as it is. */
static void check_setting(struct settings *copy, const struct settings *s, const struct setting *d)
{
	const char *field = (const char *)s + d->offset;
	char text[32];

	if (d->min) {
		int64_t n = *(const int64_t *)field;
		const char *unit = d->kind == SETTING_DURATION ? "ms" : "";

		HOLDS(n >= 0);
		if (d->kind == SETTING_DURATION && n % 1000)
			return;
		snprintf(text, sizeof(text), "%lld%s", (long long)(*unit ? n / 1000 : n), unit);
		HOLDS(setting_assign(copy, d, text) == 0);
		HOLDS(*(int64_t *)((char *)copy + d->offset) == n);
		return;
	}
	HOLDS(fuzz_no_control(*(char *const *)field) || d->kind == SETTING_TEXT || d->kind == SETTING_PATH);
	if (strcmp(d->name, "worker.name")) /* made up from the machine's name, if none is given */
		HOLDS(setting_assign(copy, d, *(char *const *)field) == 0);
}

/* What another parser reads later: what was taken here, it takes. */
static void check_read_later(const struct settings *s)
{
	struct former former;

	HOLDS(former_parse(&former, s->commands_former) == 0);
}

static void check_settings(const struct settings *s)
{
	struct settings *copy;

	HOLDS(settings_default(&copy, s->program) == 0);
	for (const struct setting *d = settings_table; d->name; d++)
		check_setting(copy, s, d);
	for (size_t i = 0; i < s->kafka_pair_count; i++)
		HOLDS(*s->kafka_pairs[i].name);
	HOLDS(s->call_keep > s->command_ttl && s->group_heartbeat * 2 <= s->group_session);
	check_read_later(s);
	settings_free(copy);
}

/* One line for each fault, of the program's own name and the file's. */
static void check_faults(char *said, enum program program)
{
	size_t n = 0;

	for (char *rest = said, *line; (line = strsep(&rest, "\n")) && rest; n++)
		HOLDS(!strncmp(line, program_name(program), strlen(program_name(program))) &&
		      strstr(line, ": "));
	HOLDS(n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum program programs[] = { PRODUCER, WORKER, NOTIFIER, TOOL };
	enum program program = programs[size ? data[0] % 4 : 0];
	struct settings *s = NULL;
	FILE *before = stderr;
	struct fuzz_file f;
	char *said = NULL;
	size_t len;
	int r;

	if (!size)
		return 0;
	fuzz_file_open(&f, data + 1, size - 1);
	stderr = open_memstream(&said, &len);
	r = settings_load(&s, program, 3, (char *[]){ (char *)"x", (char *)"--config", f.path, NULL }, NULL);
	fclose(stderr);
	stderr = before;
	HOLDS(r == 0 || r == -EINVAL);
	if (r == 0)
		check_settings(s);
	else
		check_faults(said, program);
	settings_free(s);
	free(said);
	fuzz_file_close(&f);
	return 0;
}
