/* test_metrics.c - Prometheus text: one head per name, cumulative buckets, escapes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

static char *text; /* what the last write_text() wrote */

static void write_text(void)
{
	size_t size;
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &size);
	metrics_write(f);
	fclose(f);
}

static int teardown(void **state)
{
	(void)state;
	free(text);
	return 0;
}

static struct metric good = METRIC_COUNTER_INIT("callcast_sent_total", "result=\"ok\"", "Sent.");
static struct metric open_calls = METRIC_GAUGE_INIT("callcast_open", NULL, "A \\ and a\nnew line.");
static struct metric bad = METRIC_COUNTER_INIT("callcast_sent_total", "result=\"bad\"", "Sent.");
static struct metric took = METRIC_HISTOGRAM_INIT("callcast_took_seconds", "step=\"save\"", "Took.");
static struct metric plain = METRIC_HISTOGRAM_INIT("callcast_plain_seconds", NULL, "Plain.");

static void test_metrics_of_one_name_stand_together(void **state)
{
	(void)state;
	metric_register(&good);
	metric_register(&good);
	metric_add(&open_calls, 2.5);
	metric_set(&open_calls, -1.25);
	metric_register(&bad);
	metric_add(&good, 1);
	metric_add(&good, 12345678901.0);
	write_text();
	assert_non_null(strstr(text,
	                       "# HELP callcast_sent_total Sent.\n# TYPE callcast_sent_total counter\n"
	                       "callcast_sent_total{result=\"ok\"} 12345678902\n"
	                       "callcast_sent_total{result=\"bad\"} 0\n"
	                       "# HELP callcast_open A \\\\ and a\\nnew line.\n# TYPE callcast_open gauge\n"
	                       "callcast_open -1.25\n"));
}

static void test_histograms_count_up(void **state)
{
	(void)state;
	metric_observe(&took, 0.0005);
	metric_observe(&took, 0.003);
	metric_observe(&took, 99);
	metric_observe(&plain, 10);
	write_text();
	assert_non_null(strstr(text, "# TYPE callcast_took_seconds histogram\n"
	                             "callcast_took_seconds_bucket{step=\"save\",le=\"0.0005\"} 1\n"
	                             "callcast_took_seconds_bucket{step=\"save\",le=\"0.001\"} 1\n"
	                             "callcast_took_seconds_bucket{step=\"save\",le=\"0.002\"} 1\n"
	                             "callcast_took_seconds_bucket{step=\"save\",le=\"0.004\"} 2\n"));
	assert_non_null(strstr(text, "callcast_took_seconds_bucket{step=\"save\",le=\"10\"} 2\n"
	                             "callcast_took_seconds_bucket{step=\"save\",le=\"+Inf\"} 3\n"
	                             "callcast_took_seconds_sum{step=\"save\"} 99.0035\n"
	                             "callcast_took_seconds_count{step=\"save\"} 3\n"));
	assert_non_null(strstr(text, "callcast_plain_seconds_bucket{le=\"10\"} 1\n"));
	assert_non_null(strstr(text, "callcast_plain_seconds_count 1\n"));
}

static void test_the_process_is_described(void **state)
{
	const char *rss;

	(void)state;
	write_text();
	rss = strstr(text, "\nprocess_resident_memory_bytes ");
	assert_non_null(strstr(text, "\ncallcast_build_info{version=\"0.1.0\"} 1\n"));
	assert_non_null(rss);
	assert_true(atof(strchr(rss, ' ')) > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_of_one_name_stand_together),
		cmocka_unit_test(test_histograms_count_up),
		cmocka_unit_test(test_the_process_is_described),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
