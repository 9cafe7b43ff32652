/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Runs a state from where it is to where it meets others, or ends. */
#include "lib/bpfasm/flow.h"

/* A redirect's verdict that nobody looked at: what has no target is dropped. */
static void check_verdict(struct flow *flow, const struct flow_value *verdict)
{
	const struct bpfasm_origin *origin;
	struct diagnostic *diagnostic;

	if (verdict->kind != FLOW_NUMBER || !verdict->verdict)
		return;
	origin = &flow->code->origins.items[verdict->at];
	if (origin->decided)
		return;
	diagnostic = flow_report(flow, verdict->at, -1, DIAG_W0604,
		"data whose target is not in the map is dropped: %s is returned as it is",
		origin->block ? "the verdict" : "r0");
	if (diagnostic)
		diagnostic->hint = origin->block
					   ? "say what to do with on_miss: pass, drop or a label"
					   : "with r0 = 1 behind the call it passes instead";
}

/* A sock_ops program returns 0 or 1 (check_return_code); of the others any number means something. */
static void check_result(struct flow *flow, const struct flow_value *result, size_t at)
{
	struct range allowed = range_between(0, 1);
	struct diagnostic *diagnostic = NULL;

	if (flow->code->kind->type != BPF_PROG_TYPE_SOCK_OPS)
		return;
	if (flow_is_pointer(result))
		diagnostic = flow_report(flow, at, R0, DIAG_E0315,
			"a sock_ops program returns 0 or 1, and r0 holds %s",
			flow_value_text(result));
	else if (result->kind == FLOW_NUMBER && !range_contains(&allowed, &result->range))
		diagnostic = flow_report(flow, at, R0, DIAG_E0315,
			"a sock_ops program returns 0 or 1, and r0 may hold another number");
	if (diagnostic)
		diagnostic->hint = "set it before: r0 = 1";
}

static void finish_run(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct flow_value *result = flow_read(flow, state, at, R0, "exit", NULL);

	check_result(flow, result, at);
	check_verdict(flow, result);
}

/* Loads of the socket filters of old, which kernels offer to other program types only. */
static void refuse_old_load(struct flow *flow, size_t at)
{
	struct diagnostic *diagnostic = flow_report(flow, at, -1, DIAG_E0307,
		"a program of type %s cannot load from the packet this way",
		flow->code->kind->name);

	if (diagnostic)
		diagnostic->hint = flow->code->kind->type == BPF_PROG_TYPE_SK_SKB
					   ? "bpf_skb_load_bytes does it"
					   : "read between data and data_end";
}

static void load_constant(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	uint64_t high = (uint32_t)flow_instruction(flow, at + 1)->imm;
	struct flow_value value = flow_constant(high << 32 | (uint32_t)insn->imm);

	if (flow->points[at].map != FLOW_NONE)
		value = (struct flow_value){ .kind = FLOW_MAP, .map = flow->points[at].map };
	else if (insn->src_reg)
		value = flow_value_of(FLOW_ANYTHING);
	flow_write(flow, state, at, insn->dst_reg, value);
}

/* What follows is found by the caller; false where nothing does. */
static bool step(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		flow_arithmetic(flow, state, at);
		return true;
	case BPF_LDX:
		flow_load(flow, state, at);
		return true;
	case BPF_ST:
	case BPF_STX:
		flow_store(flow, state, at);
		return true;
	case BPF_LD:
		if (BPF_MODE(insn->code) != BPF_IMM) {
			refuse_old_load(flow, at);
			return false;
		}
		load_constant(flow, state, at);
		return true;
	default:
		break;
	}
	if (BPF_OP(insn->code) == BPF_CALL) {
		flow_call(flow, state, at);
		return true;
	}
	if (BPF_OP(insn->code) == BPF_EXIT) {
		finish_run(flow, state, at);
		return false;
	}
	return BPF_OP(insn->code) == BPF_JA || flow_branch(flow, state, at);
}

void flow_run(struct flow *flow, size_t at, struct flow_state *state)
{
	for (;;) {
		int64_t next[2];

		if (!step(flow, state, at))
			return;
		/* Where a jump goes to has been seen to: ways out of the program lead nowhere. */
		flow_successors(flow, at, next);
		if (!flow_is_inside(flow, next[0]))
			return;
		at = (size_t)next[0];
		if (flow->points[at].target) {
			flow_arrive(flow, at, state);
			return;
		}
	}
}
