/* settings_list.c - callcast settings: the table in lib/settings_table.c, for people */
#include "tool.h"

#include <stdio.h>

#include "line.h"
#include "settings.h"
#include "settings_table.h"

/* Every line is a comment, with the default behind it: what is not changed stays with the program. */
static void write_example(void)
{
	puts("# callcast.conf - example configuration of all four programs, "
	     "made by `callcast settings --example`\n"
	     "#\n"
	     "# Read with --config callcast.conf, or CALLCAST_CONFIG=callcast.conf.  "
	     "Each program takes what is its\n"
	     "# own.  What stands here are the defaults: take the # away where you want something else.\n"
	     "# Durations: 250ms, 3s, 5m, 4h, 7d.  Sizes: 512, 64K, 32M.\n"
	     "# Environment variables (CALLCAST_REDIS_TIMEOUT=2s) "
	     "and flags (--redis.timeout 2s) count more.\n"
	     "#\n"
	     "# kafka.<name> goes to librdkafka, which knows the names:\n"
	     "# kafka.security.protocol = sasl_ssl");
	for (const struct setting *d = settings_table; d->name; d++) {
		printf("\n# %s", d->help);
		if (d->min)
			printf(" (%s to %s)", d->min, d->max);
		else if (d->choices)
			printf(" (%s)", d->choices);
		printf("\n# read by: ");
		settings_programs(stdout, d->programs);
		if (d->value)
			printf("\n#%s =%s%s\n", d->name, *d->value ? " " : "", d->value);
		else
			printf("; default 127.0.0.1:9101 (producer), :9102 (worker), :9103 (notifier)\n"
			       "#%s = %s\n",
			       d->name, setting_default(d, PRODUCER));
	}
}

int tool_settings(const struct settings *s, const struct line *l)
{
	(void)s;
	if (line_has(l, "markdown") && line_has(l, "example")) {
		fputs("callcast: settings: --markdown or --example, not both\n", stderr);
		return TOOL_USAGE;
	}
	if (line_has(l, "markdown"))
		settings_markdown(stdout);
	else if (line_has(l, "example"))
		write_example();
	else
		settings_help(stdout, PRODUCER | WORKER | NOTIFIER | TOOL);
	return TOOL_DONE;
}
