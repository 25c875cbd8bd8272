/*
 * demo.c - callcast-demo: calls everybody on a list, as a program that uses Callcast would
 *
 * It knows nothing of the inside: only the HTTP API, and the webhooks that come back.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "clock.h"
#include "demo_api.h"
#include "demo_calls.h"
#include "demo_contacts.h"
#include "demo_hook.h"
#include "demo_report.h"

#define QUICK_CALLS 40
#define CALLS_MAX   100000

struct options {
	const char *contacts;
	size_t calls;    /* 0: one for each contact */
	int64_t timeout; /* us, for the whole */
	bool alone;
	const char *endpoint, *access_key, *secret;
};

static void usage(FILE *out)
{
	fputs("usage: callcast-demo [--contacts FILE] [--calls N] [--quick] [--timeout SECONDS]\n"
	      "Calls everybody in FILE through Callcast's HTTP API: plays a prompt, takes a digit, hangs "
	      "up;\n"
	      "receives the webhooks, checks their signatures and their order, and shows what came out.\n"
	      "  --contacts FILE     name,number,note; default examples/contacts.csv\n"
	      "  --calls N           so many calls, the list from its start again if it is shorter\n"
	      "  --quick             the first 40 only\n"
	      "  --timeout SECONDS   give up after that; default 90\n"
	      "  --alone             say what to try where the stack ends with the demo\n"
	      "From the environment: CALLCAST_ENDPOINT, CALLCAST_ACCESS_KEY, CALLCAST_WEBHOOK_SECRET\n"
	      "(`make up` writes them to build/run/env).\n"
	      "Exit status: 0 every call ended, every webhook was signed and in order; 1 not so; 2 wrong "
	      "usage.\n",
	      out);
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	if (!value || !*value) {
		fprintf(stderr, "callcast-demo: %s is not set: `make up`, then `set -a; . build/run/env`\n",
		        name);
		exit(2);
	}
	return value;
}

static long number(const char *flag, const char *text, long most)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < 1 || n > most) {
		fprintf(stderr, "callcast-demo: %s %s: must be a number from 1 to %ld\n", flag, text, most);
		exit(2);
	}
	return n;
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "contacts", required_argument, NULL, 'c' },
		{ "calls", required_argument, NULL, 'n' },
		{ "quick", no_argument, NULL, 'q' },
		{ "timeout", required_argument, NULL, 't' },
		{ "alone", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .contacts = "examples/contacts.csv", .timeout = 90 * CLOCK_SEC };
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->contacts = optarg;
			break;
		case 'n':
			o->calls = (size_t)number("--calls", optarg, CALLS_MAX);
			break;
		case 'q':
			o->calls = QUICK_CALLS;
			break;
		case 't':
			o->timeout = number("--timeout", optarg, 86400) * CLOCK_SEC;
			break;
		case 'a':
			o->alone = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "callcast-demo: unexpected word: %s\n", argv[optind]);
		exit(2);
	}
	o->endpoint = from_environment("CALLCAST_ENDPOINT");
	o->access_key = from_environment("CALLCAST_ACCESS_KEY");
	o->secret = from_environment("CALLCAST_WEBHOOK_SECRET");
}

static int run(struct calls *calls, int64_t deadline, int64_t started)
{
	int r;

	r = calls_start(calls);
	while (r == 0 && calls->steps[STEP_ENDED] < calls->count && clock_mono() < deadline) {
		api_turn(calls->api, hook_fd(calls->hook), 50);
		hook_turn(calls->hook);
		calls_turn(calls);
		report_progress(calls, started);
	}
	/* nothing may come after the last event of a call: listen a moment longer to see that */
	for (int i = 0; r == 0 && i < 10; i++) {
		api_turn(calls->api, hook_fd(calls->hook), 50);
		hook_turn(calls->hook);
	}
	return r;
}

/* `alone`: the stack ends with us, so there is nothing left to look into. */
static void say_next(const struct calls *calls, bool alone)
{
	if (alone)
		puts("\nNext:  make up                             the same stack, and it stays\n"
		     "       set -a; . build/run/env; set +a     its address and its keys\n"
		     "       build/bin/callcast-demo --calls 1000");
	else
		printf("\nNext:  build/bin/callcast show %s\n"
		       "       curl -H \"Authorization: Bearer $CALLCAST_BEARER\" "
		       "$CALLCAST_ENDPOINT/calls/%s\n"
		       "       make add-worker, make down\n",
		       calls->list[0].id, calls->list[0].id);
}

int main(int argc, char **argv)
{
	struct contacts contacts;
	struct calls calls = { 0 };
	struct options o;
	char why[512];
	int64_t started = 0;
	bool good = false;
	int r;

	read_options(&o, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (contacts_read(&contacts, o.contacts, why, sizeof(why)) < 0) {
		fprintf(stderr, "callcast-demo: %s\n", why);
		return 2;
	}
	curl_global_init(CURL_GLOBAL_ALL);
	r = calls_open(&calls, &contacts, o.calls ? o.calls : contacts.count);
	if (r == 0)
		r = hook_open(&calls.hook, o.secret, calls_event, &calls);
	if (r == 0)
		r = api_open(&calls.api, o.endpoint, o.access_key);
	if (r == 0) {
		printf("calling %zu people of %s through %s\n", calls.count, o.contacts, o.endpoint);
		started = clock_mono();
		r = run(&calls, started + o.timeout, started);
	}
	if (r < 0) {
		fprintf(stderr, "callcast-demo: %s\n",
		        r == -EINVAL ? "CALLCAST_ENDPOINT must be http://host:port, the keys as `make up` "
		                       "writes them"
		                     : strerror(-r));
	} else {
		good = report_end(&calls, started);
		say_next(&calls, o.alone);
	}
	api_close(calls.api);
	hook_close(calls.hook);
	calls_close(&calls);
	contacts_free(&contacts);
	curl_global_cleanup();
	return good ? 0 : 1;
}
