/*
 * watch.c - callcast watch: the events of one call, or of all, as they happen
 *
 * One call's partition is in its id, and is read from a little before the call;
 * of all calls what comes from now on.  Memory is bounded by librdkafka's queue
 * and the table of calls seen.
 */
#include "tool.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callid.h"
#include "clock.h"
#include "events.h"
#include "exit_within.h"
#include "line.h"
#include "mask.h"
#include "must.h"
#include "show_json.h"
#include "stop.h"
#include "watch_line.h"

#define POLL_MS 200
#define SEEN    16384 /* calls whose last seq is remembered; one that shares its place takes it */

struct seen {
	char call[CALLID_SIZE];
	int64_t seq;
};

struct watching {
	struct events events;
	const char *call; /* NULL: all */
	struct callid id;
	int64_t since; /* nothing older is shown; us since 1970 */
	int64_t until; /* clock_mono(); 0: no end */
	bool ledger, json, full;
	struct seen *seen;
	bool known, ended; /* the one call */
};

/* ---- one event ---- */

/* Of two records of one seq the first counts. */
static bool is_new(struct watching *w, const struct call_event *e)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	struct seen *s;

	for (const char *c = e->call_leg_id; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	s = &w->seen[hash % SEEN];
	if (!strcmp(s->call, e->call_leg_id) && e->seq <= s->seq)
		return false;
	snprintf(s->call, sizeof(s->call), "%s", e->call_leg_id);
	s->seq = e->seq;
	return true;
}

static void print(const struct watching *w, const struct call_event *e, int64_t offset)
{
	json_t *whole = watch_event_json(e, offset);
	json_t *masked = w->full ? json_incref(whole) : json_masked(whole);
	json_t *printable = json_printable(masked);

	if (w->json) {
		json_dumpf(masked, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		watch_line(stdout, printable);
	}
	fflush(stdout); /* whoever reads it through a pipe watches too */
	json_decref(printable);
	json_decref(masked);
	json_decref(whole);
}

/*
 * A call's app may have left while others talk on: its final event is the app's
 * last, the call's end is the state.
 */
static void take(struct watching *w, const rd_kafka_message_t *msg)
{
	struct call_event e;

	if (w->call && !events_is_of(msg, w->call))
		return;
	if (events_decode(&w->events, msg, &e) < 0)
		return;
	w->known = true;
	if (e.call_leg_id && is_new(w, &e)) {
		if (e.at >= w->since && (e.number || w->ledger))
			print(w, &e, msg->offset);
		w->ended = w->call && e.state == CALL_TERMINATED;
	}
	call_event_clear(&e);
}

/* A broker that is away comes back; these don't pass. */
static bool is_hopeless(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
	       err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || err == RD_KAFKA_RESP_ERR__FATAL ||
	       err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

/* Whoever read it may have gone while nothing happened: no write would say so. */
static bool nobody_reads(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return ferror(stdout) || (poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP));
}

/* An id may be right and its call never have been made: whoever waits should know.  Said once. */
static void at_end(struct watching *w)
{
	if (w->call && !w->known)
		fprintf(stderr, "callcast: %s: nothing is known of it yet\n", w->call);
	w->known = true;
}

static int run(struct watching *w)
{
	int r = 0;

	while (r == 0 && !w->ended && !stop_asked() && !nobody_reads()) {
		rd_kafka_message_t *msg;

		if (w->until && clock_mono() >= w->until)
			break;
		msg = rd_kafka_consumer_poll(w->events.rk, POLL_MS);
		if (!msg)
			continue;
		if (!msg->err)
			take(w, msg);
		else if (msg->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			at_end(w);
		else if (is_hopeless(msg->err))
			r = events_fault(&w->events, msg->err);
		rd_kafka_message_destroy(msg);
	}
	return r;
}

/* ---- which partitions, from where ---- */

static int assign_one(struct watching *w)
{
	int64_t from, end;
	int r;

	/* also with --since: the call's end may lie before it */
	r = events_range(&w->events, w->id.partition, events_since(&w->id), &from, &end);
	return r < 0 ? r : events_assign(&w->events, &w->id.partition, &from, 1);
}

static int assign_all(struct watching *w)
{
	const int n = w->events.partitions;
	int32_t *partitions = must_calloc((size_t)n, sizeof(*partitions));
	int64_t *from = must_calloc((size_t)n, sizeof(*from)), end;
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		partitions[i] = i;
		r = events_range(&w->events, i, w->since, &from[i], &end);
		if (!w->since)
			from[i] = end;
	}
	if (r == 0)
		r = events_assign(&w->events, partitions, from, n);
	free(partitions);
	free(from);
	return r;
}

/* ---- the command ---- */

static int read_line(struct watching *w, const struct line *l)
{
	int64_t ago = 0, timeout = 0;

	w->json = line_has(l, "json");
	w->full = line_has(l, "full");
	w->ledger = line_has(l, "all");
	if (line_duration(&ago, l, "since") < 0 || line_duration(&timeout, l, "timeout") < 0)
		return TOOL_USAGE;
	w->since = ago ? clock_utc() - ago : 0;
	w->until = timeout ? clock_mono() + timeout : 0;
	if (!l->argument_count)
		return TOOL_DONE;
	w->call = l->arguments[0];
	return line_callid(&w->id, l) < 0 ? TOOL_USAGE : TOOL_DONE;
}

static int result_of(const struct watching *w, int r)
{
	if (r < 0)
		return TOOL_FAILED;
	if (!w->call || w->ended || stop_asked() || nobody_reads())
		return TOOL_DONE;
	fprintf(stderr, "callcast: %s: not ended in time\n", w->call);
	return TOOL_FAILED;
}

int tool_watch(const struct settings *s, const struct line *l)
{
	struct watching w = { 0 };
	int r;

	r = read_line(&w, l);
	if (r != TOOL_DONE)
		return r;
	stop_on_signals();
	w.seen = must_calloc(SEEN, sizeof(*w.seen));
	r = events_open(&w.events, s, w.until);
	if (r == 0)
		r = w.call ? assign_one(&w) : assign_all(&w);
	if (r == 0)
		r = run(&w);
	r = result_of(&w, r);
	exit_within(EXIT_CLOSE, r);
	events_close(&w.events);
	free(w.seen);
	return r;
}
