/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What each block emits, and what each block refuses. */
#include "tests/unit/bpfasm/machine.h"
#include "tests/unit/support.h"

#include "lib/bpfasm/block.h"

#include <stdlib.h>
#include <string.h>

SUITE(blocks);

#define EXIT                                                                                       \
	{                                                                                          \
		0x95, 0, 0, 0, 0                                                                   \
	}
#define MAP_LOAD(reg)                                                                              \
	{ 0x18, (reg), 1, 0, 0 },                                                                  \
	{                                                                                          \
		0, 0, 0, 0, 0                                                                      \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		0x85, 0, 0, 0, (helper)                                                            \
	}

Test(blocks, registers_and_loads)
{
	EXPECT_CODE(valid_code("- mov_reg: { dst: r6, src: r1 }\n"
			       "- mov_reg: { src: r7, dst: r7 }\n"
			       "- mov: { dst: r3, imm: -5 }\n"
			       "- mov: { dst: r3, imm: 0x7fffffff }\n"
			       "- ldx: { size: b, dst: r0, src: r1, off: 0 }\n"
			       "- ldx: { size: h, dst: r2, src: r3, off: -2 }\n"
			       "- ldx: { size: w, dst: r4, src: r5, off: 32767 }\n"
			       "- ldx: { size: dw, dst: r6, src: r10, off: -32768 }\n"
			       "- exit_insn\n"),
		{ 0xbf, 6, 1, 0, 0 }, { 0xbf, 7, 7, 0, 0 }, { 0xb7, 3, 0, 0, -5 },
		{ 0xb7, 3, 0, 0, 0x7fffffff }, { 0x71, 0, 1, 0, 0 }, { 0x69, 2, 3, -2, 0 },
		{ 0x61, 4, 5, 32767, 0 }, { 0x79, 6, 10, -32768, 0 }, EXIT);
}

