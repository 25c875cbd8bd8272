/* stop.c - see stop.h */
#include "stop.h"

#include <signal.h>
#include <time.h>

#include "clock.h"

static volatile sig_atomic_t asked;

static void signalled(int signo)
{
	(void)signo;
	asked = 1;
}

void stop_on_signals(void)
{
	const struct sigaction action = { .sa_handler = signalled, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool stop_asked(void)
{
	return asked;
}

void stop_sleep(int64_t time)
{
	const struct timespec t = { .tv_sec = time / CLOCK_SEC, .tv_nsec = time % CLOCK_SEC * 1000 };

	if (time > 0 && !asked)
		nanosleep(&t, NULL);
}
