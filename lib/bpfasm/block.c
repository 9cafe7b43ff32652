/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walker: from an item's arguments to values that a row's emitter can trust. */
#include "lib/bpfasm/block.h"

#include "lib/base/suggest.h"

#include <string.h>

/* What a value may be, by kind, for messages; and whether words or numbers are among it. */
static const struct {
	const char *expected;
	bool registers, numbers;
	int64_t least, most;
	const char *words[3];
	bool any_word;
} kinds[ARGUMENT_KIND_COUNT] = {
	[ARGUMENT_REGISTER] = { "a register, r0 to r10", .registers = true },
	[ARGUMENT_IMMEDIATE] = { "a number of 32 bits", .numbers = true, .least = INT32_MIN,
		.most = INT32_MAX },
	[ARGUMENT_OFFSET] = { "an offset, -32768 to 32767", .numbers = true, .least = INT16_MIN,
		.most = INT16_MAX },
	[ARGUMENT_SIZE] = { "a size: b, h, w or dw" },
	[ARGUMENT_SOCKMAP] = { "the name of a sockmap" },
	[ARGUMENT_SOCKHASH] = { "the name of a sockhash" },
	[ARGUMENT_INDEX] = { "an index, or a register that holds it", .registers = true,
		.numbers = true, .least = 0, .most = INT32_MAX },
	[ARGUMENT_KEY] = { "self, or a register that points to the key", .registers = true,
		.words = { "self" } },
	[ARGUMENT_FLAGS] = { "a number, a register or ingress", .registers = true, .numbers = true,
		.least = 0, .most = INT32_MAX, .words = { "ingress" } },
	[ARGUMENT_ON_MISS] = { "pass, drop or a label", .words = { "pass", "drop" },
		.any_word = true },
};

static bool is_identifier(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_");

	return length && !text[length] && !(text[0] >= '0' && text[0] <= '9');
}

static bool decode_word(
	enum argument_kind kind, const struct bpfasm_argument *given, struct block_value *value)
{
	bool known = kinds[kind].any_word && is_identifier(given->text);

	for (size_t i = 0; i < 3 && kinds[kind].words[i]; i++)
		known = known || strcmp(kinds[kind].words[i], given->text) == 0;
	if (!known)
		return false;
	value->form = VALUE_WORD;
	value->word = given->text;
	return true;
}

static bool decode_map(struct assembler *assembler, enum bpf_map_type wanted,
	const struct bpfasm_argument *given, struct block_value *value)
{
	size_t position = asm_find_map(assembler, given->text, given->mark);
	const struct map_kind *kind;

	if (position == NAME_ABSENT)
		return false;
	kind = assembler->maps[position].kind;
	value->form = VALUE_MAP;
	value->number = (int32_t)position;
	if (!kind || kind->type == wanted)
		return true;
	diag_add(assembler->diagnostics, DIAG_E0308, given->mark,
		"the block works on a %s, \"%s\" is a %s", map_kind_of(wanted)->name, given->text,
		kind->name);
	return false;
}

/* Registers, numbers and sizes. */
static bool decode_scalar(
	enum argument_kind kind, const struct bpfasm_argument *given, struct block_value *value)
{
	size_t length = strlen(given->text);
	int register_number = asm_register_named(given->text, length);
	int size = asm_size_named(given->text, length);
	__int128 number;

	if (kinds[kind].registers && register_number >= 0) {
		value->form = VALUE_REGISTER;
		value->number = register_number;
	} else if (kind == ARGUMENT_SIZE && size >= 0) {
		value->form = VALUE_NUMBER;
		value->number = size;
	} else if (kinds[kind].numbers && asm_parse_number(given->text, length, &number) == 0 &&
		   number >= kinds[kind].least && number <= kinds[kind].most) {
		value->form = VALUE_NUMBER;
		value->number = (int32_t)number;
	}
	return value->form != VALUE_ABSENT;
}