/* A block without arguments: as a word, as a key without value, with an empty mapping. */
Test(blocks, both_words_for_a_size)
{
	static const char *const words[][2] = { { "b", "u8" }, { "h", "u16" }, { "w", "u32" },
		{ "dw", "u64" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t j = 0; j < 2; j++) {
			const struct bpfasm_code *code = valid_code(arena_printf(&arena,
				"- ldx: { size: %s, dst: r1, src: r1, off: 0 }\n"
				"- exit\n",
				words[i][j]));

			cr_assert_eq(insn_bytes(code->instructions.items[0].code), 1u << i);
			cr_assert_eq(
				insn_size_of(1u << i), BPF_SIZE(code->instructions.items[0].code));
		}
	cr_assert_eq(insn_size_of(0), -1);
	cr_assert_eq(insn_size_of(3), -1);
}

Test(blocks, three_ways_to_write_no_arguments)
{
	EXPECT_CODE(valid_code("- exit_insn\n- exit_insn:\n- exit_insn: {}\n"), EXIT, EXIT, EXIT);
}

/* data and data_end stand at 76 and 80 of struct __sk_buff. */
Test(blocks, prologue)
{
	EXPECT_CODE(valid_code("- sk_skb_prologue: { data: r2, data_end: r3 }\n- exit\n"),
		{ 0x61, 2, 1, 76, 0 }, { 0x61, 3, 1, 80, 0 }, EXIT);
	EXPECT_CODE(valid_code("- sk_skb_prologue: { data: r2, data_end: r3, ctx: r6 }\n- exit\n"),
		{ 0xbf, 6, 1, 0, 0 }, { 0x61, 2, 6, 76, 0 }, { 0x61, 3, 6, 80, 0 }, EXIT);
}

/* SK_DROP is 0, SK_PASS 1. */
Test(blocks, verdicts)
{
	EXPECT_CODE(valid_code("- sk_skb_pass\n- sk_skb_drop\n"), { 0xb7, 0, 0, 0, 1 }, EXIT,
		{ 0xb7, 0, 0, 0, 0 }, EXIT);
}

Test(blocks, redirect_by_index)
{
	const struct bpfasm_code *code =
		valid_code("- sk_redirect_map: { map: indexed, key: 3 }\n- exit\n");

	EXPECT_CODE(code, MAP_LOAD(2), { 0xb7, 3, 0, 0, 3 }, { 0xb7, 4, 0, 0, 0 }, CALL(52), EXIT);
	cr_assert_eq(code->relocations.count, 1);
	cr_assert_eq(code->relocations.items[0].instruction, 0);
	cr_assert_eq(code->relocations.items[0].map, MAP_INDEXED);
}

Test(blocks, redirect_with_fallback)
{
	EXPECT_CODE(
		valid_code("- sk_redirect_map_with_fallback: { map: indexed, key: r7, ctx: r6 }\n"),
		{ 0xbf, 1, 6, 0, 0 }, { 0xbf, 3, 7, 0, 0 }, MAP_LOAD(2), { 0xb7, 4, 0, 0, 0 },
		CALL(52), EXIT);
}

/* BPF_F_INGRESS is 1. */
Test(blocks, flags)
{
	EXPECT_CODE(valid_code("- sk_redirect_map: { map: indexed, key: 0, flags: ingress }\n"
			       "- exit\n"),
		MAP_LOAD(2), { 0xb7, 3, 0, 0, 0 }, { 0xb7, 4, 0, 0, 1 }, CALL(52), EXIT);
	EXPECT_CODE(valid_code("- sk_redirect_map: { map: indexed, key: 0, flags: 1 }\n- exit\n"),
		MAP_LOAD(2), { 0xb7, 3, 0, 0, 0 }, { 0xb7, 4, 0, 0, 1 }, CALL(52), EXIT);
	EXPECT_CODE(valid_code("- sk_redirect_map: { map: indexed, key: 0, flags: r8 }\n- exit\n"),
		{ 0xbf, 4, 8, 0, 0 }, MAP_LOAD(2), { 0xb7, 3, 0, 0, 0 }, CALL(52), EXIT);
}

/* pass: whatever the map says, SK_PASS. drop, or nothing: the helper's verdict. A label: on a miss.
 */
Test(blocks, on_miss)
{
	static const char format[] =
		"- sk_redirect_map: { map: indexed, key: 0%s }\n- sk_skb_drop\n- 'away: exit'\n";

	EXPECT_CODE(valid_code(arena_printf(&arena, format, ", on_miss: pass")), MAP_LOAD(2),
		{ 0xb7, 3, 0, 0, 0 }, { 0xb7, 4, 0, 0, 0 }, CALL(52), { 0xb7, 0, 0, 0, 1 },
		{ 0xb7, 0, 0, 0, 0 }, EXIT, EXIT);
	EXPECT_CODE(valid_code(arena_printf(&arena, format, ", on_miss: drop")), MAP_LOAD(2),
		{ 0xb7, 3, 0, 0, 0 }, { 0xb7, 4, 0, 0, 0 }, CALL(52), { 0xb7, 0, 0, 0, 0 }, EXIT,
		EXIT);
	EXPECT_CODE(valid_code(arena_printf(&arena, format, ", on_miss: away")), MAP_LOAD(2),
		{ 0xb7, 3, 0, 0, 0 }, { 0xb7, 4, 0, 0, 0 }, CALL(52), { 0x15, 0, 0, 2, 0 },
		{ 0xb7, 0, 0, 0, 0 }, EXIT, EXIT);
}

Test(blocks, redirect_by_a_pointer_to_a_key)
{
	EXPECT_CODE(
		valid_code("- sk_redirect_hash: { map: raw, key: r2, ctx: r6, flags: ingress }\n"
			   "- exit\n"),
		{ 0xbf, 1, 6, 0, 0 }, { 0xbf, 3, 2, 0, 0 }, MAP_LOAD(2), { 0xb7, 4, 0, 0, 1 },
		CALL(72), EXIT);
}

/* The cookie's helper takes r1 to r5 away; r1 is put aside in the block's own stack, r6 need not.
 */
Test(blocks, redirect_by_own_cookie)
{
	EXPECT_CODE(valid_code("- sk_redirect_hash: { map: pairs, key: self, on_miss: pass }\n"
			       "- exit\n"),
		{ 0x7b, 10, 1, -448, 0 }, CALL(46), { 0x7b, 10, 0, -512, 0 },
		{ 0x79, 1, 10, -448, 0 }, MAP_LOAD(2), { 0xbf, 3, 10, 0, 0 },
		{ 0x07, 3, 0, 0, -512 }, { 0xb7, 4, 0, 0, 0 }, CALL(72), { 0xb7, 0, 0, 0, 1 },
		EXIT);
}

/*
 * Arguments are filled "at the same time": for every place that the context, the key and the flags
 * can be in, the helper gets what stood there before.
 */
static void check_moves(struct machine *machine, int context, int key, int flags)
{
	const char *flags_text = flags < 0 ? "5" : arena_printf(&arena, "r%d", flags);
	const char *key_text = key < 0 ? "7" : arena_printf(&arena, "r%d", key);
	const struct bpfasm_code *code = valid_code(arena_printf(&arena,
		"- sk_redirect_map: { map: indexed, key: %s, flags: %s, ctx: r%d }\n- exit\n",
		key_text, flags_text, context));

	machine_init(machine);
	machine_run(machine, code);
	cr_assert_eq(machine->helper, BPF_FUNC_sk_redirect_map);
	cr_assert_eq(machine->registers[1], machine_initial(context), "ctx r%d, key r%d, flags r%d",
		context, key, flags);
	cr_assert_eq(machine->registers[2], MACHINE_MAP + MAP_INDEXED);
	cr_assert_eq(machine->registers[3], key < 0 ? 7 : machine_initial(key),
		"ctx r%d, key r%d, flags r%d", context, key, flags);
	cr_assert_eq(machine->registers[4], flags < 0 ? 5 : machine_initial(flags),
		"ctx r%d, key r%d, flags r%d", context, key, flags);
	for (int i = 6; i <= 10; i++)
		cr_assert_eq(machine->registers[i], machine_initial(i));
}

Test(blocks, arguments_of_a_redirect_may_be_in_any_register)
{
	static struct machine machine;

	for (int context = 0; context <= 9; context++) {
		for (int key = -1; key <= 10; key++) {
			for (int flags = -1; flags <= 10; flags++)
				check_moves(&machine, context, key, flags);
			support_fini();
			support_init();
		}
	}
}

Test(blocks, arguments_of_a_hash_redirect_may_be_in_any_register)
{
	static struct machine machine;

	for (int i = 0; i < 10 * 11 * 11; i++) {
		int context = i / 121, key = i / 11 % 11, flags = i % 11;

		machine_init(&machine);
		machine_run(&machine,
			valid_code(arena_printf(&arena,
				"- sk_redirect_hash: { map: raw, key: r%d, flags: r%d, ctx: r%d }\n"
				"- exit\n",
				key, flags, context)));
		cr_assert_eq(machine.helper, BPF_FUNC_sk_redirect_hash);
		cr_assert_eq(machine.registers[1], machine_initial(context));
		cr_assert_eq(machine.registers[2], MACHINE_MAP + MAP_RAW);
		cr_assert_eq(machine.registers[3], machine_initial(key));
		cr_assert_eq(machine.registers[4], machine_initial(flags));
		support_fini();
		support_init();
	}
}

Test(blocks, key_and_context_swapped)
{
	EXPECT_CODE(valid_code("- sk_redirect_map: { map: indexed, key: r1, ctx: r3 }\n- exit\n"),
		{ 0xbf, 0, 1, 0, 0 }, { 0xbf, 1, 3, 0, 0 }, { 0xbf, 3, 0, 0, 0 }, MAP_LOAD(2),
		{ 0xb7, 4, 0, 0, 0 }, CALL(52), EXIT);
}

Test(blocks, instructions_know_their_block)
{
	const struct bpfasm_code *code =
		valid_code("- r0 = 1\n- sk_redirect_map: { map: indexed, key: 3 }\n- exit_insn\n");

	cr_assert_null(code->origins.items[0].block);
	for (size_t i = 1; i < 6; i++) {
		cr_assert_str_eq(code->origins.items[i].block, "sk_redirect_map");
		expect_mark(code->origins.items[i].mark, BODY_LINE + 1, 9, 15);
	}
	cr_assert_str_eq(code->origins.items[6].block, "exit_insn");
	expect_mark(code->origins.items[6].mark, BODY_LINE + 2, 9, 9);
}

static const struct {
	const char *item;
	enum diag_code code;
	uint32_t column;
	const char *message, *hint;
} faults[] = {
	{ "mov_rag: { dst: r1 }", DIAG_E0301, 9, "no block is named \"mov_rag\"",
		"did you mean \"mov_reg\"?" },
	{ "zzz: {}", DIAG_E0301, 9, "no block is named \"zzz\"", NULL },
	{ "mov_reg: { dst: r1, scr: r2, src: r3 }", DIAG_E0305, 29,
		"mov_reg has no argument \"scr\"", "did you mean \"src\"?" },
	{ "exit_insn: { dst: r1 }", DIAG_E0305, 22, "exit_insn has no argument \"dst\"", NULL },
	{ "mov_reg: { dst: r1 }", DIAG_E0305, 9, "mov_reg needs \"src\" (a register, r0 to r10)",
		NULL },
	{ "mov_reg: { dst: r1, src: r11 }", DIAG_E0305, 34,
		"\"src\" has to be a register, r0 to r10", NULL },
	{ "mov_reg: { dst: r1, src: 5 }", DIAG_E0305, 34, "\"src\" has to be a register, r0 to r10",
		NULL },
	{ "mov: { dst: r1, imm: r2 }", DIAG_E0305, 30, "\"imm\" has to be a number of 32 bits",
		NULL },
	{ "mov: { dst: r1, imm: 2147483648 }", DIAG_E0305, 30,
		"\"imm\" has to be between -2147483648 and 2147483647", NULL },
	{ "mov: { dst: r1, imm: -2147483649 }", DIAG_E0305, 30,
		"\"imm\" has to be between -2147483648 and 2147483647", NULL },
	{ "ldx: { size: w, dst: r1, src: r1, off: 32768 }", DIAG_E0305, 48,
		"\"off\" has to be between -32768 and 32767", NULL },
	{ "ldx: { size: q, dst: r1, src: r1, off: 0 }", DIAG_E0305, 22,
		"\"size\" has to be a size: b, h, w or dw", NULL },
	{ "sk_redirect_map: { map: indexed, key: -1 }", DIAG_E0305, 47,
		"\"key\" has to be between 0 and 2147483647", NULL },
	{ "sk_redirect_map: { map: indexed, key: self }", DIAG_E0305, 47,
		"\"key\" has to be an index, or a register that holds it", NULL },
	{ "sk_redirect_map: { map: indexed, key: 0, flags: egress }", DIAG_E0305, 57,
		"\"flags\" has to be a number, a register or ingress", NULL },
	{ "sk_redirect_map: { map: indexed, key: 0, on_miss: 5 }", DIAG_E0305, 59,
		"\"on_miss\" has to be pass, drop or a label", NULL },
	{ "sk_redirect_map: { map: indexed, key: 0, on_miss: nowhere }", DIAG_E0303, 59,
		"no label is named \"nowhere\"", NULL },
	{ "sk_redirect_map: { map: pairs, key: 0 }", DIAG_E0308, 33,
		"the block works on a sockmap, \"pairs\" is a sockhash", NULL },
	{ "sk_redirect_hash: { map: indexed, key: r1 }", DIAG_E0308, 34,
		"the block works on a sockhash, \"indexed\" is a sockmap", NULL },
	{ "sk_redirect_hash: { map: paris, key: self }", DIAG_E0212, 34,
		"no map is named \"paris\"", "did you mean \"pairs\"?" },
	{ "sk_redirect_hash: { map: raw, key: self }", DIAG_E0305, 44,
		"\"self\" needs a key layout, and \"raw\" declares none",
		"give the map a key, such as [cookie]" },
	{ "sk_redirect_hash: { map: pairs, key: 5 }", DIAG_E0305, 46,
		"a number is no key of \"pairs\", whose keys are [cookie]",
		"self or peer builds the key" },
	{ "sk_redirect_hash: { map: pairs, key: mine }", DIAG_E0305, 46,
		"\"key\" has to be self, peer, a number, or a register that points to the key",
		NULL },
	{ "sk_redirect_hash: { map: pairs, key: peer }", DIAG_E0305, 46,
		"a socket cannot tell its peer's cookie, which is in the key of \"pairs\"",
		"key the map by addresses and ports" },
};

Test(blocks, faults_stand_at_their_argument)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		diagnostics = (struct diagnostics){ .arena = &arena };
		cr_assert_null(any_code(arena_printf(&arena, "- %s\n- exit\n", faults[i].item)));
		cr_assert_eq(diagnostics.list.count, 1, "%s: %zu", faults[i].item,
			diagnostics.list.count);
		expect_diagnostic(
			0, faults[i].code, BODY_LINE, faults[i].column, faults[i].message);
		expect_hint(0, faults[i].hint);
	}
}

