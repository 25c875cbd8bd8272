/* fuzz_callid.c - the callLegId, and the texts it is made of: lib/callid.c, base64 and UUIDs of lib/digest.c */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callid.h"
#include "tenants_parts.h"

static struct tenants tenants = { .key_count = 2, .keys = { { .number = 1 }, { .number = 0, .until = 1 } } };

/* One value has one spelling: what was taken, written anew, is the same text. */
static void read_base64(const char *text, size_t len)
{
	uint8_t *bytes = malloc(len / 4 * 3 + 3);
	char *back = malloc(len + 5);
	long n;

	HOLDS(bytes && back);
	n = base64_decode(bytes, text, len);
	HOLDS(n == -EBADMSG || (n >= 0 && (size_t)n <= len / 4 * 3));
	if (n >= 0)
		HOLDS(base64_encode(back, bytes, (size_t)n) == len && !memcmp(back, text, len));
	n = base64url_decode(bytes, text, len);
	HOLDS(n == -EBADMSG || (n >= 0 && (size_t)n <= len / 4 * 3 + 2));
	if (n >= 0)
		HOLDS(base64url_encode(back, bytes, (size_t)n) == len && !memcmp(back, text, len));
	free(bytes);
	free(back);
}

static void read_uuid(const char *text)
{
	if (uuid_valid(text))
		HOLDS(strlen(text) == UUID_SIZE - 1 &&
		      strspn(text, "0123456789abcdefABCDEF-") == UUID_SIZE - 1);
}

/* An id that is somebody's is nobody else's, and not with another letter. */
static void check_issued(const char *text)
{
	struct callid id;
	char other[CALLID_SIZE];

	HOLDS(callid_check(&id, &tenants, "another", text) == -ENOENT);
	for (size_t i = 0; i < CALLID_LEN; i += 5) {
		memcpy(other, text, CALLID_SIZE);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		HOLDS(callid_check(&id, &tenants, "default", other) == -ENOENT);
	}
}

static void read_id(const char *text)
{
	struct callid parsed = { 0 }, checked = { 0 };
	int p = callid_parse(&parsed, text), c = callid_check(&checked, &tenants, "default", text);

	HOLDS(p == 0 || p == -EINVAL);
	HOLDS(c == -ENOENT || (c == 0 && p == 0));
	if (p == 0) {
		HOLDS(strlen(text) == CALLID_LEN && text[0] != '-');
		HOLDS(parsed.key >= 0 && parsed.key <= 15);
		HOLDS(parsed.partition >= 0 && parsed.partition <= UINT16_MAX);
	}
	if (c == 0) {
		HOLDS(checked.partition == parsed.partition && checked.seconds == parsed.seconds);
		check_issued(text);
	}
}

/* Made of the input's own bytes, it is an id that is issued. */
static void make_id(const uint8_t *data)
{
	int32_t partition = data[0] << 8 | data[1];
	char text[CALLID_SIZE];
	struct callid id;

	HOLDS(callid_make(text, &tenants, "default", data[2] & 1, partition, data[3], data + 4) == 0);
	HOLDS(callid_check(&id, &tenants, "default", text) == 0);
	HOLDS(id.key == (data[2] & 1) && id.partition == partition && id.seconds == data[3]);
	check_issued(text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char keys[2][33] = { "0123456789abcdef0123456789abcdef",
		                          "fedcba98765432100123456789abcdef" };

	(void)argc;
	(void)argv;
	for (int i = 0; i < 2; i++)
		HOLDS(digest_key_open(&tenants.keys[i].mac, keys[i], 32) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	read_base64(text, strlen(text));
	read_uuid(text);
	read_id(text);
	if (size >= 13)
		make_id(data);
	free(text);
	return 0;
}
