/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a body does when it runs: what is reported, and what must pass. Where the line is drawn the
 * kernel has been asked (tests/kernel/test-flow.c asks again).
 */
#include "tests/unit/support.h"

#include "lib/bpfasm/instruction.h"
#include "tests/unit/bpfasm/flow-cases.h"

#include <string.h>

SUITE(flow);

/* Assembles the text, which has to go well, and checks it. */
static struct bpfasm_code *judge(const char *type, const char *text)
{
	struct name_index names = { 0 };
	const struct bpfasm_map *maps = flow_case_maps(&arena, &names);
	struct bpfasm_code *code;

	diagnostics = (struct diagnostics){ .arena = &arena };
	code = flow_case_assemble(&arena, type, text, maps, &names, &diagnostics);
	cr_assert_not_null(code, "%s: %s", text,
		diagnostics.list.count ? diagnostics.list.items[0].message : "");
	cr_assert_eq(bpfasm_check(&arena, code, maps, &diagnostics), diagnostics.errors == 0);
	return code;
}

/* "E0311 E0316": the codes that were reported, in that order. */
static const char *reported(void)
{
	const char *text = "";

	vec_each (diagnostic, &diagnostics.list)
		text = arena_printf(&arena, "%s%s%s", text, *text ? " " : "",
			diag_codes[diagnostic->code].name);
	return text;
}

static void judge_group(const char *group)
{
	size_t judged = 0;

	for (size_t i = 0; i < flow_case_count; i++) {
		if (strcmp(flow_cases[i].group, group) != 0)
			continue;
		judged++;
		judge(flow_cases[i].type, flow_cases[i].text);
		cr_assert_str_eq(reported(), flow_cases[i].codes, "%s\n%s: %s", flow_cases[i].text,
			reported(),
			diagnostics.list.count ? diagnostics.list.items[0].message : "");
	}
	cr_assert_geq(judged, 4);
}

Test(flow, registers_that_nothing_has_written)
{
	judge_group("registers_that_nothing_has_written");
}

Test(flow, registers_that_some_ways_write)
{
	judge_group("registers_that_some_ways_write");
	judge(SKB, LEN "if r2 == 0 goto a; r3 = 1; a: r0 = r3; exit");
	cr_assert_str_eq(diagnostics.list.items[0].message,
		"this reads r3, and not every way here writes it");
	judge(SKB, "r0 = r3; exit");
	cr_assert_str_eq(
		diagnostics.list.items[0].message, "this reads r3, and nothing has written it");
}

/* What the verifier can tell it does not look at; none of these may be refused. */
Test(flow, decided_branches)
{
	judge_group("decided_branches");
}

Test(flow, ways_that_are_taken_behind_others)
{
	judge_group("ways_that_are_taken_behind_others");
}

Test(flow, loops_end)
{
	judge_group("loops_end");
}

Test(flow, what_calls_lose)
{
	judge_group("what_calls_lose");
}

Test(flow, pointers_and_numbers)
{
	judge_group("pointers_and_numbers");
}

Test(flow, pointers_that_go_far)
{
	judge_group("pointers_that_go_far");
}

Test(flow, values_that_may_not_be_there)
{
	judge_group("values_that_may_not_be_there");
}

Test(flow, payload)
{
	judge_group("payload");
}

Test(flow, stack)
{
	judge_group("stack");
}

Test(flow, what_helpers_are_given)
{
	judge_group("what_helpers_are_given");
}

Test(flow, who_may_call)
{
	judge_group("who_may_call");
}

Test(flow, constants)
{
	judge_group("constants");
}

Test(flow, what_sock_ops_returns)
{
	judge_group("what_sock_ops_returns");
}

Test(flow, verdicts_that_nobody_looks_at)
{
	judge_group("verdicts_that_nobody_looks_at");
}

Test(flow, what_is_read_before_it_is_pulled)
{
	const struct bpfasm_code *code = judge(SKB, SURE(4) "r5 = *(u32 *)(r2 + 0);" OUT);

	cr_assert_str_eq(reported(), "");
	cr_assert_eq(code->first_read, 5);
	code = judge(SKB, SURE(4) "*(u32 *)(r2 + 0) = 1;" OUT);
	cr_assert_eq(code->first_read, BPFASM_NONE);
	code = judge(SKB, "r6 = r1; r2 = 4; call bpf_skb_pull_data; r1 = r6;" SURE(
				  4) "r5 = *(u32 *)(r2 + 0);" OUT);
	cr_assert_str_eq(reported(), "");
	cr_assert_eq(code->first_read, BPFASM_NONE);
	judge(MSG, "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); r4 = r2; r4 += 4;"
		   "if r4 > r3 goto out; r5 = *(u32 *)(r2 + 0);" OUT);
	cr_assert_str_eq(reported(), "W0605");
}

