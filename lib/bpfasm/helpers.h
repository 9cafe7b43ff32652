/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: the kernel's helpers as far as programs of our types may call them.
 *
 * Source: net/core/filter.c (sk_skb_func_proto, sk_msg_func_proto, sock_ops_func_proto,
 * bpf_sk_base_func_proto), kernel/bpf/cgroup.c (cgroup_common_func_proto), kernel/bpf/helpers.c
 * (bpf_base_func_proto), kernel/trace/bpf_trace.c and check_map_func_compatibility of
 * kernel/bpf/verifier.c, Linux 6.12; and what Linux 6.18 answers to a call of each
 * (tests/kernel/test-helpers.c), which since 6.16 offers some helpers of tracing to all types.
 * Helpers that may sleep are left out: our programs may not, and the verifier refuses them.
 */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/kinds.h"

/* Helpers have the numbers 1 to 211; new ones are not added any more (Linux 6.2). */
#define HELPER_NUMBERS 212
#define HELPER_ARGUMENTS 5

/* What an argument has to be. */
enum helper_need {
	HELPER_NOTHING, /* behind the last argument */
	HELPER_CONTEXT,
	HELPER_MAP,
	HELPER_KEY,    /* points to a key of the map */
	HELPER_VALUE,  /* points to a value of the map; for a map of sockets, a socket */
	HELPER_MEMORY, /* points to memory that is read; the size follows */
	HELPER_BUFFER, /* points to memory that is written; the size follows */
	HELPER_SIZE,
	HELPER_NUMBER, /* the kernel lets privileged programs pass anything, which means nothing */
	HELPER_SOCKET,
	HELPER_ANYTHING, /* or more than is known here */
};

struct helper_argument {
	char name[20];
	enum helper_need need;
	bool or_null;
};

/* What is in r0 after the call. */
enum helper_result {
	HELPER_GIVES_STATUS, /* 0, or a negative errno */
	HELPER_GIVES_VERDICT,
	HELPER_GIVES_WORD,   /* any 32 bits */
	HELPER_GIVES_LARGE,  /* any positive number */
	HELPER_GIVES_ZERO,   /* a small number, perhaps 0, of a range that the kernel knows */
	HELPER_GIVES_VALUE,  /* points to a value of the map, or 0 */
	HELPER_GIVES_SOCKET, /* or 0 */
	HELPER_GIVES_NOTHING,
	HELPER_GIVES_ANYTHING,
};

#define HELPER_GPL (1u << 0)         /* takes a licence that is compatible with the GPL */
#define HELPER_MOVES (1u << 1)       /* pointers to the payload are lost */
#define HELPER_PULLS (1u << 2)       /* the payload is between data and data_end afterwards */
#define HELPER_CHANGES_SKB (1u << 3) /* which a stream parser must not */

struct helper {
	uint32_t types; /* bit per enum bpf_prog_type */
	enum helper_result result;
	uint32_t flags;
	/*
	 * What is read from r1 on: words, a "?" behind one that may be 0. The words that helpers.c
	 * does not list stand for HELPER_ANYTHING.
	 */
	const char *arguments;
	uint64_t maps; /* bit per enum bpf_map_type that it works on; 0: not judged */
};

/* The row of a helper; NULL for those that none of our types may call, or that do not exist. */
const struct helper *helper_row(int32_t number);

bool helper_exists(int32_t number);

/* "bpf_map_lookup_elem"; for a number that no helper has, "helper 999". */
const char *helper_name(struct arena *arena, int32_t number);

/* Fills in HELPER_ARGUMENTS of them. */
void helper_arguments(const struct helper *helper, struct helper_argument *ret);

/* Whether maps of that type take the general helpers, bpf_map_lookup_elem and its like. */
bool helper_map_is_plain(enum bpf_map_type type);

/* What a program of that type does instead of calling it; NULL where nothing is known. */
const char *helper_advice(int32_t number, enum bpf_prog_type type);

/* Whether the kernel counts the licence as compatible with the GPL (include/linux/license.h). */
bool licence_is_gpl_compatible(const char *license);
