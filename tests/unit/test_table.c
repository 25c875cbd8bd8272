/* test_table.c - the hash table: what goes in comes out, also while it grows and is walked */
#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <cmocka.h>

enum { MANY = 5000 };
static int values[MANY];

static const char *name_of(int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "call-%d.1.1", i);
	return name;
}

static struct table *filled(void)
{
	struct table *t;
	int i;

	assert_int_equal(table_open(&t), 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(table_put(t, name_of(i), &values[i]), 0);
	return t;
}

static void test_put_get_remove(void **state)
{
	struct table *t = filled();
	int i;

	(void)state;
	assert_int_equal(table_count(t), MANY);
	for (i = 0; i < MANY; i++)
		assert_ptr_equal(table_get(t, name_of(i)), &values[i]);
	assert_null(table_get(t, "somebody else"));
	for (i = 0; i < MANY; i += 2)
		assert_ptr_equal(table_remove(t, name_of(i)), &values[i]);
	assert_null(table_remove(t, name_of(0)));
	for (i = 0; i < MANY; i++)
		assert_ptr_equal(table_get(t, name_of(i)), i % 2 ? &values[i] : NULL);
	assert_int_equal(table_count(t), MANY / 2);
	table_close(t);
}

static void test_put_replaces(void **state)
{
	char key[] = "one";
	struct table *t;

	(void)state;
	assert_int_equal(table_open(&t), 0);
	assert_int_equal(table_put(t, key, &values[1]), 0);
	assert_int_equal(table_put(t, "one", &values[2]), 0);
	key[0] = 'x'; /* the key was copied */
	assert_ptr_equal(table_get(t, "one"), &values[2]);
	assert_int_equal(table_count(t), 1);
	table_close(t);
}

static void test_walk_sees_each_once_and_may_remove(void **state)
{
	static int seen[MANY];
	struct table *t = filled();
	size_t cursor = 0, n = 0;
	const char *key;
	int *v;

	(void)state;
	while ((v = table_next(t, &cursor, &key))) {
		assert_string_equal(key, name_of((int)(v - values)));
		seen[v - values]++;
		n++;
		if (n % 3 == 0)
			assert_ptr_equal(table_remove(t, key), v);
	}
	assert_int_equal(n, MANY);
	for (n = 0; n < MANY; n++)
		assert_int_equal(seen[n], 1);
	assert_int_equal(table_count(t), MANY - MANY / 3);
	table_close(t);
}

/* Tombstones must not fill the table: a probe for a missing key would never end. */
static void test_coming_and_going_stays_small(void **state)
{
	struct table *t;
	int i;

	(void)state;
	assert_int_equal(table_open(&t), 0);
	for (i = 0; i < 200000; i++) {
		assert_int_equal(table_put(t, name_of(i), &values[0]), 0);
		assert_non_null(table_remove(t, name_of(i)));
		assert_null(table_get(t, name_of(i)));
	}
	assert_int_equal(table_count(t), 0);
	table_close(t);
	table_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_remove),
		cmocka_unit_test(test_put_replaces),
		cmocka_unit_test(test_walk_sees_each_once_and_may_remove),
		cmocka_unit_test(test_coming_and_going_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
