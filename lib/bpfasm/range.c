/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/range.h"

#include <stddef.h>

#define LOW32 UINT64_C(0xffffffff)

struct range range_between(uint64_t least, uint64_t most)
{
	return (struct range){ .count = 1, .parts = { { least, most } } };
}

struct range range_constant(uint64_t number)
{
	return range_between(number, number);
}

/* Whether two parts overlap or stand side by side, so that they are one. */
static bool touch(const struct range_part *a, const struct range_part *b)
{
	return !(a->most < b->least && b->least - a->most > 1) &&
	       !(b->most < a->least && a->least - b->most > 1);
}

static void drop_part(struct range *range, uint32_t at)
{
	range->parts[at] = range->parts[--range->count];
}

static uint32_t smallest_part(const struct range *range)
{
	uint32_t smallest = 0;

	for (uint32_t i = 1; i < range->count; i++)
		if (range->parts[i].most - range->parts[i].least <
			range->parts[smallest].most - range->parts[smallest].least)
			smallest = i;
	return smallest;
}

void range_add(struct range *range, uint64_t least, uint64_t most)
{
	struct range_part part = { least, most };

	for (uint32_t i = 0; i < range->count;) {
		const struct range_part *other = &range->parts[i];

		if (!touch(&part, other)) {
			i++;
			continue;
		}
		part.least = other->least < part.least ? other->least : part.least;
		part.most = other->most > part.most ? other->most : part.most;
		drop_part(range, i);
		i = 0;
	}
	if (range->count == RANGE_PARTS) {
		uint32_t smallest = smallest_part(range);

		if (part.most - part.least <=
			range->parts[smallest].most - range->parts[smallest].least)
			return;
		drop_part(range, smallest);
	}
	range->parts[range->count++] = part;
}

bool range_is_constant(const struct range *range, uint64_t *ret)
{
	if (range->count != 1 || range->parts[0].least != range->parts[0].most)
		return false;
	*ret = range->parts[0].least;
	return true;
}

bool range_contains(const struct range *whole, const struct range *part)
{
	for (uint32_t i = 0; i < part->count; i++) {
		uint32_t j = 0;

		while (j < whole->count && !(whole->parts[j].least <= part->parts[i].least &&
						   part->parts[i].most <= whole->parts[j].most))
			j++;
		if (j == whole->count)
			return false;
	}
	return true;
}

bool range_equal(const struct range *a, const struct range *b)
{
	return range_contains(a, b) && range_contains(b, a);
}

uint64_t range_pick(const struct range *range)
{
	return range->parts[0].least;
}

static uint64_t sign_extended(uint64_t number, unsigned int bits)
{
	unsigned int unused = 64 - bits;

	return (uint64_t)((int64_t)(number << unused) >> unused);
}

static uint64_t swap_bytes(uint64_t number, int32_t bits)
{
	if (bits == 16)
		return __builtin_bswap16((uint16_t)number);
	return bits == 32 ? __builtin_bswap32((uint32_t)number) : __builtin_bswap64(number);
}

static uint64_t low_bits(uint64_t number, int32_t bits)
{
	return bits == 16 ? number & 0xffff : bits == 32 ? number & LOW32 : number;
}

/* BPF_END: to big or to little endian; of class BPF_ALU64 an unconditional swap. */
static uint64_t byte_order(const struct bpf_insn *instruction, uint64_t number)
{
	bool big = BPF_SRC(instruction->code) == BPF_TO_BE;
	bool host_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	if (BPF_CLASS(instruction->code) == BPF_ALU64 || big != host_is_big)
		return swap_bytes(number, instruction->imm);
	return low_bits(number, instruction->imm);
}

/* Division by 0 gives 0, a remainder of it the dividend; offset 1 means with a sign. */
static uint64_t divide(bool remainder, bool half, bool has_sign, uint64_t dst, uint64_t operand)
{
	int64_t a = (int64_t)(half ? sign_extended(dst, 32) : dst);
	int64_t b = (int64_t)(half ? sign_extended(operand, 32) : operand);

	if (half) {
		dst &= LOW32;
		operand &= LOW32;
	}
	if (!operand)
		return remainder ? dst : 0;
	if (!has_sign)
		return remainder ? dst % operand : dst / operand;
	/* The only quotient that does not fit: it is its dividend again. */
	if (b == -1)
		return remainder ? 0 : 0 - (uint64_t)a;
	return (uint64_t)(remainder ? a % b : a / b);
}

static uint64_t shift_right(bool half, bool has_sign, uint64_t dst, uint64_t operand)
{
	uint64_t count = operand & (half ? 31 : 63);

	if (has_sign)
		return (uint64_t)((int64_t)(half ? sign_extended(dst, 32) : dst) >> count);
	return (half ? dst & LOW32 : dst) >> count;
}

