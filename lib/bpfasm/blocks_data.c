/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The payload. A verdict may see an skb whose bytes are not where data points (it is not linear),
 * and an SK_MSG program under sendfile sees an empty range: pulling brings the bytes there, and
 * makes every pointer to them that was read before worthless.
 */
#include "lib/bpfasm/blocks.h"

/* What a block that pulled does: the registers that were asked for get the pointers anew. */
static void emit_reload(struct assembler *assembler, const struct block_value *data,
	const struct block_value *data_end, struct operand context)
{
	bool loads = data->form == VALUE_REGISTER || data_end->form == VALUE_REGISTER;

	if (loads && context.form != OPERAND_REGISTER) {
		emit_operand(assembler, context, R1);
		context = operand_register(R1);
	}
	/* What overwrites the context comes last. */
	if (data->form == VALUE_REGISTER && data->number != context.number)
		emit_field(assembler, own_field(assembler, "data"), (int)data->number,
			(int)context.number);
	if (data_end->form == VALUE_REGISTER)
		emit_field(assembler, own_field(assembler, "data_end"), (int)data_end->number,
			(int)context.number);
	if (data->form == VALUE_REGISTER && data->number == context.number)
		emit_field(assembler, own_field(assembler, "data"), (int)data->number,
			(int)context.number);
}

/* The length of the message where the argument is absent: read into a register, none of `taken`. */
static struct operand length_or(struct assembler *assembler, const struct block_value *value,
	const char *field, const struct operand *context, unsigned int taken)
{
	int scratch = emit_free_register(taken | emit_bit_of_operand(context)), reg = scratch;

	if (value->form != VALUE_ABSENT)
		return operand_of(value, 0);
	if (context->form == OPERAND_REGISTER)
		reg = (int)context->number;
	else
		emit_operand(assembler, *context, scratch);
	emit_field(assembler, own_field(assembler, field), scratch, reg);
	return operand_register(scratch);
}

static void emit_pulled(struct assembler *assembler, const struct block_value *on_error,
	const struct block_value *data, const struct block_value *data_end, struct operand context)
{
	/* 0, or a negative errno. */
	if (on_error->form != VALUE_ABSENT)
		emit_miss(assembler, on_error, insn_jump_if(BPF_JNE, R0, 0, 0));
	emit_reload(assembler, data, data_end, context);
}

void emit_pull_data(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct operand length, context = emit_context(assembler, &v[PULL_CTX]);
	struct operand kept;

	(void)block;
	length = length_or(assembler, &v[PULL_LEN], "len", &context, 0);
	kept = emit_spill(assembler, context, STACK_CONTEXT);
	emit_call(assembler, BPF_FUNC_skb_pull_data, (struct operand[]){ context, length }, 2);
	emit_pulled(assembler, &v[PULL_ON_ERROR], &v[PULL_DATA], &v[PULL_DATA_END], kept);
}

void emit_msg_pull_data(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct operand end, context = emit_context(assembler, &v[MSG_PULL_CTX]);
	struct operand kept;

	(void)block;
	end = length_or(
		assembler, &v[MSG_PULL_END], "size", &context, emit_bit_of(&v[MSG_PULL_START]));
	kept = emit_spill(assembler, context, STACK_CONTEXT);
	emit_call(assembler, BPF_FUNC_msg_pull_data,
		(struct operand[]){
			context, operand_of(&v[MSG_PULL_START], 0), end, operand_number(0) },
		4);
	emit_pulled(
		assembler, &v[MSG_PULL_ON_ERROR], &v[MSG_PULL_DATA], &v[MSG_PULL_DATA_END], kept);
}

/* bpf_msg_apply_bytes and bpf_msg_cork_bytes: the row's code is the helper. */
void emit_msg_bytes(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	const struct operand arguments[] = { emit_context(assembler, &v[BYTES_CTX]),
		operand_of(&v[BYTES_BYTES], 0) };

	emit_call(assembler, block->code, arguments, 2);
}
