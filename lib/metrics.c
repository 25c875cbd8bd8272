/* metrics.c - see metrics.h */
#include "metrics.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

#define BOUNDS 16

/* seconds; dense where the first webhook of a call is promised (15 and 50 ms) */
static const double metrics_bounds[BOUNDS] = { 0.0005, 0.001, 0.002, 0.004, 0.006, 0.008, 0.015, 0.025,
	                                       0.05,   0.1,   0.25,  0.5,   1,     2.5,   5,     10 };

static struct metric *first, **last = &first;

void metric_register(struct metric *m)
{
	if (m->known)
		return;
	m->known = 1;
	m->next = NULL;
	*last = m;
	last = &m->next;
}

void metric_add(struct metric *m, double by)
{
	metric_register(m);
	m->value += by;
}

void metric_set(struct metric *m, double value)
{
	metric_register(m);
	m->value = value;
}

void metric_observe(struct metric *m, double seconds)
{
	metric_register(m);
	m->value += seconds;
	m->count++;
	for (size_t i = BOUNDS; i-- && seconds <= metrics_bounds[i];)
		m->buckets[i]++;
}

static void write_head(FILE *out, const struct metric *m)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };

	fprintf(out, "# HELP %s ", m->name);
	for (const char *p = m->help; *p; p++) {
		if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '\\')
			fputs("\\\\", out);
		else
			fputc(*p, out);
	}
	fprintf(out, "\n# TYPE %s %s\n", m->name, kinds[m->kind]);
}

/* name<suffix>{labels,le="..."}, without braces where there is nothing to put in */
static void write_series(FILE *out, const struct metric *m, const char *suffix, const char *le)
{
	bool labels = m->labels && *m->labels;

	fprintf(out, "%s%s", m->name, suffix);
	if (labels || le)
		fprintf(out, "{%s%s%s%s%s}", labels ? m->labels : "", labels && le ? "," : "",
		        le ? "le=\"" : "", le ? le : "", le ? "\"" : "");
	fputc(' ', out);
}

static void write_number(FILE *out, double value)
{
	/* a counter's whole numbers stay whole, however large */
	fprintf(out, "%.*g\n", value > -1e15 && value < 1e15 && value == (double)(long long)value ? 15 : 9,
	        value);
}

static void write_histogram(FILE *out, const struct metric *m)
{
	char le[32];

	for (size_t i = 0; i < BOUNDS; i++) {
		snprintf(le, sizeof(le), "%g", metrics_bounds[i]);
		write_series(out, m, "_bucket", le);
		fprintf(out, "%llu\n", (unsigned long long)m->buckets[i]);
	}
	write_series(out, m, "_bucket", "+Inf");
	fprintf(out, "%llu\n", (unsigned long long)m->count);
	write_series(out, m, "_sum", NULL);
	write_number(out, m->value);
	write_series(out, m, "_count", NULL);
	fprintf(out, "%llu\n", (unsigned long long)m->count);
}

static void write_metric(FILE *out, const struct metric *m)
{
	if (m->kind == METRIC_HISTOGRAM) {
		write_histogram(out, m);
		return;
	}
	write_series(out, m, "", NULL);
	write_number(out, m->value);
}

static bool is_first_of_name(const struct metric *m)
{
	for (const struct metric *p = first; p != m; p = p->next) {
		if (!strcmp(p->name, m->name))
			return false;
	}
	return true;
}

static void write_process(FILE *out)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long pages;

	fprintf(out,
	        "# HELP callcast_build_info The running version.\n"
	        "# TYPE callcast_build_info gauge\n"
	        "callcast_build_info{version=\"%s\"} 1\n",
	        CALLCAST_VERSION);
	if (!f)
		return;
	if (fscanf(f, "%*u %llu", &pages) == 1)
		fprintf(out,
		        "# HELP process_resident_memory_bytes Resident memory size in bytes.\n"
		        "# TYPE process_resident_memory_bytes gauge\n"
		        "process_resident_memory_bytes %llu\n",
		        pages * (unsigned long long)sysconf(_SC_PAGESIZE));
	fclose(f);
}

void metrics_write(FILE *out)
{
	for (const struct metric *m = first; m; m = m->next) {
		if (!is_first_of_name(m))
			continue;
		write_head(out, m);
		for (const struct metric *same = m; same; same = same->next) {
			if (!strcmp(same->name, m->name))
				write_metric(out, same);
		}
	}
	write_process(out);
}
