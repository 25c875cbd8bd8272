/* kill_point.c - see kill_point.h; nothing in an ordinary build */
#include "kill_point.h"

#ifdef CALLCAST_KILL_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define WORDS_SIZE 64

/* One order at a time; a new one begins a new count. */
static struct {
	char words[WORDS_SIZE];
	long passed;
	bool done;
} armed;

static bool read_file(char *out, const char *path)
{
	const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, out, WORDS_SIZE - 1);
	close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void note(const char *name, bool stop)
{
	const char *path = getenv("CALLCAST_KILL_POINT_LOG");
	const int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%s %s %d %lld\n", name, stop ? "stop" : "kill", (int)getpid(), (long long)clock_utc());
	close(fd);
}

void kill_point(const char *name)
{
	const char *file = getenv("CALLCAST_KILL_POINT_FILE"), *order = getenv("CALLCAST_KILL_POINT");
	char words[WORDS_SIZE] = "";
	const size_t len = strlen(name);
	char *rest;
	long nth;
	bool stop;

	if (!read_file(words, file))
		snprintf(words, sizeof(words), "%s", order ? order : "");
	if (strcmp(words, armed.words) != 0) {
		memcpy(armed.words, words, sizeof(words));
		armed.passed = 0;
		armed.done = false;
	}
	if (armed.done || strncmp(words, name, len) != 0 || (words[len] && words[len] != ':'))
		return;
	rest = words + len;
	nth = *rest ? strtol(rest + 1, &rest, 10) : 1;
	stop = !strcmp(rest, ":stop");
	if (++armed.passed < nth)
		return;
	armed.done = true;
	if (file)
		unlink(file);
	note(name, stop);
	raise(stop ? SIGSTOP : SIGKILL);
}
#endif
