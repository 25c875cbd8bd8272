/*
 * callback_net.h - networks as callback.c and callback_net.c see them
 *
 * An IPv4 address is kept as ::ffff:a.b.c.d, so that one comparison serves both.
 */
#ifndef CALLBACK_NET_H
#define CALLBACK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callback.h"

struct network {
	uint8_t bits[16];
	int length; /* of the prefix, 0..128 */
};

enum { CALLBACK_NETWORKS_MAX = 64 };

struct callback_rules {
	struct network allowed[CALLBACK_NETWORKS_MAX];
	size_t count;
};

#endif
