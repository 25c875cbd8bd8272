/* world_redis.c - Redis's side: what worker/scripts/ do, word for word, on plain lists */
#include "simulation/world_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *redis_run_of(char out[STORE_RUN_SIZE], uint32_t process)
{
	snprintf(out, STORE_RUN_SIZE, "run-%u", process);
	return out;
}

struct redis_partition *redis_of(struct world *w, int32_t p)
{
	return &w->redis.partitions[p];
}

static void call_free(struct redis_call *c)
{
	free(c->record.data);
	free(c);
}

static bool has_expired(const struct redis_call *c)
{
	return c->gone_at && c->gone_at <= the_world->now;
}

struct redis_call *redis_find(struct redis_partition *r, const char *id)
{
	struct redis_call **at = &r->calls, *c;

	while (*at && strcmp((*at)->id, id))
		at = &(*at)->next;
	c = *at;
	if (!c || !has_expired(c))
		return c;
	*at = c->next;
	call_free(c);
	return NULL;
}

static struct bytes copy(const struct bytes *b)
{
	return (struct bytes){ must_copy(b->data, b->len), b->len };
}

/* ---- outbox ---- */

static struct redis_entry **outbox_slot(struct redis_partition *r, const char *name)
{
	struct redis_entry **at = &r->outbox;

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	return at;
}

static void outbox_put(struct redis_partition *r, const struct store_event *e)
{
	struct redis_entry **at = outbox_slot(r, e->name);

	if (!*at) {
		*at = must_calloc(1, sizeof(**at));
		snprintf((*at)->name, sizeof((*at)->name), "%s", e->name);
	}
	free((*at)->packed.data);
	(*at)->packed = copy(&e->packed);
}

static void outbox_remove(struct redis_partition *r, const char *name)
{
	struct redis_entry **at = outbox_slot(r, name), *e = *at;

	if (!e)
		return;
	*at = e->next;
	free(e->packed.data);
	free(e);
}

/* ---- the scripts ---- */

static bool epoch_holds(const struct redis_partition *r, const struct request *q)
{
	return r->epoch[0] && !strcmp(r->epoch, q->epoch.text);
}

static void raise_offsets(struct redis_partition *r, const struct request *q)
{
	if (q->told > r->told)
		r->told = q->told;
	if (q->next > r->next)
		r->next = q->next;
}

static enum store_answer do_take(struct world *w, struct request *q, struct result_of *out)
{
	struct redis_partition *r = redis_of(w, q->partition);
	int64_t n = strtoll(r->epoch, NULL, 10);

	out->taken = (struct store_taken){ .told = r->told, .next = r->next };
	memcpy(out->taken.previous, r->epoch, sizeof(r->epoch));
	memcpy(out->taken.previous_run, r->run_id, sizeof(r->run_id));
	if (q->known > n)
		n = q->known;
	out->taken.kept = q->ours[0] && (!strcmp(q->ours, r->epoch) || !strcmp(q->ours, r->memory));
	snprintf(r->memory, sizeof(r->memory), "%s", out->taken.kept ? q->ours : "");
	snprintf(r->epoch, sizeof(r->epoch), "%lld.%016llx", (long long)n + 1,
	         (unsigned long long)draw(w, UINT64_MAX));
	redis_run_of(r->run_id, w->redis.process);
	memcpy(out->taken.epoch.text, r->epoch, sizeof(r->epoch));
	memcpy(out->taken.epoch.run_id, r->run_id, sizeof(r->run_id));
	world_log(w, "redis: partition %d taken by worker %d: epoch %s", q->partition,
	          q->message.from->number, r->epoch);
	world_reach(w, POINT_TAKE, NULL);
	return STORE_DONE;
}

static enum store_answer write_call(struct redis_partition *r, struct redis_call *c, const struct request *q)
{
	const bool same = c && c->version == q->version + 1 && c->stamp == q->stamp;

	if (same)
		return STORE_DONE;
	if ((c ? c->version : 0) != q->version)
		return STORE_STALE;
	if (!c) {
		c = must_calloc(1, sizeof(*c));
		snprintf(c->id, sizeof(c->id), "%s", q->call);
		c->next = r->calls;
		r->calls = c;
	}
	c->version = q->version + 1;
	c->stamp = q->stamp;
	free(c->record.data);
	c->record = copy(&q->record);
	c->deadline = q->deadline;
	c->ended = q->ended;
	if (c->ended && !c->gone_at &&
	    the_world->rules.keep) /* what follows the end does not make it stay longer */
		c->gone_at = the_world->now + the_world->rules.keep;
	for (size_t i = 0; i < q->event_count; i++)
		outbox_put(r, &q->events[i]);
	return STORE_DONE;
}

static enum store_answer do_save(struct world *w, struct request *q)
{
	struct redis_partition *r = redis_of(w, q->partition);
	enum store_answer a;

	if (!epoch_holds(r, q))
		return STORE_REFUSED;
	if (told_of(w, q->call)->spoilt)
		return STORE_FAILED;
	a = write_call(r, redis_find(r, q->call), q);
	if (a != STORE_DONE)
		return a;
	for (size_t i = 0; i < q->name_count; i++)
		outbox_remove(r, q->names[i]);
	raise_offsets(r, q);
	world_log(w, "redis: %s of worker %d is saved, version %lld", q->call, q->message.from->number,
	          (long long)q->version + 1);
	world_reach(w, q->name_count ? POINT_CONFIRM : POINT_SAVE, NULL);
	return STORE_DONE;
}

