/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the table says of arguments that are left out is what the emitters do. */
#include "tests/unit/support.h"

#include "lib/bpfasm/value.h"

#include <string.h>

SUITE(presets);

/* Something that an argument may be; for the name of a map, `map`. */
static const char *sample(const struct block_argument *argument, const char *map)
{
	const struct value_kind *kind = &value_kinds[argument->kind];

	/* By index where the map has one. */
	if (argument->kind == ARGUMENT_KEY && strcmp(map, "values") == 0)
		return "1";
	return kind->maps        ? map
	       : kind->words     ? kind->words[0].name
	       : kind->fields    ? "family"
	       : kind->numbers   ? "1"
	       : kind->registers ? "r6"
				 : "out";
}

/* The block with its required arguments, and one other with its preset (NULL: none). */
static const char *item(
	const struct block *block, const struct block_argument *given, const char *map)
{
	const char *text = arena_printf(&arena, "- %s: {", block->name);

	for (size_t i = 0; i < BLOCK_MAX_ARGUMENTS && block->arguments[i].name; i++) {
		const struct block_argument *argument = &block->arguments[i];

		if (argument->required || argument == given)
			text = arena_printf(&arena, "%s %s: %s,", text, argument->name,
				argument == given ? argument->preset : sample(argument, map));
	}
	/* It needs none of them, but one of several. */
	if (strcmp(block->name, "match") == 0)
		text = arena_printf(&arena, "%s text: GET, then: out,", text);
	return arena_printf(&arena, "%s }\n- exit\n- 'out: exit'\n", text);
}

static void expect_same(const struct block *block, const struct block_argument *given)
{
	static const char *const maps[] = { "pairs", "indexed", "raw", "five", "values" };
	const struct bpfasm_code *without, *with;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		diagnostics.list.count = diagnostics.errors = 0;
		without = any_code(item(block, NULL, maps[i]));
		if (!without)
			continue;
		with = valid_code(item(block, given, maps[i]));
		cr_assert_eq(with->digest, without->digest, "%s: %s", block->name, given->name);
		return;
	}
	cr_assert_fail("%s takes none of the maps", block->name);
}

Test(presets, are_what_leaving_out_does)
{
	size_t count, tested = 0;
	const struct block *blocks = block_table(&count);

	for (size_t i = 0; i < count; i++) {
		if (blocks[i].program_types &&
			!(blocks[i].program_types & (1u << BPF_PROG_TYPE_SK_SKB)))
			continue;
		for (size_t j = 0; j < BLOCK_MAX_ARGUMENTS && blocks[i].arguments[j].name; j++) {
			if (!blocks[i].arguments[j].preset)
				continue;
			expect_same(&blocks[i], &blocks[i].arguments[j]);
			tested++;
		}
	}
	/* flags, ctx and on_miss of the redirects at least */
	cr_assert_geq(tested, 9);
}

Test(presets, are_for_what_may_be_left_out)
{
	size_t count;
	const struct block *blocks = block_table(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < BLOCK_MAX_ARGUMENTS && blocks[i].arguments[j].name; j++)
			cr_assert(
				!blocks[i].arguments[j].preset || !blocks[i].arguments[j].required,
				"%s: %s", blocks[i].name, blocks[i].arguments[j].name);
}
