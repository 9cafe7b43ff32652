/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/vec.h"

#include <string.h>

void *vec_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	return vec_reserve(arena, items, count, capacity, size, *capacity ? *capacity * 2 : 4);
}

void *vec_reserve(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size,
	size_t wanted)
{
	void *grown;

	if (wanted <= *capacity)
		return items;
	*capacity = wanted;
	grown = arena_alloc_array(arena, *capacity, size);
	if (count)
		memcpy(grown, items, count * size);
	return grown;
}
