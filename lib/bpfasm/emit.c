/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/emit.h"

#include <string.h>

struct operand operand_of(const struct block_value *value, int64_t otherwise)
{
	if (value->form == VALUE_REGISTER)
		return operand_register((int)value->number);
	return operand_number(value->form == VALUE_NUMBER ? value->number : otherwise);
}

void emit_move(struct assembler *assembler, int dst, int src)
{
	if (dst != src)
		asm_emit(assembler, insn_move(dst, src));
}

void emit_number(struct assembler *assembler, int dst, int64_t number)
{
	if (number >= INT32_MIN && number <= INT32_MAX) {
		asm_emit(assembler, insn_set(dst, (int32_t)number));
		return;
	}
	asm_emit(assembler, insn_make(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int32_t)number));
	asm_emit(assembler, insn_make(0, 0, 0, 0, (int32_t)(number >> 32)));
}

void emit_return(struct assembler *assembler, int32_t value)
{
	asm_emit(assembler, insn_set(R0, value));
	asm_emit(assembler, insn_exit());
}

#define MOST_ARGUMENTS 5

static bool is_pending(const struct operand *list, size_t i)
{
	return list[i].form == OPERAND_REGISTER && list[i].number != (int)i + R1;
}

/* Whether another argument has yet to be moved out of the register that argument i goes to. */
static bool is_still_read(const struct operand *list, size_t count, size_t i)
{
	for (size_t j = 0; j < count; j++)
		if (j != i && is_pending(list, j) && list[j].number == (int)i + R1)
			return true;
	return false;
}

/*
 * Moves between registers "at the same time": a user may have the key in r1 and the context in r3.
 * A register is written once nothing else has to be read from it; a ring is opened through r0,
 * which the call overwrites anyway.
 */
static void emit_moves(struct assembler *assembler, struct operand *list, size_t count)
{
	for (;;) {
		size_t i = 0, first = count;

		for (; i < count; i++) {
			if (!is_pending(list, i))
				continue;
			first = first == count ? i : first;
			if (!is_still_read(list, count, i))
				break;
		}
		if (first == count)
			return;
		if (i < count) {
			asm_emit(assembler, insn_move((int)i + R1, (int)list[i].number));
			list[i].number = (int)i + R1;
			continue;
		}
		asm_emit(assembler, insn_move(R0, (int)first + R1));
		for (i = 0; i < count; i++)
			if (is_pending(list, i) && list[i].number == (int)first + R1)
				list[i].number = R0;
	}
}

void emit_operand(struct assembler *assembler, struct operand operand, int dst)
{
	if (operand.form == OPERAND_NUMBER) {
		emit_number(assembler, dst, operand.number);
	} else if (operand.form == OPERAND_LOADED) {
		asm_emit(assembler, insn_load(BPF_DW, dst, R10, (int16_t)operand.number));
	} else if (operand.form == OPERAND_ADDRESS) {
		asm_emit(assembler, insn_move(dst, R10));
		asm_emit(assembler, insn_add(dst, (int32_t)operand.number));
	} else if (operand.form == OPERAND_REGISTER) {
		emit_move(assembler, dst, (int)operand.number);
	} else {
		asm_load_map(assembler, dst, (uint32_t)operand.number);
	}
}

void emit_call(
	struct assembler *assembler, int32_t helper, const struct operand *arguments, size_t count)
{
	struct operand list[MOST_ARGUMENTS];

	memcpy(list, arguments, count * sizeof(*list));
	/* An argument that stands on the stack may be in a register that others are read from. */
	emit_moves(assembler, list, count);
	for (size_t i = 0; i < count; i++)
		emit_operand(assembler, list[i], (int)i + R1);
	asm_emit(assembler, insn_call(helper));
}

struct operand emit_context(struct assembler *assembler, const struct block_value *ctx)
{
	if (ctx->form == VALUE_REGISTER)
		return operand_register((int)ctx->number);
	if (!assembler->context_moved)
		return operand_register(R1);
	assembler->context_saved = true;
	return operand_loaded(STACK_CONTEXT);
}

int emit_context_register(struct assembler *assembler, const struct block_value *ctx, int scratch)
{
	struct operand context = emit_context(assembler, ctx);

	if (context.form == OPERAND_REGISTER)
		return (int)context.number;
	emit_operand(assembler, context, scratch);
	if (scratch == R1)
		assembler->context_moved = false;
	return scratch;
}

int emit_free_register(unsigned int taken)
{
	static const int registers[] = { R0, R5, R4, R3, R2 };

	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		if (!(taken >> registers[i] & 1))
			return registers[i];
	return R0;
}

unsigned int emit_bit_of(const struct block_value *value)
{
	return value->form == VALUE_REGISTER ? 1u << value->number : 0;
}

unsigned int emit_bit_of_operand(const struct operand *operand)
{
	return operand->form == OPERAND_REGISTER ? 1u << operand->number : 0;
}

struct operand emit_spill(struct assembler *assembler, struct operand operand, int offset)
{
	if (operand.form != OPERAND_REGISTER || operand.number >= R6)
		return operand;
	asm_emit(assembler, insn_store(BPF_DW, R10, (int16_t)offset, (int)operand.number));
	return operand_loaded(offset);
}

void emit_field(
	struct assembler *assembler, const struct context_field *field, int dst, int context)
{
	asm_emit(assembler,
		insn_load(field->size == 8 ? BPF_DW : BPF_W, dst, context, (int16_t)field->offset));
	if (field->order == ORDER_PORT)
		asm_emit(assembler, insn_big_endian(dst, 32));
}

size_t emit_skip(struct assembler *assembler, struct bpf_insn jump)
{
	asm_emit(assembler, jump);
	return assembler->code->instructions.count - 1;
}

void emit_land(struct assembler *assembler, size_t skip)
{
	size_t distance = assembler->code->instructions.count - skip - 1;

	/* A block is shorter than that by far. */
	assembler->code->instructions.items[skip].off = (int16_t)distance;
}

void emit_miss(struct assembler *assembler, const struct block_value *on_miss, struct bpf_insn jump)
{
	static const char *const verdicts[] = { "pass", "drop", NULL };
	bool pass = strcmp(on_miss->word, "pass") == 0;
	size_t hit;

	if (!pass && strcmp(on_miss->word, "drop") != 0) {
		asm_jump_to(assembler, jump, on_miss->word, on_miss->mark, verdicts);
		return;
	}
	/* The jump over the verdict is taken where there is no miss. */
	jump.code ^= BPF_JEQ ^ BPF_JNE;
	hit = emit_skip(assembler, jump);
	emit_return(assembler, pass ? SK_PASS : SK_DROP);
	emit_land(assembler, hit);
}
