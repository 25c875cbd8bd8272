/* callback_net.c - which addresses are inside, and which of those the operator allows: see callback.h */
#include "callback_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

/* Everything that is not the public internet (the registries of RFC 6890). */
static const struct {
	uint32_t address;
	int length;
} inside_v4[] = {
	{ 0x00000000, 8 },  /* this network */
	{ 0x0a000000, 8 },  /* private */
	{ 0x64400000, 10 }, /* carriers' NAT */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa9fe0000, 16 }, /* link-local, and the clouds' metadata */
	{ 0xac100000, 12 }, /* private */
	{ 0xc0000000, 24 }, /* protocol assignments */
	{ 0xc0000200, 24 }, /* documentation */
	{ 0xc0586300, 24 }, /* 6to4 relays */
	{ 0xc0a80000, 16 }, /* private */
	{ 0xc6120000, 15 }, /* benchmarks */
	{ 0xc6336400, 24 }, /* documentation */
	{ 0xcb007100, 24 }, /* documentation */
	{ 0xe0000000, 4 },  /* multicast */
	{ 0xf0000000, 4 },  /* reserved, broadcast */
};

/* Within 2000::/3; whatever lies outside of that is inside anyway (::1, fc00::/7, fe80::/10, ff00::/8 ...). */
static const struct network inside_v6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },       /* protocol assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

static bool in_network(const uint8_t address[16], const struct network *n)
{
	int whole = n->length / 8, rest = n->length % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (memcmp(address, n->bits, (size_t)whole) != 0)
		return false;
	return !rest || ((address[whole] ^ n->bits[whole]) & mask) == 0;
}

static void map(uint8_t out[16], const uint8_t v4[4])
{
	memcpy(out, mapped, sizeof(mapped));
	memcpy(out + 12, v4, 4);
}

/* ---- the operator's list ---- */

static int parse_length(const char *text, int most)
{
	size_t digits = strspn(text, "0123456789");
	int n;

	if (!digits || digits > 3 || text[digits])
		return -EINVAL;
	n = atoi(text);
	return n <= most ? n : -EINVAL;
}

static bool has_bits_beyond(const struct network *n)
{
	int bit;

	for (bit = n->length; bit < 128; bit++) {
		if (n->bits[bit / 8] & 0x80 >> bit % 8)
			return true;
	}
	return false;
}

static int parse_network(struct network *out, char *text)
{
	char *slash = strchr(text, '/');
	uint8_t v4[4];
	int length;

	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, text, v4) == 1) {
		map(out->bits, v4);
		length = slash ? parse_length(slash, 32) : 32;
		out->length = 96 + length;
	} else if (inet_pton(AF_INET6, text, out->bits) == 1) {
		length = slash ? parse_length(slash, 128) : 128;
		out->length = length;
	} else {
		return -EINVAL;
	}
	return length < 0 || has_bits_beyond(out) ? -EINVAL : 0;
}

static int take_part(struct callback_rules *r, const char *part, size_t len, char *why, size_t size)
{
	char text[64];

	while (len && *part == ' ') {
		part++;
		len--;
	}
	while (len && part[len - 1] == ' ')
		len--;
	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text)), part);
	if (r->count == CALLBACK_NETWORKS_MAX) {
		snprintf(why, size, "more than %d networks", CALLBACK_NETWORKS_MAX);
		return -EINVAL;
	}
	if (len >= sizeof(text) || parse_network(&r->allowed[r->count], text) < 0) {
		snprintf(why, size,
		         "'%.*s' is not a network such as 127.0.0.0/8 or ::1/128 (bits after the prefix are "
		         "0)",
		         (int)(len < 60 ? len : 60), part);
		return -EINVAL;
	}
	r->count++;
	return 0;
}

int callback_rules_open(struct callback_rules **out, const char *allow, char *why, size_t size)
{
	struct callback_rules *r;
	int e = 0;

	r = calloc(1, sizeof(*r));
	if (!r) {
		snprintf(why, size, "no memory");
		return -ENOMEM;
	}
	while (*allow && e == 0) {
		size_t len = strcspn(allow, ",");

		e = take_part(r, allow, len, why, size);
		allow += len;
		if (*allow == ',' && *++allow == '\0' && e == 0)
			e = take_part(r, "", 0, why, size); /* the list ends with a comma */
	}
	if (e < 0) {
		callback_rules_close(r);
		return e;
	}
	*out = r;
	return 0;
}

void callback_rules_close(struct callback_rules *r)
{
	free(r);
}

/* ---- addresses ---- */

static bool is_inside_v4(const uint8_t v4[4])
{
	uint32_t a = (uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 | (uint32_t)v4[2] << 8 | v4[3];
	size_t i;

	for (i = 0; i < sizeof(inside_v4) / sizeof(inside_v4[0]); i++) {
		if ((a ^ inside_v4[i].address) >> (32 - inside_v4[i].length) == 0)
			return true;
	}
	return false;
}

static bool is_inside_v6(const uint8_t address[16])
{
	size_t i;

	if ((address[0] & 0xe0) != 0x20)
		return true;
	for (i = 0; i < sizeof(inside_v6) / sizeof(inside_v6[0]); i++) {
		if (in_network(address, &inside_v6[i]))
			return true;
	}
	return false;
}

static bool is_mapped(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

/* A network shorter than ::ffff:0:0/96 is one of IPv6: "::/0" or "::/64" says nothing of IPv4. */
static bool is_allowed(const struct callback_rules *r, const uint8_t address[16])
{
	bool is_v4 = is_mapped(address);
	size_t i;

	for (i = 0; i < r->count; i++) {
		if ((!is_v4 || r->allowed[i].length >= 96) && in_network(address, &r->allowed[i]))
			return true;
	}
	return false;
}

static bool is_allowed_v4(const struct callback_rules *r, const uint8_t v4[4])
{
	uint8_t address[16];

	map(address, v4);
	return !is_inside_v4(v4) || is_allowed(r, address);
}

/* RFC 5214: whatever the prefix, a site's own router passes it on to the IPv4 address at its end. */
static bool is_isatap(const uint8_t address[16])
{
	static const uint8_t word[3] = { 0x00, 0x5e, 0xfe };

	return (address[8] & ~0x02) == 0 && memcmp(address + 9, word, sizeof(word)) == 0;
}

/* The IPv4 address that packets to this one end up at; NULL: none. */
static const uint8_t *unwrap(const uint8_t address[16])
{
	if (is_mapped(address) || memcmp(address, nat64, sizeof(nat64)) == 0)
		return address + 12;
	if (address[0] == 0x20 && address[1] == 0x02) /* 6to4 */
		return address + 2;
	return NULL; /* Teredo is inside as a whole */
}

bool callback_address_allowed(const struct callback_rules *r, const struct sockaddr *sa)
{
	const uint8_t *v4;
	uint8_t address[16];

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		map(address, (const uint8_t *)&in.sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(address, &in6.sin6_addr, sizeof(address));
	} else {
		return false; /* a Unix socket, say */
	}

	if (is_allowed(r, address))
		return true;
	/* besides what the prefix says: a public prefix may end inside */
	if (is_isatap(address) && !is_allowed_v4(r, address + 12))
		return false;
	v4 = unwrap(address);
	return v4 ? is_allowed_v4(r, v4) : !is_inside_v6(address);
}