static uint64_t compute_wide(
	const struct bpf_insn *instruction, bool half, uint64_t dst, uint64_t operand)
{
	switch (BPF_OP(instruction->code)) {
	case BPF_ADD:
		return dst + operand;
	case BPF_SUB:
		return dst - operand;
	case BPF_MUL:
		return dst * operand;
	case BPF_DIV:
	case BPF_MOD:
		return divide(BPF_OP(instruction->code) == BPF_MOD, half, instruction->off == 1,
			dst, operand);
	case BPF_OR:
		return dst | operand;
	case BPF_AND:
		return dst & operand;
	case BPF_XOR:
		return dst ^ operand;
	case BPF_LSH:
		return dst << (operand & (half ? 31 : 63));
	case BPF_RSH:
		return shift_right(half, false, dst, operand);
	case BPF_ARSH:
		return shift_right(half, true, dst, operand);
	case BPF_NEG:
		return 0 - dst;
	case BPF_MOV: /* of itself; a shortened one extends its sign */
		return instruction->off ? sign_extended(dst, (unsigned int)instruction->off) : dst;
	default:
		return dst;
	}
}

uint64_t number_compute(const struct bpf_insn *instruction, uint64_t dst, uint64_t operand)
{
	bool half = BPF_CLASS(instruction->code) == BPF_ALU;
	uint64_t result;

	if (BPF_OP(instruction->code) == BPF_END)
		return byte_order(instruction, dst);
	result = compute_wide(instruction, half, dst, operand);
	return half ? result & LOW32 : result;
}

/* Each of `count` consecutive numbers is in the part, whatever they are modulo `count`. */
static bool covers(const struct range_part *part, uint64_t count)
{
	return part->most - part->least >= count - 1;
}

static bool add_sum(
	struct range *result, const struct range_part *part, bool half, uint64_t operand)
{
	uint64_t mask = half ? LOW32 : UINT64_MAX;
	uint64_t least = (part->least + operand) & mask, most = (part->most + operand) & mask;

	if ((half && part->most > LOW32) || least > most ||
		most - least != part->most - part->least)
		return false;
	range_add(result, least, most);
	return true;
}

/* The low `bits` of a part: all of them, where it is long enough or has nothing above them. */
static bool add_low_bits(
	struct range *result, const struct range_part *part, unsigned int bits, bool swapped)
{
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	if (part->least == 0 && part->most == mask) {
		range_add(result, 0, mask);
		return true;
	}
	if (bits < 64 && covers(part, mask + 1)) {
		range_add(result, 0, mask);
		return true;
	}
	if (swapped || part->most > mask)
		return false;
	range_add(result, part->least, part->most);
	return true;
}

/* Where the results of a whole part are a part again; false where they are not. */
static bool add_image(struct range *result, const struct bpf_insn *instruction,
	const struct range_part *part, uint64_t operand)
{
	bool half = BPF_CLASS(instruction->code) == BPF_ALU;
	uint64_t mask = half ? operand & LOW32 : operand;

	switch (BPF_OP(instruction->code)) {
	case BPF_ADD:
		return add_sum(result, part, half, operand);
	case BPF_SUB:
		return add_sum(result, part, half, 0 - operand);
	case BPF_RSH:
		if (half && part->most > LOW32)
			return false;
		range_add(result, number_compute(instruction, part->least, operand),
			number_compute(instruction, part->most, operand));
		return true;
	case BPF_AND: /* with a mask of low bits */
		return mask && mask < UINT64_MAX && !(mask & (mask + 1)) &&
		       add_low_bits(result, part, (unsigned int)__builtin_popcountll(mask), false);
	case BPF_END:
		return add_low_bits(result, part, (unsigned int)instruction->imm, true);
	case BPF_MOV:
		if (instruction->off)
			return part->most < UINT64_C(1) << (instruction->off - 1) &&
			       add_low_bits(result, part, 32, false);
		return add_low_bits(result, part, half ? 32 : 64, false);
	default:
		return false;
	}
}

struct range range_compute(
	const struct bpf_insn *instruction, const struct range *dst, uint64_t operand)
{
	struct range result = { 0 };

	for (uint32_t i = 0; i < dst->count; i++) {
		const struct range_part *part = &dst->parts[i];
		uint64_t some[2] = { part->least, part->most };

		if (part->least != part->most && add_image(&result, instruction, part, operand))
			continue;
		for (int j = 0; j < 2; j++) {
			uint64_t number = number_compute(instruction, some[j], operand);

			range_add(&result, number, number);
		}
	}
	return result;
}

bool number_compare(uint8_t operation, bool half, uint64_t dst, uint64_t operand)
{
	uint64_t a = half ? dst & LOW32 : dst, b = half ? operand & LOW32 : operand;
	int64_t c = (int64_t)(half ? sign_extended(dst, 32) : dst);
	int64_t d = (int64_t)(half ? sign_extended(operand, 32) : operand);

	switch (operation) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return c > d;
	case BPF_JSGE:
		return c >= d;
	case BPF_JSLT:
		return c < d;
	case BPF_JSLE:
		return c <= d;
	default:
		return (a & b) != 0;
	}
}

