/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Arithmetic on numbers and pointers, after check_alu_op, adjust_reg_min_max_vals and
 * adjust_ptr_min_max_vals of kernel/bpf/verifier.c, as they are for a privileged program.
 */
#include "lib/bpfasm/flow.h"

static bool is_half(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU;
}

/* Neither certain to be a number nor to be a pointer. */
static bool is_open(const struct flow_value *value)
{
	return !flow_is_number(value) && !flow_is_pointer(value);
}

static const char *operator_text(const struct bpf_insn *insn)
{
	static const char *const texts[] = { "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "-",
		"%=", "^=", "=", "s>>=" };

	return texts[BPF_OP(insn->code) >> 4];
}

/* What the verifier refuses in a constant. */
static void check_constant(struct flow *flow, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	uint8_t operation = BPF_OP(insn->code);
	int width = is_half(insn) ? 32 : 64;

	if (BPF_SRC(insn->code) != BPF_K)
		return;
	if ((operation == BPF_DIV || operation == BPF_MOD) && insn->imm == 0)
		flow_report(flow, at, -1, DIAG_E0317, "a division by 0");
	if ((operation == BPF_LSH || operation == BPF_RSH || operation == BPF_ARSH) &&
		(insn->imm < 0 || insn->imm >= width))
		flow_report(flow, at, -1, DIAG_E0317, "a shift by %d of a register with %d bits",
			insn->imm, width);
}

/* Whether the verifier surely knows the result of known operands; of others it need not. */
static bool stays_known(const struct bpf_insn *insn)
{
	uint8_t operation = BPF_OP(insn->code);

	return !is_half(insn) &&
	       (operation == BPF_ADD || operation == BPF_SUB || operation == BPF_AND ||
		       operation == BPF_OR || operation == BPF_LSH || operation == BPF_RSH);
}

/* A number made of `dst`, which has no other copies left, and one number. */
static struct flow_value compute(struct flow *flow, const struct bpf_insn *insn,
	const struct flow_value *dst, uint64_t operand, bool known)
{
	struct range range = range_compute(insn, &dst->range, operand);
	struct flow_value result = flow_of_range(flow, &range);
	uint64_t number;

	result.known =
		known && dst->known && range_is_constant(&range, &number) && stays_known(insn);
	return result;
}

/*
 * Copies of a number would go on knowing it, and branches on them would decide about this one, too:
 * one number of the range is taken then, here and in the copies.
 */
static void single_out(struct flow_state *state, struct flow_value *value)
{
	if (value->id && flow_copies(state, value->id) > 1)
		flow_pin(state, value);
}

static void operate_numbers(
	struct flow *flow, struct flow_state *state, size_t at, struct flow_value *src)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct flow_value *dst = &state->registers[insn->dst_reg];
	uint64_t operand;
	bool known;

	if (dst->kind != FLOW_NUMBER || src->kind != FLOW_NUMBER) {
		flow_write(flow, state, at, insn->dst_reg, flow_value_of(FLOW_SOME_NUMBER));
		return;
	}
	/* A register with itself is pinned by this, too. */
	operand = flow_pin(state, src);
	known = src->known;
	single_out(state, dst);
	flow_write(flow, state, at, insn->dst_reg, compute(flow, insn, dst, operand, known));
}

/*
 * Both hold pointers: their difference is a number, any for the verifier (mark_reg_unknown), and
 * nothing else can be made of them.
 */
static void operate_pointers(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct range any = range_between(0, UINT64_MAX);

	if (BPF_OP(insn->code) != BPF_SUB)
		flow_report(flow, at, insn->dst_reg, DIAG_E0315,
			"\"%s\" does not work on two pointers, and r%d and r%d hold such",
			operator_text(insn), insn->dst_reg, insn->src_reg);
	flow_write(flow, state, at, insn->dst_reg,
		BPF_OP(insn->code) == BPF_SUB && !is_half(insn) ? flow_of_range(flow, &any)
								: flow_value_of(FLOW_SOME_NUMBER));
}

/* Why this is not for that pointer and a number; NULL where it is. */
static const char *why_not(const struct bpf_insn *insn, const struct flow_value *pointer,
	const struct flow_value *number, bool pointer_first)
{
	uint8_t operation = BPF_OP(insn->code);
	bool adds_zero = operation == BPF_ADD && number->kind == FLOW_NUMBER &&
			 range_pick(&number->range) == 0;

	if (is_half(insn))
		return operation == BPF_SUB ? NULL
					    : "a half of it is no pointer: use the whole register";
	if (pointer->maybe_null)
		return "it may be 0, and has to be compared with 0 first";
	if (operation != BPF_ADD && operation != BPF_SUB)
		return "only += and -= work on a pointer";
	if (operation == BPF_SUB && !pointer_first)
		return "a pointer cannot be subtracted from a number";
	if (operation == BPF_SUB && pointer->kind == FLOW_STACK_POINTER)
		return "add a negative number instead";
	if (pointer->kind == FLOW_PACKET_END || pointer->kind == FLOW_SOCKET)
		return "it cannot be moved";
	/* The verifier lets a known 0 be added to a map. */
	if (pointer->kind == FLOW_MAP && number->kind == FLOW_NUMBER && !adds_zero)
		return "it cannot be moved";
	return NULL;
}

/* No pointer gets further away from where it began (BPF_MAX_VAR_OFF, check_reg_sane_offset). */
#define FARTHEST (1 << 29)

static bool is_far(int64_t bytes)
{
	return bytes >= FARTHEST || bytes <= -FARTHEST;
}

