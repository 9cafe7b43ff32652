/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The assembler and the listing against LLVM 19: all forms, and 120,000 instructions at random. What
 * LLVM 19 lacks, load_acquire and store_release, stands against the verifier's log in
 * tests/kernel/test-asm.c.
 */
#include "tests/unit/bpfasm/assemble.h"
#include "tests/unit/bpfasm/llvm.h"
#include "tests/unit/bpfasm/template.h"

#include <stdlib.h>
#include <string.h>

SUITE(oracle);

/* Texts, one instruction each. */
typedef VEC(const char *) text_list;

static void add_text(const char *text, const char *second, void *context)
{
	text_list *list = context;

	(void)second;
	*vec_add(&arena, list) = text;
}

static const char *join(const text_list *list)
{
	char *buffer;
	size_t length;
	FILE *file = open_memstream(&buffer, &length);
	const char *text;

	vec_each (line, list)
		fprintf(file, "%s\n", *line);
	fclose(file);
	text = arena_copy(&arena, buffer, length);
	free(buffer);
	return text;
}

/* Each text for itself makes what stands at its place in `expected`. */
static void expect_each(const text_list *list, const struct bpf_insn *expected, size_t count)
{
	size_t at = 0;

	vec_each (text, list) {
		const struct bpfasm_code *code = assemble_valid(*text);
		size_t slots = code->instructions.count;

		cr_assert_leq(at + slots, count);
		cr_assert(memcmp(code->instructions.items, expected + at,
				  slots * sizeof(*expected)) == 0,
			"%s: { 0x%02x, %u, %u, %d, %d }", *text, code->instructions.items[0].code,
			code->instructions.items[0].dst_reg, code->instructions.items[0].src_reg,
			code->instructions.items[0].off, code->instructions.items[0].imm);
		at += slots;
	}
	cr_assert_eq(at, count);
}

Test(oracle, every_form_is_what_llvm_makes_of_it)
{
	const struct bpf_insn *expected;
	text_list list = { 0 };
	size_t count;

	llvm_need();
	for (size_t i = 0; i < template_count; i++)
		template_each(templates[i], NULL, add_text, &list);
	cr_assert_gt(list.count, 20000, "%zu", list.count);
	expected = llvm_assemble(join(&list), &count);
	expect_each(&list, expected, count);
}

struct pairs {
	text_list log, llvm;
};

static void add_pair(const char *text, const char *second, void *context)
{
	struct pairs *pairs = context;

	*vec_add(&arena, &pairs->log) = text;
	*vec_add(&arena, &pairs->llvm) = second;
}

Test(oracle, spellings_of_the_log_are_what_llvm_makes_of_its_own)
{
	const struct bpf_insn *expected;
	struct pairs pairs = { 0 };
	size_t count;

	llvm_need();
	for (size_t i = 0; i < spelling_count; i++)
		template_each(spellings[i].log, spellings[i].llvm, add_pair, &pairs);
	cr_assert_gt(pairs.log.count, 5000, "%zu", pairs.log.count);
	expected = llvm_assemble(join(&pairs.llvm), &count);
	expect_each(&pairs.log, expected, count);
}

/* LLVM's spelling of each opcode with what may tell its variants apart, as far as it knows them. */
static const struct bpf_insn *every_encoding(size_t *count)
{
	static const int16_t offsets[] = { 0, 1, 8, 16, 32, -8 };
	static const int32_t immediates[] = { 0, 1, 16, 32, 64, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1,
		0xe1, 0xf1, 0x7fffffff, INT32_MIN, -5 };
	VEC(struct bpf_insn) list = { 0 };

	for (unsigned int code = 0; code < 256; code++)
		for (uint8_t src = 0; src < 3; src++)
			for (size_t off = 0; off < sizeof(offsets) / sizeof(*offsets); off++)
				for (size_t i = 0; i < sizeof(immediates) / sizeof(*immediates);
					i++) {
					*vec_add(&arena, &list) = insn_make((uint8_t)code, src + 3,
						src, offsets[off], immediates[i]);
					if (code == INSN_WIDE_LOAD)
						vec_add(&arena, &list)->imm = immediates[i];
				}
	*count = list.count;
	return list.items;
}

/* Two that are no part of the language, see template.h, and calls of what is no helper. */
static bool is_left_out(const char *text)
{
	return strstr(text, "callx") || strstr(text, "ld_pseudo") || strstr(text, "call 0") ||
	       strstr(text, "call -");
}

