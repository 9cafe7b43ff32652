/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/blocks.h"

#include <string.h>

static const struct bpfasm_map *map_of(
	const struct assembler *assembler, const struct block_value *map)
{
	return &assembler->maps[map->number];
}

static void call_lookup(
	struct assembler *assembler, const struct block_value *map, struct operand key)
{
	const struct operand arguments[] = { operand_map(map), key };

	emit_call(assembler, BPF_FUNC_map_lookup_elem, arguments, 2);
}

/* An entry of that key with the value 0, unless there is one by now; then its address again. */
static void insert_zero(
	struct assembler *assembler, const struct block_value *map, struct operand key)
{
	const struct operand arguments[] = { operand_map(map), key, operand_address(STACK_VALUE),
		operand_number(BPF_NOEXIST) };

	asm_emit(assembler, insn_make(BPF_ST | BPF_MEM | BPF_DW, R10, 0, STACK_VALUE, 0));
	emit_call(assembler, BPF_FUNC_map_update_elem, arguments, 4);
	call_lookup(assembler, map, key);
}

static bool check_counter(struct assembler *assembler, const struct block_value *map)
{
	uint32_t size = map_of(assembler, map)->value_size;

	if (size == 4 || size == 8)
		return true;
	diag_add(assembler->diagnostics, DIAG_E0308, map->mark,
		"count adds to values of 4 or 8 bytes, those of \"%s\" have %u",
		map_of(assembler, map)->name, size);
	return false;
}

void emit_count(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct operand by = operand_of(&v[COUNT_BY], 1), key;
	struct operand context = emit_context(assembler, &v[COUNT_CTX]);
	const struct bpfasm_map *map = map_of(assembler, &v[COUNT_MAP]);
	uint8_t size = map->value_size == 8 ? BPF_DW : BPF_W;
	size_t found = 0, none;

	(void)block;
	if (!check_counter(assembler, &v[COUNT_MAP]))
		return;
	by = emit_spill(assembler, by, STACK_SPILL);
	if (!emit_key(assembler, &v[COUNT_MAP], &v[COUNT_KEY], &context, &key))
		return;
	/* A hash is asked again with the same key, which may be in a register that calls lose. */
	key = emit_spill(assembler, key, STACK_FIELD);
	call_lookup(assembler, &v[COUNT_MAP], key);
	if (map->kind && !map->kind->fixed_key) {
		found = emit_skip(assembler, insn_jump_if(BPF_JNE, R0, 0, 0));
		insert_zero(assembler, &v[COUNT_MAP], key);
	}
	none = emit_skip(assembler, insn_jump_if(BPF_JEQ, R0, 0, 0));
	if (found)
		emit_land(assembler, found);
	emit_operand(assembler, by, R1);
	asm_emit(assembler, insn_make((uint8_t)(BPF_STX | BPF_ATOMIC | size), R0, R1, 0, BPF_ADD));
	emit_land(assembler, none);
}

/* How values of the map are stored; -1 with a diagnostic. */
static int store_size(struct assembler *assembler, const struct block_value *map)
{
	uint32_t size = map_of(assembler, map)->value_size;

	if (insn_size_of(size) >= 0)
		return insn_size_of(size);
	diag_add(assembler->diagnostics, DIAG_E0308, map->mark,
		"store writes values of 1, 2, 4 or 8 bytes, those of \"%s\" have %u",
		map_of(assembler, map)->name, size);
	return -1;
}

