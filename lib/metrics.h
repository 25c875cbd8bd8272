/*
 * metrics.h - counters, gauges and histograms, written as Prometheus text
 *
 * Metrics are static objects that register on first use, one thread per
 * program (the loop's).  A label is fixed text, never a call id or a number.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>
#include <stdio.h>

struct metric {
	const char *name;   /* callcast_..._total, _seconds */
	const char *labels; /* "result=\"ok\"", or NULL */
	const char *help;
	enum { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } kind;
	double value;         /* histogram: the sum */
	uint64_t buckets[16]; /* histogram: how many were at most metrics_bounds[i] seconds */
	uint64_t count;       /* histogram */
	struct metric *next;
	int known;
};

#define METRIC_COUNTER_INIT(n, l, h)                                                                         \
	{                                                                                                    \
		.name = (n), .labels = (l), .help = (h), .kind = METRIC_COUNTER                              \
	}
#define METRIC_GAUGE_INIT(n, l, h)                                                                           \
	{                                                                                                    \
		.name = (n), .labels = (l), .help = (h), .kind = METRIC_GAUGE                                \
	}
#define METRIC_HISTOGRAM_INIT(n, l, h)                                                                       \
	{                                                                                                    \
		.name = (n), .labels = (l), .help = (h), .kind = METRIC_HISTOGRAM                            \
	}

/* Shown from the start, so that a dashboard finds it at 0.  Repeating it is fine. */
void metric_register(struct metric *m);
void metric_add(struct metric *m, double by);
void metric_set(struct metric *m, double value);
void metric_observe(struct metric *m, double seconds);

/* All registered ones, text format 0.0.4; metrics of one name stand together. */
void metrics_write(FILE *out);

#endif
