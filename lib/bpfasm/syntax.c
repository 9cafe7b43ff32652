/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/syntax.h"

#include "lib/bpfasm/instruction.h"

#include <stddef.h>

/* Longer ones before those that they begin with. */
const struct syntax syntax_arithmetic[] = {
	{ "s>>=", BPF_ARSH, 0 },
	{ "s/=", BPF_DIV, INSN_SIGNED },
	{ "s%=", BPF_MOD, INSN_SIGNED },
	{ "<<=", BPF_LSH, 0 },
	{ ">>=", BPF_RSH, 0 },
	{ "+=", BPF_ADD, 0 },
	{ "-=", BPF_SUB, 0 },
	{ "*=", BPF_MUL, 0 },
	{ "/=", BPF_DIV, 0 },
	{ "%=", BPF_MOD, 0 },
	{ "|=", BPF_OR, 0 },
	{ "&=", BPF_AND, 0 },
	{ "^=", BPF_XOR, 0 },
	{ NULL, 0, 0 },
};

/* Likewise. */
const struct syntax syntax_comparisons[] = {
	{ "s>=", BPF_JSGE, 0 },
	{ "s<=", BPF_JSLE, 0 },
	{ "s>", BPF_JSGT, 0 },
	{ "s<", BPF_JSLT, 0 },
	{ "==", BPF_JEQ, 0 },
	{ "!=", BPF_JNE, 0 },
	{ ">=", BPF_JGE, 0 },
	{ "<=", BPF_JLE, 0 },
	{ ">", BPF_JGT, 0 },
	{ "<", BPF_JLT, 0 },
	{ "&", BPF_JSET, 0 },
	{ NULL, 0, 0 },
};

const struct syntax syntax_swaps[] = {
	{ "be16", BPF_ALU | BPF_END | BPF_TO_BE, 16 },
	{ "be32", BPF_ALU | BPF_END | BPF_TO_BE, 32 },
	{ "be64", BPF_ALU | BPF_END | BPF_TO_BE, 64 },
	{ "le16", BPF_ALU | BPF_END | BPF_TO_LE, 16 },
	{ "le32", BPF_ALU | BPF_END | BPF_TO_LE, 32 },
	{ "le64", BPF_ALU | BPF_END | BPF_TO_LE, 64 },
	{ "bswap16", BPF_ALU64 | BPF_END, 16 },
	{ "bswap32", BPF_ALU64 | BPF_END, 32 },
	{ "bswap64", BPF_ALU64 | BPF_END, 64 },
	{ NULL, 0, 0 },
};

const struct syntax syntax_extensions[] = {
	{ "s8", 0, 8 },
	{ "s16", 0, 16 },
	{ "s32", 0, 32 },
	{ NULL, 0, 0 },
};

const struct syntax syntax_locks[] = {
	{ "+=", BPF_ADD, 0 },
	{ "|=", BPF_OR, 0 },
	{ "&=", BPF_AND, 0 },
	{ "^=", BPF_XOR, 0 },
	{ NULL, 0, 0 },
};

const struct syntax syntax_gotos[] = {
	{ "goto", BPF_JMP | BPF_JA, 0 },
	{ "gotol", INSN_LONG_JUMP, 0 },
	{ "may_goto", BPF_JMP | BPF_JCOND, 0 },
	{ NULL, 0, 0 },
};

const struct syntax syntax_sizes[] = {
	{ "u8", BPF_MEM | BPF_B, SYNTAX_LOAD | SYNTAX_STORE },
	{ "u16", BPF_MEM | BPF_H, SYNTAX_LOAD | SYNTAX_STORE },
	{ "u32", BPF_MEM | BPF_W, SYNTAX_LOAD | SYNTAX_STORE | SYNTAX_ATOMIC },
	{ "u64", BPF_MEM | BPF_DW, SYNTAX_LOAD | SYNTAX_STORE | SYNTAX_ATOMIC },
	{ "s8", BPF_MEMSX | BPF_B, SYNTAX_LOAD },
	{ "s16", BPF_MEMSX | BPF_H, SYNTAX_LOAD },
	{ "s32", BPF_MEMSX | BPF_W, SYNTAX_LOAD },
	{ NULL, 0, 0 },
};

/* LLVM's names before those of the verifier's log (kernel/bpf/disasm.c). */
const struct syntax_atomic syntax_atomics[] = {
	{ "atomic_fetch_add", true, BPF_W, true, BPF_ADD | BPF_FETCH },
	{ "atomic_fetch_or", true, BPF_W, true, BPF_OR | BPF_FETCH },
	{ "atomic_fetch_and", true, BPF_W, true, BPF_AND | BPF_FETCH },
	{ "atomic_fetch_xor", true, BPF_W, true, BPF_XOR | BPF_FETCH },
	{ "xchg_64", false, BPF_DW, false, BPF_XCHG },
	{ "xchg32_32", false, BPF_W, false, BPF_XCHG },
	{ "cmpxchg_64", false, BPF_DW, false, BPF_CMPXCHG },
	{ "cmpxchg32_32", false, BPF_W, false, BPF_CMPXCHG },
	{ "atomic64_fetch_add", true, BPF_DW, false, BPF_ADD | BPF_FETCH },
	{ "atomic64_fetch_or", true, BPF_DW, false, BPF_OR | BPF_FETCH },
	{ "atomic64_fetch_and", true, BPF_DW, false, BPF_AND | BPF_FETCH },
	{ "atomic64_fetch_xor", true, BPF_DW, false, BPF_XOR | BPF_FETCH },
	{ "atomic_xchg", true, BPF_W, false, BPF_XCHG },
	{ "atomic64_xchg", true, BPF_DW, false, BPF_XCHG },
	{ "atomic_cmpxchg", true, BPF_W, false, BPF_CMPXCHG },
	{ "atomic64_cmpxchg", true, BPF_DW, false, BPF_CMPXCHG },
	{ NULL, false, 0, false, 0 },
};
