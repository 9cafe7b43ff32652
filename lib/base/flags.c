/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/flags.h"

#include <linux/bpf.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#ifndef BPF_F_PREORDER /* linux/bpf.h of 6.15 and later */
#define BPF_F_PREORDER (1U << 6)
#endif

#define ARRAY (1u << BPF_MAP_TYPE_ARRAY)
#define PERCPU_ARRAY (1u << BPF_MAP_TYPE_PERCPU_ARRAY)
#define HASHES (1u << BPF_MAP_TYPE_HASH | 1u << BPF_MAP_TYPE_PERCPU_HASH)
#define LRU (1u << BPF_MAP_TYPE_LRU_HASH | 1u << BPF_MAP_TYPE_LRU_PERCPU_HASH)
#define SOCKETS (1u << BPF_MAP_TYPE_SOCKMAP | 1u << BPF_MAP_TYPE_SOCKHASH)
#define HELPERS (ARRAY | PERCPU_ARRAY | HASHES | LRU)

/*
 * HTAB_CREATE_FLAG_MASK and htab_map_alloc_check in kernel/bpf/hashtab.c, ARRAY_CREATE_FLAG_MASK and
 * array_map_alloc_check in kernel/bpf/arraymap.c, SOCK_CREATE_FLAG_MASK in net/core/sock_map.c; seen
 * on 6.18.
 */
static const struct flag_kind of_maps[] = {
	{ "no_prealloc", BPF_F_NO_PREALLOC, HASHES, .doc = "memory for an entry when it is made" },
	{ "no_common_lru", BPF_F_NO_COMMON_LRU, LRU,
		.doc = "each processor forgets its own least recently used entry" },
	{ "zero_seed", BPF_F_ZERO_SEED, HASHES | LRU,
		.doc = "hash without a random seed, for tests only" },
	{ "rdonly_prog", BPF_F_RDONLY_PROG, HELPERS, .doc = "programs can only read it" },
	{ "wronly_prog", BPF_F_WRONLY_PROG, HELPERS, .doc = "programs can only write it" },
	{ "mmapable", BPF_F_MMAPABLE, ARRAY, .doc = "processes can map it into their memory" },
	{ "inner_map", BPF_F_INNER_MAP, ARRAY,
		.doc = "maps of maps take it whatever its max_entries" },
	{ "numa_node", BPF_F_NUMA_NODE,
		ARRAY | SOCKETS | 1u << BPF_MAP_TYPE_HASH | 1u << BPF_MAP_TYPE_LRU_HASH,
		.instead = "write numa_node: N", .doc = "memory on that node" },
	/* The kernel drops these two from the map (bpf_map_flags_retain_permanent). */
	{ "rdonly", BPF_F_RDONLY, 0,
		.instead = "it is a flag of the descriptor that apply closes, and a pin does not "
			   "keep it; rdonly_prog keeps programs from writing" },
	{ "wronly", BPF_F_WRONLY, 0,
		.instead = "it is a flag of the descriptor that apply closes, and a pin does not "
			   "keep it; wronly_prog keeps programs from reading" },
};

/*
 * cgroup_bpf_link_attach in kernel/bpf/cgroup.c. Links of maps take none (sock_map_link_create), and
 * of the order of programs on a cgroup only preorder means something without another program's id.
 */
static const struct flag_kind of_attachments[] = {
	{ "allow_multi", BPF_F_ALLOW_MULTI, 1u << BPF_CGROUP_SOCK_OPS, .silent = true,
		.doc = "beside other programs on the cgroup, which a link is anyway" },
	{ "preorder", BPF_F_PREORDER, 1u << BPF_CGROUP_SOCK_OPS,
		.doc = "before the programs of cgroups below, not after them; since about 6.15" },
	{ "allow_override", BPF_F_ALLOW_OVERRIDE, 0,
		.instead = "a link is always allow_multi, and the kernel takes no other mode "
			   "beside it" },
	{ "replace", BPF_F_REPLACE, 0, .instead = "write replace: PROGRAM" },
};

static const struct flag_kind *named(const struct flag_kind *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const struct flag_kind *map_flag_named(const char *name)
{
	return named(of_maps, COUNT(of_maps), name);
}

const struct flag_kind *attach_flag_named(const char *name)
{
	return named(of_attachments, COUNT(of_attachments), name);
}

const struct flag_kind *map_flags(size_t *count)
{
	*count = COUNT(of_maps);
	return of_maps;
}

const struct flag_kind *attach_flags(size_t *count)
{
	*count = COUNT(of_attachments);
	return of_attachments;
}

bool flag_fits(const struct flag_kind *flag, uint32_t type)
{
	return type < 32 && flag->types >> type & 1;
}

bool map_flags_clash(uint32_t bits, const struct flag_kind **one, const struct flag_kind **other)
{
	/* bpf_map_flags_access_ok; htab_map_alloc_check */
	static const struct {
		const char *one, *other;
	} clashes[] = { { "rdonly_prog", "wronly_prog" }, { "no_common_lru", "numa_node" } };

	for (size_t i = 0; i < COUNT(clashes); i++) {
		*one = map_flag_named(clashes[i].one);
		*other = map_flag_named(clashes[i].other);
		if (bits & (*one)->bit && bits & (*other)->bit)
			return true;
	}
	return false;
}

static const char *add_word(struct arena *arena, const char *text, const char *word)
{
	return text ? arena_printf(arena, "%s, %s", text, word) : word;
}

const char *map_flags_text(struct arena *arena, uint32_t bits)
{
	const char *text = NULL;

	for (size_t i = 0; i < COUNT(of_maps); i++) {
		if (bits & of_maps[i].bit)
			text = add_word(arena, text, of_maps[i].name);
		bits &= ~of_maps[i].bit;
	}
	if (bits)
		text = add_word(arena, text, arena_printf(arena, "0x%x", bits));
	return text ? text : "none";
}

const char *flags_that_fit(
	struct arena *arena, const struct flag_kind *table, size_t count, uint32_t type)
{
	const char *text = NULL;

	for (size_t i = 0; i < count; i++)
		if (flag_fits(&table[i], type) && !table[i].instead)
			text = add_word(arena, text, table[i].name);
	return text ? text : "none";
}
