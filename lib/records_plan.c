/* records_plan.c - joins a schema with a struct's table, by name, once: see records_parts.h */
#include "records_parts.h"

#include <errno.h>
#include <string.h>

struct planner {
	struct arena *arena;
	char *why;
	size_t why_size;
};

static int make(struct planner *p, const struct plan **out, const struct type *record, const struct table *t);

static const struct field *find_field(const struct table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		if (strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	}
	return NULL;
}

static int misfit(struct planner *p, const struct field *f)
{
	snprintf(p->why, p->why_size, "field %s has a type that its struct can't hold", f->name);
	return -EINVAL;
}

/* [null, X] and [X, null] become X and where the null was. */
static void open_union(struct plan_step *step)
{
	const struct type *t = step->type;
	int i;

	step->null_branch = -1;
	if (t->kind != TYPE_UNION || t->count != 2)
		return;
	for (i = 0; i < 2; i++) {
		if (t->members[i].type->kind == TYPE_NULL) {
			step->null_branch = i;
			step->type = t->members[1 - i].type;
			return;
		}
	}
}

static bool fits(const struct plan_step *step)
{
	static const enum type_kind kinds[] = {
		[FIELD_TEXT] = TYPE_STRING,  [FIELD_INT32] = TYPE_INT,       [FIELD_INT64] = TYPE_LONG,
		[FIELD_FLAG] = TYPE_BOOLEAN, [FIELD_WORD] = TYPE_ENUM,       [FIELD_BLOB] = TYPE_BYTES,
		[FIELD_PART] = TYPE_RECORD,  [FIELD_OPTIONAL] = TYPE_RECORD, [FIELD_LIST] = TYPE_ARRAY,
		[FIELD_TEXTS] = TYPE_ARRAY,
	};
	enum field_kind kind = step->field->kind;
	bool nullable = step->null_branch >= 0;

	if (kind == FIELD_INT64 && step->type->kind == TYPE_INT)
		return !nullable; /* a number that was made wider later */
	if (step->type->kind != kinds[kind])
		return false;
	if (kind == FIELD_LIST && step->type->members[0].type->kind != TYPE_RECORD)
		return false;
	if (kind == FIELD_TEXTS && step->type->members[0].type->kind != TYPE_STRING)
		return false;
	if (kind == FIELD_OPTIONAL)
		return nullable;
	return !nullable || kind == FIELD_TEXT;
}

/* Both ways between the schema's symbols and the struct's numbers. */
static int map_symbols(struct planner *p, struct plan_step *step)
{
	const char *const *names = step->field->symbols;
	int symbols = (int)step->type->count, numbers = 0, s, n;
	int *to_number, *to_symbol;

	while (names[numbers])
		numbers++;
	to_number = arena_alloc(p->arena, (size_t)symbols * sizeof(int));
	to_symbol = arena_alloc(p->arena, (size_t)numbers * sizeof(int));
	if (!to_number || !to_symbol)
		return -ENOMEM;

	for (s = 0; s < symbols; s++)
		to_number[s] = (int)step->field->missing; /* a symbol that the struct no longer has */
	for (n = 0; n < numbers; n++) {
		to_symbol[n] = -1;
		for (s = 0; s < symbols; s++) {
			if (strcmp(names[n], step->type->symbols[s]) != 0)
				continue;
			to_symbol[n] = s;
			to_number[s] = n;
		}
	}
	step->to_number = to_number;
	step->to_symbol = to_symbol;
	step->numbers = numbers;
	return 0;
}

static int make_step(struct planner *p, struct plan_step *step)
{
	const struct type *record = step->type;

	if (!fits(step))
		return misfit(p, step->field);

	switch (step->field->kind) {
	case FIELD_WORD:
		return map_symbols(p, step);
	case FIELD_LIST:
		record = step->type->members[0].type;
		/* fall through */
	case FIELD_PART:
	case FIELD_OPTIONAL:
		return make(p, &step->plan, record, step->field->table);
	default:
		return 0;
	}
}

/* Numbers that start elsewhere than at 0, where the schema does not give them. */
static int find_missing(struct planner *p, struct plan *plan)
{
	const struct table *t = plan->table;
	size_t i, s;

	plan->missing = arena_alloc(p->arena, t->count * sizeof(*plan->missing));
	if (!plan->missing)
		return -ENOMEM;
	for (i = 0; i < t->count; i++) {
		if (!t->fields[i].missing)
			continue;
		for (s = 0; s < plan->count; s++) {
			if (plan->steps[s].field == &t->fields[i])
				break;
		}
		if (s == plan->count)
			plan->missing[plan->missing_count++] = &t->fields[i];
	}
	return 0;
}

static int make(struct planner *p, const struct plan **out, const struct type *record, const struct table *t)
{
	struct plan *plan;
	size_t i;
	int r;

	plan = arena_alloc(p->arena, sizeof(*plan));
	if (!plan)
		return -ENOMEM;
	plan->steps = arena_alloc(p->arena, record->count * sizeof(*plan->steps));
	if (!plan->steps)
		return -ENOMEM;
	plan->table = t;
	plan->count = record->count;
	plan->least = record->least;
	plan->complete = true;

	for (i = 0; i < record->count; i++) {
		struct plan_step *step = &plan->steps[i];

		step->type = record->members[i].type;
		step->null_branch = -1;
		step->field = find_field(t, record->members[i].name);
		if (!step->field) {
			plan->complete = false; /* read past as it stands, union and all */
			continue;
		}
		open_union(step);
		r = make_step(p, step);
		if (r < 0)
			return r;
		if (step->plan && !step->plan->complete)
			plan->complete = false;
	}

	r = find_missing(p, plan);
	if (r < 0)
		return r;
	*out = plan;
	return 0;
}

int plan_make(const struct plan **out, struct schema *s, const struct table *t, char *why, size_t size)
{
	struct planner p = { .arena = &s->arena, .why = why, .why_size = size };

	if (s->root->kind != TYPE_RECORD) {
		snprintf(why, size, "not a record");
		return -EINVAL;
	}
	return make(&p, out, s->root, t);
}