Test(blocks, all_faults_of_one_block_are_told)
{
	cr_assert_null(any_code("- ldx: { size: q, dst: x, off: 99999, of: 1 }\n- exit\n"));
	cr_assert_eq(diagnostics.list.count, 5);
}

/* Every row can be found, explains itself, and can be used by somebody. */
Test(blocks, the_table_is_well_formed)
{
	size_t count;
	const struct block *table = block_table(&count);

	cr_assert_geq(count, 10);
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(block_named(table[i].name), &table[i], "%s", table[i].name);
		cr_assert_not_null(table[i].doc);
		cr_assert_not_null(table[i].emit);
		for (size_t j = 0; j < BLOCK_MAX_ARGUMENTS && table[i].arguments[j].name; j++) {
			cr_assert_not_null(table[i].arguments[j].doc);
			cr_assert_lt(table[i].arguments[j].kind, ARGUMENT_KIND_COUNT);
		}
	}
	cr_assert_null(block_named("nonsense"));
	cr_assert_null(block_named(""));
}

/* The context is read twice: the first load must not take it away. */
Test(blocks, prologue_into_the_context_register)
{
	static struct machine machine;

	machine_init(&machine);
	machine.registers[1] = MACHINE_CONTEXT;
	machine_run(
		&machine, valid_code("- sk_skb_prologue: { data: r1, data_end: r2 }\n- exit\n"));
	cr_assert_eq(machine.registers[1], MACHINE_DATA);
	cr_assert_eq(machine.registers[2], MACHINE_DATA_END);
}

