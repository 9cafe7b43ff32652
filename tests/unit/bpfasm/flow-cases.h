/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Bodies with at most one kind of fault each, and what is to be said of them. The unit tests ask
 * whether it is said; the kernel tests, whether the kernel refuses what is called an error.
 */
#pragma once

#include "lib/bpfasm/code.h"

struct flow_case {
	const char *group; /* the test that it belongs to */
	const char *type;
	const char *text;
	const char *codes; /* "E0311 E0316"; "" when there is nothing to say */
};

extern const struct flow_case flow_cases[];
extern const size_t flow_case_count;

/* The maps that the bodies name: hash, index, hits and counts, in this order. */
#define FLOW_MAPS 4
extern const uint32_t flow_map_keys[FLOW_MAPS]; /* bytes; values have 8 */
extern const enum bpf_map_type flow_map_types[FLOW_MAPS];
const struct bpfasm_map *flow_case_maps(struct arena *arena, struct name_index *names);

/* Assembles a body, without checking it; NULL with diagnostics. */
struct bpfasm_code *flow_case_assemble(struct arena *arena, const char *type, const char *text,
	const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics);

/* Pieces of bodies. */
#define SKB "sk_skb"
#define MSG "sk_msg"
#define OPS "sock_ops"
#define PASS "r0 = 1; exit;"
#define LEN "r2 = *(u32 *)(r1 + 0);" /* any 32 bits */
#define DATA "r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80);"
#define SURE(bytes) DATA "r4 = r2; r4 += " #bytes "; if r4 > r3 goto out;"
#define OUT "out:" PASS
