/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Assembly text beyond the encoding: labels, map loads, statements, faults and where they stand. */
#include "tests/unit/support.h"

#include "lib/bpfasm/instruction.h"
#include "lib/bpfasm/words.h"

#include <string.h>

SUITE(text);
SUITE(words);

#define EXIT                                                                                       \
	{                                                                                          \
		0x95, 0, 0, 0, 0                                                                   \
	}

Test(text, labels_forward_and_backward)
{
	const struct bpfasm_code *code = valid_code("- 'top: r0 = 1'\n"
						    "- if r1 == 0 goto out\n"
						    "- goto top\n"
						    "- 'mid:'\n"
						    "- if r1 > 9 goto mid\n"
						    "- 'out: end: exit'\n");

	EXPECT_CODE(code, { 0xb7, 0, 0, 0, 1 }, { 0x15, 1, 0, 2, 0 }, { 0x05, 0, 0, -3, 0 },
		{ 0x25, 1, 0, -1, 9 }, EXIT);
}

/* Wherever labels have been counted, distances are the same numbers. */
Test(text, distances_lead_where_labels_do)
{
	EXPECT_CODE(valid_code("- goto +3\n- r2 = pairs ll\n- goto -4\n- if r1 == 0 goto pc-1\n"
			       "- exit\n"),
		{ 0x05, 0, 0, 3, 0 }, { 0x18, 2, 1, 0, 0 }, { 0 }, { 0x05, 0, 0, -4, 0 },
		{ 0x15, 1, 0, -1, 0 }, EXIT);
}

/* 0 is the first instruction and the last one is the last; what lies beyond is nowhere. */
Test(text, distances_lead_into_the_program)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "- r0 = 0\n- goto -2\n- exit\n", true },
		{ "- r0 = 0\n- goto -3\n- exit\n", false },
		{ "- goto +1\n- r0 = 0\n- exit\n", true },
		{ "- goto +2\n- r0 = 0\n- exit\n", false },
		{ "- gotol +1\n- r0 = 0\n- exit\n", true },
		{ "- gotol +2\n- r0 = 0\n- exit\n", false },
		{ "- goto +0\n- r2 = 1 ll\n- exit\n", true },
		{ "- goto +1\n- r2 = 1 ll\n- exit\n", false },
		{ "- goto +2\n- r2 = 1 ll\n- exit\n", true },
		{ "- r2 = pairs ll\n- if r2 == r3 goto -2\n- exit\n", false },
		{ "- r2 = pairs ll\n- if r2 == r3 goto -3\n- exit\n", true },
		/* The instruction that puts the context aside is not one to jump to. */
		{ "- call 5\n- load_field: { dst: r2, field: len }\n- goto -4\n- exit\n", true },
		{ "- call 5\n- load_field: { dst: r2, field: len }\n- goto -5\n- exit\n", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		cr_assert_eq(any_code(cases[i].text) != NULL, cases[i].valid, "%s", cases[i].text);
		if (!cases[i].valid)
			cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0314);
	}
}

