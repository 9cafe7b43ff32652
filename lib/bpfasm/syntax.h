/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: the words and signs of assembly, each with what it is in an instruction. The
 * assembler looks them up by their text, the listing by what they are: what one writes, the other
 * reads.
 *
 * Each table ends at a row without text. Where two spellings mean the same, the first is LLVM's and
 * the one that is written.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct syntax {
	const char *text;
	uint8_t code;
	int16_t value; /* see each table */
};

/* code: BPF_ADD and so on, value: the offset, INSN_SIGNED for signed division. */
extern const struct syntax syntax_arithmetic[];
/* code: BPF_JEQ and so on. */
extern const struct syntax syntax_comparisons[];
/* code: of the whole instruction, value: how many bits are swapped. */
extern const struct syntax syntax_swaps[];
/* value: how many bits are extended to the whole register. */
extern const struct syntax syntax_extensions[];
/* code: BPF_ADD and so on, behind "lock". */
extern const struct syntax syntax_locks[];
/* code: of the whole instruction. */
extern const struct syntax syntax_gotos[];

/* What a size may stand in. */
enum syntax_use {
	SYNTAX_LOAD = 1,
	SYNTAX_STORE = 2,
	SYNTAX_ATOMIC = 4,
};

/* code: size and mode, value: enum syntax_use. */
extern const struct syntax syntax_sizes[];

/* An atomic operation that returns what was there before. */
struct syntax_atomic {
	const char *text;
	bool cast;         /* "(u64 *)(r1 + 0)" in it; else "r1 + 0" */
	uint8_t size;      /* BPF_W or BPF_DW */
	bool either;       /* the cast may say the other size, too */
	int32_t operation; /* the immediate */
};

extern const struct syntax_atomic syntax_atomics[];
