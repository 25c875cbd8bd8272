/*
 * listener.h - a listening TCP socket on "host:port", port 0 being a free one
 */
#ifndef LISTENER_H
#define LISTENER_H

/* The descriptor, not blocking; *port tells which one it is.  -EINVAL: no such address; else as bind(2) has it. */
int listener_open(const char *address, int *port);

#endif