/* An item with a fault leaves instructions out: then it cannot be said where a distance leads. */
Test(text, distances_are_not_judged_beside_other_faults)
{
	cr_assert_null(any_code("- goto +2\n- r0 = r99\n- exit\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0302);
}

/* The names of instructions are no reserved words, but for labels that begin a statement. */
Test(text, maps_and_labels_may_have_the_names_of_words)
{
	EXPECT_CODE(valid_code("- goto pc\n- 'pc: goto skb'\n- 'skb: lock: may_goto lock'\n"
			       "- exit\n"),
		{ 0x05, 0, 0, 0, 0 }, { 0x05, 0, 0, 0, 0 }, { 0xe5, 0, 0, -1, 0 }, EXIT);
}

/* The distance counts instructions, and a map load has two. */
Test(text, jumps_over_a_map_load_count_it_twice)
{
	EXPECT_CODE(valid_code("- goto out\n- r2 = pairs ll\n- 'out: exit'\n"),
		{ 0x05, 0, 0, 2, 0 }, { 0x18, 2, 1, 0, 0 }, { 0, 0, 0, 0, 0 }, EXIT);
}

Test(text, map_loads_are_relocated)
{
	const struct bpfasm_code *code =
		valid_code("- r1 = indexed ll\n- r2 = pairs ll\n- r3 = indexed ll\n- exit\n");
	static const struct bpfasm_relocation expected[] = { { 0, MAP_INDEXED }, { 2, MAP_PAIRS },
		{ 4, MAP_INDEXED } };

	EXPECT_CODE(code, { 0x18, 1, 1, 0, 0 }, { 0 }, { 0x18, 2, 1, 0, 0 }, { 0 },
		{ 0x18, 3, 1, 0, 0 }, { 0 }, EXIT);
	cr_assert_eq(code->relocations.count, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(code->relocations.items[i].instruction, expected[i].instruction);
		cr_assert_eq(code->relocations.items[i].map, expected[i].map);
	}
}

/* Numbers of include/uapi/linux/bpf.h. */
Test(text, helpers_by_name_with_and_without_prefix)
{
	EXPECT_CODE(valid_code("- call bpf_sk_redirect_map\n- call sk_redirect_map\n"
			       "- call bpf_get_socket_cookie\n- call bpf_sk_redirect_hash\n"
			       "- call bpf_tail_call\n- call map_lookup_elem\n- exit\n"),
		{ 0x85, 0, 0, 0, 52 }, { 0x85, 0, 0, 0, 52 }, { 0x85, 0, 0, 0, 46 },
		{ 0x85, 0, 0, 0, 72 }, { 0x85, 0, 0, 0, 12 }, { 0x85, 0, 0, 0, 1 }, EXIT);
}

Test(text, statements_end_at_newline_or_semicolon)
{
	EXPECT_CODE(valid_code("- |\n"
			       "  r0 = 1; r0 = 2   # one; comment\n"
			       "\n"
			       "  ;;  ; r0 = 3 // r0 = 9; r0 = 8\n"
			       "  # r0 = 7\n"
			       "  exit;\n"),
		{ 0xb7, 0, 0, 0, 1 }, { 0xb7, 0, 0, 0, 2 }, { 0xb7, 0, 0, 0, 3 }, EXIT);
}

/* A division is no comment. */
Test(text, one_slash_is_no_comment)
{
	EXPECT_CODE(valid_code("- r1 /= 2\n- exit\n"), { 0x37, 1, 0, 0, 2 }, EXIT);
}

Test(text, instructions_know_their_line)
{
	const struct bpfasm_code *code =
		valid_code("- r0 = 1\n- |\n  r1 = 2; r2 = 3\n  r3 = pairs ll\n- exit\n");
	static const struct {
		uint32_t line, column;
	} places[] = { { 0, 8 }, { 2, 9 }, { 2, 17 }, { 3, 9 }, { 3, 9 }, { 4, 8 } };

	cr_assert_eq(code->origins.count, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct bpfasm_origin *origin = &code->origins.items[i];

		cr_assert_null(origin->block);
		cr_assert_eq(origin->mark.line, BODY_LINE + places[i].line, "%zu", i);
		cr_assert_eq(origin->mark.column, places[i].column + (i != 0 && i != 5 ? 0 : 1),
			"%zu: %u", i, origin->mark.column);
	}
}

/* Faults: text, code, column in the body's first line (the text begins at column 9), message. */
static const struct {
	const char *text;
	enum diag_code code;
	uint32_t column, length;
	const char *message, *hint;
} faults[] = {
	{ "r0 + 1", DIAG_E0302, 12, 1, "expected \"=\"", NULL },
	{ "r0 =", DIAG_E0302, 13, 0,
		"expected a register or a number before the end of the instruction", NULL },
	{ "r0 = r11", DIAG_E0302, 14, 3, "expected a register or a number", NULL },
	{ "r0 = w1", DIAG_E0302, 14, 2, "r and w registers do not mix in one instruction", NULL },
	{ "w0 += r1", DIAG_E0302, 15, 2, "r and w registers do not mix in one instruction", NULL },
	{ "r0 = 2147483648", DIAG_E0205, 14, 10,
		"the number has to be between -2147483648 and 2147483647 here",
		"\"ll\" behind it loads 64 bits" },
	{ "r0 = -2147483649", DIAG_E0205, 14, 11,
		"the number has to be between -2147483648 and 2147483647 here",
		"\"ll\" behind it loads 64 bits" },
	{ "r0 = 0xffffffff", DIAG_E0205, 14, 10,
		"the number has to be between -2147483648 and 2147483647 here",
		"\"ll\" behind it loads 64 bits" },
	{ "r0 = 18446744073709551616", DIAG_E0205, 14, 20,
		"the number has to be between -2147483648 and 2147483647 here", NULL },
	{ "r0 = 0x10000000000000000", DIAG_E0205, 14, 19,
		"the number has to be between -9223372036854775808 and 18446744073709551615 here",
		NULL },
	{ "r0 = 007", DIAG_E0302, 14, 3, "a number does not begin with 0 here",
		"some read that as octal" },
	{ "r0 = *(u8 *)(r1 + 010)", DIAG_E0302, 27, 3, "a number does not begin with 0 here",
		"some read that as octal" },
	{ "goto +010", DIAG_E0302, 14, 4, "a number does not begin with 0 here",
		"some read that as octal" },
	{ "goto +40000", DIAG_E0314, 14, 6, "a jump reaches from -32768 to +32767",
		"gotol reaches further" },
	{ "may_goto pc-40000", DIAG_E0314, 18, 8, "a jump reaches from -32768 to +32767", NULL },
	{ "if w1 == 0xffffffff goto pc+40000", DIAG_E0314, 34, 8,
		"a jump reaches from -32768 to +32767", NULL },
	{ "gotol -9999999999", DIAG_E0314, 15, 11, "no program is that long", NULL },
	{ "goto +2 +2", DIAG_E0302, 17, 1, "expected the end of the instruction", NULL },
	{ "goto +2", DIAG_E0314, 14, 2,
		"the jump leads out of the program, which has 2 instructions", NULL },
	{ "if r1 == r2 goto pc-2", DIAG_E0314, 26, 4,
		"the jump leads out of the program, which has 2 instructions", NULL },
	{ "if r1 == 0x80000000 goto +0", DIAG_E0205, 18, 10,
		"the number has to be between -2147483648 and 2147483647 here", NULL },
	{ "if r1 == 0x100000000 goto pc+0", DIAG_E0205, 18, 11,
		"the number has to be between -2147483648 and 4294967295 here", NULL },
	{ "w0 = 4294967296", DIAG_E0205, 14, 10,
		"the number has to be between -2147483648 and 4294967295 here", NULL },
	{ "r0 = 1 2", DIAG_E0302, 16, 1, "expected the end of the instruction", NULL },
	{ "r0 = *(s64 *)(r1 + 0)", DIAG_E0302, 16, 3,
		"expected a size: u8, u16, u32, u64, s8, s16 or s32", NULL },
	{ "r0 = *(w *)(r1 + 0)", DIAG_E0302, 16, 1,
		"expected a size: u8, u16, u32, u64, s8, s16 or s32", NULL },
	{ "r0 = *(u32 *)(w1 + 0)", DIAG_E0302, 0, 0, "expected a register, r0 to r10", NULL },
	{ "r0 = *(u32 *)(r1 + 32768)", DIAG_E0205, 26, 7,
		"an offset has to be between -32768 and 32767", NULL },
	{ "r0 = *(u32 *)(r1 * 2)", DIAG_E0302, 26, 1, "expected \"+\"", NULL },
	{ "r1 = be16 r2", DIAG_E0302, 19, 2,
		"a byte swap works in place: both registers have to be the same", NULL },
	{ "r1 = -r2", DIAG_E0302, 14, 3,
		"negation works in place: both registers have to be the same", NULL },
	{ "r1 = -w1", DIAG_E0302, 14, 3,
		"negation works in place: both registers have to be the same", NULL },
	{ "w1 = -r1", DIAG_E0302, 14, 3,
		"negation works in place: both registers have to be the same", NULL },
	{ "r1 = 18446744073709551616 ll", DIAG_E0205, 14, 20,
		"the number has to be between -9223372036854775808 and 18446744073709551615 here",
		NULL },
	{ "r1 = -9223372036854775809 ll", DIAG_E0205, 14, 20,
		"the number has to be between -9223372036854775808 and 18446744073709551615 here",
		NULL },
	{ "r0 = *(u32 *)(r1 - 32769)", DIAG_E0205, 26, 7,
		"an offset has to be between -32768 and 32767", NULL },
	{ "if r1 == 1 goto nowhere 5", DIAG_E0302, 33, 1, "expected the end of the instruction",
		NULL },
	{ "if 1 == r1 goto x", DIAG_E0302, 12, 1, "expected a register, r0 to r10 or w0 to w10",
		NULL },
	{ "if r1 = 1 goto x", DIAG_E0302, 15, 1,
		"expected a comparison: == != > >= < <= & s> s>= s< s<=", NULL },
	{ "if r1 == 1 x", DIAG_E0302, 20, 1, "expected \"goto\"", NULL },
	{ "goto 5", DIAG_E0302, 14, 1, "expected a label or a distance such as +2", NULL },
	{ "call;", DIAG_E0302, 13, 0,
		"expected the name of a helper before the end of the instruction", NULL },
	{ "call bpf_sk_redirct_map", DIAG_E0306, 14, 18,
		"no helper is named \"bpf_sk_redirct_map\"",
		"did you mean \"bpf_sk_redirect_map\"?" },
	{ "call 0", DIAG_E0306, 14, 1, "no helper is named \"0\"", NULL },
	{ "exitt", DIAG_E0301, 9, 5, "\"exitt\" is neither a block nor an instruction",
		"did you mean \"exit\"?" },
	{ "mov_rag", DIAG_E0301, 9, 7, "\"mov_rag\" is neither a block nor an instruction",
		"did you mean \"mov_reg\"?" },
	{ "hello world", DIAG_E0302, 9, 5, "expected an instruction", NULL },
	{ "r2 = paris ll", DIAG_E0212, 14, 5, "no map is named \"paris\"",
		"did you mean \"pairs\"?" },
	{ "goto nowhere", DIAG_E0303, 14, 7, "no label is named \"nowhere\"", NULL },
};

Test(text, faults_stand_at_their_word)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		cr_assert_null(any_code(arena_printf(&arena, "- '%s'\n- exit\n", faults[i].text)));
		cr_assert_eq(diagnostics.list.count, 1, "%s: %zu", faults[i].text,
			diagnostics.list.count);
		if (!faults[i].column) {
			cr_assert_str_eq(diagnostics.list.items[0].message, faults[i].message);
			continue;
		}
		expect_diagnostic(
			0, faults[i].code, BODY_LINE, faults[i].column + 1, faults[i].message);
		cr_assert_eq(diagnostics.list.items[0].mark.length, faults[i].length, "%s: %u",
			faults[i].text, diagnostics.list.items[0].mark.length);
		expect_hint(0, faults[i].hint);
	}
}

