/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/bpfasm/assemble.h"

#include "lib/bpfasm/listing.h"

#include <stdlib.h>

static const struct bpfasm_code *assemble(const struct bpfasm_item *item)
{
	static const struct bpfasm_map map = { .name = "pairs" };
	struct name_index names = { 0 };
	struct bpfasm_program program = { "p", program_kind_named("sk_skb"), "GPL", { 0 }, NULL };
	struct bpfasm_code *code = arena_alloc(&arena, sizeof(*code));
	struct asm_scope scope = { 0 };
	struct assembler assembler = {
		.arena = &arena,
		.diagnostics = &diagnostics,
		.program = &program,
		.maps = &map,
		.map_names = &names,
		.code = code,
		.scope = &scope,
	};

	name_index_add(&arena, &names, map.name, 0);
	asm_text(&assembler, item);
	asm_resolve_jumps(&assembler);
	return code;
}

const struct bpfasm_code *assemble_text(const char *text)
{
	return assemble(&(struct bpfasm_item){ .text = text });
}

const struct bpfasm_code *assemble_scalar(const struct yaml_node *scalar)
{
	return assemble(&(struct bpfasm_item){ .text = scalar->text, .scalar = scalar });
}

const struct bpfasm_code *assemble_valid(const char *text)
{
	const struct bpfasm_code *code = assemble_text(text);
	const struct diagnostic *first = diagnostics.list.items;

	cr_assert_eq(diagnostics.list.count, 0, "%s%s%s in: %.200s", first->message,
		first->hint ? ", " : "", first->hint ? first->hint : "", text);
	return code;
}

const char *list_code(const struct bpfasm_code *code)
{
	const struct bpfasm_relocation *relocation = code->relocations.items;
	size_t left = code->relocations.count, length;
	char *buffer;
	FILE *file = open_memstream(&buffer, &length);
	const char *text;

	cr_assert_not_null(file);
	for (uint32_t at = 0; at < code->instructions.count;) {
		const struct bpf_insn *instruction = &code->instructions.items[at];
		bool relocated = left && relocation->instruction == at;
		const char *line = listing_text(&arena, instruction, relocated ? "pairs" : NULL);

		cr_assert_not_null(line, "{ 0x%02x, %u, %u, %d, %d } has no text",
			instruction->code, instruction->dst_reg, instruction->src_reg,
			instruction->off, instruction->imm);
		fprintf(file, "%s\n", line);
		relocation += relocated;
		left -= relocated;
		at += listing_slots(instruction);
	}
	fclose(file);
	text = arena_copy(&arena, buffer, length);
	free(buffer);
	return text;
}