static void decode_argument(struct assembler *assembler, const struct block_argument *argument,
	const struct bpfasm_argument *given, struct block_value *value)
{
	enum argument_kind kind = argument->kind;

	value->mark = given->mark;
	if (kind == ARGUMENT_SOCKMAP || kind == ARGUMENT_SOCKHASH) {
		decode_map(assembler,
			kind == ARGUMENT_SOCKMAP ? BPF_MAP_TYPE_SOCKMAP : BPF_MAP_TYPE_SOCKHASH,
			given, value);
		return;
	}
	if (decode_scalar(kind, given, value) || decode_word(kind, given, value))
		return;
	diag_add(assembler->diagnostics, DIAG_E0305, given->mark, "\"%s\" has to be %s",
		argument->name, kinds[kind].expected);
}

static size_t argument_count(const struct block *block)
{
	size_t count = 0;

	while (count < BLOCK_MAX_ARGUMENTS && block->arguments[count].name)
		count++;
	return count;
}

static void report_unknown_argument(
	struct assembler *assembler, const struct block *block, const struct bpfasm_argument *given)
{
	struct suggestion suggestion = suggestion_for(given->name);

	for (size_t i = 0; i < argument_count(block); i++)
		suggestion_offer(&suggestion, block->arguments[i].name);
	diag_suggest(assembler->diagnostics,
		diag_add(assembler->diagnostics, DIAG_E0305, given->name_mark,
			"%s has no argument \"%s\"", block->name, given->name),
		&suggestion);
}

/* False where an argument could not be read, which has been reported. */
static bool decode_arguments(struct assembler *assembler, const struct block *block,
	const struct bpfasm_item *item, struct block_value *values)
{
	size_t count = argument_count(block);

	vec_each (given, &item->arguments) {
		size_t i = 0;

		while (i < count && strcmp(block->arguments[i].name, given->name) != 0)
			i++;
		assembler->incomplete = assembler->incomplete || !given->text;
		if (i == count)
			report_unknown_argument(assembler, block, given);
		else if (given->text)
			decode_argument(assembler, &block->arguments[i], given, &values[i]);
		else
			values[i].mark = given->mark;
	}
	for (size_t i = 0; i < count; i++)
		if (block->arguments[i].required && !values[i].mark.source)
			diag_add(assembler->diagnostics, DIAG_E0305, item->mark,
				"%s needs \"%s\" (%s)", block->name, block->arguments[i].name,
				kinds[block->arguments[i].kind].expected);
	return !assembler->incomplete;
}

static void report_unknown_block(struct assembler *assembler, const struct bpfasm_item *item)
{
	struct suggestion suggestion = suggestion_for(item->block);
	struct diagnostic *diagnostic;
	const struct block *table;
	size_t count;

	table = block_table(&count);
	for (size_t i = 0; i < count; i++)
		suggestion_offer(&suggestion, table[i].name);
	diagnostic = diag_add(assembler->diagnostics, DIAG_E0301, item->mark,
		"no block is named \"%s\"", item->block);
	diag_suggest(assembler->diagnostics, diagnostic, &suggestion);
	/* "out:" without quotes is a mapping for YAML. */
	if (!diagnostic->hint && item->bare)
		diagnostic->hint = arena_printf(
			assembler->arena, "a label needs quotes: \"%s:\"", item->block);
}

void block_expand(struct assembler *assembler, const struct bpfasm_item *item, const char *name)
{
	const struct block *block = block_named(name);
	struct block_value values[BLOCK_MAX_ARGUMENTS] = { 0 };
	size_t errors = assembler->diagnostics->errors;

	if (!block) {
		report_unknown_block(assembler, item);
		return;
	}
	assembler->origin.block = block->name;
	if (block->program_types &&
		!(block->program_types & (1u << assembler->program->kind->type)))
		diag_add(assembler->diagnostics, DIAG_E0307, item->mark,
			"a program of type %s cannot use %s", assembler->program->kind->name,
			block->name);
	if (decode_arguments(assembler, block, item, values) &&
		assembler->diagnostics->errors == errors)
		block->emit(assembler, values);
}
