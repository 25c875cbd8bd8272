/* settings_help.c - the table as --help and as README's list */
#include "settings.h"

#include <string.h>

#include "settings_table.h"

const char *program_purpose(enum program program)
{
	switch (program) {
	case PRODUCER:
		return "Takes call commands over HTTP and puts them into Kafka.";
	case WORKER:
		return "Carries out call commands from Kafka, with the calls' state in Redis.";
	case NOTIFIER:
		return "Sends the events of calls from Kafka to webhooks.";
	case TOOL:
		break;
	}
	return "Makes calls, acts in them, watches and shows them; makes topics.";
}

static void write_range(FILE *out, const struct setting *d)
{
	if (d->min)
		fprintf(out, " (%s to %s)", d->min, d->max);
	else if (d->choices)
		fprintf(out, " (%s)", d->choices);
}

/* The tool's own --help says how it is used, before it comes to this. */
void settings_help(FILE *out, enum program program)
{
	if (!(program & TOOL))
		fprintf(out, "usage: %s [--name value | --name=value]...\n%s\n\n", program_name(program),
		        program_purpose(program));
	fputs("Settings, with their defaults:\n", out);
	for (const struct setting *d = settings_table; d->name; d++) {
		const char *value = setting_default(d, program);

		if (!(d->programs & program))
			continue;
		if (d->kind == SETTING_SECRET)
			fprintf(out, "  %s\n      %s", d->name, d->help);
		else
			fprintf(out, "  --%s %s\n      %s", d->name, *value ? value : "\"\"", d->help);
		write_range(out, d);
		fputc('\n', out);
	}
	fprintf(out,
	        "  --kafka.<name> <value>\n"
	        "      passed to librdkafka, which knows the names: kafka.security.protocol and so on\n"
	        "  --config <path>\n"
	        "      a file with `name = value` lines; one file may serve all programs\n"
	        "  --help\n"
	        "  --version\n"
	        "\n"
	        "A setting is also read from the file and from the environment, %s from\n"
	        "%s.  A flag counts more than the environment, and that more than the file.\n",
	        program & WORKER ? "ring.timeout" : "redis.timeout",
	        program & WORKER ? "CALLCAST_RING_TIMEOUT" : "CALLCAST_REDIS_TIMEOUT");
}

void settings_programs(FILE *out, unsigned int programs)
{
	static const char family[] = "callcast-";
	const char *comma = "";

	for (unsigned int p = PRODUCER; p <= TOOL; p <<= 1) {
		const char *name = program_name((enum program)p);

		if (!(programs & p))
			continue;
		if (!strncmp(name, family, strlen(family)))
			name += strlen(family);
		fprintf(out, "%s%s", comma, name);
		comma = ", ";
	}
}

void settings_markdown(FILE *out)
{
	fputs("| setting | programs | default | range | what it is |\n|---|---|---|---|---|\n", out);
	for (const struct setting *d = settings_table; d->name; d++) {
		fprintf(out, "| `%s` | ", d->name);
		if (d->programs == ALL_PROGRAMS)
			fputs("all", out);
		else
			settings_programs(out, d->programs);
		if (!d->value)
			fputs(" | `127.0.0.1:9101`, `:9102`, `:9103` | ", out);
		else if (*d->value)
			fprintf(out, " | `%s` | ", d->value);
		else
			fputs(" | | ", out);
		if (d->min)
			fprintf(out, "%s to %s", d->min, d->max);
		else if (d->choices)
			fputs(d->choices, out);
		fprintf(out, " | %s |\n", d->help);
	}
}
