/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Where instructions lead to, as check_cfg of kernel/bpf/verifier.c has it: what nothing leads to is
 * refused there, too, and so is a way out of the program.
 */
#include "lib/bpfasm/flow.h"

static bool is_wide_load(const struct bpf_insn *insn)
{
	return insn->code == INSN_WIDE_LOAD;
}

/* Calls and exits are of these classes, too. */
static bool is_of_jumps(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
}

static bool jumps(const struct bpf_insn *insn)
{
	return is_of_jumps(insn) && BPF_OP(insn->code) != BPF_CALL &&
	       BPF_OP(insn->code) != BPF_EXIT;
}

int64_t flow_jump_target(const struct flow *flow, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	bool is_long = insn->code == INSN_LONG_JUMP;

	return (int64_t)at + 1 + (is_long ? insn->imm : insn->off);
}

size_t flow_successors(const struct flow *flow, size_t at, int64_t *ret)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);

	ret[0] = (int64_t)at + (is_wide_load(insn) ? 2 : 1);
	if (!jumps(insn))
		return insn->code != (BPF_JMP | BPF_EXIT);
	ret[BPF_OP(insn->code) == BPF_JA ? 0 : 1] = flow_jump_target(flow, at);
	return BPF_OP(insn->code) == BPF_JA ? 1 : 2;
}

static bool is_known_jump(const struct bpf_insn *insn)
{
	uint8_t operation = BPF_OP(insn->code);

	if (operation == BPF_CALL || operation == BPF_EXIT)
		return BPF_CLASS(insn->code) == BPF_JMP && BPF_SRC(insn->code) == BPF_K &&
		       insn->src_reg == 0;
	if (operation == BPF_JA)
		return BPF_SRC(insn->code) == BPF_K;
	/* may_goto asks no register. */
	return operation <= BPF_JSLE || insn->code == (BPF_JMP | BPF_JCOND);
}

static bool is_known_arithmetic(const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_END:
		return insn->imm == 16 || insn->imm == 32 || insn->imm == 64;
	case BPF_MOV:
		return insn->off == 0 || insn->off == 8 || insn->off == 16 || insn->off == 32;
	case BPF_DIV:
	case BPF_MOD:
		return insn->off == 0 || insn->off == 1;
	default:
		return BPF_OP(insn->code) < BPF_END && insn->off == 0;
	}
}

static bool is_known_access(const struct bpf_insn *insn)
{
	uint8_t mode = BPF_MODE(insn->code);

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return is_wide_load(insn) || mode == BPF_ABS || mode == BPF_IND;
	case BPF_LDX:
		return mode == BPF_MEM || (mode == BPF_MEMSX && BPF_SIZE(insn->code) != BPF_DW);
	case BPF_ST:
		return mode == BPF_MEM;
	default:
		return mode == BPF_MEM || mode == BPF_ATOMIC;
	}
}

static bool is_known(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);

	if (insn->dst_reg > R10 || insn->src_reg > R10)
		return false;
	if (is_of_jumps(insn))
		return is_known_jump(insn);
	return class == BPF_ALU || class == BPF_ALU64 ? is_known_arithmetic(insn)
						      : is_known_access(insn);
}

bool flow_is_known(const struct flow *flow)
{
	for (size_t at = 0; at < flow->count; at++) {
		const struct bpf_insn *insn = flow_instruction(flow, at);

		if (!is_known(insn))
			return false;
		if (!is_wide_load(insn))
			continue;
		/* A function's address goes to a helper that calls it. */
		if (++at == flow->count || insn->src_reg == BPF_PSEUDO_FUNC)
			return false;
		flow->points[at].second_half = true;
	}
	return true;
}

bool flow_is_inside(const struct flow *flow, int64_t at)
{
	return at >= 0 && at < (int64_t)flow->count && !flow->points[at].second_half;
}

/* Whether the end is where the program goes on, and no jump was written that leads there. */
static bool falls_off(const struct flow *flow, size_t at, int64_t next)
{
	if (!jumps(flow_instruction(flow, at)) || next != flow_jump_target(flow, at))
		return true;
	/* What was written has been looked at before: it is the block's own. */
	return flow->code->origins.items[at].block && next == (int64_t)flow->count;
}

static void report_way_out(struct flow *flow, size_t at, int64_t next)
{
	struct diagnostic *diagnostic;

	if (falls_off(flow, at, next)) {
		diagnostic = flow_report(flow, at, -1, DIAG_E0309,
			"the body of \"%s\" can fall off its end", flow->code->name);
		if (diagnostic)
			diagnostic->hint = "end it with exit";
		return;
	}
	if (next >= 0 && next < (int64_t)flow->count)
		flow_report(flow, at, -1, DIAG_E0314,
			"the jump leads into the middle of a 64-bit load");
	else
		flow_report(flow, at, -1, DIAG_E0314,
			"the jump leads out of the program, to instruction %lld of %zu",
			(long long)next, flow->count);
}

