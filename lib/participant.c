/* participant.c - see participant.h */
#include "participant.h"

json_t *identifier_json(const struct identifier *i)
{
	static const char raw[] = "rawId", user[] = "communicationUser", phone[] = "phoneNumber",
	                  teams[] = "microsoftTeamsUser";
	const char *value = i->value ? i->value : "";

	switch (i->kind) {
	case IDENTIFIER_PHONE:
		return json_pack("{s:s+, s:n, s:{s:s}, s:n}", raw, "4:", value, user, phone, "value", value,
		                 teams);
	case IDENTIFIER_USER:
		return json_pack("{s:s, s:{s:s}, s:n, s:n}", raw, value, user, "id", value, phone, teams);
	case IDENTIFIER_RAW:
		return json_pack("{s:s, s:n, s:n, s:n}", raw, value, user, phone, teams);
	default:
		return json_null();
	}
}

static json_t *participant_json(const struct leg *l)
{
	return json_pack("{s:o, s:s?, s:b}", "identifier", identifier_json(&l->identifier), "participantId",
	                 l->participant_id, "isMuted", l->muted);
}

json_t *participants_json(const struct call_record *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->legs_count; i++) {
		if (r->legs[i].state == LEG_TALKING &&
		    json_array_append_new(list, participant_json(&r->legs[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