Test(text, each_statement_reports_its_own_fault)
{
	cr_assert_null(any_code("- |\n  r0 = r99\n  r1 = 1\n  r2 ? 3 ! 4\n  exit\n- nonsense\n"));
	cr_assert_eq(diagnostics.list.count, 3);
	expect_diagnostic(0, DIAG_E0302, BODY_LINE + 1, 14, "expected a register or a number");
	expect_diagnostic(1, DIAG_E0302, BODY_LINE + 3, 12, "expected \"=\"");
	expect_diagnostic(2, DIAG_E0301, BODY_LINE + 5, 9,
		"\"nonsense\" is neither a block nor an instruction");
}

Test(text, labels_stand_once)
{
	cr_assert_null(any_code("- 'a: r0 = 1'\n- 'a: exit'\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0304, BODY_LINE + 1, 10, "the label \"a\" stands twice");
	expect_hint(0, arena_printf(&arena, "first on line %u", BODY_LINE));
}

Test(text, a_missing_label_is_suggested)
{
	cr_assert_null(any_code("- goto finsh\n- 'finish: exit'\n"));
	expect_diagnostic(0, DIAG_E0303, BODY_LINE, 14, "no label is named \"finsh\"");
	expect_hint(0, "did you mean \"finish\"?");
}

Test(text, the_end_has_to_be_an_end)
{
	static const char *const bodies[] = { "- if r0 == 0 goto b\n- 'a: exit'\n- 'b:'\n",
		"- goto b\n- 'a:'\n- 'b:'\n", "- '# nothing'\n" };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		cr_assert_null(any_code(bodies[i]), "%s", bodies[i]);
		cr_assert_eq(diagnostics.list.count, 1, "%s", bodies[i]);
		cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0309, "%s", bodies[i]);
		cr_assert_str_eq(diagnostics.list.items[0].message,
			"the body of \"p\" can fall off its end");
		expect_hint(0, "end it with exit");
	}
}

