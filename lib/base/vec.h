/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Growing arrays in an arena.
 *
 * VEC(type) declares one; zero-initialise it. `items` moves when the vector grows, so keep indices,
 * not pointers, while it is being filled. What growth leaves behind stays in the arena: at most as
 * much again as the final array.
 */
#pragma once

#include "lib/base/arena.h"

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t count, capacity;                                                            \
	}

/* The same members with an untyped pointer, for code that is driven by tables of offsets. */
struct vec_untyped {
	void *items;
	size_t count, capacity;
};

/* Room for one more element of `size` bytes; returns the (possibly moved) items. */
void *vec_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size);

/* Room for so many elements in all; returns the (possibly moved) items. */
void *vec_reserve(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size,
	size_t wanted);

/* A pointer to a new, zeroed last element. */
#define vec_add(arena, vec)                                                                        \
	((vec)->items = vec_grow(                                                                  \
		 (arena), (vec)->items, (vec)->count, &(vec)->capacity, sizeof(*(vec)->items)),    \
		&(vec)->items[(vec)->count++])

/* Room for so many elements in all, where their number is known beforehand. */
#define vec_expect(arena, vec, wanted)                                                             \
	((vec)->items = vec_reserve((arena), (vec)->items, (vec)->count, &(vec)->capacity,         \
		 sizeof(*(vec)->items), (wanted)))

#define vec_each(item, vec)                                                                        \
	for (__typeof__(*(vec)->items) *item = (vec)->items;                                       \
		item && item < (vec)->items + (vec)->count; item++)
