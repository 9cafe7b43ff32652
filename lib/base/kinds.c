/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/kinds.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * array_map_alloc_check in kernel/bpf/arraymap.c and htab_map_alloc_check in kernel/bpf/hashtab.c:
 * KMALLOC_MAX_SIZE less a struct htab_elem is more than a key and its value, PCPU_MIN_UNIT_SIZE as
 * much as a value for each processor; seen on 6.18.
 */
#define ARRAY_VALUE_MOST INT32_MAX
#define HASH_ENTRY_MOST ((1 << 22) - 48 - 1)
#define PERCPU_VALUE_MOST (32 << 10)

/*
 * Value size 8, not the documentation's 4: with 8 bytes a lookup returns the socket's cookie, with
 * 4 it answers ENOSPC and the map cannot be read (seen on 6.18).
 */
static const struct map_kind maps[] = {
	{ "sockmap", BPF_MAP_TYPE_SOCKMAP, 4, 8, 8, .fixed_key = true, .holds_sockets = true,
		.doc = "sockets by index" },
	{ "sockhash", BPF_MAP_TYPE_SOCKHASH, 0, 8, 8, .holds_sockets = true,
		.doc = "sockets by key" },
	{ "array", BPF_MAP_TYPE_ARRAY, 4, 0, ARRAY_VALUE_MOST, .fixed_key = true,
		.doc = "values by index" },
	{ "hash", BPF_MAP_TYPE_HASH, 0, 0, HASH_ENTRY_MOST - 1, HASH_ENTRY_MOST,
		.doc = "values by key" },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0, PERCPU_VALUE_MOST, .fixed_key = true,
		.per_cpu = true, .doc = "values by index, one for each processor" },
	{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 0, 0, PERCPU_VALUE_MOST, .per_cpu = true,
		.doc = "values by key, one for each processor" },
	{ "lru_hash", BPF_MAP_TYPE_LRU_HASH, 0, 0, HASH_ENTRY_MOST - 1, HASH_ENTRY_MOST,
		.forgets = true,
		.doc = "values by key; when it is full the least recently used goes" },
	{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 0, 0, PERCPU_VALUE_MOST, .per_cpu = true,
		.forgets = true, .doc = "as lru_hash, with values for each processor" },
};

static const struct program_kind programs[] = {
	{ "sk_skb", BPF_PROG_TYPE_SK_SKB, "stream parsers and verdicts on received data" },
	{ "sk_msg", BPF_PROG_TYPE_SK_MSG, "verdicts on what sendmsg and sendfile send" },
	{ "sock_ops", BPF_PROG_TYPE_SOCK_OPS, "runs when connections of a cgroup change state" },
};

static const struct attach_kind attaches[] = {
	{ "stream_parser", BPF_SK_SKB_STREAM_PARSER, BPF_PROG_TYPE_SK_SKB, HOOK_PARSER, false,
		"returns the length of the next message, 0 for: not enough yet" },
	{ "stream_verdict", BPF_SK_SKB_STREAM_VERDICT, BPF_PROG_TYPE_SK_SKB, HOOK_STREAM_VERDICT,
		false, "passes, drops or redirects each message; without a parser, each segment" },
	{ "skb_verdict", BPF_SK_SKB_VERDICT, BPF_PROG_TYPE_SK_SKB, HOOK_SKB_VERDICT, false,
		"as stream_verdict, without stream parsing and also for UDP and AF_UNIX" },
	{ "msg_verdict", BPF_SK_MSG_VERDICT, BPF_PROG_TYPE_SK_MSG, HOOK_MSG_VERDICT, false,
		"passes, drops or redirects what a socket of the map sends, before TCP sees it" },
	{ "sock_ops", BPF_CGROUP_SOCK_OPS, BPF_PROG_TYPE_SOCK_OPS, HOOK_SOCK_OPS, true,
		"runs for every TCP socket of the cgroup" },
};

#define LOOKUPS(kind, table, number)                                                               \
	const struct kind *kind##_named(const char *name)                                          \
	{                                                                                          \
		for (size_t i = 0; i < COUNT(table); i++)                                          \
			if (strcmp(table[i].name, name) == 0)                                      \
				return &table[i];                                                  \
		return NULL;                                                                       \
	}                                                                                          \
	const struct kind *kind##_of(uint32_t type)                                                \
	{                                                                                          \
		for (size_t i = 0; i < COUNT(table); i++)                                          \
			if (table[i].number == type)                                               \
				return &table[i];                                                  \
		return NULL;                                                                       \
	}                                                                                          \
	const struct kind *kind##s(size_t *count)                                                  \
	{                                                                                          \
		*count = COUNT(table);                                                             \
		return table;                                                                      \
	}

LOOKUPS(map_kind, maps, type)
LOOKUPS(program_kind, programs, type)
LOOKUPS(attach_kind, attaches, type)
