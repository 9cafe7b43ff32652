/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/blocks.h"

const struct context_field *own_field(const struct assembler *assembler, const char *name)
{
	return context_field_named(assembler->program->kind->type, name);
}

void emit_prologue(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	bool given = v[PROLOGUE_CTX].form == VALUE_REGISTER;
	int context = given ? (int)v[PROLOGUE_CTX].number : R1;
	int data = (int)v[PROLOGUE_DATA].number, data_end = (int)v[PROLOGUE_DATA_END].number;

	(void)block;
	emit_move(assembler, context, R1);
	/* What overwrites the context comes last. */
	if (data != context)
		emit_field(assembler, own_field(assembler, "data"), data, context);
	emit_field(assembler, own_field(assembler, "data_end"), data_end, context);
	if (data == context)
		emit_field(assembler, own_field(assembler, "data"), data, context);
}

void emit_verdict(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)v;
	emit_return(assembler, block->code);
}

void emit_action(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	int dst = v[ACTION_DST].form == VALUE_REGISTER ? (int)v[ACTION_DST].number : R0;

	(void)block;
	asm_emit(assembler, insn_set(dst, (int32_t)v[ACTION_ACTION].number));
}

void emit_load_field(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	int dst = (int)v[LOAD_DST].number;
	int context = emit_context_register(assembler, &v[LOAD_CTX], dst);

	(void)block;
	emit_field(assembler, v[LOAD_FIELD].field, dst, context);
}

/* As the kernel holds it: remote_port in network order. */
void emit_raw_field(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct context_field field = *v[LOAD_FIELD].field;
	int dst = (int)v[LOAD_DST].number;
	int context = emit_context_register(assembler, &v[LOAD_CTX], dst);

	(void)block;
	field.order = ORDER_HOST;
	emit_field(assembler, &field, dst, context);
}

void emit_field_offset(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	(void)block;
	asm_emit(assembler, insn_set((int)v[LOAD_DST].number, v[LOAD_FIELD].field->offset));
}
