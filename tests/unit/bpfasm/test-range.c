/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sets of numbers, against what RFC 9669 says and against trying every number. */
#include "tests/unit/support.h"

#include "lib/bpfasm/instruction.h"
#include "lib/bpfasm/range.h"

SUITE(range);

#define ALU64(op) ((struct bpf_insn){ .code = BPF_ALU64 | (op) })
#define ALU32(op) ((struct bpf_insn){ .code = BPF_ALU | (op) })
#define WITH_SIGN(class, op) ((struct bpf_insn){ .code = (class) | (op), .off = 1 })
#define MOVE(class, bits) ((struct bpf_insn){ .code = (class) | BPF_MOV | BPF_X, .off = (bits) })
#define ORDER(code_, bits) ((struct bpf_insn){ .code = (code_) | BPF_END, .imm = (bits) })
#define MIN64 UINT64_C(0x8000000000000000)

/* Results worked out by hand; the byte orders are those of a little-endian machine. */
static const struct {
	struct bpf_insn insn;
	uint64_t dst, operand, result;
} computed[] = {
	{ ALU64(BPF_ADD), UINT64_MAX, 2, 1 },
	{ ALU32(BPF_ADD), 0xffffffff, 2, 1 },
	{ ALU32(BPF_ADD), UINT64_C(0x100000005), 1, 6 },
	{ ALU64(BPF_SUB), 1, 2, UINT64_MAX },
	{ ALU32(BPF_SUB), 1, 2, 0xffffffff },
	{ ALU64(BPF_MUL), UINT64_C(0x100000000), UINT64_C(0x100000000), 0 },
	{ ALU32(BPF_MUL), 0x10000, 0x10001, 0x10000 },
	{ ALU64(BPF_DIV), 7, 0, 0 },
	{ ALU64(BPF_MOD), 7, 0, 7 },
	{ ALU32(BPF_MOD), UINT64_C(0x500000007), 0, 7 },
	{ ALU64(BPF_DIV), UINT64_MAX, 2, UINT64_C(0x7fffffffffffffff) },
	{ ALU32(BPF_DIV), UINT64_MAX, 2, 0x7fffffff },
	{ WITH_SIGN(BPF_ALU64, BPF_DIV), (uint64_t)-13, 3, (uint64_t)-4 },
	{ WITH_SIGN(BPF_ALU64, BPF_MOD), (uint64_t)-13, 3, (uint64_t)-1 },
	{ WITH_SIGN(BPF_ALU, BPF_DIV), (uint64_t)-13, 3, 0xfffffffc },
	{ WITH_SIGN(BPF_ALU64, BPF_DIV), MIN64, UINT64_MAX, MIN64 },
	{ WITH_SIGN(BPF_ALU64, BPF_MOD), MIN64, UINT64_MAX, 0 },
	{ WITH_SIGN(BPF_ALU, BPF_DIV), 0x80000000, UINT64_MAX, 0x80000000 },
	{ WITH_SIGN(BPF_ALU64, BPF_DIV), 5, 0, 0 },
	{ ALU64(BPF_OR), 5, 10, 15 },
	{ ALU64(BPF_AND), 12, 10, 8 },
	{ ALU32(BPF_AND), UINT64_C(0xf0000000f), UINT64_MAX, 0xf },
	{ ALU64(BPF_XOR), UINT64_MAX, 1, UINT64_MAX - 1 },
	{ ALU64(BPF_LSH), 1, 65, 2 },
	{ ALU32(BPF_LSH), 1, 33, 2 },
	{ ALU32(BPF_LSH), 0x80000000, 1, 0 },
	{ ALU64(BPF_RSH), MIN64, 63, 1 },
	{ ALU32(BPF_RSH), UINT64_C(0xf80000000), 31, 1 },
	{ ALU64(BPF_ARSH), MIN64, 63, UINT64_MAX },
	{ ALU32(BPF_ARSH), 0x80000000, 31, 0xffffffff },
	{ ALU64(BPF_NEG), 1, 0, UINT64_MAX },
	{ ALU32(BPF_NEG), 1, 0, 0xffffffff },
	{ MOVE(BPF_ALU, 0), UINT64_C(0x123456789), 0, 0x23456789 },
	{ MOVE(BPF_ALU64, 8), 0x80, 0, (uint64_t)-128 },
	{ MOVE(BPF_ALU64, 16), 0x7fff, 0, 0x7fff },
	{ MOVE(BPF_ALU64, 32), 0x80000000, 0, UINT64_C(0xffffffff80000000) },
	{ MOVE(BPF_ALU, 8), 0x80, 0, 0xffffff80 },
	{ ORDER(BPF_ALU | BPF_TO_BE, 16), 0x123456, 0, 0x5634 },
	{ ORDER(BPF_ALU | BPF_TO_BE, 32), 0x12345678, 0, 0x78563412 },
	{ ORDER(BPF_ALU | BPF_TO_LE, 16), 0x123456, 0, 0x3456 },
	{ ORDER(BPF_ALU | BPF_TO_LE, 64), MIN64, 0, MIN64 },
	{ ORDER(BPF_ALU64, 64), 0x12, 0, UINT64_C(0x1200000000000000) },
	{ ORDER(BPF_ALU64, 16), 0x1234, 0, 0x3412 },
};

