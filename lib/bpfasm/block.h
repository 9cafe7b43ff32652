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
 * and where it calls a helper r1 to r5 are lost as the kernel has it. A block finds the context
 * also where another one has lost it, see emit.h.
 */
#pragma once

#include "lib/bpfasm/assembler.h"
#include "lib/bpfasm/context.h"

#define BLOCK_MAX_ARGUMENTS 16

enum argument_kind {
	ARGUMENT_REGISTER,
	ARGUMENT_CONTEXT,   /* a register, not the frame's */
	ARGUMENT_IMMEDIATE, /* 32 bits, signed */
	ARGUMENT_WIDE,      /* 64 bits, signed or not */
	ARGUMENT_OFFSET,    /* 16 bits, signed */
	ARGUMENT_POSITION,  /* 0 to 32767 */
	ARGUMENT_COUNT,     /* a number, or a register that holds one */
	ARGUMENT_SIZE,      /* b h w dw */
	ARGUMENT_BITS,      /* 16 32 64 */
	ARGUMENT_MAP,       /* the name of a map, of a type out of block_argument.maps */
	ARGUMENT_INDEX,     /* a number or a register that holds one */
	ARGUMENT_KEY,       /* self, peer, a number, or a register that points to the key */
	ARGUMENT_FLAGS,     /* a number, a register or `ingress` */
	ARGUMENT_UPDATE,    /* likewise any, noexist or exist */
	ARGUMENT_ON_MISS,   /* pass, drop or a label */
	ARGUMENT_LABEL,
	ARGUMENT_TARGET, /* a label, or a distance in instructions */
	ARGUMENT_FIELD,  /* of the program's context */
	ARGUMENT_VERDICT,
	ARGUMENT_ALU,  /* add sub mul ... */
	ARGUMENT_JUMP, /* jeq jne jgt ... */
	ARGUMENT_HELPER,
	ARGUMENT_FAMILY,
	ARGUMENT_SIDE, /* active, passive or both */
	ARGUMENT_YES_NO,
	ARGUMENT_IP4,   /* an address, or a network in CIDR notation */
	ARGUMENT_IP6,   /* likewise */
	ARGUMENT_PORTS, /* a port or a range */
	ARGUMENT_TEXT,
	ARGUMENT_BYTES, /* hexadecimal */
	ARGUMENT_KIND_COUNT,
};

struct block_argument {
	const char *name;
	enum argument_kind kind;
	bool required;
	const char *doc;
	uint32_t maps;      /* ARGUMENT_MAP: bit per enum bpf_map_type */
	const char *preset; /* what leaving it out is the same as; NULL: nothing is */
};

enum value_form {
	VALUE_ABSENT,
	VALUE_REGISTER, /* number: 0 to 10 */
	VALUE_NUMBER,   /* also what a word of a table stands for: BPF_W, SK_PASS, BPF_JEQ */
	VALUE_WORD,     /* self, peer, pass, drop, a label */
	VALUE_MAP,      /* number: position */
	VALUE_RANGE,    /* number to most */
	VALUE_BYTES,    /* text, and addresses with their mask behind them */
};

struct block_value {
	enum value_form form;
	int64_t number, most;
	const char *word; /* as it was written */
	const unsigned char *bytes;
	size_t length; /* bytes */
	const struct context_field *field;
	struct mark mark;
};

struct block {
	const char *name;
	const char *doc;                                      /* what it emits */
	struct block_argument arguments[BLOCK_MAX_ARGUMENTS]; /* ends at a row without name */
	uint32_t program_types; /* bit per enum bpf_prog_type; 0: all */
	/* `values` in the order of the arguments. */
	void (*emit)(struct assembler *assembler, const struct block *block,
		const struct block_value *values);
	int32_t code; /* for emitters that serve several rows: opcode, helper or verdict */
};

/* The row of that name, or NULL. */
const struct block *block_named(const char *name);
const struct block *block_table(size_t *count);

/* What a value of that kind may be, for messages: "a register, r0 to r10". */
const char *argument_expected(enum argument_kind kind);

/* Whether a text is a value of that kind, as far as the text tells; maps are asked for by name. */
bool argument_accepts(enum argument_kind kind, const char *text);

/* Checks the arguments of an item against the row of the block of that name, then emits it. */
void block_expand(struct assembler *assembler, const struct bpfasm_item *item, const char *name);
