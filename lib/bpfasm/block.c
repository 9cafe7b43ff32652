/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The walker: from an item's arguments to values that a row's emitter can trust. */
#include "lib/bpfasm/block.h"

#include "lib/base/names.h"
#include "lib/base/suggest.h"
#include "lib/bpfasm/value.h"

#include <string.h>

/*
 * In a template by itself: whether it can be told already if an argument is right. Maps may be those
 * of whoever includes it; then what no map can be called is all that is wrong.
 */
static bool can_check(const struct assembler *assembler, enum argument_kind kind,
	const struct bpfasm_argument *given)
{
	if (yaml_is_open(given->node, 0, given->node->length) || value_kinds[kind].fields)
		return false;
	return !value_kinds[kind].maps || assembler->map_names ||
	       !name_follows(&name_of_object, given->text);
}

static void decode_argument(struct assembler *assembler, const struct block_argument *argument,
	const struct bpfasm_argument *given, struct block_value *value)
{
	struct diagnostic *diagnostic;
	const char *range;

	value->mark = given->mark;
	if (assembler->checking && !can_check(assembler, argument->kind, given))
		return;
	if (value_decode(assembler, argument, given, value))
		return;
	range = value_range(assembler->arena, argument->kind, given->text);
	diagnostic =
		diag_add(assembler->diagnostics, DIAG_E0305, given->mark, "\"%s\" has to be %s",
			argument->name, range ? range : value_expected(assembler->arena, argument));
	if (given->node)
		yaml_hint_value(assembler->diagnostics, diagnostic, given->node);
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

	diag_offer(assembler->diagnostics, &suggestion,
		DIAG_NAMES(block->arguments, argument_count(block), name));
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
				value_expected(assembler->arena, &block->arguments[i]));
	return !assembler->incomplete;
}

static void report_unknown_block(struct assembler *assembler, const struct bpfasm_item *item)
{
	struct suggestion suggestion = suggestion_for(item->block);
	struct diagnostic *diagnostic;

	if (asm_may_be_block(assembler))
		return;
	asm_offer_blocks(assembler, &suggestion);
	diagnostic = diag_add(assembler->diagnostics, DIAG_E0301, item->mark,
		"no block is named \"%s\"", item->block);
	diag_suggest(assembler->diagnostics, diagnostic, &suggestion);
	/* "out:" without quotes is a mapping for YAML. */
	if (!diagnostic->hint && item->bare)
		diagnostic->hint = arena_printf(
			assembler->arena, "a label needs quotes: \"%s:\"", item->block);
}

/* "sk_msg", "sk_skb or sk_msg": who can use what has that mask. */
static const char *kinds_in(struct arena *arena, uint32_t mask)
{
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);
	const char *list = NULL;

	for (size_t i = 0; i < count; i++)
		if (mask & (1u << kinds[i].type))
			list = list ? arena_printf(arena, "%s or %s", list, kinds[i].name)
				    : kinds[i].name;
	return list;
}

static void check_program_type(
	struct assembler *assembler, const struct block *block, const struct bpfasm_item *item)
{
	const struct program_kind *kind = assembler->program->kind;

	if (!block->program_types || block->program_types & (1u << kind->type))
		return;
	diag_add(assembler->diagnostics, DIAG_E0307, item->mark,
		"a program of type %s cannot use %s", kind->name, block->name)
		->hint = arena_printf(
		assembler->arena, "it is for %s", kinds_in(assembler->arena, block->program_types));
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
	check_program_type(assembler, block, item);
	if (decode_arguments(assembler, block, item, values) &&
		assembler->diagnostics->errors == errors && !assembler->checking)
		block->emit(assembler, block, values);
}