Test(range, arithmetic)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		cr_skip_test("the byte orders are those of a little-endian machine");
	for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++) {
		uint64_t is =
			number_compute(&computed[i].insn, computed[i].dst, computed[i].operand);

		cr_assert_eq(is, computed[i].result, "%zu: %llx", i, (unsigned long long)is);
	}
}

Test(range, parts_join_where_they_touch)
{
	struct range range = range_between(10, 20);

	range_add(&range, 30, 40);
	cr_assert_eq(range.count, 2);
	range_add(&range, 21, 29);
	cr_assert_eq(range.count, 1);
	cr_assert_eq(range.parts[0].least, 10);
	cr_assert_eq(range.parts[0].most, 40);
	range_add(&range, 0, UINT64_MAX);
	cr_assert_eq(range.count, 1);
	cr_assert_eq(range.parts[0].most, UINT64_MAX);
	range_add(&range, UINT64_MAX, UINT64_MAX);
	cr_assert_eq(range.count, 1);
}

Test(range, the_smallest_part_goes_where_there_are_too_many)
{
	struct range range = { 0 };
	struct range two = range_between(20, 21), nine = range_constant(9);

	for (uint64_t i = 0; i < RANGE_PARTS; i++)
		range_add(&range, 10 * i, 10 * i + i);
	/* { 0, 10-11, 20-22, 30-33 }; a part of one number has no place, one of two takes that of 0. */
	range_add(&range, 50, 50);
	cr_assert_eq(range.count, RANGE_PARTS);
	cr_assert(range_contains(&range, &(struct range){ 1, { { 0, 0 } } }));
	range_add(&range, 60, 61);
	cr_assert_eq(range.count, RANGE_PARTS);
	cr_assert(!range_contains(&range, &(struct range){ 1, { { 0, 0 } } }));
	cr_assert(range_contains(&range, &(struct range){ 1, { { 60, 61 } } }));
	cr_assert(range_contains(&range, &two));
	cr_assert(!range_contains(&range, &nine));
}

static bool has(const struct range *range, uint64_t number)
{
	struct range one = range_constant(number);

	return range_contains(range, &one);
}

static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* A few dozen numbers around where something changes. */
static struct range small_range(uint64_t *state)
{
	static const uint64_t bases[] = { 0, 0, 0x7fffffe0, 0xffffffe0,
		UINT64_C(0x7fffffffffffffe0), UINT64_C(0xffffffffffffffc0), UINT64_C(0x1ffffffe0) };
	struct range range = { 0 };

	for (uint64_t parts = 1 + next(state) % 3; parts; parts--) {
		uint64_t least = bases[next(state) % 7] + next(state) % 16;

		range_add(&range, least, least + next(state) % 32);
	}
	return range;
}

