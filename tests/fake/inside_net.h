/*
 * inside_net.h - a made-up internet on this machine, to see who is connected to
 *
 * The test defines getaddrinfo(), freeaddrinfo() and connect() and hands them on to here, so
 * that libcurl's calls end here too.  A connect to any address goes to one of three listeners on
 * the loopback; whoever gets through is accepted and counted, whatever address was meant.
 * No packet leaves the machine.
 *
 * All on the test's own loop and thread, except for look-ups: libcurl makes them on threads.
 */
#ifndef INSIDE_NET_H
#define INSIDE_NET_H

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

struct loop;

enum place {
	PLACE_APP,    /* NET_APP, NET_APP6 */
	PLACE_PROXY,  /* NET_PROXY */
	PLACE_INSIDE, /* every other address */
	PLACES,
};

#define NET_APP   "8.8.8.8"
#define NET_APP6  "2001:4860:4860::8888"
#define NET_PROXY "8.8.4.4"
#define NET_DEAD  "9.9.9.9" /* refuses */

/* What fails here ends the program. */
void inside_net_open(struct loop *loop);
void inside_net_close(void);

/* What the resolver knows of any name: addresses with blanks between; NULL: no such name.  Copied. */
void inside_net_answers(const char *addresses);
/* The head of each answer, up to the empty line, which is added.  "Connection: close" in it is obeyed.  Copied. */
void inside_net_say(const char *head);

struct inside_net_seen {
	int connects, accepts, requests;
};
/* Since it was opened or forgotten. */
struct inside_net_seen inside_net_seen(enum place place);
int inside_net_lookups(void);
const char *inside_net_last(void); /* the address last connected to; "" */
void inside_net_forget(void);      /* counts from 0; connections stay */

/* Instead of the C library's.  Names that could be read as an address are read so, trailing dots or not. */
int inside_net_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                           struct addrinfo **out);
void inside_net_freeaddrinfo(struct addrinfo *list);
int inside_net_connect(int fd, const struct sockaddr *sa, socklen_t len);

#endif
