/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: what blocks are built from. Calls whose arguments are filled "at the same time",
 * keys on the stack, jumps inside a block, and where the context is.
 *
 * The context: a program gets it in r1, and every call takes that away. A block that is not told
 * where the context is (`ctx`) takes r1 while nothing can have changed it; later it loads it from
 * the stack, and the program then begins with an instruction that put it there. So blocks can stand
 * one after another.
 */
#pragma once

#include "lib/bpfasm/block.h"

/* The bottom of the frame, which block.h reserves. */
enum {
	STACK_KEY = -512,             /* KEY_MAX_BYTES; also the text of a trace */
	STACK_CONTEXT = -512 + 64,    /* the context */
	STACK_FIELD = -512 + 64 + 8,  /* a field on its way to an unaligned place */
	STACK_SPILL = -512 + 64 + 16, /* a register that a call would lose */
	STACK_VALUE = -512 + 64 + 24, /* a value for a map */
};

enum operand_form {
	OPERAND_REGISTER,
	OPERAND_NUMBER,
	OPERAND_LOADED,  /* 8 bytes of the frame, at r10 + number */
	OPERAND_ADDRESS, /* r10 + number */
	OPERAND_MAP,     /* by position */
};

/* What a call gets in one of its argument registers. */
struct operand {
	enum operand_form form;
	int64_t number;
};

static inline struct operand operand_register(int reg)
{
	return (struct operand){ OPERAND_REGISTER, reg };
}

static inline struct operand operand_number(int64_t number)
{
	return (struct operand){ OPERAND_NUMBER, number };
}

static inline struct operand operand_loaded(int offset)
{
	return (struct operand){ OPERAND_LOADED, offset };
}

static inline struct operand operand_address(int offset)
{
	return (struct operand){ OPERAND_ADDRESS, offset };
}

static inline struct operand operand_map(const struct block_value *map)
{
	return (struct operand){ OPERAND_MAP, map->number };
}

/* The register or the number of an argument; `otherwise` where it was not given. */
struct operand operand_of(const struct block_value *value, int64_t otherwise);

/* r1, r2, ... = the arguments, whatever registers they are read from; then the call. */
void emit_call(
	struct assembler *assembler, int32_t helper, const struct operand *arguments, size_t count);

/* dst = the operand */
void emit_operand(struct assembler *assembler, struct operand operand, int dst);

/* dst = src, and nothing where they are the same. */
void emit_move(struct assembler *assembler, int dst, int src);

/* dst = number, in one instruction or two slots. */
void emit_number(struct assembler *assembler, int dst, int64_t number);

/* r0 = value; exit */
void emit_return(struct assembler *assembler, int32_t value);

/* Where the context is: a register, or its place on the stack. `ctx` is the argument, or absent. */
struct operand emit_context(struct assembler *assembler, const struct block_value *ctx);

/* The same in a register: `scratch` is loaded where it is in none. */
int emit_context_register(struct assembler *assembler, const struct block_value *ctx, int scratch);

/*
 * A register that a block may use, out of r0 and r2 to r5: none of `taken`, bit per register. A block
 * has fewer arguments in registers than that.
 */
int emit_free_register(unsigned int taken);

/* The bit of the register that an argument or an operand is in; 0: in none. */
unsigned int emit_bit_of(const struct block_value *value);
unsigned int emit_bit_of_operand(const struct operand *operand);

/* A register that a call would lose is put on the stack; what is elsewhere stays there. */
struct operand emit_spill(struct assembler *assembler, struct operand operand, int offset);

/* dst = the field of the context in `context`, a register; ports become numbers. */
void emit_field(
	struct assembler *assembler, const struct context_field *field, int dst, int context);

/*
 * The key argument of a block as a pointer to a key: builds it at STACK_KEY where it has to be
 * built, through r0 and, where the layout has fields that are calls, losing r1 to r5. False with a
 * diagnostic where it cannot be. *context is where the context is, and then where it is behind it.
 */
bool emit_key(struct assembler *assembler, const struct block_value *map,
	const struct block_value *key, struct operand *context, struct operand *ret);

/*
 * An operand for a call behind emit_key: put on the stack where building the key would lose it.
 */
struct operand emit_kept(struct assembler *assembler, struct operand operand,
	const struct block_value *map, const struct block_value *key,
	const struct operand *context);

/*
 * A jump forward inside a block: emit_skip gives what emit_land, called where the jump is to lead,
 * needs.
 */
size_t emit_skip(struct assembler *assembler, struct bpf_insn jump);
void emit_land(struct assembler *assembler, size_t skip);

/*
 * What happens on a miss, for blocks that go on behind it: `jump` is taken on one. pass and drop end
 * the program with that verdict; a label goes on there.
 */
void emit_miss(
	struct assembler *assembler, const struct block_value *on_miss, struct bpf_insn jump);
