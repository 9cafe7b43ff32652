/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Encodings, against the table in forms.c and against llvm-mc. */
#include "tests/unit/bpfasm/assemble.h"
#include "tests/unit/bpfasm/forms.h"
#include "tests/unit/bpfasm/llvm.h"

#include <elf.h>
#include <string.h>

SUITE(forms);

/* The text two instructions before its label, and a number behind "out" for files of several. */
static const char *program_of(const struct form *form, size_t number)
{
	const char *label = strstr(form->text, "out");

	if (!label)
		return arena_printf(&arena, "%s\nr0 = 0\nexit\n", form->text);
	return arena_printf(&arena, "%.*sout%zu\nr0 = 0\nout%zu: exit\n", (int)(label - form->text),
		form->text, number, number);
}

Test(forms, each_has_its_encoding)
{
	for (size_t i = 0; i < form_count; i++) {
		const struct bpfasm_code *code = assemble_valid(program_of(&forms[i], 0));
		size_t bytes = forms[i].count * sizeof(struct bpf_insn);

		cr_assert_eq(code->instructions.count, forms[i].count + 2, "%s", forms[i].text);
		cr_assert(memcmp(code->instructions.items, forms[i].instructions, bytes) == 0,
			"%s: { 0x%02x, %u, %u, %d, %d }", forms[i].text,
			code->instructions.items[0].code, code->instructions.items[0].dst_reg,
			code->instructions.items[0].src_reg, code->instructions.items[0].off,
			code->instructions.items[0].imm);
	}
}

Test(forms, each_is_listed_so_that_it_is_read_again)
{
	for (size_t i = 0; i < form_count; i++) {
		const struct bpfasm_code *code = assemble_valid(program_of(&forms[i], 0));
		const char *listing = list_code(code);
		const struct bpfasm_code *again = assemble_valid(listing);

		cr_assert_eq(again->instructions.count, code->instructions.count, "%s", listing);
		cr_assert(memcmp(again->instructions.items, code->instructions.items,
				  code->instructions.count * sizeof(struct bpf_insn)) == 0,
			"%s: %s", forms[i].text, listing);
	}
}

/* Blanks mean nothing between words and signs. */
Test(forms, blanks_may_stand_anywhere)
{
	static const char *const spellings[] = {
		"*(u32*)(r10-8)=r1",
		" *( u32 * ) ( r10 - 8 )  =  r1 ",
		"\t*(u32 *)(r10 +-8)\t=\tr1\r",
		"*(u32 *)(r10 + -0x8) = r1",
	};
	static const struct bpf_insn expected = { 0x63, 10, 1, -8, 0 };

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		const struct bpfasm_code *code =
			assemble_valid(arena_printf(&arena, "%s\nexit", spellings[i]));

		cr_assert(memcmp(code->instructions.items, &expected, sizeof(expected)) == 0, "%s",
			spellings[i]);
	}
}

Test(forms, an_offset_may_be_left_out)
{
	EXPECT_CODE(assemble_valid("r1 = *(u64 *)(r2); *(u8 *)(r3) = r4; exit"),
		{ 0x79, 1, 2, 0, 0 }, { 0x73, 3, 4, 0, 0 }, { 0x95, 0, 0, 0, 0 });
}

/* The table itself: LLVM is of the same opinion, where it knows the text. */
Test(forms, each_is_what_llvm_makes_of_it)
{
	const char *text = "";
	const struct bpf_insn *expected;
	size_t count, at = 0;

	llvm_need();
	for (size_t i = 0; i < form_count; i++)
		if (!forms[i].foreign)
			text = arena_printf(&arena, "%s%s", text, program_of(&forms[i], i));
	expected = llvm_assemble(text, &count);
	for (size_t i = 0; i < form_count; i++) {
		if (forms[i].foreign)
			continue;
		cr_assert_leq(at + forms[i].count + 2, count);
		cr_assert(memcmp(expected + at, forms[i].instructions,
				  forms[i].count * sizeof(*expected)) == 0,
			"%s", forms[i].text);
		at += forms[i].count + 2;
	}
	cr_assert_eq(at, count);
}

static const Elf64_Shdr *section_named(const char *object, const char *name)
{
	const Elf64_Ehdr *header = (const void *)object;
	const Elf64_Shdr *sections = (const void *)(object + header->e_shoff);
	const char *names = object + sections[header->e_shstrndx].sh_offset;

	for (size_t i = 0; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return &sections[i];
	return NULL;
}

/* A map's address: llvm leaves the source register to the loader, which is ours to fill in. */
Test(forms, a_map_load_relocates_where_llvm_relocates)
{
	static const char text[] = "r6 = r1\nr2 = pairs ll\nr0 = 0\nr5 = pairs ll\nexit\n";
	const struct bpfasm_code *code = assemble_valid(text);
	const Elf64_Rel *relocations;
	const Elf64_Shdr *section;
	char *object;

	llvm_need();
	object = llvm_object(text);
	section = section_named(object, ".rel.text");
	cr_assert_not_null(section);
	cr_assert_eq(section->sh_size / sizeof(*relocations), 2);
	relocations = (const void *)(object + section->sh_offset);
	cr_assert_eq(code->relocations.count, 2);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(code->relocations.items[i].instruction,
			relocations[i].r_offset / sizeof(struct bpf_insn));
}

/* 64 bits without a sign, as llvm-mc reads them. */
Test(forms, a_wide_load_takes_all_64_bits)
{
	EXPECT_CODE(assemble_valid("r1 = 0xffffffffffffffff ll; r2 = 0x8000000000000001 ll; exit"),
		{ 0x18, 1, 0, 0, -1 }, { 0, 0, 0, 0, -1 }, { 0x18, 2, 0, 0, 1 },
		{ 0, 0, 0, 0, INT32_MIN }, { 0x95, 0, 0, 0, 0 });
}
