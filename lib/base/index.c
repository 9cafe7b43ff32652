/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/index.h"

#include <string.h>

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Linear probing; the table is never more than half full, so a free slot ends every search. */
static struct name_slot *locate(const struct name_index *index, const char *name)
{
	size_t mask = index->capacity - 1;
	size_t at = hash_bytes(HASH_SEED, name, strlen(name)) & mask;

	while (index->slots[at].name && strcmp(index->slots[at].name, name) != 0)
		at = (at + 1) & mask;
	return &index->slots[at];
}

size_t name_index_find(const struct name_index *index, const char *name)
{
	const struct name_slot *slot;

	if (!index->capacity)
		return NAME_ABSENT;
	slot = locate(index, name);
	return slot->name ? slot->value : NAME_ABSENT;
}

static void grow(struct arena *arena, struct name_index *index)
{
	struct name_index old = *index;

	index->capacity = old.capacity ? old.capacity * 2 : 16;
	index->slots = arena_alloc_array(arena, index->capacity, sizeof(*index->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].name)
			*locate(index, old.slots[i].name) = old.slots[i];
}

size_t name_index_add(struct arena *arena, struct name_index *index, const char *name, size_t value)
{
	struct name_slot *slot;

	if (index->count * 2 >= index->capacity)
		grow(arena, index);
	slot = locate(index, name);
	if (slot->name)
		return slot->value;
	*slot = (struct name_slot){ .name = name, .value = value };
	index->count++;
	return NAME_ABSENT;
}

void name_index_set(struct name_index *index, const char *name, size_t value)
{
	locate(index, name)->value = value;
}
