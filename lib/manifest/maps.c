/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Maps: sizes, flags and initial entries that have to fit their type. */
#include "lib/manifest/resolver.h"

#include "lib/bpfasm/words.h"

#include <string.h>

/* Of all initial entries of a manifest, keys and values: a few bytes of YAML may stand for many. */
#define MANIFEST_MAX_ENTRY_BYTES (64 << 20)

static void resolve_key_size(const struct resolver *resolver, struct manifest_map *map)
{
	uint32_t layout = map->key.layout.size;

	map->key_bytes = layout                ? layout
			 : map->key_size.given ? (uint32_t)map->key_size.value
					       : map->kind->key_size;
	if (map->kind->fixed_key && map->key.mark.source) {
		diag_add(resolver->diagnostics, DIAG_E0210, map->key.mark,
			"%s %s is indexed by a number and has no key layout",
			article_of(map->kind->name), map->kind->name);
	} else if (map->kind->fixed_key && map->key_bytes != map->kind->key_size) {
		diag_add(resolver->diagnostics, DIAG_E0205, map->key_size.mark,
			"the kernel takes only key_size %u for a %s", map->kind->key_size,
			map->kind->name);
	} else if (layout && !map->key.refused && map->key_size.given &&
		   map->key_size.value != layout) {
		diag_add(resolver->diagnostics, DIAG_E0210, map->key_size.mark,
			"the key's fields make %u bytes, key_size says %llu", layout,
			(unsigned long long)map->key_size.value);
	} else if (!map->key_bytes && !map->key.mark.source && !map->key_size.mark.source) {
		diag_add(resolver->diagnostics, DIAG_E0202, map->self.mark,
			"a %s needs \"key\", such as [cookie], or \"key_size\"", map->kind->name);
	}
}

static void resolve_map_flags(const struct resolver *resolver, struct manifest_map *map)
{
	const struct flag_kind *one, *other, *numa_node = map_flag_named("numa_node");
	size_t count;
	const struct flag_kind *table = map_flags(&count);

	resolve_flags(resolver, &map->flags,
		arena_printf(resolver->arena, "maps of type %s", map->kind->name), table, count,
		map->kind->type);
	map->flag_bits = map->flags.bits;
	if (map->numa_node.given && !flag_fits(numa_node, map->kind->type))
		diag_add(resolver->diagnostics, DIAG_E0226, map->numa_node.mark,
			"the kernel takes no numa_node for maps of type %s", map->kind->name);
	if (map->numa_node.given)
		map->flag_bits |= numa_node->bit;
	if (map_flags_clash(map->flag_bits, &one, &other) && flag_fits(one, map->kind->type) &&
		flag_fits(other, map->kind->type))
		diag_add(resolver->diagnostics, DIAG_E0226, map->flags.mark,
			"the kernel does not take \"%s\" and \"%s\" together", one->name,
			other->name);
}

/* An array's elements are there from the beginning, by index. */
static void check_index(const struct resolver *resolver, const struct manifest_map *map,
	const struct manifest_entry *entry)
{
	uint32_t index;

	if (!map->kind->fixed_key || !entry->key.bytes || !map->max_entries.given ||
		map->key_bytes != sizeof(index))
		return;
	memcpy(&index, entry->key.bytes, sizeof(index));
	if (index >= map->max_entries.value)
		diag_add(resolver->diagnostics, DIAG_E0225, entry->key.node->mark,
			"index %u is out of range: \"%s\" has max_entries %llu", index,
			map->self.text, (unsigned long long)map->max_entries.value);
}

