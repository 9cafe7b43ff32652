/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libFuzzer's way into the assembler: any bytes are assembled, and what comes out has a text that
 * gives the same instructions again. Started by tests/fuzz/run.
 */
#include "lib/bpfasm/assembler.h"
#include "lib/bpfasm/listing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bpfasm_map map = { .name = "m" };

static struct bpfasm_code *assemble(
	struct arena *arena, struct diagnostics *diagnostics, const char *text)
{
	struct name_index names = { 0 };
	struct bpfasm_program program = { "p", program_kind_named("sk_skb"), "GPL", { 0 }, NULL };
	struct bpfasm_code *code = arena_alloc(arena, sizeof(*code));
	struct bpfasm_item item = { .text = text };
	struct assembler assembler = {
		.arena = arena,
		.diagnostics = diagnostics,
		.program = &program,
		.maps = &map,
		.map_names = &names,
		.code = code,
	};

	name_index_add(arena, &names, map.name, 0);
	asm_text(&assembler, &item);
	asm_resolve_jumps(&assembler);
	if (!diagnostics->errors)
		asm_check_distances(&assembler);
	return code;
}

/* Each instruction for itself. */
static void check(struct arena *arena, const struct bpfasm_code *code)
{
	size_t relocation = 0;

	for (uint32_t at = 0; at < code->instructions.count;) {
		const struct bpf_insn *instruction = &code->instructions.items[at];
		bool loads_map = relocation < code->relocations.count &&
				 code->relocations.items[relocation].instruction == at;
		const char *text = listing_text(arena, instruction, loads_map ? map.name : NULL);
		struct diagnostics diagnostics = { .arena = arena };
		struct bpfasm_code *again;

		if (!text)
			abort();
		again = assemble(arena, &diagnostics, text);
		if (again->instructions.count != listing_slots(instruction) ||
			memcmp(again->instructions.items, instruction,
				again->instructions.count * sizeof(*instruction)) != 0)
			abort();
		relocation += loads_map;
		at += listing_slots(instruction);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct diagnostics diagnostics = { .arena = &arena };
	const struct bpfasm_code *code =
		assemble(&arena, &diagnostics, arena_copy(&arena, (const char *)data, size));

	check(&arena, code);
	arena_finish(&arena);
	return 0;
}
