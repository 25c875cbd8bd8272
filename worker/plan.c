/* plan.c - see plan.h */
#include "plan.h"

#include <stdlib.h>

#include "must.h"

struct call_event *plan_add_event(struct plan *p)
{
	p->events = must_realloc(p->events, (p->event_count + 1) * sizeof(*p->events));
	p->events[p->event_count] = (struct call_event){ 0 };
	return &p->events[p->event_count++];
}

struct act *plan_add_act(struct plan *p, enum act_kind kind, const char *dial_id)
{
	p->acts = must_realloc(p->acts, (p->act_count + 1) * sizeof(*p->acts));
	p->acts[p->act_count] = (struct act){ .kind = kind, .dial_id = must_strdup(dial_id) };
	return &p->acts[p->act_count++];
}

void plan_clear(struct plan *p)
{
	for (size_t i = 0; i < p->event_count; i++)
		call_event_clear(&p->events[i]);
	for (size_t i = 0; i < p->act_count; i++) {
		free(p->acts[i].dial_id);
		free(p->acts[i].address);
		free(p->acts[i].caller);
		free(p->acts[i].play);
		free(p->acts[i].uri);
	}
	free(p->events);
	free(p->acts);
	*p = (struct plan){ 0 };
}
