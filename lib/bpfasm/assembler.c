/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/assembler.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/block.h"

#include <stdlib.h>
#include <string.h>

void asm_emit(struct assembler *assembler, struct bpf_insn instruction)
{
	*vec_add(assembler->arena, &assembler->code->instructions) = instruction;
	*vec_add(assembler->arena, &assembler->code->origins) = assembler->origin;
}

void asm_load_map(struct assembler *assembler, int dst, uint32_t map)
{
	*vec_add(assembler->arena, &assembler->code->relocations) = (struct bpfasm_relocation){
		.instruction = (uint32_t)assembler->code->instructions.count,
		.map = map,
	};
	asm_emit(assembler, insn_make(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, 0));
	asm_emit(assembler, insn_make(0, 0, 0, 0, 0));
}

void asm_jump_to(struct assembler *assembler, struct bpf_insn instruction, const char *label,
	struct mark mark, const char *const *words)
{
	*vec_add(assembler->arena, &assembler->jumps) = (struct asm_jump){
		.label = label,
		.mark = mark,
		.instruction = (uint32_t)assembler->code->instructions.count,
		.words = words,
	};
	asm_emit(assembler, instruction);
}

void asm_define_label(struct assembler *assembler, const char *name, struct mark mark)
{
	size_t first = name_index_add(
		assembler->arena, &assembler->label_names, name, assembler->labels.count);

	if (first != NAME_ABSENT) {
		diag_add(assembler->diagnostics, DIAG_E0304, mark, "the label \"%s\" stands twice",
			name)
			->hint = arena_printf(assembler->arena, "first on line %u",
			assembler->labels.items[first].mark.line);
		return;
	}
	*vec_add(assembler->arena, &assembler->labels) = (struct asm_label){
		.name = name,
		.mark = mark,
		.position = (uint32_t)assembler->code->instructions.count,
	};
}

size_t asm_find_map(struct assembler *assembler, const char *name, struct mark mark)
{
	size_t position = name_index_find(assembler->map_names, name);
	struct suggestion suggestion = suggestion_for(name);

	if (position != NAME_ABSENT)
		return position;
	for (size_t i = 0; i < assembler->map_names->count; i++)
		suggestion_offer(&suggestion, assembler->maps[i].name);
	diag_suggest(assembler->diagnostics,
		diag_add(assembler->diagnostics, DIAG_E0212, mark, "no map is named \"%s\"", name),
		&suggestion);
	return NAME_ABSENT;
}

static void resolve_jump(struct assembler *assembler, const struct asm_jump *jump)
{
	size_t label = name_index_find(&assembler->label_names, jump->label);
	struct suggestion suggestion = suggestion_for(jump->label);
	int64_t distance;

	if (label == NAME_ABSENT) {
		vec_each (candidate, &assembler->labels)
			suggestion_offer(&suggestion, candidate->name);
		for (const char *const *word = jump->words; word && *word; word++)
			suggestion_offer(&suggestion, *word);
		diag_suggest(assembler->diagnostics,
			diag_add(assembler->diagnostics, DIAG_E0303, jump->mark,
				"no label is named \"%s\"", jump->label),
			&suggestion);
		return;
	}
	distance = (int64_t)assembler->labels.items[label].position - jump->instruction - 1;
	if (distance < INT16_MIN || distance > INT16_MAX)
		diag_add(assembler->diagnostics, DIAG_E0310, jump->mark,
			"\"%s\" is %lld instructions %s, a jump reaches %d", jump->label,
			(long long)(distance < 0 ? -distance : distance),
			distance < 0 ? "back" : "ahead", distance < 0 ? -INT16_MIN : INT16_MAX);
	else
		assembler->code->instructions.items[jump->instruction].off = (int16_t)distance;
}

/* A label at the very end, which has no instruction to jump to; NULL for none. */
static const struct asm_label *label_at_end(const struct assembler *assembler)
{
	vec_each (label, &assembler->labels)
		if (label->position == assembler->code->instructions.count)
			return label;
	return NULL;
}

static void check_end(struct assembler *assembler)
{
	const struct bpfasm_program *program = assembler->program;
	const struct asm_label *label = label_at_end(assembler);
	size_t count = assembler->code->instructions.count;
	struct mark mark = program->mark;

	if (count > BPFASM_MAX_INSTRUCTIONS)
		diag_add(assembler->diagnostics, DIAG_E0310, program->mark,
			"program \"%s\" has %zu instructions, the kernel takes %d", program->name,
			count, BPFASM_MAX_INSTRUCTIONS);
	if (count && !label) {
		uint8_t code = assembler->code->instructions.items[count - 1].code;

		if (code == (BPF_JMP | BPF_EXIT) || code == (BPF_JMP | BPF_JA))
			return;
		mark = assembler->code->origins.items[count - 1].mark;
	}
	diag_add(assembler->diagnostics, DIAG_E0309, label ? label->mark : mark,
		"the body of \"%s\" can fall off its end", program->name)
		->hint = "end it with exit";
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t digest_of(const struct bpfasm_code *code, const struct bpfasm_map *maps)
{
	uint64_t hash = hash_text(HASH_SEED, code->kind->name);

	hash = hash_text(hash, code->license);
	hash = hash_bytes(
		hash, code->instructions.items, code->instructions.count * sizeof(struct bpf_insn));
	vec_each (relocation, &code->relocations) {
		hash = hash_bytes(hash, &relocation->instruction, sizeof(relocation->instruction));
		hash = hash_text(hash, maps[relocation->map].name);
	}
	return hash;
}

/* The name of the block that a string is, blanks around it left out; NULL where it is none. */
static const char *block_name_in(struct arena *arena, const char *text)
{
	const char *start = text + strspn(text, " \t\r\n");
	const char *name = arena_copy(arena, start, strcspn(start, " \t\r\n"));

	start += strlen(name);
	return !start[strspn(start, " \t\r\n")] && block_named(name) ? name : NULL;
}

static void assemble_item(struct assembler *assembler, const struct bpfasm_item *item)
{
	const char *block = item->block ? item->block : block_name_in(assembler->arena, item->text);

	assembler->origin = (struct bpfasm_origin){ .mark = item->mark };
	if (item->refused)
		assembler->incomplete = true;
	else if (block)
		block_expand(assembler, item, block);
	else
		asm_text(assembler, item);
}

const struct bpfasm_code *bpfasm_assemble(struct arena *arena, const struct bpfasm_program *program,
	const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics)
{
	struct bpfasm_code *code = arena_alloc(arena, sizeof(*code));
	struct assembler assembler = {
		.arena = arena,
		.diagnostics = diagnostics,
		.program = program,
		.maps = maps,
		.map_names = names,
		.code = code,
	};
	size_t errors = diagnostics->errors;

	code->name = program->name;
	code->kind = program->kind;
	code->license = program->license;
	code->mark = program->mark;
	vec_each (item, program->body)
		assemble_item(&assembler, item);
	vec_each (jump, &assembler.jumps)
		resolve_jump(&assembler, jump);
	/* A faulty item left instructions out: what the end looks like says nothing then. */
	if (diagnostics->errors == errors && !assembler.incomplete)
		check_end(&assembler);
	if (diagnostics->errors != errors || assembler.incomplete)
		return NULL;
	code->digest = digest_of(code, maps);
	return code;
}
