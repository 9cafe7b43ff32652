/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/support.h"

#include <string.h>

SUITE(vec);
SUITE(index);

Test(vec, grows_and_keeps_what_it_holds)
{
	VEC(size_t) vec = { 0 };

	for (size_t i = 0; i < 10000; i++) {
		size_t *item = vec_add(&arena, &vec);

		cr_assert_eq(*item, 0, "a new element is zeroed");
		*item = i * 3;
	}
	cr_assert_eq(vec.count, 10000);
	cr_assert_geq(vec.capacity, vec.count);
	for (size_t i = 0; i < 10000; i++)
		cr_assert_eq(vec.items[i], i * 3);
}

/* "at most as much again as the final array": capacity doubles, so it stays below twice the count.
 */
Test(vec, wastes_no_more_than_it_says)
{
	VEC(char) vec = { 0 };

	for (size_t i = 0; i < 5000; i++) {
		vec_add(&arena, &vec);
		cr_assert(vec.count <= 4 || vec.capacity < vec.count * 2);
	}
}

Test(vec, does_not_move_while_there_is_room)
{
	size_t capacity = 0;
	void *items = vec_grow(&arena, NULL, 0, &capacity, 8);

	cr_assert_not_null(items);
	cr_assert_gt(capacity, 1);
	for (size_t count = 0; count < capacity; count++)
		cr_assert_eq(vec_grow(&arena, items, count, &capacity, 8), items);
	cr_assert_neq(vec_grow(&arena, items, capacity, &capacity, 8), items);
}

Test(vec, each_visits_in_order_and_takes_an_empty_vector)
{
	VEC(int) vec = { 0 };
	int sum = 0, place = 1;

	vec_each (item, &vec)
		cr_assert_fail("nothing is in it");
	*vec_add(&arena, &vec) = 1;
	*vec_add(&arena, &vec) = 2;
	*vec_add(&arena, &vec) = 3;
	vec_each (item, &vec)
		sum += place++ * *item;
	cr_assert_eq(sum, 1 + 4 + 9);
}

/* Vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c, 64 bits, FNV-1a. */
Test(index, hash_is_fnv_1a)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} vectors[] = {
		{ "", UINT64_C(0xcbf29ce484222325) },
		{ "a", UINT64_C(0xaf63dc4c8601ec8c) },
		{ "b", UINT64_C(0xaf63df4c8601f1a5) },
		{ "foobar", UINT64_C(0x85944171f73967e8) },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		cr_assert_eq(hash_bytes(HASH_SEED, vectors[i].text, strlen(vectors[i].text)),
			vectors[i].hash, "\"%s\"", vectors[i].text);
}

Test(index, hash_goes_on_where_it_stopped)
{
	uint64_t hash = hash_bytes(HASH_SEED, "foo", 3);

	cr_assert_eq(hash_bytes(hash, "bar", 3), UINT64_C(0x85944171f73967e8));
}

Test(index, empty_finds_nothing)
{
	struct name_index index = { 0 };

	cr_assert_eq(name_index_find(&index, ""), NAME_ABSENT);
	cr_assert_eq(name_index_find(&index, "a"), NAME_ABSENT);
}

Test(index, keeps_the_first_of_a_name)
{
	struct name_index index = { 0 };

	cr_assert_eq(name_index_add(&arena, &index, "a", 7), NAME_ABSENT);
	cr_assert_eq(name_index_add(&arena, &index, arena_copy(&arena, "a", 1), 8), 7);
	cr_assert_eq(name_index_add(&arena, &index, "", 0), NAME_ABSENT);
	cr_assert_eq(name_index_find(&index, "a"), 7);
	cr_assert_eq(name_index_find(&index, ""), 0);
	cr_assert_eq(name_index_find(&index, "b"), NAME_ABSENT);
	cr_assert_eq(index.count, 2);
}

Test(index, holds_ten_thousand_names)
{
	struct name_index index = { 0 };

	for (size_t i = 0; i < 10000; i++)
		cr_assert_eq(name_index_add(&arena, &index, arena_printf(&arena, "name_%zu", i), i),
			NAME_ABSENT);
	cr_assert_eq(index.count, 10000);
	for (size_t i = 0; i < 10000; i++) {
		const char *name = arena_printf(&arena, "name_%zu", i);

		cr_assert_eq(name_index_find(&index, name), i);
		cr_assert_eq(name_index_add(&arena, &index, name, 1), i);
	}
	cr_assert_eq(index.count, 10000);
	cr_assert_eq(name_index_find(&index, "name_10000"), NAME_ABSENT);
}

/* Constant time per name: a table that is too full would make a search long. */
Test(index, stays_sparse)
{
	struct name_index index = { 0 };

	for (size_t i = 0; i < 1000; i++) {
		name_index_add(&arena, &index, arena_printf(&arena, "%zu", i), i);
		cr_assert_leq(index.count * 2, index.capacity + 1);
	}
}

Test(index, a_name_takes_another_value)
{
	struct name_index index = { 0 };

	for (size_t i = 0; i < 100; i++)
		name_index_add(&arena, &index, arena_printf(&arena, "%zu", i), i);
	name_index_set(&index, "42", 7);
	for (size_t i = 0; i < 100; i++)
		cr_assert_eq(
			name_index_find(&index, arena_printf(&arena, "%zu", i)), i == 42 ? 7 : i);
	cr_assert_eq(index.count, 100);
}

Test(index, ids)
{
	struct id_index index = { 0 };

	cr_assert_eq(id_index_find(&index, 1), NAME_ABSENT);
	for (size_t i = 0; i < 10000; i++) {
		/* Neighbours, far ones and such as share their low bits. */
		uint64_t id = i % 3 ? i + 1 : (uint64_t)(i + 1) << 32;

		cr_assert_eq(id_index_add(&arena, &index, id, i), NAME_ABSENT);
		cr_assert_eq(id_index_add(&arena, &index, id, 1), i);
		cr_assert_leq(index.count * 2, index.capacity + 1);
	}
	for (size_t i = 0; i < 10000; i++)
		cr_assert_eq(id_index_find(&index, i % 3 ? i + 1 : (uint64_t)(i + 1) << 32), i);
	cr_assert_eq(index.count, 10000);
	cr_assert_eq(id_index_find(&index, 10001), NAME_ABSENT);
}

/* It stands for none: nothing is found by it. */
Test(index, no_id)
{
	struct id_index index = { 0 };

	cr_assert_eq(id_index_add(&arena, &index, 0, 7), NAME_ABSENT);
	id_index_add(&arena, &index, 5, 7);
	cr_assert_eq(id_index_find(&index, 0), NAME_ABSENT);
	cr_assert_eq(index.count, 1);
}