static const char *hex_of(struct arena *arena, const unsigned char *bytes, uint32_t count)
{
	char *text = arena_alloc(arena, count * 2 + 1);

	for (uint32_t i = 0; i < count; i++) {
		text[i * 2] = "0123456789abcdef"[bytes[i] >> 4];
		text[i * 2 + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return text;
}

static void check_key_is_new(const struct resolver *resolver, const struct manifest_map *map,
	struct name_index *keys, size_t at)
{
	const struct manifest_entry *entry = &map->entries.items[at];
	size_t first;

	if (!entry->key.bytes)
		return;
	first = name_index_add(resolver->arena, keys,
		hex_of(resolver->arena, entry->key.bytes, map->key_bytes), at);
	if (first != NAME_ABSENT)
		diag_add(resolver->diagnostics, DIAG_E0225, entry->key.node->mark,
			"this key stands twice in \"%s\"", map->self.text)
			->hint = arena_printf(resolver->arena, "the other is on line %u",
			map->entries.items[first].key.node->mark.line);
}

/* False, and a diagnostic the first time, where a manifest's entries become too large. */
static bool spend_entry(struct resolver *resolver, const struct manifest_map *map,
	const struct manifest_entry *entry)
{
	bool within = resolver->entry_bytes <= MANIFEST_MAX_ENTRY_BYTES;

	if (!within)
		return false;
	resolver->entry_bytes += (uint64_t)map->key_bytes + map->value_bytes;
	within = resolver->entry_bytes <= MANIFEST_MAX_ENTRY_BYTES;
	if (!within)
		diag_add(resolver->diagnostics, DIAG_E0225, entry->self.mark,
			"with this one the initial entries of the manifest have more than %d MiB",
			MANIFEST_MAX_ENTRY_BYTES >> 20)
			->hint = "write large ones from outside, when the maps are there";
	return within;
}

static void resolve_entries(struct resolver *resolver, struct manifest_map *map)
{
	struct name_index keys = { 0 };
	uint64_t most = map->max_entries.value;

	if (map->kind->holds_sockets && map->entries.count) {
		diag_add(resolver->diagnostics, DIAG_E0225, map->entries.items[0].self.mark,
			"a %s takes no initial entries: its values are sockets of processes that "
			"run",
			map->kind->name)
			->hint = "sockets enter by \"sockets\", by a sock_ops program or by the "
				 "application";
		return;
	}
	if (map->max_entries.given && map->entries.count > most)
		diag_add(resolver->diagnostics, DIAG_E0225, map->entries.items[most].self.mark,
			"\"%s\" has max_entries %llu, and %zu initial entries", map->self.text,
			(unsigned long long)most, map->entries.count);
	for (size_t i = 0; i < map->entries.count; i++) {
		if (!spend_entry(resolver, map, &map->entries.items[i]))
			return;
		resolve_entry(resolver, map, &map->entries.items[i]);
		check_index(resolver, map, &map->entries.items[i]);
		check_key_is_new(resolver, map, &keys, i);
	}
}

/* False, and a diagnostic, where no kernel has such values. */
static bool check_value_size(const struct resolver *resolver, const struct manifest_map *map)
{
	const struct map_kind *kind = map->kind;
	uint32_t most = kind->value_most;

	if (kind->holds_sockets) {
		if (map->value_bytes == 4 || map->value_bytes == 8)
			return true;
		diag_add(resolver->diagnostics, DIAG_E0205, map->value_size.mark,
			"a %s has values of 4 or 8 bytes", kind->name);
		return false;
	}
	if (kind->entry_most && map->key_bytes)
		most = kind->entry_most - map->key_bytes;
	if (map->value_bytes <= most)
		return true;
	diag_add(resolver->diagnostics, DIAG_E0205, map->value_size.mark,
		"%s %s has values of at most %u bytes%s", article_of(kind->name), kind->name, most,
		most == kind->value_most
			? ""
			: arena_printf(resolver->arena, ", with keys of %u", map->key_bytes));
	return false;
}

static void resolve_map(struct resolver *resolver, struct manifest_map *map)
{
	map->kernel_name_used = resolve_kernel_name(resolver, &map->self, &map->kernel_name);
	map->kind = map->type.row;
	if (!map->kind)
		return;
	resolve_key_size(resolver, map);
	map->value_bytes =
		map->value_size.given ? (uint32_t)map->value_size.value : map->kind->value_size;
	if (!map->value_bytes && !map->value_size.mark.source)
		diag_add(resolver->diagnostics, DIAG_E0202, map->self.mark,
			"%s %s needs \"value_size\", the bytes of a value",
			article_of(map->kind->name), map->kind->name);
	resolve_map_flags(resolver, map);
	if (check_value_size(resolver, map))
		resolve_entries(resolver, map);
}

void resolve_maps(struct resolver *resolver)
{
	struct manifest *manifest = resolver->manifest;

	manifest->symbols = arena_alloc_array(
		resolver->arena, manifest->maps.count, sizeof(*manifest->symbols));
	for (size_t i = 0; i < manifest->maps.count; i++) {
		struct manifest_map *map = &manifest->maps.items[i];

		resolve_map(resolver, map);
		name_index_add(resolver->arena, &manifest->map_names, map->self.text, i);
		manifest->symbols[i] = (struct bpfasm_map){
			.name = map->self.text,
			.kind = map->kind,
			.key_size = map->key_bytes,
			.value_size = map->value_bytes,
			.key = map->key.layout,
			.key_refused = map->key.refused,
		};
	}
}
