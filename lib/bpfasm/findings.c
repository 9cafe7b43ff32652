/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What is wrong, said once for each place. */
#include "lib/bpfasm/flow.h"

#include <string.h>

/* What is wrong with a register, where it can be mended. */
struct blame {
	size_t at; /* where that is said; of an argument of a block, where the block begins */
	int reg;   /* -1: none */
	struct mark mark;
};

/*
 * Codes that are said once an instruction; those that blame a register, once a register: a block
 * may ask twice what it is given.
 */
static uint16_t *said_at(
	struct flow *flow, size_t at, const struct blame *blame, enum diag_code code, uint16_t *bit)
{
	static const enum diag_code others[] = { DIAG_E0306, DIAG_E0307, DIAG_E0308, DIAG_E0309,
		DIAG_E0313, DIAG_E0314, DIAG_E0316, DIAG_E0317, DIAG_E0318, DIAG_W0604, DIAG_W0605,
		DIAG_W0608, DIAG_W0609 };
	size_t i = 0;

	*bit = blame->reg >= 0 ? (uint16_t)(1u << blame->reg) : 1u << 15;
	if (code == DIAG_E0311 || code == DIAG_E0312)
		return &flow->points[blame->at].reads;
	if (code == DIAG_E0315)
		return &flow->points[blame->at].kinds;
	while (i < sizeof(others) / sizeof(others[0]) - 1 && others[i] != code)
		i++;
	*bit = (uint16_t)(1u << i);
	return &flow->points[at].others;
}

static bool is_frame_access(const struct bpf_insn *insn, uint8_t class, int base)
{
	return insn->code == (class | BPF_MEM | BPF_DW) && base == R10;
}

/*
 * Where a block has a register's value from: blocks move what they are given to where helpers want
 * it, or keep it on the stack. -1: from outside of it. Uses of a template are at one place, each
 * with an item of its own. *first is where the item begins.
 */
static int source_of(const struct flow *flow, size_t at, int reg, size_t *first)
{
	const struct bpfasm_origin *origins = flow->code->origins.items;
	int16_t slot = 0; /* of the stack, where the value is at that place; 0: in the register */

	for (*first = at; *first > 0 && origins[*first - 1].item == origins[at].item; --*first) {
		const struct bpf_insn *insn = flow_instruction(flow, *first - 1);

		if (slot && is_frame_access(insn, BPF_STX, insn->dst_reg) && insn->off == slot) {
			reg = insn->src_reg;
			slot = 0;
		} else if (slot || insn->dst_reg != reg) {
			continue;
		} else if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X)) {
			reg = insn->src_reg;
		} else if (is_frame_access(insn, BPF_LDX, insn->src_reg)) {
			slot = insn->off;
		}
	}
	return slot ? -1 : reg;
}

/* The argument of a block that names a register; NULL for none. */
static const struct bpfasm_argument *argument_of(const struct bpfasm_item *item, const char *name)
{
	vec_each (argument, &item->arguments)
		if (argument->text && strcmp(argument->text, name) == 0)
			return argument;
	return NULL;
}

/*
 * The place of an instruction. For one that a block emitted, the argument that names the register
 * to blame, where there is one.
 */
static struct blame blame_for(struct flow *flow, size_t at, int reg)
{
	const struct bpfasm_origin *origin = &flow->code->origins.items[at];
	struct blame blame = { at, reg, bpfasm_mark(flow->code, at) };
	const struct bpfasm_argument *argument;
	size_t first;
	int source;

	if (!origin->block || !origin->item || reg < 0)
		return blame;
	source = source_of(flow, at, reg, &first);
	argument = argument_of(origin->item, arena_printf(flow->scratch, "r%d", source));
	return argument ? (struct blame){ first, source, argument->mark } : blame;
}

struct diagnostic *flow_report(
	struct flow *flow, size_t at, int reg, enum diag_code code, const char *format, ...)
{
	struct blame blame = blame_for(flow, at, reg);
	uint16_t bit, *said = said_at(flow, at, &blame, code, &bit);
	struct diagnostic *diagnostic;
	va_list arguments;
	char *text;

