/* test_participant.c - who is in a call, as JSON, byte for byte: events have it too */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "participant.h"

#define REST(user, phone)                                                                                    \
	"\"communicationUser\":" user ",\"phoneNumber\":" phone ",\"microsoftTeamsUser\":null}"
#define PHONE              "{\"rawId\":\"4:+14250000001\"," REST("null", "{\"value\":\"+14250000001\"}")
#define USER               "{\"rawId\":\"8:acs:u\"," REST("{\"id\":\"8:acs:u\"}", "null")
#define RAW                "{\"rawId\":\"28:x\"," REST("null", "null")
#define TALKER(who, id, m) "{\"identifier\":" who ",\"participantId\":\"" id "\",\"isMuted\":" m "}"

static void expect(json_t *j, const char *text)
{
	char *said = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(said, text);
	free(said);
	json_decref(j);
}

static void test_identifiers(void **state)
{
	const struct identifier nobody = { 0 }, phone = { IDENTIFIER_PHONE, (char *)"+14250000001" },
	                        user = { IDENTIFIER_USER, (char *)"8:acs:u" },
	                        raw = { IDENTIFIER_RAW, (char *)"28:x" }, empty = { IDENTIFIER_RAW, NULL };

	(void)state;
	expect(identifier_json(&phone), PHONE);
	expect(identifier_json(&user), USER);
	expect(identifier_json(&raw), RAW);
	expect(identifier_json(&empty), "{\"rawId\":\"\"," REST("null", "null"));
	expect(identifier_json(&nobody), "null");
}

/* One leg in each state: only who talks is in the list. */
static void test_who_talks(void **state)
{
	struct leg legs[LEG_STATES + 1];
	struct call_record r = { .legs = legs };

	(void)state;
	expect(participants_json(&r), "[]");
	r.legs_count = LEG_STATES + 1;
	for (int i = 0; i <= LEG_STATES; i++)
		legs[i] = (struct leg){ .participant_id = (char *)"x",
			                .identifier = { IDENTIFIER_RAW, (char *)"28:x" },
			                .state = i };
	legs[LEG_TALKING].identifier = (struct identifier){ IDENTIFIER_PHONE, (char *)"+14250000001" };
	legs[LEG_TALKING].participant_id = (char *)"a";
	legs[LEG_STATES].identifier = (struct identifier){ IDENTIFIER_USER, (char *)"8:acs:u" };
	legs[LEG_STATES].participant_id = (char *)"b";
	legs[LEG_STATES].muted = true;
	legs[LEG_STATES].state = LEG_TALKING;
	expect(participants_json(&r), "[" TALKER(PHONE, "a", "false") "," TALKER(USER, "b", "true") "]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_who_talks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