/* Nothing leads there, so nothing falls off. */
Test(text, a_label_at_the_end_that_nothing_jumps_to)
{
	valid_code("- r0 = 1\n- exit\n- 'out:'\n");
	valid_code("- 'top: r0 = 1'\n- if r1 == 0 goto top\n- exit\n- 'a: b:'\n");
}

Test(text, a_body_may_end_in_a_jump_back)
{
	valid_code("- 'top: r0 = 0'\n- if r1 == 0 goto out\n- 'goto top2'\n- 'out: exit'\n"
		   "- 'top2: goto top'\n");
}

static const char *many(const char *before, size_t count, const char *behind)
{
	static const char piece[] = "r0=1;";
	size_t head = strlen(before), length = sizeof(piece) - 1;
	char *text = arena_alloc(&arena, head + count * length + strlen(behind) + 1);

	memcpy(text, before, head);
	for (size_t i = 0; i < count; i++)
		memcpy(text + head + i * length, piece, length);
	strcpy(text + head + count * length, behind);
	return text;
}

/* Without YAML, whose scalars are too short for this. */
static const struct bpfasm_code *assemble_alone(const char *text)
{
	bpfasm_body body = { 0 };
	struct bpfasm_program program = { "p", program_kind_named("sk_skb"), "GPL", { 0 }, &body };
	struct name_index names = { 0 };

	vec_add(&arena, &body)->text = text;
	return bpfasm_assemble(&arena, &program, NULL, &names, &diagnostics);
}

