/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/base/kinds.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * Value size 8, not the documentation's 4: with 8 bytes a lookup returns the socket's cookie, with
 * 4 it answers ENOSPC and the map cannot be read (seen on 6.18).
 */
static const struct map_kind maps[] = {
	{ "sockmap", BPF_MAP_TYPE_SOCKMAP, 4, 8, true, true, false, false, "sockets by index" },
	{ "sockhash", BPF_MAP_TYPE_SOCKHASH, 0, 8, false, true, false, false, "sockets by key" },
	{ "array", BPF_MAP_TYPE_ARRAY, 4, 0, true, false, false, false, "values by index" },
	{ "hash", BPF_MAP_TYPE_HASH, 0, 0, false, false, false, false, "values by key" },
	{ "percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 0, true, false, true, false,
		"values by index, one for each processor" },
	{ "percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 0, 0, false, false, true, false,
		"values by key, one for each processor" },
	{ "lru_hash", BPF_MAP_TYPE_LRU_HASH, 0, 0, false, false, false, true,
		"values by key; when it is full the least recently used goes" },
	{ "lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 0, 0, false, false, true, true,
		"as lru_hash, with values for each processor" },
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
