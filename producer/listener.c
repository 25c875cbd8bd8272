/* listener.c - see listener.h */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"

#define BACKLOG 1024 /* a burst of so many connects is not refused */

int listener_open(const char *address, int *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_storage room;
	} bound = { .room = { 0 } };
	socklen_t size = sizeof(bound);
	char host[ADDRESS_HOST_SIZE], service[8];
	int fd, wanted, r, one = 1;

	if (address_split(address, host, &wanted) < 0)
		return -EINVAL;
	snprintf(service, sizeof(service), "%d", wanted);
	if (getaddrinfo(host, service, &hints, &found) || !found)
		return -EINVAL;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &bound.any, &size) < 0) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		fd = r;
	} else {
		/* the port stands at the same place in both families */
		*port = ntohs(bound.in.sin_port);
	}
	freeaddrinfo(found);
	return fd;
}