Test(flow, dispatchers_are_right)
{
	static const char *const kinds[] = { "stream_parser", "stream_verdict", "skb_verdict",
		"msg_verdict", "sock_ops" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct bpfasm_map slot = { .name = "slot" };
		struct bpfasm_code code = *bpfasm_dispatcher(&arena, attach_kind_named(kinds[i]));

		cr_assert(bpfasm_check(&arena, &code, &slot, &diagnostics));
		code = *bpfasm_pass(&arena, attach_kind_named(kinds[i]));
		cr_assert(bpfasm_check(&arena, &code, &slot, &diagnostics));
		expect_no_diagnostics();
	}
}

/* Instructions as they are, whatever text can say. */
static void judge_instructions(const struct bpf_insn *instructions, size_t count)
{
	struct bpfasm_code code = { "raw", program_kind_named(SKB), "GPL", { 0 } };

	diagnostics = (struct diagnostics){ .arena = &arena };
	for (size_t i = 0; i < count; i++) {
		*vec_add(&arena, &code.instructions) = instructions[i];
		vec_add(&arena, &code.origins);
	}
	bpfasm_check(&arena, &code, NULL, &diagnostics);
}

#define JUDGE_RAW(codes, ...)                                                                      \
	do {                                                                                       \
		const struct bpf_insn raw_[] = { __VA_ARGS__ };                                    \
		judge_instructions(raw_, sizeof(raw_) / sizeof(raw_[0]));                          \
		cr_assert_str_eq(reported(), codes);                                               \
	} while (0)

#define SET(dst, number)                                                                           \
	{                                                                                          \
		0xb7, dst, 0, 0, number                                                            \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		0x95, 0, 0, 0, 0                                                                   \
	}
#define WIDE(dst)                                                                                  \
	{ 0x18, dst, 0, 0, 0 },                                                                    \
	{                                                                                          \
		0, 0, 0, 0, 0                                                                      \
	}

Test(flow, jumps_to_nowhere)
{
	/* goto +5, goto -3, goto into the second half of an ll load, gotol far out. */
	JUDGE_RAW("E0314", SET(0, 1), { 0x05, 0, 0, 5, 0 });
	JUDGE_RAW("E0314", SET(0, 1), { 0x05, 0, 0, -3, 0 });
	JUDGE_RAW("E0314", SET(0, 1), { 0x15, 0, 0, 1, 1 }, WIDE(2), EXIT);
	JUDGE_RAW("E0314", SET(0, 1), { 0x15, 0, 0, 2, 1 }, EXIT);
	JUDGE_RAW("E0314", SET(0, 1), { 0x06, 0, 0, 0, INT32_MAX });
	JUDGE_RAW("E0314", SET(0, 1), { 0x06, 0, 0, 0, INT32_MIN });
	JUDGE_RAW("", SET(0, 1), { 0x15, 0, 0, 2, 1 }, WIDE(2), EXIT);
	JUDGE_RAW("", SET(0, 1), { 0x06, 0, 0, 0, 0 }, EXIT);
	JUDGE_RAW("E0313", SET(0, 1), { 0x06, 0, 0, 0, 2 }, WIDE(2), EXIT);
	JUDGE_RAW("E0314 E0309", SET(0, 1), { 0x15, 0, 0, 1, 1 }, WIDE(2));
	JUDGE_RAW("E0314 E0309", { 0x61, 0, 1, 0, 0 }, { 0x15, 0, 0, 1, 1 }, WIDE(2));
	JUDGE_RAW("E0309", SET(0, 1), WIDE(2));
	JUDGE_RAW("E0309", SET(0, 1), { 0x15, 0, 0, -1, 1 });
}