/* A literal with nothing but the name in it is that block as well. */
Test(blocks, a_name_with_blanks_around_it_is_a_block)
{
	EXPECT_CODE(valid_code("- |\n  exit_insn\n- '  sk_skb_pass '\n"), EXIT,
		{ 0xb7, 0, 0, 0, 1 }, EXIT);
}

Test(blocks, a_block_among_instructions_is_told)
{
	cr_assert_null(any_code("- |\n  r0 = 1\n  exit_insn\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(0, DIAG_E0301, BODY_LINE + 2, 9,
		"\"exit_insn\" is a block and has to be an item of its own");
}

/* YAML takes "done:" for a mapping, and so does the reader of it. */
Test(blocks, a_label_without_quotes_is_told)
{
	cr_assert_null(any_code("- goto done\n- done:\n- exit\n"));
	cr_assert_eq(diagnostics.list.items[0].code, DIAG_E0301);
	cr_assert_str_eq(diagnostics.list.items[0].message, "no block is named \"done\"");
	expect_hint(0, "a label needs quotes: \"done:\"");
}

/*
 * A jump by distance may lead to any block: where something changes r1, none of them trusts it. The
 * distances are those of what is emitted then.
 */
Test(blocks, the_context_where_jumps_by_distance_lead)
{
	EXPECT_CODE(valid_code("- r7 = 0\n"
			       "- load_field: { dst: r2, field: len }\n"
			       "- r1 = 5\n"
			       "- r7 += 1\n"
			       "- if r7 < 3 goto -5\n"
			       "- exit\n"),
		{ 0x7b, 10, 1, -448, 0 }, { 0xb7, 7, 0, 0, 0 }, { 0x79, 2, 10, -448, 0 },
		{ 0x61, 2, 2, 0, 0 }, { 0xb7, 1, 0, 0, 5 }, { 0x07, 7, 0, 0, 1 },
		{ 0xa5, 7, 0, -5, 3 }, EXIT);
}

/* Over the instruction with which match finds the context, which it keeps for what is behind it. */
Test(blocks, the_context_where_a_jump_by_distance_leads_past_a_block)
{
	const struct bpfasm_code *code =
		valid_code("- call 5\n"
			   "- jmp_imm: { op: jeq, dst: r0, imm: 7, to: 3 }\n"
			   "- match: { local_port: 80, else: out }\n"
			   "- load_field: { dst: r3, field: len }\n"
			   "- 'out: exit'\n");
	struct bpf_insn first = code->instructions.items[6];

	cr_assert_eq(code->instructions.count, 9);
	cr_assert_eq(first.code, BPF_LDX | BPF_MEM | BPF_DW);
	cr_assert_eq(first.src_reg, R10);
}

Test(blocks, the_context_that_nothing_takes_away)
{
	EXPECT_CODE(valid_code("- load_field: { dst: r2, field: len }\n"
			       "- if r2 == 7 goto -2\n"
			       "- load_field: { dst: r3, field: len }\n"
			       "- exit\n"),
		{ 0x61, 2, 1, 0, 0 }, { 0x15, 2, 0, -2, 7 }, { 0x61, 3, 1, 0, 0 }, EXIT);
}

/* An argument that cannot be read is told by its type, and not missed as well. */
Test(blocks, a_refused_argument_is_told_once)
{
	cr_assert_null(any_code("- mov_reg: { dst: [r1], src: r2 }\n- exit\n"));
	cr_assert_eq(diagnostics.list.count, 1);
	expect_diagnostic(
		0, DIAG_E0203, BODY_LINE, 25, "\"dst\" has to be a word or a number, not a list");
}

/* The page is beside the sources; meson says where. */
static const char *manual(void)
{
	const struct source *source;
	const char *folder = getenv("SCHEMAS");
	const char *path = arena_printf(&arena, "%s/sockform.yaml.5", folder ? folder : "schemas");

	cr_assert_eq(source_read(&arena, path, &source), 0, "%s", path);
	return source->text;
}

/* "dst src" with " Ar " or " Op Ar " before it; "" for none. */
static const char *arguments_of(const struct block *block, bool required)
{
	const char *text = "";

	for (size_t i = 0; i < BLOCK_MAX_ARGUMENTS && block->arguments[i].name; i++)
		if (block->arguments[i].required == required)
			text = arena_printf(&arena, "%s%s%s", text,
				*text      ? " "
				: required ? " Ar "
					   : " Op Ar ",
				block->arguments[i].name);
	return text;
}

/* Each row of the table stands in the manual, with its arguments and what it emits. */
Test(blocks, the_manual_has_every_block)
{
	const char *page = manual();
	size_t count;
	const struct block *table = block_table(&count);

	for (size_t i = 0; i < count; i++) {
		const char *head = arena_printf(&arena, "\n.It Ic %s%s%s\n%s\n", table[i].name,
			arguments_of(&table[i], true), arguments_of(&table[i], false),
			table[i].doc);

		cr_expect(strstr(page, head), "not in the manual: %s", head);
	}
}

Test(blocks, the_manual_has_every_field_of_the_contexts)
{
	const char *page = manual();
	size_t count, kind_count;
	const struct program_kind *kinds = program_kinds(&kind_count);

	for (size_t i = 0; i < kind_count; i++) {
		const struct context_field *fields = context_fields(kinds[i].type, &count);
		const char *list = strstr(page,
			arena_printf(&arena, "\n.It Cm %s\n%s,\n", kinds[i].name, fields[0].name));

		cr_assert_not_null(list, "%s", kinds[i].name);
		for (size_t j = 1; j < count; j++) {
			const char *word = arena_printf(
				&arena, "\n%s%s\n", fields[j].name, j + 1 < count ? "," : "");
			const char *at = strstr(list, word);

			cr_assert(at && at < list + 2 + strcspn(list + 2, "."),
				"%s of %s is not in the manual", fields[j].name, kinds[i].name);
		}
	}
}
