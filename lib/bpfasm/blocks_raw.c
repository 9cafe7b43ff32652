/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One instruction each, as they are written: also one that moves a register to itself. */
#include "lib/bpfasm/blocks.h"

void emit_alu_imm(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	asm_emit(assembler, insn_make((uint8_t)(BPF_ALU64 | block->code | BPF_K), (int)v[0].number,
				    0, 0, (int32_t)v[1].number));
}

void emit_alu_reg(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	asm_emit(assembler, insn_make((uint8_t)(BPF_ALU64 | block->code | BPF_X), (int)v[0].number,
				    (int)v[1].number, 0, 0));
}

/* The operation is the first argument; the row's code is the class. */
void emit_any_alu_imm(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	asm_emit(assembler, insn_make((uint8_t)(block->code | v[0].number | BPF_K),
				    (int)v[1].number, 0, 0, (int32_t)v[2].number));
}

void emit_any_alu_reg(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	asm_emit(assembler, insn_make((uint8_t)(block->code | v[0].number | BPF_X),
				    (int)v[1].number, (int)v[2].number, 0, 0));
}

void emit_neg_reg(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler, insn_make(BPF_ALU64 | BPF_NEG, (int)v[0].number, 0, 0, 0));
}

void emit_end_to(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	asm_emit(assembler, insn_make((uint8_t)(BPF_ALU | BPF_END | block->code), (int)v[0].number,
				    0, 0, (int32_t)v[1].number));
}

void emit_ldx(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler, insn_load((int)v[0].number, (int)v[1].number, (int)v[2].number,
				    (int16_t)v[3].number));
}

void emit_stx(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler, insn_store((int)v[0].number, (int)v[1].number, (int16_t)v[3].number,
				    (int)v[2].number));
}

void emit_st(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler, insn_make((uint8_t)(BPF_ST | BPF_MEM | v[0].number), (int)v[1].number,
				    0, (int16_t)v[2].number, (int32_t)v[3].number));
}

void emit_lddw(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler,
		insn_make(BPF_LD | BPF_IMM | BPF_DW, (int)v[0].number, 0, 0, (int32_t)v[1].number));
	asm_emit(assembler, insn_make(0, 0, 0, 0, (int32_t)(v[1].number >> 32)));
}

void emit_ld_map_fd(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_load_map(assembler, (int)v[0].number, (uint32_t)v[1].number);
}

/* A label, or a distance in instructions from the next one. */
static void jump_to(
	struct assembler *assembler, struct bpf_insn jump, const struct block_value *target)
{
	bool label = target->form == VALUE_WORD;

	jump.off = label ? 0 : (int16_t)target->number;
	asm_jump_to(assembler, jump, label ? target->word : NULL, target->mark, NULL);
}

void emit_ja(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	jump_to(assembler, insn_make(BPF_JMP | BPF_JA, 0, 0, 0, 0), &v[0]);
}

void emit_jmp_imm(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	jump_to(assembler,
		insn_jump_if((int)v[0].number, (int)v[1].number, (int32_t)v[2].number, 0), &v[3]);
}

void emit_jmp_reg(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	jump_to(assembler,
		insn_make((uint8_t)(BPF_JMP | v[0].number | BPF_X), (int)v[1].number,
			(int)v[2].number, 0, 0),
		&v[3]);
}

void emit_call_helper(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler, insn_call((int32_t)v[0].number));
}

void emit_exit_insn(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	(void)v;
	asm_emit(assembler, insn_exit());
}
