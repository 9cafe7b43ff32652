/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: what a register can hold, as a set of 64-bit numbers.
 *
 * A range never has a number in it that the register cannot hold. It may lack some that it can:
 * where a set has too many parts, or an operation too many results, the range keeps a few of them.
 * What is shown for every number of a range is therefore shown for a run that can really happen.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#define RANGE_PARTS 4

struct range_part {
	uint64_t least, most; /* both belong to it; least <= most */
};

/* Parts do not overlap; count 0: no number at all. */
struct range {
	uint32_t count;
	struct range_part parts[RANGE_PARTS];
};

struct range range_between(uint64_t least, uint64_t most);
struct range range_constant(uint64_t number);

/* More numbers; where there is no room for another part, the smallest part goes. */
void range_add(struct range *range, uint64_t least, uint64_t most);

/* True, and the number in *ret, where there is exactly one. */
bool range_is_constant(const struct range *range, uint64_t *ret);

bool range_equal(const struct range *a, const struct range *b);

/* Each number of `part` is in `whole`. */
bool range_contains(const struct range *whole, const struct range *part);

/* One number of a range that has some. */
uint64_t range_pick(const struct range *range);

/*
 * What an arithmetic instruction (RFC 9669, section 4) makes of dst and its operand; of a move, dst is
 * the source.
 */
uint64_t number_compute(const struct bpf_insn *instruction, uint64_t dst, uint64_t operand);

/* The same for every number of a range; `operand` is one number. */
struct range range_compute(
	const struct bpf_insn *instruction, const struct range *dst, uint64_t operand);

/*
 * Whether a conditional jump with that operation (BPF_JEQ and its like; `half`: of 32 bits) is taken.
 */
bool number_compare(uint8_t operation, bool half, uint64_t dst, uint64_t operand);

/* The numbers of a range with which the jump is taken, or is not. */
struct range range_where(
	const struct range *range, uint8_t operation, bool half, uint64_t operand, bool taken);

/* The operation that says the same with its operands exchanged; BPF_JSET is its own. */
uint8_t comparison_mirrored(uint8_t operation);
