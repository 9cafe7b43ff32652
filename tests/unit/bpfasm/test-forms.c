/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Encodings, against the table in forms.c and against llvm-mc. */
#include "tests/unit/bpfasm/forms.h"
#include "tests/unit/support.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(forms);

static const struct bpfasm_code *assemble_lines(const char *lines)
{
	bpfasm_body body = { 0 };
	struct bpfasm_program program = { "p", program_kind_named("sk_skb"), "GPL", { 0 }, &body };
	struct bpfasm_map *map = arena_alloc(&arena, sizeof(*map));
	struct name_index *names = arena_alloc(&arena, sizeof(*names));

	map->name = "pairs";
	name_index_add(&arena, names, map->name, 0);
	vec_add(&arena, &body)->text = lines;
	return bpfasm_assemble(&arena, &program, map, names, &diagnostics);
}

static const char *program_of(const struct form *form)
{
	return arena_printf(&arena, "%s\nr0 = 0\nout:\nexit\n", form->text);
}

Test(forms, each_has_its_encoding)
{
	for (size_t i = 0; i < form_count; i++) {
		const struct bpfasm_code *code = assemble_lines(program_of(&forms[i]));
		size_t bytes = forms[i].count * sizeof(struct bpf_insn);

		cr_assert_not_null(code, "%s: %s", forms[i].text,
			diagnostics.list.count ? diagnostics.list.items[0].message : "");
		cr_assert_eq(code->instructions.count, forms[i].count + 2, "%s", forms[i].text);
		cr_assert(memcmp(code->instructions.items, forms[i].instructions, bytes) == 0,
			"%s: { 0x%02x, %u, %u, %d, %d }", forms[i].text,
			code->instructions.items[0].code, code->instructions.items[0].dst_reg,
			code->instructions.items[0].src_reg, code->instructions.items[0].off,
			code->instructions.items[0].imm);
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
			assemble_lines(arena_printf(&arena, "%s\nexit", spellings[i]));

		cr_assert_not_null(code, "%s", spellings[i]);
		cr_assert(memcmp(code->instructions.items, &expected, sizeof(expected)) == 0, "%s",
			spellings[i]);
	}
}

Test(forms, an_offset_may_be_left_out)
{
	EXPECT_CODE(assemble_lines("r1 = *(u64 *)(r2); *(u8 *)(r3) = r4; exit"),
		{ 0x79, 1, 2, 0, 0 }, { 0x73, 3, 4, 0, 0 }, { 0x95, 0, 0, 0, 0 });
}

static bool have_llvm_mc(void)
{
	return system("command -v llvm-mc >/dev/null 2>&1") == 0;
}

