/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: how the files that read assembly text share a statement, by subject. text.c
 * finds out what a statement is; the others read on from there and emit it. After a fault they
 * emit nothing.
 */
#pragma once

#include "lib/bpfasm/scan.h"

/* A register, or a number where `reg` is -1. */
struct operand {
	int reg;
	bool half; /* a w register */
	int64_t number;
	size_t start, end; /* where it stands */
};

/* Reads a register or a number from INT32_MIN to `most`. */
struct operand text_expect_operand(struct scan *scan, int64_t most);

/* Reads a register of either file. */
struct operand text_expect_register(struct scan *scan);

/* Fails where the operand is a register of the other kind. */
void text_check_half(struct scan *scan, const struct operand *operand, bool half);

/* Fails at the word from `start` to before `end`, which needs r registers where there are w. */
void text_fail_half(struct scan *scan, size_t start, size_t end);

/* The instruction with the operand as its source: BPF_X or BPF_K. */
struct bpf_insn text_with_operand(
	uint8_t code, int dst, const struct operand *operand, int16_t offset);

/* operate.c: moves and arithmetic; the register on the left has been read. */
void text_operate(struct scan *scan, int dst, bool half);

/* memory.c: a place in memory. */
struct memory {
	uint8_t size; /* BPF_W and so on, with BPF_MEM or BPF_MEMSX */
	int base;
	int16_t offset;
	size_t start, end; /* where the size stands */
};

/* `size "*)"`, of those sizes that stand in `use`. */
void text_expect_size(struct scan *scan, enum syntax_use use, struct memory *ret);
/* `register offset` and what closes it. */
void text_expect_address(struct scan *scan, const char *closing, struct memory *ret);
/* Fails where a w register is to hold more than 32 bits or an extended sign. */
void text_check_width(struct scan *scan, const struct memory *memory, bool half);

/* Behind "*(". */
void text_store(struct scan *scan);
void text_load(struct scan *scan, int dst, bool half);
/* Number or map, with "ll"; false, and nothing read, where it is none. */
bool text_wide_load(struct scan *scan, int dst);

/* atomic.c: behind "lock", behind register "=", and behind "store_release". */
void text_lock(struct scan *scan);
bool text_atomic(struct scan *scan, int dst, bool half); /* false where there is none */
void text_store_release(struct scan *scan);

/* jump.c: behind the keyword; `code` is the whole opcode. */
void text_goto(struct scan *scan, uint8_t code);
void text_if(struct scan *scan);
void text_call(struct scan *scan);
void text_exit(struct scan *scan);