/* Atomics (RFC 9669, 5.3, and the load and store of later kernels), sign extension. */
Test(flow, later_instructions)
{
	const struct bpf_insn on_stack = { 0x7a, 10, 0, -8, 0 };

	/* lock *(u64 *)(r10 - 8) += r2, with and without fetching; compare and exchange reads r0. */
	JUDGE_RAW("E0311", on_stack, { 0xdb, 10, 2, -8, 0x00 }, SET(0, 1), EXIT);
	JUDGE_RAW("", on_stack, SET(2, 1), { 0xdb, 10, 2, -8, 0x01 }, SET(0, 1), EXIT);
	JUDGE_RAW("E0311", on_stack, SET(2, 1), { 0xdb, 10, 2, -8, 0xf1 }, SET(0, 1), EXIT);
	JUDGE_RAW("", on_stack, SET(2, 1), SET(0, 1), { 0xdb, 10, 2, -8, 0xf1 }, EXIT);
	JUDGE_RAW("E0316", SET(2, 1), { 0xdb, 10, 2, 0, 0x00 }, SET(0, 1), EXIT);
	JUDGE_RAW("E0315", SET(2, 1), { 0xdb, 2, 2, 0, 0x00 }, SET(0, 1), EXIT);
	/* load acquire, store release */
	JUDGE_RAW("", on_stack, { 0xdb, 0, 10, -8, 0x100 }, EXIT);
	JUDGE_RAW("E0311", { 0xdb, 10, 3, -8, 0x110 }, SET(0, 1), EXIT);
	/* r0 = *(s8 *)(r1 + 0); what is negative then is so in 64 bits. */
	JUDGE_RAW("E0311", { 0x91, 0, 1, 0, 0 }, { 0xc5, 0, 0, 1, 0 }, EXIT, { 0xbf, 0, 9, 0, 0 },
		EXIT);
	JUDGE_RAW(
		"", { 0x91, 0, 1, 0, 0 }, { 0x65, 0, 0, 1, 127 }, EXIT, { 0xbf, 0, 9, 0, 0 }, EXIT);
	/* r2 = (s8)r10 is some number. */
	JUDGE_RAW("E0315", { 0xbf, 2, 10, 8, 0 }, { 0x71, 0, 2, 0, 0 }, EXIT);
	/* may_goto goes both ways, and asks no register. */
	JUDGE_RAW("", SET(0, 1), { 0xe5, 0, 0, 1, 0 }, SET(0, 2), EXIT);
	JUDGE_RAW("E0311", { 0xe5, 0, 0, 1, 0 }, SET(0, 2), EXIT);
	/* The loads of socket filters: skb[4], skb[r2 + 4]. */
	JUDGE_RAW("E0307", { 0x20, 0, 0, 0, 4 }, EXIT);
	JUDGE_RAW("E0307", SET(2, 0), { 0x40, 0, 2, 0, 4 }, EXIT);
}

/* What is not of the language is not judged, whatever else is there; nothing may crash. */
Test(flow, what_is_not_known_is_not_judged)
{
	/* Calls of subprograms and of kernel functions, an address of a function, odd opcodes. */
	JUDGE_RAW("", { 0x85, 0, 1, 0, 1 }, EXIT, { 0xbf, 0, 9, 0, 0 }, EXIT);
	JUDGE_RAW("", { 0x85, 0, 2, 0, 77 }, { 0xbf, 0, 9, 0, 0 }, EXIT);
	JUDGE_RAW("", { 0x18, 2, 4, 0, 0 }, { 0 }, { 0xbf, 0, 9, 0, 0 }, EXIT);
	JUDGE_RAW("", { 0x0d, 1, 0, 0, 0 }, { 0xbf, 0, 9, 0, 0 }, EXIT);
	JUDGE_RAW("", { 0xf5, 0, 0, 0, 0 }, { 0xbf, 0, 9, 0, 0 }, EXIT);
	JUDGE_RAW("", { 0xbf, 15, 15, 0, 0 }, EXIT);
	JUDGE_RAW("", { 0xbf, 0, 9, 3, 0 }, EXIT);
	JUDGE_RAW("", { 0xdc, 9, 0, 0, 7 }, EXIT);
	JUDGE_RAW("", { 0xbf, 0, 9, 0, 0 }, { 0x18, 0, 0, 0, 0 });
	JUDGE_RAW("", { 0x00, 0, 0, 0, 0 }, EXIT);
}

Test(flow, any_bytes_can_be_judged)
{
	uint64_t state = 1;

	for (int i = 0; i < 20000; i++) {
		struct bpf_insn instructions[12];
		static const uint8_t codes[] = { 0x05, 0x15, 0x18, 0x61, 0x7b, 0x07, 0x0f, 0x85,
			0x95, 0xb7, 0xbf, 0xdb, 0xdc, 0x06, 0x1d, 0x71, 0x62, 0xe5 };

		for (size_t j = 0; j < 12; j++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			memcpy(&instructions[j], &state, sizeof(state));
			if (i % 8) {
				instructions[j].code = codes[(state >> 40) % sizeof(codes)];
				instructions[j].dst_reg = (state >> 20) % 11 & 0xf;
				instructions[j].src_reg = (state >> 24) % 11 & 0xf;
				instructions[j].off = (int16_t)((state >> 30) % 9 - 4);
				if (state >> 50 & 1)
					instructions[j].imm = (int32_t)((state >> 52) % 220);
			}
		}
		judge_instructions(instructions, 12);
	}
}

