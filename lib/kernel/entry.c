/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Initial entries of maps. */
#include "lib/kernel/kernel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "0-3,8-11": as far as the highest number, because values stand at their processor's place. */
static int parse_processors(const char *list)
{
	int highest = -1, from, to, used;

	while (sscanf(list, "%d%n", &from, &used) == 1) {
		list += used;
		to = from;
		if (sscanf(list, "-%d%n", &to, &used) == 1)
			list += used;
		highest = to > highest ? to : highest;
		list += *list == ',';
	}
	return highest >= 0 ? highest + 1 : -EINVAL;
}

int kernel_possible_processors(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	char list[256] = "";

	if (!file)
		return -errno;
	if (!fgets(list, sizeof(list), file))
		list[0] = '\0';
	fclose(file);
	return parse_processors(list);
}

int kernel_delete_entry(int map, const void *key)
{
	return bpf_map_delete_elem(map, key) == 0 ? 0 : -errno;
}

/* What the kernel reads or writes for one key: bpf_map_value_size in kernel/bpf/syscall.c. */
static size_t value_step(const struct kernel_entry *entry)
{
	return ((size_t)entry->value_size + 7) / 8 * 8;
}

static const void *spread(struct arena *arena, const struct kernel_entry *entry)
{
	size_t step = value_step(entry);
	char *values = arena_alloc_array(arena, (size_t)entry->processors, step);

	for (int i = 0; i < entry->processors; i++)
		memcpy(values + (size_t)i * step, entry->value, entry->value_size);
	return values;
}

int kernel_write_entry(struct arena *arena, const struct kernel_entry *entry)
{
	const void *value = entry->processors ? spread(arena, entry) : entry->value;

	return bpf_map_update_elem(entry->map, entry->key, value, entry->flags) == 0 ? 0 : -errno;
}

int kernel_find_entry(struct arena *arena, const struct kernel_entry *entry)
{
	size_t count = entry->processors ? (size_t)entry->processors : 1;
	void *value = arena_alloc_array(arena, count, value_step(entry));

	return bpf_map_lookup_elem(entry->map, entry->key, value) == 0 ? 0 : -errno;
}
