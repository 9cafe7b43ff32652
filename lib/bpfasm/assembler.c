/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/assembler.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/emit.h"

#include <stdlib.h>
#include <string.h>

/* Whether r1 may hold something else behind an instruction. */
static bool changes_r1(const struct bpf_insn *instruction)
{
	switch (BPF_CLASS(instruction->code)) {
	case BPF_JMP:
		return instruction->code == (BPF_JMP | BPF_CALL);
	case BPF_STX: /* atomics that fetch write their source */
		return BPF_MODE(instruction->code) != BPF_MEM && instruction->src_reg == R1;
	case BPF_LD: /* packet loads call, in effect */
		return BPF_MODE(instruction->code) != BPF_IMM || instruction->dst_reg == R1;
	case BPF_JMP32:
	case BPF_ST:
		return false;
	default:
		return instruction->dst_reg == R1;
	}
}

void asm_emit(struct assembler *assembler, struct bpf_insn instruction)
{
	if (changes_r1(&instruction))
		assembler->context_moved = assembler->changes_r1 = true;
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

/* Begins a word that stands for a label that was passed; no word of assembly has it. */
#define PASSED '\1'

const char *asm_label_word(struct assembler *assembler, const struct yaml_node *scalar,
	size_t offset, const char *word)
{
	const struct yaml_variable *variable =
		scalar ? yaml_variable_at(scalar, offset, strlen(word)) : NULL;

	if (!variable || !variable->tag)
		return word;
	return arena_printf(assembler->arena, "%c%zu", PASSED, variable->tag);
}

void asm_jump_to(struct assembler *assembler, struct bpf_insn instruction, const char *label,
	struct mark mark, const char *const *words)
{
	size_t passed = label && *label == PASSED ? strtoul(label + 1, NULL, 10) : 0;
	const struct asm_passed *from = passed ? &assembler->passed.items[passed - 1] : NULL;

	*vec_add(assembler->arena, &assembler->jumps) = (struct asm_jump){
		.label = from ? from->name : label,
		.mark = mark,
		.use = assembler->diagnostics->use,
		.scope = from ? from->scope : assembler->scope,
		.passed = passed,
		.instruction = (uint32_t)assembler->code->instructions.count,
		.words = words,
	};
	assembler->distances = assembler->distances || !label;
	asm_emit(assembler, instruction);
}

void asm_decide(struct assembler *assembler)
{
	size_t count = assembler->code->origins.count;

	if (count)
		assembler->code->origins.items[count - 1].decided = true;
}

void asm_define_label(struct assembler *assembler, const char *name, struct mark mark)
{
	size_t first = name_index_add(
		assembler->arena, &assembler->scope->labels, name, assembler->labels.count);

	/* Jumps may lead here from where r1 is something else, also from further down. */
	assembler->context_moved = true;
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
		.use = assembler->diagnostics->use,
		.scope = assembler->scope,
		.position = (uint32_t)assembler->code->instructions.count,
	};
}

size_t asm_find_map(struct assembler *assembler, const char *name, struct mark mark)
{
	size_t position =
		assembler->map_names ? name_index_find(assembler->map_names, name) : NAME_ABSENT;
	struct suggestion suggestion = suggestion_for(name);

	if (position != NAME_ABSENT)
		return position;
	/* A template of no manifest: any name may be that of a map, see bpfasm_check_templates. */
	if (!assembler->map_names)
		return 0;
	diag_offer(assembler->diagnostics, &suggestion, DIAG_INDEXED(assembler->map_names));
	diag_suggest(assembler->diagnostics,
		diag_add(assembler->diagnostics, DIAG_E0212, mark, "no map is named \"%s\"", name),
		&suggestion);
	return NAME_ABSENT;
}

/* Whether a scope further out has the label: labels of templates are often taken for everybody's. */
static bool is_further_out(const struct asm_jump *jump)
{
	for (const struct asm_scope *scope = jump->scope->outer; scope; scope = scope->outer)
		if (name_index_find(&scope->labels, jump->label) != NAME_ABSENT)
			return true;
	return false;
}