static struct bpfasm_code *long_code(size_t reserve)
{
	struct bpfasm_code *code = arena_alloc(&arena, sizeof(*code));

	code->name = "long";
	code->kind = program_kind_named(SKB);
	code->license = "GPL";
	code->instructions.items = arena_alloc_array(&arena, reserve, sizeof(struct bpf_insn));
	code->origins.items = arena_alloc_array(&arena, reserve, sizeof(struct bpfasm_origin));
	return code;
}

static void append(struct bpfasm_code *code, struct bpf_insn insn)
{
	code->instructions.items[code->instructions.count++] = insn;
	code->origins.count++;
}

static void finish_long(struct bpfasm_code *code, size_t expected)
{
	append(code, insn_set(R0, 1));
	append(code, insn_exit());
	bpfasm_check(&arena, code, NULL, &diagnostics);
	cr_assert_eq(diagnostics.list.count, expected, "%zu", diagnostics.list.count);
}

static void judge_straight(size_t count)
{
	struct bpfasm_code *code = long_code(count + 4);

	append(code, insn_set(R2, 0));
	for (size_t i = 0; i < count; i++)
		append(code, i % 3 == 0   ? insn_add(R2, 1)
			     : i % 3 == 1 ? insn_store(BPF_DW, R10, (int16_t)(-8 - i % 64 * 8), R2)
					  : insn_load(BPF_W, R3, R1, 0));
	finish_long(code, 0);
}

Test(flow, a_million_instructions_take_linear_time)
{
	double times = growth(judge_straight, 250000);

	cr_assert_lt(times, 10, "%.1f", times);
}

/* Branches whose targets are all different, and many of them open at a time. */
static void judge_ladder(size_t count)
{
	struct bpfasm_code *code = long_code(count + 4);

	append(code, insn_load(BPF_W, R2, R1, 0));
	for (size_t i = 0; i < count; i++) {
		size_t left = count - i - 1;

		append(code, insn_jump_if(BPF_JEQ, R2, (int32_t)i,
				     (int16_t)(left < 1000 ? left : 1000)));
	}
	finish_long(code, 0);
}

Test(flow, a_ladder_of_100_000_branches_takes_linear_time)
{
	double times = growth(judge_ladder, 25000);

	cr_assert_lt(times, 10, "%.1f", times);
}

/* Branches that each leave another state behind, and as many errors as there are instructions. */
static void judge_diamonds(size_t count)
{
	struct bpfasm_code *code = long_code(3 * count + 4);

	for (size_t i = 0; i < count; i++) {
		append(code, insn_load(BPF_W, R3, R1, 0));
		append(code, insn_jump_if(BPF_JEQ, R3, (int32_t)i, 1));
		append(code, insn_set((int)(R6 + i % 4), (int32_t)i));
	}
	finish_long(code, 0);
}

Test(flow, diamonds_take_linear_time)
{
	double times = growth(judge_diamonds, 10000);

	cr_assert_lt(times, 10, "%.1f", times);
}

/* Each jump leads back to the one before: as many steps back as there are blocks. */
static void judge_backwards(size_t count)
{
	struct bpfasm_code *code = long_code(2 * count + 8);

	append(code, insn_make(BPF_JMP32 | BPF_JA, 0, 0, 0, (int32_t)(2 * count)));
	append(code, insn_set(R0, 1));
	append(code, insn_exit());
	for (size_t i = 1; i < count; i++) {
		append(code, insn_set(R0, 1));
		append(code, insn_make(BPF_JMP | BPF_JA, 0, 0, -4, 0));
	}
	append(code, insn_make(BPF_JMP | BPF_JA, 0, 0, -3, 0));
	bpfasm_check(&arena, code, NULL, &diagnostics);
	cr_assert_eq(diagnostics.list.count, 0, "%s", diagnostics.list.items[0].message);
}

Test(flow, jumps_backwards_take_linear_time)
{
	double times = growth(judge_backwards, 100000);

	cr_assert_lt(times, 10, "%.1f", times);
}

static void judge_faults(size_t count)
{
	struct bpfasm_code *code = long_code(2 * count + 4);

	for (size_t i = 0; i < count; i++) {
		append(code, insn_call(4));
		append(code, insn_make(BPF_ALU64 | BPF_DIV | BPF_K, R0, 0, 0, 0));
	}
	finish_long(code, 2 * count);
}

Test(flow, many_faults_take_linear_time)
{
	double times = growth(judge_faults, 20000);

	cr_assert_lt(times, 10, "%.1f", times);
}