static void expect_lines(const llvm_lines *lines)
{
	vec_each (line, lines) {
		const struct bpfasm_code *code;

		if (is_left_out(line->text))
			continue;
		code = assemble_valid(line->text);
		cr_assert_eq(code->instructions.count, line->count, "%s", line->text);
		cr_assert(memcmp(code->instructions.items, line->instructions,
				  line->count * sizeof(struct bpf_insn)) == 0,
			"%s", line->text);
	}
}

Test(oracle, everything_that_llvm_disassembles_is_read)
{
	static const char *const spelled[] = { "", "--print-imm-hex" };
	size_t count;
	const struct bpf_insn *all = every_encoding(&count);

	llvm_need();
	for (size_t i = 0; i < 2; i++) {
		llvm_lines lines = llvm_disassemble(all, count, spelled[i]);

		cr_assert_gt(lines.count, 20000, "%zu", lines.count);
		expect_lines(&lines);
	}
}

#define GROUPS 120

/* A thousand instructions with a label before each. */
static const char *random_group(unsigned int number, uint32_t *state)
{
	const char *prefix = arena_printf(&arena, "g%u", number);
	text_list list = { 0 };

	for (unsigned int i = 0; i < TEMPLATE_LABELS; i++)
		*vec_add(&arena, &list) = arena_printf(&arena, "%s_%u: %s", prefix, i,
			template_random(
				templates[next_random(state) % template_count], prefix, state));
	return join(&list);
}

static void expect_code(
	const struct bpfasm_code *code, const struct bpf_insn *expected, const char *what)
{
	for (size_t i = 0; i < code->instructions.count; i++)
		cr_assert(
			memcmp(&code->instructions.items[i], &expected[i], sizeof(*expected)) == 0,
			"instruction %zu of %s is { 0x%02x, %u, %u, %d, %d }", i, what,
			code->instructions.items[i].code, code->instructions.items[i].dst_reg,
			code->instructions.items[i].src_reg, code->instructions.items[i].off,
			code->instructions.items[i].imm);
}

Test(oracle, random_programs_are_what_llvm_makes_of_them)
{
	uint32_t state = random_seed();
	const struct bpf_insn *expected, *listed;
	text_list texts = { 0 }, listings = { 0 };
	size_t count, listed_count, at = 0;

	llvm_need();
	for (unsigned int i = 0; i < GROUPS; i++)
		*vec_add(&arena, &texts) = random_group(i, &state);
	expected = llvm_assemble(join(&texts), &count);
	cr_assert_geq(count, 100000);
	vec_each (text, &texts) {
		const struct bpfasm_code *code = assemble_valid(*text), *again;
		size_t slots = code->instructions.count;
		const char *listing = list_code(code);

		cr_assert_leq(at + slots, count);
		expect_code(code, expected + at, *text);
		again = assemble_valid(listing);
		cr_assert_eq(again->instructions.count, slots);
		expect_code(again, expected + at, listing);
		*vec_add(&arena, &listings) = listing;
		at += slots;
	}
	cr_assert_eq(at, count);
	/* What the listing writes is LLVM's language, too, but that there a name is a symbol. */
	listed = llvm_assemble(join(&listings), &listed_count);
	cr_assert_eq(listed_count, count);
	for (size_t i = 0; i < count; i++)
		cr_assert(expected[i].code == (BPF_JMP | BPF_CALL) ||
				  memcmp(&listed[i], &expected[i], sizeof(*expected)) == 0,
			"instruction %zu", i);
}

/* Decoded by LLVM and read again, the same bytes come back. */
Test(oracle, llvm_spells_random_programs_so_that_they_are_read)
{
	uint32_t state = random_seed() + 1;
	const struct bpf_insn *expected;
	text_list texts = { 0 };
	llvm_lines lines;
	size_t count, slots = 0;

	llvm_need();
	for (unsigned int i = 0; i < GROUPS; i++)
		*vec_add(&arena, &texts) = random_group(i, &state);
	expected = llvm_assemble(join(&texts), &count);
	lines = llvm_disassemble(expected, count, "--print-imm-hex");
	vec_each (line, &lines)
		slots += line->count;
	cr_assert_eq(slots, count);
	expect_lines(&lines);
}
