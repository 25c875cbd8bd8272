/* body_create.c - the body of POST /calls */
#include "body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without one, the tenant's own: the original API's page shows requests that have none. */
static int read_source(struct create_body *b, const json_t *body, const struct tenant *t,
                       struct body_fault *fault)
{
	const json_t *value = body_field(body, "source");

	if (value)
		return body_identifier(&b->source, value, "source", fault);
	if (t->default_source.kind == IDENTIFIER_NONE)
		return body_fault(fault, "source: missing, and there is no default source");
	b->source.kind = t->default_source.kind;
	b->source.value = strdup(t->default_source.value);
	return b->source.value ? 0 : -ENOMEM;
}

/*
 * A list of words from a fixed set: sets the flag of each that is there.
 * Absent: no flag changes.
 */
static int read_words(const json_t *body, const char *name, const char *const words[2], bool *flags[2],
                      struct body_fault *fault)
{
	const json_t *list = body_field(body, name);

	if (!list)
		return 0;
	if (!json_is_array(list))
		return body_fault(fault, "%s: not an array", name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (!word)
			return body_fault(fault, "%s[%zu]: not a string", name, i);
		if (!strcmp(word, words[0]))
			*flags[0] = true;
		else if (!strcmp(word, words[1]))
			*flags[1] = true;
		else
			return body_fault(fault, "%s[%zu]: must be %s or %s", name, i, words[0], words[1]);
	}
	return 0;
}

static int read_modalities(struct create_body *b, const json_t *body, struct body_fault *fault)
{
	static const char *const words[2] = { "audio", "video" };
	bool *flags[2] = { &b->audio, &b->video };
	int r = read_words(body, "requestedModalities", words, flags, fault);

	if (r < 0)
		return r;
	if (b->video && !b->audio)
		return body_fault(fault, "requestedModalities: a call without audio can't be made");
	b->audio = true;
	return 0;
}

static int read_events(struct create_body *b, const json_t *body, struct body_fault *fault)
{
	static const char *const words[2] = { "participantsUpdated", "dtmfReceived" };
	bool *flags[2] = { &b->participants_updated, &b->dtmf_received };

	return read_words(body, "requestedCallEvents", words, flags, fault);
}

/* The original page's word and the later one; both at once must not disagree in silence. */
static int read_alternate(struct create_body *b, const json_t *body, struct body_fault *fault)
{
	const json_t *own = body_field(body, "sourceAlternateIdentity");
	const json_t *synonym = body_field(body, "alternateCallerId");

	if (own && synonym)
		return body_fault(fault,
		                  "alternateCallerId: sourceAlternateIdentity says the same; send one");
	if (own)
		return body_phone(&b->source_alternate, own, "sourceAlternateIdentity", fault);
	if (synonym)
		return body_phone(&b->source_alternate, synonym, "alternateCallerId", fault);
	return 0;
}

static int read_all(struct call_command *c, const json_t *body, const struct body_rules *rules,
                    struct body_fault *fault)
{
	struct create_body *b = c->create;
	int r;

	r = body_identifiers(&b->targets, &b->targets_count, body, "targets", fault);
	if (!r)
		r = read_source(b, body, rules->tenant, fault);
	if (!r)
		r = body_callback(&c->callback_uri, body, rules, fault);
	if (!r && !c->callback_uri)
		r = body_fault(fault, "callbackUri: missing");
	if (!r)
		r = read_modalities(b, body, fault);
	if (!r)
		r = read_events(b, body, fault);
	if (!r)
		r = read_alternate(b, body, fault);
	if (!r)
		r = body_string(&b->subject, body, "subject", SUBJECT_MAX, fault);
	if (!r)
		r = body_string(&c->operation_context, body, "operationContext", CONTEXT_MAX, fault);
	return r;
}

int body_create(struct call_command *c, const char *text, size_t len, const struct body_rules *rules,
                struct body_fault *fault)
{
	json_t *body;
	int r;

	c->create = calloc(1, sizeof(*c->create));
	if (!c->create)
		return -ENOMEM;
	r = body_parse(&body, text, len, fault);
	if (r < 0)
		return r;
	r = read_all(c, body, rules, fault);
	json_decref(body);
	return r;
}