Test(text, forward_jumps_reach_32767_instructions)
{
	const struct bpfasm_code *code = assemble_alone(many("goto out;", 32767, "out: exit"));

	cr_assert_eq(code->instructions.items[0].off, 32767);
	cr_assert_eq(code->instructions.count, 32769);
	cr_assert_null(assemble_alone(many("goto out;", 32768, "out: exit")));
	expect_diagnostic(
		0, DIAG_E0310, 0, 0, "\"out\" is 32768 instructions ahead, a jump reaches 32767");
	expect_hint(0, "gotol reaches further");
}

Test(text, backward_jumps_reach_32768_instructions)
{
	const struct bpfasm_code *code = assemble_alone(many("top:", 32767, "goto top"));

	cr_assert_eq(code->instructions.items[32767].off, -32768);
	cr_assert_null(assemble_alone(many("top:", 32768, "goto top")));
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0310);
	cr_assert_not_null(strstr(diagnostics.list.items[0].message, "32769 instructions back"));
}

Test(text, only_goto_has_a_longer_sister)
{
	cr_assert_null(assemble_alone(many("if r1 == 0 goto out;", 32768, "out: exit")));
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0310);
	expect_hint(0, NULL);
}

Test(text, long_jumps_reach_further)
{
	const struct bpfasm_code *code =
		assemble_alone(many("gotol out; back:", 100000, "out: gotol back"));

	cr_assert_not_null(code);
	cr_assert_eq(code->instructions.items[0].imm, 100000);
	cr_assert_eq(code->instructions.items[0].off, 0);
	cr_assert_eq(code->instructions.items[100001].imm, -100001);
}

