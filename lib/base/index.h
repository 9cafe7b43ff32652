/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From names to positions: a hash table over strings that somebody else keeps alive. And from the
 * kernel's ids to positions.
 * Constant time for each, so that a manifest of 10,000 programs resolves as fast per name as one
 * of 10.
 */
#pragma once

#include "lib/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct name_slot {
	const char *name;
	uint32_t hash; /* so that other names are passed over without looking at them */
	uint32_t value;
};

/* Zero-initialise. */
struct name_index {
	struct name_slot *slots;
	size_t count, capacity;
};

#define NAME_ABSENT ((size_t)-1)

/* The value stored for `name`, or NAME_ABSENT. */
size_t name_index_find(const struct name_index *index, const char *name);

/*
 * Stores `value`, which is less than 2^32, unless the name is there already; returns NAME_ABSENT when it
 * was stored, the value that was there before otherwise. `name` is kept by reference.
 */
size_t name_index_add(
	struct arena *arena, struct name_index *index, const char *name, size_t value);

/* Another value for a name that is there. */
void name_index_set(struct name_index *index, const char *name, size_t value);

struct id_slot {
	uint64_t id; /* 0: free; the kernel's begin with 1 */
	size_t value;
};

/* Zero-initialise. */
struct id_index {
	struct id_slot *slots;
	size_t count, capacity;
};

/* As with names. No value is stored for id 0, which stands for none. */
size_t id_index_find(const struct id_index *index, uint64_t id);
size_t id_index_add(struct arena *arena, struct id_index *index, uint64_t id, size_t value);

/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). Begin with HASH_SEED. */
#define HASH_SEED UINT64_C(0xcbf29ce484222325)
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);
