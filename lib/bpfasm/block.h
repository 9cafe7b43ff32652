/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Blocks: named, parameterised groups of instructions, a row of a table each.
 *
 * A row says what arguments there are, of which kind, and which program types may use the block;
 * one walker checks and decodes the arguments, then the row's emitter writes the instructions. The
 * emitter of a row sees only values that are right.
 *
 * Stack: blocks use the 128 bytes at the bottom of the frame, r10-512 to r10-385, and nothing else;
 * assembly that keeps clear of them is never disturbed by a block. Registers: a block writes r0,
 * and where it calls a helper r1 to r5 are lost as the kernel has it, except the one that holds ctx
 * while the block still needs it.
 */
#pragma once

#include "lib/bpfasm/assembler.h"

#define BLOCK_MAX_ARGUMENTS 8

enum argument_kind {
	ARGUMENT_REGISTER,
	ARGUMENT_IMMEDIATE, /* 32 bits, signed */
	ARGUMENT_OFFSET,    /* 16 bits, signed */
	ARGUMENT_SIZE,      /* b h w dw */
	ARGUMENT_SOCKMAP,   /* the name of a map of that type */
	ARGUMENT_SOCKHASH,
	ARGUMENT_INDEX,   /* a number or a register that holds one */
	ARGUMENT_KEY,     /* self, or a register that points to the key */
	ARGUMENT_FLAGS,   /* a number, a register or `ingress` */
	ARGUMENT_ON_MISS, /* pass, drop or a label */
	ARGUMENT_KIND_COUNT,
};

struct block_argument {
	const char *name;
	enum argument_kind kind;
	bool required;
	const char *doc;
};

enum value_form {
	VALUE_ABSENT,
	VALUE_REGISTER, /* number: 0 to 10 */
	VALUE_NUMBER,   /* also sizes, as BPF_W and so on */
	VALUE_WORD,
	VALUE_MAP, /* number: position */
};

struct block_value {
	enum value_form form;
	int32_t number;
	const char *word;
	struct mark mark;
};

struct block {
	const char *name;
	const char *doc;                                      /* what it emits */
	struct block_argument arguments[BLOCK_MAX_ARGUMENTS]; /* ends at a row without name */
	uint32_t program_types; /* bit per enum bpf_prog_type; 0: all */
	/* `values` in the order of the arguments. */
	void (*emit)(struct assembler *assembler, const struct block_value *values);
};

/* The row of that name, or NULL. */
const struct block *block_named(const char *name);
const struct block *block_table(size_t *count);

/* Checks the arguments of an item against the row of the block of that name, then emits it. */
void block_expand(struct assembler *assembler, const struct bpfasm_item *item, const char *name);