	if (*said & bit)
		return NULL;
	*said |= bit;
	va_start(arguments, format);
	text = arena_vprintf(flow->arena, format, arguments);
	va_end(arguments);
	flow->diagnostics->use = flow->code->origins.items[at].use;
	diagnostic = diag_add(flow->diagnostics, code, blame.mark, "%s", text);
	flow->diagnostics->use = NULL;
	return diagnostic;
}

const char *flow_line(struct flow *flow, size_t at)
{
	struct mark mark = bpfasm_mark(flow->code, at);

	return mark.source ? arena_printf(flow->arena, " on line %u", mark.line) : "";
}

/* What reads a register: a helper, a block, or the instruction that stands there. */
static const char *subject(struct flow *flow, size_t at, const char *reader)
{
	const char *block = flow->code->origins.items[at].block;

	return reader ? reader : block ? block : "this";
}

/* " (index)": what a register is to who reads it. */
static const char *purpose(struct flow *flow, const char *what)
{
	return what ? arena_printf(flow->arena, " (%s)", what) : "";
}

static void report_unwritten(
	struct flow *flow, size_t at, int reg, const char *reader, const char *what)
{
	bool maybe = flow_maybe_written(flow, at) & (1u << reg);
	struct diagnostic *diagnostic = flow_report(flow, at, reg, DIAG_E0311,
		maybe ? "%s reads r%d%s, and not every way here writes it"
		      : "%s reads r%d%s, and nothing has written it",
		subject(flow, at, reader), reg, purpose(flow, what));

	if (diagnostic)
		diagnostic->hint = flow_instruction(flow, at)->code == (BPF_JMP | BPF_EXIT)
					   ? "it is what the program returns: set it before"
					   : "at the start r1 holds the context and r10 the frame, "
					     "the others nothing";
}

static void report_lost(struct flow *flow, size_t at, int reg, const char *reader, const char *what,
	const struct flow_value *value)
{
	const char *helper = helper_name(flow->arena, flow_instruction(flow, value->at)->imm);
	struct diagnostic *diagnostic = flow_report(flow, at, reg, DIAG_E0312,
		reg == R0 ? "%s reads r%d%s, and %s leaves nothing in it"
			  : "%s reads r%d%s, and %s has lost it",
		subject(flow, at, reader), reg, purpose(flow, what), helper);

	if (diagnostic && reg != R0)
		diagnostic->hint = arena_printf(flow->arena,
			"r1 to r5 are lost by the call%s, r6 to r9 are kept",
			flow_line(flow, value->at));
}

void flow_refuse_stale(struct flow *flow, struct flow_state *state, size_t at, int reg)
{
	const struct flow_value *value = &state->registers[reg];
	struct diagnostic *diagnostic = flow_report(flow, at, reg, DIAG_E0312,
		"r%d pointed to payload that %s may have moved", reg,
		helper_name(flow->arena, flow_instruction(flow, value->at)->imm));

	if (diagnostic)
		diagnostic->hint =
			arena_printf(flow->arena, "load data and data_end again behind the call%s",
				flow_line(flow, value->at));
	state->registers[reg] = flow_value_of(FLOW_ANYTHING);
}

struct flow_value *flow_read(struct flow *flow, struct flow_state *state, size_t at, int reg,
	const char *reader, const char *what)
{
	struct flow_value *value = &state->registers[reg];

	if (value->kind != FLOW_UNWRITTEN && value->kind != FLOW_LOST)
		return value;
	if (value->kind == FLOW_UNWRITTEN)
		report_unwritten(flow, at, reg, reader, what);
	else
		report_lost(flow, at, reg, reader, what, value);
	*value = flow_value_of(FLOW_ANYTHING);
	return value;
}

void flow_write(
	struct flow *flow, struct flow_state *state, size_t at, int reg, struct flow_value value)
{
	if (reg != R10)
		state->registers[reg] = value;
	else
		flow_report(flow, at, reg, DIAG_E0315,
			"r10 is where the stack is, and cannot be written");
}
