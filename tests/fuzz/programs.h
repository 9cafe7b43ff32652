/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Random programs that come near to what people write: idioms (a lookup with its null check, a look
 * at the payload with its comparison, a redirect) among random arithmetic, loads, stores and jumps,
 * and then, in most of them, a slip: another register, another number, an instruction left out.
 */
#pragma once

#include "lib/bpfasm/code.h"

/* The maps that programs name, by position. */
enum {
	ORACLE_SOCKMAP,
	ORACLE_SOCKHASH,
	ORACLE_ARRAY,
	ORACLE_HASH,
	ORACLE_PERCPU,
	ORACLE_LRU,
	ORACLE_PROGRAMS,
	ORACLE_RING,
	ORACLE_MAPS,
};

extern const struct bpfasm_map oracle_maps[ORACLE_MAPS];

/* The program that belongs to a number; the same for the same number. In the arena. */
struct bpfasm_code *program_random(struct arena *arena, uint64_t number);