/* A label that was passed is missing where it was passed, any other where it is jumped to. */
static void report_missing_label(struct assembler *assembler, const struct asm_jump *jump)
{
	const struct asm_passed *passed =
		jump->passed ? &assembler->passed.items[jump->passed - 1] : NULL;
	struct suggestion suggestion = suggestion_for(jump->label);
	struct diagnostic *diagnostic;

	diag_offer(assembler->diagnostics, &suggestion, DIAG_INDEXED(&jump->scope->labels));
	for (const char *const *word = jump->words; word && *word; word++)
		diag_offer_name(assembler->diagnostics, &suggestion, *word);
	assembler->diagnostics->use = passed ? passed->use : jump->use;
	diagnostic = diag_add(assembler->diagnostics, DIAG_E0303,
		passed ? passed->mark : jump->mark, "no label is named \"%s\"", jump->label);
	diag_suggest(assembler->diagnostics, diagnostic, &suggestion);
	if (is_further_out(jump) || (jump->scope->template && !diagnostic->hint))
		diagnostic->hint =
			"a template sees its own labels, and those that a parameter passes in";
}

static void resolve_jump(struct assembler *assembler, const struct asm_jump *jump)
{
	size_t label = name_index_find(&jump->scope->labels, jump->label);
	struct bpf_insn *instruction = &assembler->code->instructions.items[jump->instruction];
	int64_t distance;

	if (label == NAME_ABSENT) {
		if (!assembler->labels_open)
			report_missing_label(assembler, jump);
		return;
	}
	assembler->labels.items[label].target = true;
	distance = (int64_t)assembler->labels.items[label].position - jump->instruction - 1;
	assembler->diagnostics->use = jump->use;
	if (instruction->code == INSN_LONG_JUMP)
		instruction->imm = (int32_t)distance;
	else if (distance >= INT16_MIN && distance <= INT16_MAX)
		instruction->off = (int16_t)distance;
	else
		diag_add(assembler->diagnostics, DIAG_E0310, jump->mark,
			"\"%s\" is %lld instructions %s, a jump reaches %d", jump->label,
			(long long)(distance < 0 ? -distance : distance),
			distance < 0 ? "back" : "ahead", distance < 0 ? -INT16_MIN : INT16_MAX)
			->hint = instruction->code == (BPF_JMP | BPF_JA) ? ASM_FAR_GOTO : NULL;
}

void asm_resolve_jumps(struct assembler *assembler)
{
	const struct diag_use *use = assembler->diagnostics->use;

	vec_each (jump, &assembler->jumps)
		if (jump->label)
			resolve_jump(assembler, jump);
	assembler->diagnostics->use = use;
}

/* A label that is jumped to and stands at the very end, where no instruction is; NULL for none. */
static const struct asm_label *label_at_end(const struct assembler *assembler)
{
	vec_each (label, &assembler->labels)
		if (label->target && label->position == assembler->code->instructions.count)
			return label;
	return NULL;
}