/* A pointer further on. What is not known to the verifier is no known offset. */
static struct flow_value moved(struct flow *flow, struct flow_state *state, size_t at,
	const struct flow_value *pointer, struct flow_value *number)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct flow_value result = *pointer;
	bool known = number->known;
	uint64_t distance;

	if (pointer->kind == FLOW_MAP)
		return flow_value_of(FLOW_ANYTHING);
	if (is_half(insn))
		return flow_value_of(FLOW_SOME_NUMBER);
	/* What is on the stack depends on what the verifier knows; elsewhere a run is a run. */
	if (number->kind != FLOW_NUMBER || !pointer->known ||
		(!number->known && pointer->kind != FLOW_PACKET && pointer->kind != FLOW_VALUE)) {
		result.known = false;
		return result;
	}
	distance = flow_pin(state, number);
	if (BPF_OP(insn->code) == BPF_SUB)
		distance = 0 - distance;
	result.offset = (int64_t)((uint64_t)result.offset + distance);
	if (!is_far((int64_t)distance) && !is_far(result.offset))
		return result;
	if (known)
		flow_report(flow, at, insn->dst_reg, DIAG_E0316,
			"\"%s\" moves a pointer by %lld bytes, and the kernel lets it get no "
			"further than %d from where it began",
			operator_text(insn), (long long)distance, FARTHEST - 1);
	return flow_value_of(FLOW_ANYTHING);
}

static void operate_pointer(
	struct flow *flow, struct flow_state *state, size_t at, struct flow_value *src)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct flow_value *dst = &state->registers[insn->dst_reg];
	bool pointer_first = flow_is_pointer(dst);
	struct flow_value *pointer = pointer_first ? dst : src;
	struct flow_value *number = pointer_first ? src : dst;
	const char *why = why_not(insn, pointer, number, pointer_first);
	int reg = pointer_first ? insn->dst_reg : insn->src_reg;
	struct diagnostic *diagnostic;

	if (!why) {
		flow_write(flow, state, at, insn->dst_reg, moved(flow, state, at, pointer, number));
		return;
	}
	diagnostic = flow_report(flow, at, reg, DIAG_E0315,
		"\"%s\" does not work on r%d, which holds %s", operator_text(insn), reg,
		flow_value_text(pointer));
	if (diagnostic)
		diagnostic->hint = why;
	flow_write(flow, state, at, insn->dst_reg, flow_value_of(FLOW_ANYTHING));
}

static void operate(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	bool from_register = BPF_SRC(insn->code) == BPF_X;
	struct flow_value constant = flow_constant((uint64_t)(int64_t)insn->imm);
	struct flow_value *src =
		from_register ? flow_read(flow, state, at, insn->src_reg, NULL, NULL) : &constant;
	struct flow_value *dst = flow_read(flow, state, at, insn->dst_reg, NULL, NULL);

	check_constant(flow, at);
	if (is_open(dst) || is_open(src))
		flow_write(flow, state, at, insn->dst_reg, flow_value_of(FLOW_ANYTHING));
	else if (flow_is_pointer(dst) && flow_is_pointer(src))
		operate_pointers(flow, state, at);
	else if (flow_is_pointer(dst) || flow_is_pointer(src))
		operate_pointer(flow, state, at, src);
	else
		operate_numbers(flow, state, at, src);
}

/* Negation and byte swaps: one operand, in place. The bits of a pointer make a number. */
static void invert(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct flow_value *dst = flow_read(flow, state, at, insn->dst_reg, NULL, NULL);
	struct flow_value result = flow_value_of(FLOW_SOME_NUMBER);

	if (dst->kind == FLOW_NUMBER) {
		single_out(state, dst);
		result = compute(flow, insn, dst, 0, false);
	} else if (is_open(dst)) {
		result = flow_value_of(FLOW_ANYTHING);
	}
	flow_write(flow, state, at, insn->dst_reg, result);
}

/* A copy of a half, or one that extends the sign, is another number unless it changes nothing. */
static struct flow_value narrowed(
	struct flow *flow, struct flow_state *state, size_t at, struct flow_value *src)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct range range;

	if (is_open(src))
		return flow_value_of(FLOW_ANYTHING);
	if (src->kind != FLOW_NUMBER)
		return flow_value_of(FLOW_SOME_NUMBER);
	range = range_compute(insn, &src->range, 0);
	if (range_equal(&range, &src->range))
		return *src;
	/* The source stays, and is related to the copy. */
	if (insn->dst_reg != insn->src_reg || flow_copies(state, src->id) > 1)
		flow_pin(state, src);
	range = range_compute(insn, &src->range, 0);
	return flow_of_range(flow, &range);
}

static void move(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	uint64_t number = (uint64_t)(int64_t)insn->imm;
	struct flow_value *src, result;

	if (BPF_SRC(insn->code) == BPF_K) {
		flow_write(flow, state, at, insn->dst_reg,
			flow_constant(is_half(insn) ? (uint32_t)number : number));
		return;
	}
	src = flow_read(flow, state, at, insn->src_reg, NULL, NULL);
	result = *src;
	if (is_half(insn) || insn->off)
		result = narrowed(flow, state, at, src);
	flow_write(flow, state, at, insn->dst_reg, result);
}

void flow_arithmetic(struct flow *flow, struct flow_state *state, size_t at)
{
	uint8_t operation = BPF_OP(flow_instruction(flow, at)->code);

	if (operation == BPF_MOV)
		move(flow, state, at);
	else if (operation == BPF_END || operation == BPF_NEG)
		invert(flow, state, at);
	else
		operate(flow, state, at);
}
