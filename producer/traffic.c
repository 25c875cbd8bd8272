/* traffic.c - see traffic.h */
#include "traffic.h"

#include <stdio.h>

#include "clock.h"
#include "metrics.h"

static const int statuses[] = { 200, 201, 202, 304, 400, 401, 404, 405, 408, 412,
	                        413, 414, 415, 417, 429, 431, 503, 505, 0 };
#define STATUSES (sizeof(statuses) / sizeof(*statuses))

static const char *const route_names[ROUTES] = {
	[ROUTE_CALLS] = "create",
	[ROUTE_CALL] = "call",
	[ROUTE_HANGUP] = "hangup",
	[ROUTE_PLAY] = "play",
	[ROUTE_CANCEL] = "cancel",
	[ROUTE_PARTICIPANTS] = "participants",
	[ROUTE_PARTICIPANT] = "participant",
	[ROUTE_DOCUMENT] = "document",
	[ROUTE_NONE] = "unknown",
};

/* Made on first use: most pairs never come. */
static struct metric requests[ROUTES][STATUSES];
static char labels[ROUTES][STATUSES][48];

static struct metric seconds = METRIC_HISTOGRAM_INIT("callcast_http_seconds", NULL,
                                                     "From a request's first line to its answer written");
static struct metric late = METRIC_COUNTER_INIT("callcast_http_late_answers_total", NULL,
                                                "Answers that left after the answerBy of their command");
static struct metric inflight =
        METRIC_GAUGE_INIT("callcast_http_inflight", NULL, "Commands that wait for Kafka's acknowledgement");

void traffic_open(void)
{
	metric_register(&seconds);
	metric_register(&late);
	metric_register(&inflight);
	traffic_inflight(0);
}

void traffic_request(enum operation_name route, int status, int64_t took)
{
	size_t i = 0;
	struct metric *m;

	while (statuses[i] && statuses[i] != status)
		i++;
	m = &requests[route][i];
	if (!m->name) {
		snprintf(labels[route][i], sizeof(labels[route][i]), "route=\"%s\",status=\"%d\"",
		         route_names[route], statuses[i]);
		*m = (struct metric)METRIC_COUNTER_INIT("callcast_http_requests_total", labels[route][i],
		                                        "Requests answered; status 0: cut off");
	}
	metric_add(m, 1);
	if (status)
		metric_observe(&seconds, (double)took / (double)CLOCK_SEC);
}

void traffic_late(void)
{
	metric_add(&late, 1);
}

void traffic_inflight(size_t n)
{
	metric_set(&inflight, (double)n);
}
