/* redis_server.c - see redis_server.h */
#include "redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#define START_WAIT_MS 20000 /* under valgrind, on a busy machine */

struct redis_server {
	pid_t pid; /* 0: not running */
	int port;
	bool aof, paused;
	char dir[64];
	char address[32];
	char answer[4096];
};

static void fail(const char *what)
{
	fprintf(stderr, "redis_server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		fail("free port");
	close(fd);
	return ntohs(sin.sin_port);
}

static bool answers(const struct redis_server *s)
{
	struct timeval patience = { .tv_usec = 200000 };
	redisContext *c = redisConnectWithTimeout("127.0.0.1", s->port, patience);
	redisReply *reply = NULL;
	bool pong;

	if (c && !c->err) {
		redisSetTimeout(c, patience);
		reply = redisCommand(c, "PING");
	}
	pong = reply && reply->type == REDIS_REPLY_STATUS;
	if (reply)
		freeReplyObject(reply);
	if (c)
		redisFree(c);
	return pong;
}

static void child(const struct redis_server *s, pid_t parent)
{
	char port[8];
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	/* a test that has a loop blocks SIGTERM, and the server would inherit that */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	snprintf(port, sizeof(port), "%d", s->port);
	execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", s->dir,
	       "--save", "", "--appendonly", s->aof ? "yes" : "no", "--appendfsync", "always", "--loglevel",
	       "warning", (char *)NULL);
	_exit(127);
}

/* false: it ended at once, most likely because somebody took the port */
static bool launch(struct redis_server *s)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	pid_t parent = getpid();

	s->pid = fork();
	if (s->pid < 0)
		fail("fork");
	if (s->pid == 0)
		child(s, parent);
	for (int waited = 0; waited < START_WAIT_MS; waited += 5) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			s->pid = 0;
			return false;
		}
		if (answers(s))
			return true;
		nanosleep(&pause, NULL);
	}
	errno = ETIMEDOUT;
	fail("redis-server does not answer");
	return false;
}

struct redis_server *redis_server_start(bool aof)
{
	struct redis_server *s = calloc(1, sizeof(*s));

	if (!s)
		fail("memory");
	s->aof = aof;
	strcpy(s->dir, "/tmp/callcast-redis-XXXXXX");
	if (!mkdtemp(s->dir))
		fail("mkdtemp");
	for (int tries = 0; tries < 5; tries++) {
		s->port = free_port();
		snprintf(s->address, sizeof(s->address), "127.0.0.1:%d", s->port);
		if (launch(s))
			return s;
	}
	fail("redis-server can't be started");
	return NULL;
}

static void end(struct redis_server *s, int signo)
{
	if (!s->pid)
		return;
	kill(s->pid, signo);
	if (s->paused)
		kill(s->pid, SIGCONT);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	s->paused = false;
}

void redis_server_stop(struct redis_server *s)
{
	end(s, SIGTERM);
}

void redis_server_kill(struct redis_server *s)
{
	end(s, SIGKILL);
}

void redis_server_restart(struct redis_server *s)
{
	redis_server_stop(s);
	if (!launch(s))
		fail("redis-server does not start again");
}

void redis_server_pause(struct redis_server *s)
{
	kill(s->pid, SIGSTOP);
	s->paused = true;
}

void redis_server_resume(struct redis_server *s)
{
	kill(s->pid, SIGCONT);
	s->paused = false;
}

/* The files are redis-server's and change from version to version: rm knows how to walk. */
static void remove_dir(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", dir, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void redis_server_free(struct redis_server *s)
{
	if (!s)
		return;
	redis_server_kill(s);
	remove_dir(s->dir);
	free(s);
}

const char *redis_server_address(const struct redis_server *s)
{
	return s->address;
}

int redis_server_port(const struct redis_server *s)
{
	return s->port;
}

const char *redis_server_ask(struct redis_server *s, const char *fmt, ...)
{
	redisContext *c = redisConnect("127.0.0.1", s->port);
	redisReply *reply = NULL;
	va_list ap;

	if (c && !c->err) {
		va_start(ap, fmt);
		reply = redisvCommand(c, fmt, ap);
		va_end(ap);
	}
	if (!reply)
		fail("redis_server_ask");
	if (reply->type == REDIS_REPLY_INTEGER)
		snprintf(s->answer, sizeof(s->answer), "%lld", reply->integer);
	else
		snprintf(s->answer, sizeof(s->answer), "%s", reply->str ? reply->str : "");
	freeReplyObject(reply);
	redisFree(c);
	return s->answer;
}
