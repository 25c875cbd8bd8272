/* man_programs.c - what the daemons' manual pages say beside their settings */
#include "man.h"

static const struct man_program programs[] = {
	{ PRODUCER, "takes call commands over HTTP and puts them into Kafka",
	  "Serves the Call Automation API of 2021 under /calls and /calling/calls at http.listen. A command "
	  "is answered with 2xx once Kafka has acknowledged its record on calls.commands; GET reads a "
	  "call's record from Redis.\n"
	  "\n"
	  "Who may ask, and the keys, stand in the tenants file (JSON, mode 0600). A Kafka that does not "
	  "answer is said with 503 and Retry-After, at once where too much waits already.",
	  "SIGHUP reads the tenants file again." },
	{ WORKER, "carries out call commands from Kafka",
	  "Reads calls.commands as a member of the group worker, keeps calls in Redis, tells what happens on "
	  "calls.events, and has a carrier place the dials. A command that can't be carried out goes to "
	  "calls.dead.\n"
	  "\n"
	  "Any number of workers share the partitions, and may be started, stopped and killed at any time: "
	  "who takes a partition over takes its live calls over too.",
	  "A worker that could not hand over within drain.timeout exits 1, and is taken over as if it had "
	  "been killed." },
	{ NOTIFIER, "sends the events of calls from Kafka to webhooks",
	  "Reads calls.events as a member of the group notifier and posts each event, signed, to the address "
	  "that its call or operation named; those of a call arrive at an endpoint in order, at least once. "
	  "What is given up goes to webhooks.dead.\n"
	  "\n"
	  "Webhook secrets are in the tenants file (JSON, mode 0600). Addresses inside (loopback, private, "
	  "link-local) are refused unless callbacks.allow lists them.",
	  "SIGHUP reads the tenants file again." },
};

const struct man_program *man_program(enum program program)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (programs[i].program == program)
			return &programs[i];
	return NULL;
}