/* Whether there is a program at all; where instructions lead to is for bpfasm_check. */
static void check_end(struct assembler *assembler)
{
	const struct bpfasm_program *program = assembler->program;
	const struct asm_label *label = label_at_end(assembler);
	size_t count = assembler->code->instructions.count + assembler->context_saved;

	if (count > BPFASM_MAX_INSTRUCTIONS)
		diag_add(assembler->diagnostics, DIAG_E0310, program->mark,
			"program \"%s\" has %zu instructions, the kernel takes %d", program->name,
			count, BPFASM_MAX_INSTRUCTIONS);
	assembler->diagnostics->use = label ? label->use : NULL;
	if (!count || label)
		diag_add(assembler->diagnostics, DIAG_E0309, label ? label->mark : program->mark,
			"the body of \"%s\" can fall off its end", program->name)
			->hint = "end it with exit";
	assembler->diagnostics->use = NULL;
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

bool asm_is_block(const struct assembler *assembler, const char *name)
{
	return block_named(name) || bpfasm_template_named(assembler->scope->names, name);
}

bool asm_may_be_block(struct assembler *assembler)
{
	const struct bpfasm_scope *names = assembler->scope->names;

	if (!names || !names->variables.incomplete)
		return false;
	assembler->incomplete = true;
	return true;
}

void asm_offer_blocks(const struct assembler *assembler, struct suggestion *suggestion)
{
	const struct bpfasm_scope *names = assembler->scope->names;
	size_t count;
	const struct block *table = block_table(&count);

	diag_offer(assembler->diagnostics, suggestion, DIAG_NAMES(table, count, name));
	if (names)
		diag_offer(
			assembler->diagnostics, suggestion, DIAG_INDEXED(&names->template_names));
}

/* The name of the block that a string is, blanks around it left out; NULL where it is none. */
static const char *block_name_in(const struct assembler *assembler, const char *text)
{
	const char *start = text + strspn(text, " \t\r\n");
	const char *name = arena_copy(assembler->arena, start, strcspn(start, " \t\r\n"));

	start += strlen(name);
	return !start[strspn(start, " \t\r\n")] && asm_is_block(assembler, name) ? name : NULL;
}

/* A block or template by that name; of one that does not exist, only that is said. */
static void assemble_block(
	struct assembler *assembler, const struct bpfasm_item *item, const char *name)
{
	struct bpfasm_template *template =
		block_named(name) ? NULL : bpfasm_template_named(assembler->scope->names, name);

	if (item->value && asm_is_block(assembler, name))
		yaml_wrong_type(assembler->diagnostics, item->value,
			arena_printf(assembler->arena, "\"%s\"", name), "a mapping of arguments");
	else if (template)
		template_expand(assembler, item, template);
	else
		block_expand(assembler, item, name);
}

void asm_item(struct assembler *assembler, const struct bpfasm_item *item)
{
	const char *block = item->block ? item->block : block_name_in(assembler, item->text);

	assembler->origin = (struct bpfasm_origin){
		.mark = item->mark, .use = assembler->diagnostics->use, .item = item
	};
	assembler->context_moved = assembler->context_moved || assembler->context_lost;
	if (item->refused)
		assembler->incomplete = true;
	else if (block)
		assemble_block(assembler, item, block);
	else
		asm_text(assembler, item);
}

/* Whether all items are there, and nothing is wrong with them. */
static bool is_whole(const struct assembler *assembler)
{
	return assembler->diagnostics->errors == assembler->errors && !assembler->incomplete;
}

/* The program begins by putting the context where blocks look for it later. */
static void save_context(struct assembler *assembler)
{
	struct bpfasm_code *code = assembler->code;
	size_t count = code->instructions.count;

	assembler->origin =
		(struct bpfasm_origin){ .mark = assembler->program->mark, .block = "context" };
	asm_emit(assembler, insn_store(BPF_DW, R10, STACK_CONTEXT, R1));
	memmove(code->instructions.items + 1, code->instructions.items,
		count * sizeof(*code->instructions.items));
	memmove(code->origins.items + 1, code->origins.items, count * sizeof(*code->origins.items));
	code->instructions.items[0] = insn_store(BPF_DW, R10, STACK_CONTEXT, R1);
	code->origins.items[0] = assembler->origin;
	vec_each (relocation, &code->relocations)
		relocation->instruction++;
}

static void read_body(struct assembler *assembler)
{
	vec_each (item, assembler->program->body)
		asm_item(assembler, item);
}

/*
 * Behind a label r1 is not trusted, but where a jump by distance leads to is known when all blocks
 * have been emitted, and has moved when one is emitted in another way. So whether there is such a
 * jump decides for the whole body, as soon as anything in it changes r1: it is read again.
 */
static void read_again(struct assembler *assembler, const struct bpfasm_budget *before)
{
	struct bpfasm_code *code = assembler->code;

	code->instructions.count = code->origins.count = code->relocations.count = 0;
	assembler->labels.count = assembler->jumps.count = assembler->passed.count = 0;
	assembler->scope->labels = (struct name_index){ 0 };
	*assembler->budget = *before;
	assembler->context_lost = true;
	assembler->context_saved = false;
	read_body(assembler);
}

/*
 * False with a diagnostic. What jumps lead to is looked at before the context is saved: no jump can
 * mean an instruction that nobody wrote.
 */
static bool finish(struct assembler *assembler)
{
	asm_resolve_jumps(assembler);
	/* A faulty item left instructions out: distances and the end say nothing then. */
	if (is_whole(assembler)) {
		asm_check_distances(assembler);
		check_end(assembler);
	}
	if (is_whole(assembler) && assembler->context_saved)
		save_context(assembler);
	return is_whole(assembler);
}

struct bpfasm_code *bpfasm_assemble(struct arena *arena, const struct bpfasm_program *program,
	const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics)
{
	struct bpfasm_code *code = arena_alloc(arena, sizeof(*code));
	struct asm_scope scope = { .names = program->scope };
	struct bpfasm_budget budget = { 0 }, before;
	struct assembler assembler = {
		.arena = arena,
		.diagnostics = diagnostics,
		.program = program,
		.maps = maps,
		.map_names = names,
		.code = code,
		.scope = &scope,
		.budget = program->budget ? program->budget : &budget,
		.errors = diagnostics->errors,
	};

	code->name = program->name;
	code->kind = program->kind;
	code->license = program->license;
	code->mark = program->mark;
	before = *assembler.budget;
	read_body(&assembler);
	if (assembler.distances && assembler.changes_r1 && is_whole(&assembler))
		read_again(&assembler, &before);
	if (!finish(&assembler))
		return NULL;
	code->digest = digest_of(code, maps);
	code->first_read = BPFASM_NONE;
	return code;
}
