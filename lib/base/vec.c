/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/vec.h"

#include <string.h>

void *vec_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	void *grown;

	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 4;
	grown = arena_alloc_array(arena, *capacity, size);
	if (count)
		memcpy(grown, items, count * size);
	return grown;
}