void emit_store(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	const struct block_value *value = &v[STORE_VALUE];
	struct operand context = emit_context(assembler, &v[STORE_CTX]), key;
	struct operand flags = operand_of(&v[STORE_FLAGS], BPF_ANY);
	int size = store_size(assembler, &v[STORE_MAP]);

	(void)block;
	if (size < 0)
		return;
	asm_emit(assembler, value->form == VALUE_REGISTER
				    ? insn_store(size, R10, STACK_VALUE, (int)value->number)
				    : insn_make((uint8_t)(BPF_ST | BPF_MEM | size), R10, 0,
					      STACK_VALUE, (int32_t)value->number));
	flags = emit_kept(assembler, flags, &v[STORE_MAP], &v[STORE_KEY], &context);
	if (!emit_key(assembler, &v[STORE_MAP], &v[STORE_KEY], &context, &key))
		return;
	emit_call(assembler, BPF_FUNC_map_update_elem,
		(struct operand[]){
			operand_map(&v[STORE_MAP]), key, operand_address(STACK_VALUE), flags },
		4);
}

void emit_delete(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct operand context = emit_context(assembler, &v[DELETE_CTX]), key;

	(void)block;
	if (emit_key(assembler, &v[DELETE_MAP], &v[DELETE_KEY], &context, &key))
		emit_call(assembler, BPF_FUNC_map_delete_elem,
			(struct operand[]){ operand_map(&v[DELETE_MAP]), key }, 2);
}

/* The width of the load: what was asked for, or the whole value. -1 with a diagnostic. */
static int lookup_size(struct assembler *assembler, const struct block_value *v)
{
	const struct bpfasm_map *map = map_of(assembler, &v[LOOKUP_MAP]);

	if (v[LOOKUP_SIZE].form == VALUE_NUMBER)
		return (int)v[LOOKUP_SIZE].number;
	if (insn_size_of(map->value_size) < 0)
		diag_add(assembler->diagnostics, DIAG_E0305, v[LOOKUP_DST].mark,
			"the values of \"%s\" have %u bytes: say which \"size\" to load, and "
			"\"off\"",
			map->name, map->value_size);
	return insn_size_of(map->value_size);
}

void emit_lookup(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	const struct block_value *dst = &v[LOOKUP_DST], *on_miss = &v[LOOKUP_ON_MISS];
	struct operand context = emit_context(assembler, &v[LOOKUP_CTX]), key;
	bool loads = dst->form == VALUE_REGISTER;
	int size = loads ? lookup_size(assembler, v) : 0;

	(void)block;
	if (loads && on_miss->form == VALUE_ABSENT)
		diag_add(assembler->diagnostics, DIAG_E0305, dst->mark,
			"lookup needs \"on_miss\" to load a value: the entry may not be there");
	if (size < 0 || !check_verdict_use(assembler, on_miss, "on_miss") ||
		!emit_key(assembler, &v[LOOKUP_MAP], &v[LOOKUP_KEY], &context, &key))
		return;
	call_lookup(assembler, &v[LOOKUP_MAP], key);
	if (on_miss->form != VALUE_ABSENT)
		emit_miss(assembler, on_miss, insn_jump_if(BPF_JEQ, R0, 0, 0));
	if (loads)
		asm_emit(assembler,
			insn_load(size, (int)dst->number, R0, (int16_t)v[LOOKUP_OFF].number));
}

/* bpf_trace_printk takes a text on the stack, with its NUL, and up to three numbers. */
void emit_trace(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	const struct block_value *text = &v[TRACE_TEXT];
	struct operand arguments[5] = { operand_address(STACK_KEY),
		operand_number((int64_t)text->length + 1) };
	size_t count = 2;

	(void)block;
	for (size_t i = 0; i < text->length + 1; i += 4) {
		size_t left = text->length - i < 4 ? text->length - i : 4;
		int32_t word = 0;

		memcpy(&word, text->bytes + i, left);
		asm_emit(assembler, insn_make(BPF_ST | BPF_MEM | BPF_W, R10, 0,
					    (int16_t)(STACK_KEY + (int)i), word));
	}
	for (size_t i = TRACE_ARG1; i <= TRACE_ARG3; i++)
		if (v[i].form == VALUE_REGISTER)
			arguments[count++] = operand_of(&v[i], 0);
	emit_call(assembler, BPF_FUNC_trace_printk, arguments, count);
}
