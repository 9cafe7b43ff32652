/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From names, or ids, to positions: a hash table over strings that somebody else keeps alive.
 * Constant time per name, so that a manifest of 10,000 programs resolves as fast per name as one
 * of 10.
 */
#pragma once

#include "lib/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct name_slot {
	const char *name;
	size_t value;
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
 * Stores `value` unless the name is there already; returns NAME_ABSENT when it was stored, the
 * value that was there before otherwise. `name` is kept by reference.
 */
size_t name_index_add(
	struct arena *arena, struct name_index *index, const char *name, size_t value);

/* Another value for a name that is there. */
void name_index_set(struct name_index *index, const char *name, size_t value);

/* From ids of kernel objects, of which 0 is none, to positions. Zero-initialise. */
struct id_slot {
	uint32_t id; /* 0: free */
	size_t value;
};

struct id_index {
	struct id_slot *slots;
	size_t count, capacity;
};

/* The value stored for the id, or NAME_ABSENT. */
size_t id_index_find(const struct id_index *index, uint32_t id);

/* Stores the value unless the id is there already, or 0. */
void id_index_add(struct arena *arena, struct id_index *index, uint32_t id, size_t value);

/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). Begin with HASH_SEED. */
#define HASH_SEED UINT64_C(0xcbf29ce484222325)
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);
