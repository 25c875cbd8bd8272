/*
 * address.h - "host:port", as settings name a listener or a server
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#define ADDRESS_HOST_SIZE 256

/*
 * Splits "127.0.0.1:80", "name:80" and "[::1]:80".  The port is 0..65535; who
 * can't use 0 checks.  -EINVAL: not of that form; host and port are untouched.
 */
int address_split(const char *text, char host[ADDRESS_HOST_SIZE], int *port);

#endif