static enum store_answer do_clear(struct world *w, struct request *q)
{
	struct redis_partition *r = redis_of(w, q->partition);

	if (!epoch_holds(r, q))
		return STORE_REFUSED;
	for (size_t i = 0; i < q->name_count; i++)
		outbox_remove(r, q->names[i]);
	raise_offsets(r, q);
	world_reach(w, POINT_CLEAR, NULL);
	return STORE_DONE;
}

static enum store_answer do_load(struct world *w, struct request *q, struct result_of *out)
{
	struct redis_partition *r = redis_of(w, q->partition);
	const struct redis_call *c = redis_find(r, q->call);

	if (!epoch_holds(r, q))
		return STORE_REFUSED;
	if (told_of(w, q->call)->spoilt)
		return STORE_FAILED;
	if (c) {
		out->version = c->version;
		out->record = copy(&c->record);
	}
	world_reach(w, POINT_LOAD, NULL);
	return STORE_DONE;
}

/* ---- what a takeover reads, part by part ---- */

static void add_name(struct request *q, const char *name)
{
	q->names = must_realloc(q->names, (q->name_count + 1) * sizeof(*q->names));
	q->names[q->name_count++] = must_strdup(name);
}

static struct store_entry *add_found(struct result_of *out, const char *name, const struct bytes *value)
{
	const struct store_entry e = { .name = must_strdup(name), .value = copy(value) };

	out->entries = must_realloc(out->entries, (out->entry_count + 1) * sizeof(*out->entries));
	out->entries[out->entry_count] = e;
	return &out->entries[out->entry_count++];
}

#define PART 3

/* HSCAN knows no order. */
static void shuffle(struct world *w, struct request *q)
{
	for (size_t i = q->name_count; !w->rules.steady && i > 1; i--) {
		const size_t k = (size_t)draw(w, i);
		char *name = q->names[k];

		q->names[k] = q->names[i - 1];
		q->names[i - 1] = name;
	}
}

/* The names are those of the first part's time; values are of each part's own. */
static enum store_answer do_entries(struct world *w, struct request *q, struct result_of *out)
{
	struct redis_partition *r = redis_of(w, q->partition);

	if (!epoch_holds(r, q))
		return STORE_REFUSED;
	if (!q->listed && q->kind == ASK_OUTBOX)
		for (const struct redis_entry *e = r->outbox; e; e = e->next)
			add_name(q, e->name);
	else if (!q->listed)
		for (const struct redis_call *c = r->calls; c; c = c->next)
			if (!c->ended)
				add_name(q, c->id);
	if (!q->listed)
		shuffle(w, q);
	q->listed = true;
	for (int i = 0; i < PART && q->name_next < q->name_count; i++, q->name_next++) {
		const char *name = q->names[q->name_next];
		const struct redis_entry *e = *outbox_slot(r, name);
		const struct redis_call *c = q->kind == ASK_LIVE ? redis_find(r, name) : NULL;

		if (c)
			add_found(out, name, &c->record)->version = c->version;
		else if (q->kind == ASK_OUTBOX && e)
			add_found(out, name, &e->packed);
	}
	/* HSCAN may give an entry twice */
	if (q->kind == ASK_OUTBOX && out->entry_count && !w->rules.steady && chance(w, 20))
		add_found(out, out->entries[0].name, &out->entries[0].value);
	out->more = q->name_next < q->name_count;
	return STORE_DONE;
}

enum store_answer redis_do(struct world *w, struct request *q, struct result_of *out)
{
	enum store_answer a = STORE_REFUSED;

	switch (q->kind) {
	case ASK_NOTHING: /* a request that this Redis must not see */
		break;
	case ASK_TAKE:
		a = do_take(w, q, out);
		break;
	case ASK_CHECK:
		a = epoch_holds(redis_of(w, q->partition), q) ? STORE_DONE : STORE_REFUSED;
		break;
	case ASK_OUTBOX:
	case ASK_LIVE:
		a = do_entries(w, q, out);
		break;
	case ASK_LOAD:
		a = do_load(w, q, out);
		break;
	case ASK_SAVE:
		a = do_save(w, q);
		break;
	case ASK_CLEAR:
		a = do_clear(w, q);
		break;
	}
	if (a == STORE_REFUSED || a == STORE_STALE)
		world_reach(w, a == STORE_STALE ? POINT_STALE : POINT_REFUSED, NULL);
	return a;
}

/* ---- the end ---- */

bool redis_is_clean(struct world *w, char *why, size_t size)
{
	for (int p = 0; p < w->rules.partitions; p++) {
		const struct redis_partition *r = redis_of(w, p);

		if (r->outbox) {
			snprintf(why, size, "%s is left in the outbox", r->outbox->name);
			return false;
		}
		for (const struct redis_call *c = r->calls; c; c = c->next) {
			if (!c->ended && !told_of(w, c->id)->spoilt) {
				snprintf(why, size, "%s is left in live", c->id);
				return false;
			}
		}
	}
	return true;
}

void redis_clear_all(struct world *w)
{
	for (int p = 0; p < WORLD_PARTITIONS; p++) {
		struct redis_partition *r = redis_of(w, p);
		struct redis_call *c;

		while (r->outbox) {
			char name[sizeof(r->outbox->name)];

			memcpy(name, r->outbox->name, sizeof(name));
			outbox_remove(r, name);
		}
		while ((c = r->calls)) {
			r->calls = c->next;
			call_free(c);
		}
	}
}