#define EACH_NUMBER(number, range)                                                                 \
	for (uint32_t number##_part = 0; number##_part < (range)->count; number##_part++)          \
		for (uint64_t number = (range)->parts[number##_part].least, number##_left = 1;     \
			number##_left;                                                             \
			number##_left = number != (range)->parts[number##_part].most,              \
			      number += number##_left)

static void expect_subset_of_image(
	const struct bpf_insn *insn, const struct range *from, uint64_t operand)
{
	struct range result = range_compute(insn, from, operand);

	cr_assert(result.count > 0);
	for (uint32_t i = 0; i < result.count; i++)
		cr_assert(result.parts[i].most - result.parts[i].least < 4096);
	EACH_NUMBER(number, &result)
	{
		bool found = false;

		EACH_NUMBER(source, from)
		{
			found = found || number_compute(insn, source, operand) == number;
		}
		cr_assert(found, "0x%02x with %llx does not make %llx", insn->code,
			(unsigned long long)operand, (unsigned long long)number);
	}
}

/* Whatever is in a result has been made of something: each operation, some thousand small sets. */
Test(range, results_are_made_of_what_there_was)
{
	static const uint8_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND,
		BPF_LSH, BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH, BPF_END };
	static const uint64_t operands[] = { 0, 1, 2, 3, 7, 8, 15, 16, 31, 255, 0xffff, 0x7fffffff,
		0xffffffff, UINT64_MAX, UINT64_MAX - 7, MIN64 };
	uint64_t state = 1;

	for (int i = 0; i < 4000; i++) {
		struct range from = small_range(&state);
		struct bpf_insn insn = { .code = next(&state) % 2 ? BPF_ALU : BPF_ALU64 };

		insn.code |= operations[next(&state) % 14];
		if (BPF_OP(insn.code) == BPF_END)
			insn.imm = 16 << next(&state) % 3;
		if (BPF_OP(insn.code) == BPF_MOV)
			insn.off = (int16_t)(next(&state) % 2 ? 8 : 0);
		expect_subset_of_image(&insn, &from, operands[next(&state) % 16]);
	}
}

/* Whole ranges stay whole where that is easy to see. */
Test(range, images_that_are_ranges)
{
	static const struct {
		struct bpf_insn insn;
		uint64_t least, most, operand, from, to;
	} images[] = {
		{ ALU64(BPF_ADD), 0, 0xffff, 5, 5, 0x10004 },
		{ ALU64(BPF_ADD), 10, 20, (uint64_t)-5, 5, 15 },
		{ ALU64(BPF_SUB), 10, 20, 5, 5, 15 },
		{ ALU32(BPF_ADD), 0, 9, 0xffffffff - 20, 0xffffffff - 20, 0xffffffff - 11 },
		{ ALU64(BPF_AND), 0, 0xffffffff, 0xff, 0, 0xff },
		{ ALU64(BPF_AND), 3, 9, 0xff, 3, 9 },
		{ ALU64(BPF_RSH), 0, 0xffffffff, 16, 0, 0xffff },
		{ ALU64(BPF_RSH), 16, 47, 4, 1, 2 },
		{ ORDER(BPF_ALU | BPF_TO_BE, 16), 0, 0xffffffff, 0, 0, 0xffff },
		{ ORDER(BPF_ALU | BPF_TO_BE, 32), 0, 0xffffffff, 0, 0, 0xffffffff },
		{ ORDER(BPF_ALU | BPF_TO_BE, 64), 0, UINT64_MAX, 0, 0, UINT64_MAX },
		{ MOVE(BPF_ALU, 0), 0, UINT64_MAX, 0, 0, 0xffffffff },
		{ MOVE(BPF_ALU64, 16), 0, 0x7fff, 0, 0, 0x7fff },
	};

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct range from = range_between(images[i].least, images[i].most);
		struct range to = range_between(images[i].from, images[i].to);
		struct range is = range_compute(&images[i].insn, &from, images[i].operand);

		cr_assert(range_equal(&is, &to), "%zu: %u parts, %llx to %llx", i, is.count,
			(unsigned long long)is.parts[0].least,
			(unsigned long long)is.parts[0].most);
	}
}

static const uint8_t comparisons[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
	BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };

/* What a branch leaves is just what takes it; of bits and halves, a part of that. */
Test(range, branches_leave_what_takes_them)
{
	uint64_t state = 2;

	for (int i = 0; i < 6000; i++) {
		struct range range = small_range(&state);
		uint8_t operation = comparisons[next(&state) % 11];
		bool half = next(&state) % 3 == 0, taken = next(&state) % 2;
		uint64_t operand = next(&state) % 4 ? range.parts[0].least + next(&state) % 8
						    : next(&state) % 4 - 2;
		struct range left = range_where(&range, operation, half, operand, taken);

		EACH_NUMBER(number, &range)
		{
			bool takes = number_compare(operation, half, number, operand) == taken;

			if (has(&left, number))
				cr_assert(takes, "%d: 0x%02x", i, operation);
			else if (!half && operation != BPF_JSET && left.count < RANGE_PARTS)
				cr_assert(!takes, "%d: 0x%02x", i, operation);
		}
		for (uint32_t part = 0; part < left.count; part++)
			cr_assert(has(&range, left.parts[part].least) &&
				  has(&range, left.parts[part].most));
	}
}

/* Of a full register both ways are always left, but for those that no number takes. */
Test(range, a_free_number_takes_both_ways)
{
	struct range word = range_between(0, 0xffffffff), wide = range_between(0, UINT64_MAX);

	for (size_t i = 0; i < sizeof(comparisons); i++)
		for (int taken = 0; taken < 2; taken++) {
			cr_assert(range_where(&wide, comparisons[i], false, 80, taken).count);
			cr_assert(range_where(&wide, comparisons[i], true, 80, taken).count);
			cr_assert(range_where(&word, comparisons[i], true, 80, taken).count);
		}
	cr_assert_eq(range_where(&word, BPF_JGT, false, 0xffffffff, true).count, 0);
	cr_assert_eq(range_where(&word, BPF_JSLT, false, 0, true).count, 0);
	cr_assert(range_where(&word, BPF_JSLT, true, 0, true).count);
	cr_assert_eq(range_where(&wide, BPF_JLT, false, 0, true).count, 0);
}

Test(range, exchanged_operands_say_the_same)
{
	static const uint64_t numbers[] = { 0, 1, 2, 0x80000000, 0xffffffff, MIN64, UINT64_MAX };

	for (size_t i = 0; i < sizeof(comparisons); i++)
		for (size_t a = 0; a < 7; a++)
			for (size_t b = 0; b < 7; b++)
				cr_assert_eq(number_compare(
						     comparisons[i], b & 1, numbers[a], numbers[b]),
					number_compare(comparison_mirrored(comparisons[i]), b & 1,
						numbers[b], numbers[a]));
}