/* The whole object that llvm-mc makes of the text; NULL when it does not read it. */
static char *llvm_object(const char *text)
{
	char path[] = "/tmp/sockform-unit-XXXXXX";
	int fd = mkstemp(path), status;
	size_t length;
	const char *command = arena_printf(&arena,
		"llvm-mc -triple %s -mcpu=v3 -filetype=obj -o %s - 2>/dev/null",
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "bpfel" : "bpfeb", path);
	FILE *pipe = popen(command, "w");
	char *object = NULL;

	cr_assert_not_null(pipe);
	fputs(text, pipe);
	status = pclose(pipe);
	length = (size_t)lseek(fd, 0, SEEK_END);
	if (status == 0) {
		object = arena_alloc(&arena, length);
		cr_assert_eq(pread(fd, object, length, 0), (ssize_t)length);
	}
	close(fd);
	unlink(path);
	return object;
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

static const struct bpf_insn *llvm_instructions(const char *object, size_t *count)
{
	const Elf64_Shdr *text = section_named(object, ".text");

	cr_assert_not_null(text);
	*count = text->sh_size / sizeof(struct bpf_insn);
	return (const void *)(object + text->sh_offset);
}

/* llvm leaves a jump to a label in its own section done, and an address for the loader to do. */
static void expect_same(const struct bpfasm_code *code, const char *text)
{
	char *object = llvm_object(text);
	const struct bpf_insn *expected;
	size_t count;

	cr_assert_not_null(object, "llvm-mc does not read: %s", text);
	expected = llvm_instructions(object, &count);
	cr_assert_not_null(code, "%s", text);
	expect_instructions(code, expected, count);
}

Test(forms, each_is_what_llvm_makes_of_it)
{
	size_t compared = 0;

	if (!have_llvm_mc())
		cr_skip_test("llvm-mc is not installed");
	for (size_t i = 0; i < form_count; i++) {
		const char *text = program_of(&forms[i]);

		if (forms[i].newer && !llvm_object(text))
			continue;
		expect_same(assemble_lines(text), text);
		compared++;
	}
	cr_assert_geq(compared, 120);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* One statement with random registers and numbers; what stands between them comes from tables. */
static const char *random_statement(uint32_t *state)
{
	static const char *const arithmetic[] = { "=",
		"+=", "-=", "*=", "/=", "|=", "&=", "^=", "<<=", ">>=", "s>>=" };
	static const char *const comparisons[] = { "==", "!=", ">", ">=", "<", "<=", "s>",
		"s>=", "s<", "s<=" };
	static const char *const sizes[] = { "u8", "u16", "u32", "u64" };
	uint32_t form = next_random(state) % 8, a = next_random(state) % 11,
		 b = next_random(state) % 11, op = next_random(state);
	int number = (int)(next_random(state) << 16 ^ next_random(state));
	char file = op & 1 ? 'r' : 'w';
	int distance = abs((int16_t)number);
	char sign = (int16_t)number < 0 ? '-' : '+';

	switch (form) {
	case 0:
		return arena_printf(
			&arena, "%c%u %s %c%u", file, a, arithmetic[op / 2 % 11], file, b);
	case 1:
		return arena_printf(&arena, "%c%u %s %d", file, a, arithmetic[op / 2 % 11], number);
	case 2:
		return arena_printf(&arena, "if %c%u %s %c%u goto l%u", file, a,
			comparisons[op / 2 % 10], file, b, op / 32 % 1000);
	case 3:
		return arena_printf(&arena, "if %c%u %s %d goto l%u", file, a,
			comparisons[op / 2 % 10], number, op / 32 % 1000);
	case 4:
		return arena_printf(
			&arena, "r%u = *(%s *)(r%u %c %d)", a, sizes[op % 4], b, sign, distance);
	case 5:
		return arena_printf(
			&arena, "*(%s *)(r%u %c %d) = r%u", sizes[op % 4], a, sign, distance, b);
	case 6:
		return arena_printf(&arena, "goto l%u", op % 1000);
	default:
		return arena_printf(&arena, "r%u = %d ll", a, number);
	}
}

Test(forms, a_thousand_random_statements_are_what_llvm_makes_of_them)
{
	uint32_t state = 1;
	char *text = arena_alloc(&arena, 100000);
	size_t length = 0;

	if (!have_llvm_mc())
		cr_skip_test("llvm-mc is not installed");
	for (unsigned int i = 0; i < 1000; i++)
		length += (size_t)sprintf(text + length, "l%u:\n%s\n", i, random_statement(&state));
	strcpy(text + length, "exit\n");
	expect_same(assemble_lines(text), text);
}

/* A map's address: llvm leaves the source register to the loader, which is ours to fill in. */
Test(forms, a_map_load_relocates_where_llvm_relocates)
{
	static const char text[] = "r6 = r1\nr2 = pairs ll\nr0 = 0\nr5 = pairs ll\nexit\n";
	const struct bpfasm_code *code = assemble_lines(text);
	const Elf64_Rel *relocations;
	const Elf64_Shdr *section;
	char *object;

	if (!have_llvm_mc())
		cr_skip_test("llvm-mc is not installed");
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
	EXPECT_CODE(assemble_lines("r1 = 0xffffffffffffffff ll; r2 = 0x8000000000000001 ll; exit"),
		{ 0x18, 1, 0, 0, -1 }, { 0, 0, 0, 0, -1 }, { 0x18, 2, 0, 0, 1 },
		{ 0, 0, 0, 0, INT32_MIN }, { 0x95, 0, 0, 0, 0 });
}
