/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Conditional jumps. A side is taken with what makes a run take it, and with nothing else; where that
 * cannot be told, no side is.
 */
#include "lib/bpfasm/flow.h"

/* One comparison, its operands where they are in the state of a side. */
struct branch {
	const struct bpf_insn *insn;
	uint8_t operation;
	bool half;
};

static uint64_t constant_of(const struct bpf_insn *insn)
{
	return (uint64_t)(int64_t)insn->imm;
}

/* A number with one number. */
static bool compare_number(const struct branch *branch, struct flow_state *state,
	struct flow_value *number, uint8_t operation, uint64_t operand, bool taken)
{
	struct range range = range_where(&number->range, operation, branch->half, operand, taken);

	if (!range.count)
		return false;
	flow_refine(state, number, &range);
	return true;
}

/* Two numbers that are not known: one of each, out of those at the ends of their ranges. */
static bool compare_numbers(const struct branch *branch, struct flow_state *state,
	struct flow_value *left, struct flow_value *right, bool taken)
{
	bool same = left->id == right->id;

	for (uint32_t i = 0; i < 2 * left->range.count; i++)
		for (uint32_t j = 0; j < 2 * right->range.count; j++) {
			const struct range_part *a = &left->range.parts[i / 2];
			const struct range_part *b = &right->range.parts[j / 2];
			struct range one = range_constant(i % 2 ? a->most : a->least);
			struct range other = range_constant(j % 2 ? b->most : b->least);

			if ((same && i != j) ||
				number_compare(branch->operation, branch->half, one.parts[0].least,
					other.parts[0].least) != taken)
				continue;
			flow_refine(state, left, &one);
			flow_refine(state, right, &other);
			return true;
		}
	return false;
}

static bool compare_values(const struct branch *branch, struct flow_state *state,
	struct flow_value *left, struct flow_value *right, bool taken)
{
	uint64_t number;

	if (range_is_constant(&right->range, &number))
		return compare_number(branch, state, left, branch->operation, number, taken);
	if (range_is_constant(&left->range, &number))
		return compare_number(branch, state, right, comparison_mirrored(branch->operation),
			number, taken);
	return compare_numbers(branch, state, left, right, taken);
}

static void set_found(struct flow_value *copy, const void *context)
{
	(void)context;
	copy->maybe_null = false;
	copy->id = 0;
}

static void set_null(struct flow_value *copy, const void *context)
{
	(void)context;
	flow_replace(copy, flow_constant(0));
}

static void set_anything(struct flow_value *copy, const void *context)
{
	(void)context;
	flow_replace(copy, flow_value_of(FLOW_ANYTHING));
}

/*
 * A pointer with 0. One that may be 0 is or is not; the verifier draws that conclusion only from a
 * whole register and a 0 that stands in the instruction.
 */
static bool compare_with_null(const struct branch *branch, struct flow_state *state,
	struct flow_value *pointer, bool taken)
{
	bool equal = (branch->operation == BPF_JEQ) == taken;

	if (branch->half || (branch->operation != BPF_JEQ && branch->operation != BPF_JNE))
		return false;
	if (!pointer->maybe_null)
		return !equal;
	if (BPF_SRC(branch->insn->code) != BPF_K)
		flow_each_copy(state, pointer->id, set_anything, NULL);
	else
		flow_each_copy(state, pointer->id, equal ? set_null : set_found, NULL);
	return true;
}

/* A place in the payload with its end: that place is before the end where there are more bytes. */
static bool compare_with_end(const struct branch *branch, struct flow_state *state,
	const struct flow_value *pointer, uint8_t operation, bool taken)
{
	struct range range;

	if (branch->half || operation == BPF_JSET || !pointer->known || pointer->offset < 0)
		return false;
	range = range_where(&state->length, comparison_mirrored(operation), false,
		(uint64_t)pointer->offset, taken);
	if (!range.count)
		return false;
	state->length = range;
	state->compared = true;
	return true;
}

/* What a side makes of the state; false where it cannot be told that it is taken. */
static bool take_side(const struct branch *branch, struct flow_state *state, bool taken)
{
	struct flow_value constant = flow_constant(constant_of(branch->insn));
	struct flow_value *left = &state->registers[branch->insn->dst_reg];
	struct flow_value *right = BPF_SRC(branch->insn->code) == BPF_X
					   ? &state->registers[branch->insn->src_reg]
					   : &constant;
	uint64_t number;

	if (left->kind == FLOW_NUMBER && right->kind == FLOW_NUMBER)
		return compare_values(branch, state, left, right, taken);
	if (left->kind == FLOW_PACKET && right->kind == FLOW_PACKET_END)
		return compare_with_end(branch, state, left, branch->operation, taken);
	if (left->kind == FLOW_PACKET_END && right->kind == FLOW_PACKET)
		return compare_with_end(
			branch, state, right, comparison_mirrored(branch->operation), taken);
	if (flow_is_pointer(left) && right->kind == FLOW_NUMBER &&
		range_is_constant(&right->range, &number) && number == 0)
		return compare_with_null(branch, state, left, taken);
	return false;
}

bool flow_branch(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct branch branch = {
		.insn = insn,
		.operation = BPF_OP(insn->code),
		.half = BPF_CLASS(insn->code) == BPF_JMP32,
	};
	int64_t target = flow_jump_target(flow, at);
	bool leads = flow_is_inside(flow, target);
	struct flow_state other;

	if (branch.operation == BPF_JCOND) { /* may_goto: the kernel's to decide, either way */
		if (leads)
			flow_arrive(flow, (size_t)target, state);
		return true;
	}
	flow_read(flow, state, at, insn->dst_reg, NULL, NULL);
	if (BPF_SRC(insn->code) == BPF_X)
		flow_read(flow, state, at, insn->src_reg, NULL, NULL);
	other = *state;
	if (leads && take_side(&branch, &other, true))
		flow_arrive(flow, (size_t)target, &other);
	return take_side(&branch, state, false);
}
