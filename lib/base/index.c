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

static uint32_t hash_name(const char *name)
{
	return (uint32_t)hash_bytes(HASH_SEED, name, strlen(name));
}

/*
 * The slot of the name, or the free one where it belongs. Linear probing; the table is never more than
 * half full, so a free slot ends every search.
 */
static struct name_slot *locate(const struct name_index *index, const char *name, uint32_t hash)
{
	size_t mask = index->capacity - 1, at = hash & mask;
	struct name_slot *slot;

	while ((slot = &index->slots[at])->name &&
		(slot->hash != hash || strcmp(slot->name, name) != 0))
		at = (at + 1) & mask;
	return slot;
}

size_t name_index_find(const struct name_index *index, const char *name)
{
	const struct name_slot *slot;

	if (!index->capacity)
		return NAME_ABSENT;
	slot = locate(index, name, hash_name(name));
	return slot->name ? slot->value : NAME_ABSENT;
}

static void grow(struct arena *arena, struct name_index *index)
{
	struct name_index old = *index;

	index->capacity = old.capacity ? old.capacity * 2 : 16;
	index->slots = arena_alloc_array(arena, index->capacity, sizeof(*index->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].name)
			*locate(index, old.slots[i].name, old.slots[i].hash) = old.slots[i];
}

size_t name_index_add(struct arena *arena, struct name_index *index, const char *name, size_t value)
{
	uint32_t hash = hash_name(name);
	struct name_slot *slot;

	if (index->count * 2 >= index->capacity)
		grow(arena, index);
	slot = locate(index, name, hash);
	if (slot->name)
		return slot->value;
	*slot = (struct name_slot){ name, hash, (uint32_t)value };
	index->count++;
	return NAME_ABSENT;
}

void name_index_set(struct name_index *index, const char *name, size_t value)
{
	locate(index, name, hash_name(name))->value = (uint32_t)value;
}

/* Fibonacci hashing: the golden ratio of 64 bits spreads what counts upwards in any step. */
static struct id_slot *locate_id(const struct id_index *index, uint64_t id)
{
	size_t mask = index->capacity - 1;
	size_t at = (id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (index->slots[at].id && index->slots[at].id != id)
		at = (at + 1) & mask;
	return &index->slots[at];
}

size_t id_index_find(const struct id_index *index, uint64_t id)
{
	const struct id_slot *slot;

	if (!index->capacity || !id)
		return NAME_ABSENT;
	slot = locate_id(index, id);
	return slot->id ? slot->value : NAME_ABSENT;
}

static void grow_ids(struct arena *arena, struct id_index *index)
{
	struct id_index old = *index;

	index->capacity = old.capacity ? old.capacity * 2 : 16;
	index->slots = arena_alloc_array(arena, index->capacity, sizeof(*index->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].id)
			*locate_id(index, old.slots[i].id) = old.slots[i];
}

size_t id_index_add(struct arena *arena, struct id_index *index, uint64_t id, size_t value)
{
	struct id_slot *slot;

	if (!id)
		return NAME_ABSENT;
	if (index->count * 2 >= index->capacity)
		grow_ids(arena, index);
	slot = locate_id(index, id);
	if (slot->id)
		return slot->value;
	*slot = (struct id_slot){ .id = id, .value = value };
	index->count++;
	return NAME_ABSENT;
}