Test(text, a_program_has_a_million_instructions)
{
	cr_assert_not_null(assemble_alone(many("", 999999, "exit")));
	cr_assert_null(assemble_alone(many("", 1000000, "exit")));
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0310);
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"program \"p\" has 1000001 instructions, the kernel takes 1000000");
}

static void assemble_long_scalar(size_t statements)
{
	cr_assert_not_null(valid_code(many("- ", statements, "exit\n")));
}

/* Up to the largest scalar there is; a statement's place must not cost a walk over all before it. */
Test(text, a_long_scalar_takes_linear_time)
{
	double times = growth(assemble_long_scalar, 3200);

	cr_assert_lt(times, 10, "%.1f", times);
}

Test(words, registers)
{
	for (int i = 0; i <= 10; i++) {
		const char *name = arena_printf(&arena, "r%d", i);

		cr_assert_eq(asm_register_named(name, strlen(name)), i);
	}
	cr_assert_eq(asm_register_named("r11", 3), -1);
	cr_assert_eq(asm_register_named("r01", 3), -1);
	cr_assert_eq(asm_register_named("r100", 4), -1);
	cr_assert_eq(asm_register_named("r", 1), -1);
	cr_assert_eq(asm_register_named("w1", 2), -1);
	cr_assert_eq(asm_register_named("rx", 2), -1);
	cr_assert_eq(asm_register_named("", 0), -1);
}

Test(words, numbers)
{
	static const struct {
		const char *text;
		__int128 value;
	} table[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "+15", 15 },
		{ "007", 7 },
		{ "0x1F", 31 },
		{ "-0Xff", -255 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "9223372036854775808", (__int128)INT64_MAX + 1 },
		{ "-9223372036854775809", (__int128)INT64_MIN - 1 },
		{ "18446744073709551615", UINT64_MAX },
		{ "0xffffffffffffffff", UINT64_MAX },
		{ "18446744073709551616", (__int128)UINT64_MAX + 1 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		__int128 value = 5;

		cr_assert_eq(asm_parse_number(table[i].text, strlen(table[i].text), &value), 0,
			"\"%s\"", table[i].text);
		cr_assert(value == table[i].value, "\"%s\"", table[i].text);
	}
}

/* A number of any length stays beyond every field, on its side of zero. */
Test(words, numbers_of_any_length)
{
	for (size_t digits = 20; digits < 3000; digits += 7) {
		char *text = arena_alloc(&arena, digits + 2);
		__int128 value = 0;

		memset(text, '9', digits);
		cr_assert_eq(asm_parse_number(text, digits, &value), 0);
		cr_assert(value > UINT64_MAX, "%zu digits", digits);
		memset(text, '9', digits + 1);
		text[0] = '-';
		cr_assert_eq(asm_parse_number(text, digits + 1, &value), 0);
		cr_assert(value < INT64_MIN, "%zu digits", digits);
	}
}

Test(words, what_is_no_number)
{
	static const char *const texts[] = { "", "-", "+", "0x", "1a", "0xg", "1 ", " 1", "--1",
		"1e3", "1.5", "1_000", "99999999999999999999999999999999999999999x" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		__int128 value;

		cr_assert_eq(asm_parse_number(texts[i], strlen(texts[i]), &value), -EINVAL,
			"\"%s\"", texts[i]);
	}
}