uint8_t comparison_mirrored(uint8_t operation)
{
	static const uint8_t pairs[][2] = { { BPF_JGT, BPF_JLT }, { BPF_JGE, BPF_JLE },
		{ BPF_JSGT, BPF_JSLT }, { BPF_JSGE, BPF_JSLE } };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (int j = 0; j < 2; j++)
			if (pairs[i][j] == operation)
				return pairs[i][!j];
	return operation;
}

static uint8_t comparison_denied(uint8_t operation)
{
	static const uint8_t pairs[][2] = { { BPF_JEQ, BPF_JNE }, { BPF_JGT, BPF_JLE },
		{ BPF_JGE, BPF_JLT }, { BPF_JSGT, BPF_JSLE }, { BPF_JSGE, BPF_JSLT } };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (int j = 0; j < 2; j++)
			if (pairs[i][j] == operation)
				return pairs[i][!j];
	return operation;
}

static void keep_between(
	struct range *result, const struct range_part *part, uint64_t least, uint64_t most)
{
	least = least > part->least ? least : part->least;
	most = most < part->most ? most : part->most;
	if (least <= most)
		range_add(result, least, most);
}

/* What is between `least` and `most` in an order that begins at `first`, the last being first - 1. */
static void keep_ordered(struct range *result, const struct range_part *part, uint64_t first,
	uint64_t mask, uint64_t least, uint64_t most)
{
	uint64_t from = (least + first) & mask, to = (most + first) & mask;

	if (from <= to) {
		keep_between(result, part, from, to);
		return;
	}
	keep_between(result, part, from, mask);
	keep_between(result, part, 0, to);
}

/*
 * The numbers of a part for which the comparison holds. With a sign, numbers are in order from the
 * most negative one on; counted from there, a comparison with a sign is one without.
 */
static void keep_compared(struct range *result, const struct range_part *part, uint8_t operation,
	uint64_t mask, uint64_t operand)
{
	bool has_sign = operation == BPF_JSGT || operation == BPF_JSGE || operation == BPF_JSLT ||
			operation == BPF_JSLE;
	uint64_t first = has_sign ? mask / 2 + 1 : 0, place;

	operand &= mask;
	place = (operand - first) & mask;
	switch (operation) {
	case BPF_JEQ:
		keep_between(result, part, operand, operand);
		return;
	case BPF_JNE:
		if (operand < mask)
			keep_between(result, part, operand + 1, mask);
		if (operand)
			keep_between(result, part, 0, operand - 1);
		return;
	case BPF_JGT:
	case BPF_JSGT:
		if (place < mask)
			keep_ordered(result, part, first, mask, place + 1, mask);
		return;
	case BPF_JGE:
	case BPF_JSGE:
		keep_ordered(result, part, first, mask, place, mask);
		return;
	case BPF_JLT:
	case BPF_JSLT:
		if (place)
			keep_ordered(result, part, first, mask, 0, place - 1);
		return;
	case BPF_JLE:
	case BPF_JSLE:
		keep_ordered(result, part, first, mask, 0, place);
		return;
	}
}

/* Some numbers of the part, tried one by one: near its ends, and where a tested bit changes. */
static void keep_tried(struct range *result, const struct range_part *part, uint8_t operation,
	bool half, uint64_t operand, bool taken)
{
	uint64_t mask = half ? operand & LOW32 : operand, low = mask & (0 - mask), below = mask;
	uint64_t some[5];

	for (int shift = 1; shift < 64; shift *= 2)
		below |= below >> shift;
	some[0] = part->least;
	some[1] = part->most;
	some[2] = part->least | low;
	some[3] = (part->least + below) & ~below;
	some[4] = part->most & ~below;
	for (int i = 0; i < 5; i++)
		if (some[i] >= part->least && some[i] <= part->most &&
			number_compare(operation, half, some[i], operand) == taken)
			range_add(result, some[i], some[i]);
}

struct range range_where(
	const struct range *range, uint8_t operation, bool half, uint64_t operand, bool taken)
{
	struct range result = { 0 };

	for (uint32_t i = 0; i < range->count; i++) {
		struct range_part part = range->parts[i];

		if (part.least == part.most || operation == BPF_JSET ||
			(half && part.least > LOW32)) {
			keep_tried(&result, &part, operation, half, operand, taken);
			continue;
		}
		/* Of a half, only the numbers that are their own low half. */
		if (half && part.most > LOW32)
			part.most = LOW32;
		keep_compared(&result, &part, taken ? operation : comparison_denied(operation),
			half ? LOW32 : UINT64_MAX, operand);
	}
	return result;
}
