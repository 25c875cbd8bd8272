/* inside_table.c - see inside_table.h */
#include "inside_table.h"

/* what the door says */
#define INSIDE    "private or local network"
#define NO_HOST   "must have a valid host"
#define NOT_ASCII "other than ASCII"
#define USER      "no user name or password"
#define PERCENT   "must not percent-encode its host"
#define FRAGMENT  "no fragment"
#define BACKSLASH "must not contain a backslash"
#define MALFORMED "must be a valid address"

#define LITERAL(uri, door)                                                                                   \
	{                                                                                                    \
		uri, door, NULL, false                                                                       \
	}
#define NAME(uri, answers)                                                                                   \
	{                                                                                                    \
		uri, NULL, answers, false                                                                    \
	}
/* what libcurl takes for a name, and a resolver for an address */
#define LOOKED_UP(uri, door)                                                                                 \
	{                                                                                                    \
		uri, door, "127.0.0.1", false                                                                \
	}
#define UNREAD(uri, door)                                                                                    \
	{                                                                                                    \
		uri, door, NULL, true                                                                        \
	}

const struct inside_row inside_table[] = {
	/* the loopback, as inet_aton reads it */
	LITERAL("http://127.0.0.1/", INSIDE),
	LITERAL("https://127.0.0.1/", INSIDE),
	LITERAL("HTTP://127.0.0.1:8080/x?y", INSIDE),
	LITERAL("http://127.255.255.255/", INSIDE),
	LITERAL("http://127.0.0.1:8080/", INSIDE),
	LITERAL("http://2130706433/", INSIDE),
	LITERAL("http://2130706433./", INSIDE),
	LITERAL("http://017700000001/", INSIDE),
	LITERAL("http://0x7f000001/", INSIDE),
	LITERAL("http://0X7F000001/", INSIDE),
	LITERAL("http://0x7f.0.0.1/", INSIDE),
	LITERAL("http://0X7F.0.0.1/", INSIDE),
	LITERAL("http://0x7f.0x0.0x0.0x1/", INSIDE),
	LITERAL("http://0177.0.0.1/", INSIDE),
	LITERAL("http://0177.0.0.01/", INSIDE),
	LITERAL("http://00000177.0.0.1/", INSIDE),
	LITERAL("http://127.1/", INSIDE),
	LITERAL("http://127.0.1/", INSIDE),
	LITERAL("http://127.65535/", INSIDE),
	LITERAL("http://0x7f.1/", INSIDE),
	LITERAL("http://0177.1/", INSIDE),
	LITERAL("http://0177.0x1/", INSIDE),
	LITERAL("http://127.0x0.00.1/", INSIDE),
	LITERAL("http://127.0.0.1./", INSIDE),
	LITERAL("http://127.1./", INSIDE),
	LITERAL("http://127.1../", INSIDE),
	LITERAL("http://0x7f000001./", INSIDE),
	LITERAL("http://0x7f.1./", INSIDE),
	LITERAL("http://127.000.000.001/", INSIDE),
	/* the rest of the inside, and the clouds' metadata in all forms */
	LITERAL("http://169.254.169.254/latest/meta-data/", INSIDE),
	LITERAL("http://2852039166/", INSIDE),
	LITERAL("http://0xa9fea9fe/", INSIDE),
	LITERAL("http://0xa9.0xfe.0xa9.0xfe/", INSIDE),
	LITERAL("http://025177524776/", INSIDE),
	LITERAL("http://0251.0376.0251.0376/", INSIDE),
	LITERAL("http://169.254.43518/", INSIDE),
	LITERAL("http://169.16689662/", INSIDE),
	LITERAL("http://0/", INSIDE),
	LITERAL("http://0x0/", INSIDE),
	LITERAL("http://0.0.0.0/", INSIDE),
	LITERAL("http://0.255.255.255/", INSIDE),
	LITERAL("http://10.0.0.0/", INSIDE),
	LITERAL("http://10.0.0.1/", INSIDE),
	LITERAL("http://10.255.255.255/", INSIDE),
	LITERAL("http://012.1/", INSIDE),
	LITERAL("http://0xa.1/", INSIDE),
	LITERAL("http://100.64.0.1/", INSIDE),
	LITERAL("http://100.127.255.255/", INSIDE),
	LITERAL("http://172.16.0.1/", INSIDE),
	LITERAL("http://172.31.255.255/", INSIDE),
	LITERAL("http://192.0.0.1/", INSIDE),
	LITERAL("http://192.0.2.1/", INSIDE),
	LITERAL("http://192.88.99.1/", INSIDE),
	LITERAL("http://192.168.0.1/", INSIDE),
	LITERAL("http://192.168.1.1/", INSIDE),
	LITERAL("http://0xc0a80001/", INSIDE),
	LITERAL("http://198.18.0.1/", INSIDE),
	LITERAL("http://198.19.255.255/", INSIDE),
	LITERAL("http://198.51.100.1/", INSIDE),
	LITERAL("http://203.0.113.1/", INSIDE),
	LITERAL("http://224.0.0.1/", INSIDE),
	LITERAL("http://239.255.255.255/", INSIDE),
	LITERAL("http://240.0.0.1/", INSIDE),
	LITERAL("http://255.255.255.255/", INSIDE),
	LITERAL("http://0xffffffff/", INSIDE),
	/* IPv6 */
	LITERAL("http://[::1]/", INSIDE),
	LITERAL("https://[::1]:8443/", INSIDE),
	LITERAL("http://[0:0:0:0:0:0:0:1]/", INSIDE),
	LITERAL("http://[0000:0000:0000:0000:0000:0000:0000:0001]/", INSIDE),
	LITERAL("http://[::]/", INSIDE),
	LITERAL("http://[fc00::1]/", INSIDE),
	LITERAL("http://[fd12::1]/", INSIDE),
	LITERAL("http://[FDFF:FFFF::1]/", INSIDE),
	LITERAL("http://[fe80::1]/", INSIDE),
	LITERAL("http://[FEBF::1]/", INSIDE),
	LITERAL("http://[fe80::1%251]/", PERCENT),
	LITERAL("http://[fe80::1%1]/", PERCENT),
	LITERAL("http://[fe80::1%25lo]/", PERCENT),
	LITERAL("http://[fe80::1%25eth0]/", PERCENT),
	LITERAL("http://[::1%25lo]/", PERCENT),
	LITERAL("http://[fec0::1]/", INSIDE),
	LITERAL("http://[ff02::1]/", INSIDE),
	LITERAL("http://[100::1]/", INSIDE),
	LITERAL("http://[2001:db8::1]/", INSIDE),
	LITERAL("http://[2001:2::1]/", INSIDE),
	LITERAL("http://[3fff::1]/", INSIDE),
	LITERAL("http://[5f00::1]/", INSIDE),
	/* IPv4 within IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP */
	LITERAL("http://[::ffff:127.0.0.1]/", INSIDE),
	LITERAL("http://[::FFFF:7F00:1]/", INSIDE),
	LITERAL("http://[::ffff:7f00:1]/", INSIDE),
	LITERAL("http://[0:0:0:0:0:ffff:7f00:0001]/", INSIDE),
	LITERAL("http://[::ffff:169.254.169.254]/", INSIDE),
	LITERAL("http://[::ffff:a00:1]/", INSIDE),
	LITERAL("http://[::127.0.0.1]/", INSIDE),
	LITERAL("http://[::7f00:1]/", INSIDE),
	LITERAL("http://[::ffff:0:127.0.0.1]/", INSIDE),
	LITERAL("http://[64:ff9b::7f00:1]/", INSIDE),
	LITERAL("http://[64:ff9b::127.0.0.1]/", INSIDE),
	LITERAL("http://[64:ff9b::169.254.169.254]/", INSIDE),
	LITERAL("http://[64:ff9b:1::7f00:1]/", INSIDE),
	LITERAL("http://[64:ff9b:1:ffff::8.8.8.8]/", INSIDE),
	LITERAL("http://[2002:7f00:1::]/", INSIDE),
	LITERAL("http://[2002:a9fe:a9fe::1]/", INSIDE),
	LITERAL("http://[2001::7f00:1]/", INSIDE),
	LITERAL("http://[2001:0:0808:0808:0:0:80ff:fffe]/", INSIDE),
	LITERAL("http://[fe80::5efe:127.0.0.1]/", INSIDE),
	LITERAL("http://[2606:4700::5efe:127.0.0.1]/", INSIDE),
	LITERAL("http://[2606:4700::200:5efe:10.0.0.1]/", INSIDE),
	LITERAL("http://[2002:808:808::5efe:c0a8:1]/", INSIDE),
	/* disguises: user names, escapes, look-alikes of digits and dots */
	LITERAL("http://app.example@127.0.0.1/", USER),
	LITERAL("http://app.example:80@127.0.0.1/", USER),
	LITERAL("http://app.example@[::1]/", USER),
	LITERAL("http://127.0.0.1#@app.example/", FRAGMENT),
	LITERAL("http://127.0.0.1/#@app.example/", FRAGMENT),
	LITERAL("http://127.0.0.1?@app.example/", INSIDE),
	LITERAL("http://app.example\\@127.0.0.1/", BACKSLASH),
	LOOKED_UP("http://127.0.0.1\\@app.example/", BACKSLASH),
	LITERAL("http://%31%32%37.0.0.1/", PERCENT),
	LITERAL("http://127%2e0%2e0%2e1/", PERCENT),
	LITERAL("http://%6cocalhost/", PERCENT),
	UNREAD("http://127.0.0.1%00.app.example/", PERCENT),
	UNREAD("http://127.0.0.1%0d%0a.app.example/", PERCENT),
	UNREAD("http://127.0.0.1%2f.app.example/", PERCENT),
	LITERAL("http://\uff11\uff12\uff17.0.0.1/", NOT_ASCII),       /* full width */
	LITERAL("http://\u2460\u2461\u2466.0.0.1/", NOT_ASCII),       /* circled */
	LITERAL("http://127\u30020\u30020\u30021/", NOT_ASCII),       /* ideographic dots */
	LITERAL("http://127\uff0e0\uff0e0\uff0e1/", NOT_ASCII),       /* full width dots */
	LITERAL("http://127\uff610\uff610\uff611/", NOT_ASCII),       /* half width dots */
	LITERAL("http://\uff11\uff16\uff19.254.169.254/", NOT_ASCII), /* metadata */
	LITERAL("http://\u24dbocalhost/", NOT_ASCII),                 /* circled l */
	LITERAL("http://local\u00adhost/", NOT_ASCII),                /* soft hyphen */
	UNREAD("http://[127.0.0.1]/", MALFORMED),
	UNREAD("http://[::1/", MALFORMED),
	UNREAD("http://[v1.127.0.0.1]/", MALFORMED),
	LITERAL("http:///127.0.0.1/", "must name a host"),
	UNREAD("http:127.0.0.1/", "must begin with"),
	UNREAD("//127.0.0.1/", "must begin with"),
	LITERAL("127.0.0.1/", "must begin with"),
	UNREAD(" http://127.0.0.1/", "blanks"),
	UNREAD("http://127.0.0.1\t/", "blanks"),
	/* numbers that some readers wrap or cut into an address: libcurl leaves them to the resolver */
	LOOKED_UP("http://4294967297/", NO_HOST),
	LOOKED_UP("http://6425673729/", NO_HOST),
	LOOKED_UP("http://425.510.425.510/", NO_HOST),
	LOOKED_UP("http://256.0.0.1/", NO_HOST),
	LOOKED_UP("http://256.1.1.1/", NO_HOST),
	LOOKED_UP("http://1.2.3.4.5/", NO_HOST),
	LOOKED_UP("http://4294967296/", NO_HOST),
	LOOKED_UP("http://0x/", NO_HOST),
	LOOKED_UP("http://099.1/", NO_HOST),
	LOOKED_UP("http://127.0.0.0x1g.1/", NO_HOST),
	LOOKED_UP("http://127.0.0.1.0/", NO_HOST),
	LITERAL("http://0x7f.0.0.0x1./", INSIDE),
	LOOKED_UP("http://127..0.0.1/", NO_HOST),
	LOOKED_UP("http://127.0.0.08/", NO_HOST),
	/* names of this machine */
	LITERAL("http://localhost/", INSIDE),
	LOOKED_UP("http://localhost./", INSIDE),
	LITERAL("http://LOCALHOST:8080/", INSIDE),
	LITERAL("http://app.localhost/", INSIDE),
	LOOKED_UP("http://app.LocalHost./", INSIDE),
	LOOKED_UP("http://LocalHost./", INSIDE),
	LOOKED_UP("http://localhost../", INSIDE),
	LITERAL("http://app.localhost:8080/", INSIDE),
	NAME("http://ip6-localhost/", "::1"),
	NAME("http://localhost.localdomain/", "127.0.0.1"),
	NAME("http://localhost6/", "::1"),
	/* names that lead inside */
	NAME("http://inside.example/", "127.0.0.1"),
	NAME("https://inside.example/", "127.0.0.1"),
	NAME("http://inside.example./", "127.0.0.1"),
	NAME("http://inside.example:8080/", "10.0.0.1"),
	NAME("http://127.0.0.1.nip.example/", "127.0.0.1"),
	NAME("http://metadata.example/", "169.254.169.254"),
	NAME("http://zero.example/", "0.0.0.0"),
	NAME("http://six.example/", "::1"),
	NAME("http://any.example/", "::"),
	NAME("http://unique.example/", "fd00::1"),
	NAME("http://link.example/", "fe80::1"),
	NAME("http://mapped.example/", "::ffff:127.0.0.1"),
	NAME("http://nat.example/", "64:ff9b::7f00:1"),
	NAME("http://6to4.example/", "2002:7f00:1::1"),
	NAME("http://teredo.example/", "2001:0:808:808::80ff:fffe"),
	NAME("http://isatap.example/", "2606:4700::5efe:10.0.0.1"),
	NAME("http://both.example/", "::1 127.0.0.1 10.0.0.1"),
	NAME("http://xn--inside-9ya.example/", "192.168.0.1"),
};

const size_t inside_table_count = sizeof(inside_table) / sizeof(inside_table[0]);