/* Marks what instruction `at` leads to; returns how many of them are new, in `found`. */
static size_t visit(struct flow *flow, size_t at, size_t *found)
{
	int64_t next[2];
	size_t count = flow_successors(flow, at, next), new = 0;
	bool may_jump = jumps(flow_instruction(flow, at));

	for (size_t i = 0; i < count; i++) {
		if (!flow_is_inside(flow, next[i])) {
			report_way_out(flow, at, next[i]);
			continue;
		}
		if (may_jump && next[i] == flow_jump_target(flow, at))
			flow->points[next[i]].target = true;
		if (!flow->points[next[i]].reached)
			found[new ++] = (size_t)next[i];
		flow->points[next[i]].reached = true;
	}
	return new;
}

static void mark_reached(struct flow *flow)
{
	size_t *stack = arena_alloc_array(flow->scratch, flow->count + 2, sizeof(*stack));
	size_t depth = 0;

	flow->points[0].reached = true;
	stack[depth++] = 0;
	while (depth) {
		size_t at = stack[--depth];

		depth += visit(flow, at, &stack[depth]);
	}
}

/* Where a stretch begins that nothing leads to. */
static void report_unreached(struct flow *flow, size_t at)
{
	struct diagnostic *diagnostic = flow_report(flow, at, -1, DIAG_E0313,
		"nothing leads to this instruction, and the verifier refuses it");
	size_t before = at;
	bool ended;

	while (before > 0 && flow->points[--before].second_half)
		continue;
	ended = flow_instruction(flow, before)->code == (BPF_JMP | BPF_EXIT);
	if (diagnostic && at)
		diagnostic->hint = arena_printf(flow->arena,
			"the %s%s%s: give it a label that is jumped to, or take it out",
			ended ? "program has ended" : "jump", flow_line(flow, before),
			ended ? "" : " leads past it");
}

/* Whether some way ends, as far as jumps tell; may_goto ends loops in its own way. */
static bool may_end(const struct flow *flow)
{
	for (size_t at = 0; at < flow->count; at++) {
		uint8_t code = flow_instruction(flow, at)->code;

		if (flow->points[at].reached &&
			(code == (BPF_JMP | BPF_EXIT) || code == (BPF_JMP | BPF_JCOND)))
			return true;
	}
	return false;
}

/* At the last jump backwards, which there is where all ways go on inside the program. */
static void report_endless(struct flow *flow)
{
	size_t at = flow->count;
	struct diagnostic *diagnostic;

	while (--at > 0) {
		const struct bpf_insn *insn = flow_instruction(flow, at);

		if (flow->points[at].reached && jumps(insn) &&
			flow_jump_target(flow, at) <= (int64_t)at)
			break;
	}
	diagnostic = flow_report(flow, at, -1, DIAG_E0318,
		"no way through the program ends, and the verifier refuses it");
	if (diagnostic)
		diagnostic->hint = "let one lead to exit";
}

void flow_check_graph(struct flow *flow)
{
	size_t errors = flow->diagnostics->errors;

	mark_reached(flow);
	for (size_t at = 0; at < flow->count; at++) {
		const struct flow_point *point = &flow->points[at];
		bool before =
			at == 0 || flow->points[at - 1].reached || flow->points[at - 1].second_half;

		if (!point->reached && !point->second_half && before)
			report_unreached(flow, at);
	}
	if (flow->diagnostics->errors == errors && !may_end(flow))
		report_endless(flow);
}

/* The registers that an instruction writes, a bit each. */
static uint16_t written_by(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
		return (uint16_t)(1u << insn->dst_reg);
	case BPF_LD:
		return is_wide_load(insn) ? (uint16_t)(1u << insn->dst_reg) : 1u << R0;
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_ATOMIC
			       ? (uint16_t)(1u << insn->src_reg | 1u << insn->dst_reg | 1u << R0)
			       : 0;
	case BPF_JMP:
		return BPF_OP(insn->code) == BPF_CALL ? 1u << R0 : 0;
	default:
		return 0;
	}
}

static bool spread_written(struct flow *flow, size_t at)
{
	uint16_t behind = flow->points[at].maybe_written | written_by(flow_instruction(flow, at));
	int64_t next[2];
	size_t count = flow_successors(flow, at, next);
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		struct flow_point *point;

		if (!flow_is_inside(flow, next[i]))
			continue;
		point = &flow->points[next[i]];
		changed = changed || (behind & ~point->maybe_written);
		point->maybe_written |= behind;
	}
	return changed;
}

uint16_t flow_maybe_written(struct flow *flow, size_t at)
{
	const int most_rounds = 16; /* jumps backwards inside each other; it is for words only */
	bool changed = !flow->written_known;

	flow->points[0].maybe_written |= 1u << R1 | 1u << R10;
	for (int round = 0; changed && round < most_rounds; round++) {
		changed = false;
		for (size_t i = 0; i < flow->count; i++)
			if (flow->points[i].reached && spread_written(flow, i))
				changed = true;
	}
	flow->written_known = true;
	return flow->points[at].maybe_written;
}
