/*
 * redirect.c - a library for LD_PRELOAD: connections to one port of 127.0.0.1 go to another
 *
 * A Kafka broker tells its clients where it is, so a proxy before one worker
 * only would be left out.  CHAOS_REDIRECT="9092:20001,9094:20002" in that worker's
 * environment leads each of its connections through the proxy all the same.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef int connect_fn(int, const struct sockaddr *, socklen_t);

static int redirected(int port)
{
	const char *at = getenv("CHAOS_REDIRECT");
	char *end;

	while (at && *at) {
		const long from = strtol(at, &end, 10);

		if (*end != ':')
			return port;
		if (from == port)
			return (int)strtol(end + 1, NULL, 10);
		at = strchr(end, ',');
		if (at)
			at++;
	}
	return port;
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	connect_fn *next;
	struct sockaddr_in in;
	void *symbol = dlsym(RTLD_NEXT, "connect");

	memcpy(&next, &symbol, sizeof(next)); /* ISO C has no cast from one to the other */
	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	if (address->sa_family != AF_INET || len < sizeof(in))
		return next(fd, address, len);
	memcpy(&in, address, sizeof(in));
	if (in.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
		in.sin_port = htons((uint16_t)redirected(ntohs(in.sin_port)));
	return next(fd, (const struct sockaddr *)&in, sizeof(in));
}
