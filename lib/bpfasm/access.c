/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Loads and stores, after check_mem_access, check_stack_read and check_stack_write of
 * kernel/bpf/verifier.c. Offsets into the context are left to the verifier: what is there depends on
 * the kernel.
 */
#include "lib/bpfasm/flow.h"

#include <stddef.h>

static int64_t size_of(const struct bpf_insn *insn)
{
	return insn_bytes(insn->code);
}

static bool is_written(const struct flow_state *state, int64_t byte)
{
	return state->written[byte / 64] >> (byte % 64) & 1;
}

void flow_forget_stack(struct flow_state *state, int64_t offset, int64_t size)
{
	int64_t first = offset < -FLOW_STACK ? 0 : offset + FLOW_STACK;
	int64_t end = offset + size > 0 ? FLOW_STACK : offset + size + FLOW_STACK;

	for (int64_t byte = first; byte < end; byte++) {
		state->written[byte / 64] |= UINT64_C(1) << (byte % 64);
		state->slots &= ~(UINT64_C(1) << (byte / 8));
	}
}

/* "r10-8", "r10+4" */
static const char *place(struct flow *flow, int64_t offset)
{
	return arena_printf(flow->arena, "r10%+lld", (long long)offset);
}

bool flow_check_stack(struct flow *flow, size_t at, int reg, int64_t offset, int64_t size)
{
	if (offset >= -FLOW_STACK && offset + size <= 0)
		return true;
	flow_report(flow, at, reg, DIAG_E0316,
		"this reaches from %s to %s, and the stack is r10-512 to r10-1",
		place(flow, offset), place(flow, offset + size - 1));
	return false;
}

/* Loads and stores have to be aligned; what helpers are given need not. */
static bool check_aligned(struct flow *flow, size_t at, int64_t offset, int64_t size)
{
	struct diagnostic *diagnostic;

	if (offset % size == 0)
		return true;
	diagnostic = flow_report(flow, at, -1, DIAG_E0316, "%lld bytes at %s are not aligned",
		(long long)size, place(flow, offset));
	if (diagnostic)
		diagnostic->hint = arena_printf(
			flow->arena, "the offset has to be a multiple of %lld", (long long)size);
	return false;
}

void flow_check_written(struct flow *flow, const struct flow_state *state, size_t at, int reg,
	int64_t offset, int64_t size)
{
	struct diagnostic *diagnostic;
	int64_t byte = offset + FLOW_STACK, end = byte + size;

	while (byte < end && is_written(state, byte))
		byte++;
	if (byte == end)
		return;
	diagnostic = flow_report(flow, at, reg, DIAG_W0609,
		"this reads what is at %s, and nothing has written it",
		place(flow, byte - FLOW_STACK));
	if (diagnostic)
		diagnostic->hint = "it holds whatever was there before; older kernels refuse it";
}

/* The least number of bytes that can be there, as far as comparisons with data_end go. */
static uint64_t least_length(const struct flow_state *state)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < state->length.count; i++)
		if (state->length.parts[i].least < least)
			least = state->length.parts[i].least;
	return least;
}

/* A run in which the payload is shorter can happen: no verifier takes that. */
static bool check_packet(
	struct flow *flow, const struct flow_state *state, size_t at, int reg, bool reads)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct flow_value *base = &state->registers[reg];
	int64_t first = base->offset + insn->off, end = first + size_of(insn);
	uint64_t sure = least_length(state);
	struct diagnostic *diagnostic;

	if (base->known && first < 0) {
		flow_report(flow, at, reg, DIAG_E0316, "this reaches %lld bytes before the payload",
			(long long)-first);
		return false;
	}
	if (state->compared && (!base->known || (uint64_t)end <= sure)) {
		if (reads && !state->pulled && !flow->code->origins.items[at].decided &&
			at < flow->code->first_read)
			flow->code->first_read = (uint32_t)at;
		return true;
	}
	diagnostic = state->compared
			     ? flow_report(flow, at, reg, DIAG_E0316,
				       "this needs %lld bytes of payload, and only %llu are sure "
				       "to be there",
				       (long long)end, (unsigned long long)sure)
			     : flow_report(flow, at, reg, DIAG_E0316,
				       "r%d points to payload, and nothing has compared it with "
				       "data_end before",
				       reg);
	if (diagnostic)
		diagnostic->hint = "compare the end of what is read with data_end first";
	return false;
}

static bool check_map_value(struct flow *flow, size_t at, int reg, const struct flow_value *base)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct bpfasm_map *map = &flow->maps[base->map];
	int64_t first = base->offset + insn->off, size = size_of(insn);

	if (!base->known || !map->value_size ||
		(first >= 0 && first + size <= (int64_t)map->value_size))
		return true;
	flow_report(flow, at, reg, DIAG_E0316,
		"this reaches from byte %lld to %lld, and a value of \"%s\" has %u bytes",
		(long long)first, (long long)(first + size - 1), map->name, map->value_size);
	return false;
}

static void check_null(struct flow *flow, size_t at, int reg, const struct flow_value *base)
{
	struct diagnostic *diagnostic = flow_report(flow, at, reg, DIAG_E0315,
		"r%d may be 0 here instead of %s", reg, flow_value_text(base));

	if (diagnostic)
		diagnostic->hint = arena_printf(flow->arena,
			"what the call%s gives has to be compared with 0 first",
			flow_line(flow, base->at));
}

/* Whether the verifier lets memory be reached through the register, as far as that is certain. */
static bool check_base(struct flow *flow, struct flow_state *state, size_t at, int reg, bool reads)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct flow_value *base = &state->registers[reg];
	int64_t offset = base->offset + insn->off;

	if (base->kind == FLOW_STALE) {
		flow_refuse_stale(flow, state, at, reg);
		return false;
	}
	if (flow_is_number(base) || base->kind == FLOW_PACKET_END) {
		flow_report(flow, at, reg, DIAG_E0315,
			"r%d holds %s, and this uses it as an address", reg, flow_value_text(base));
		return false;
	}
	if (base->maybe_null) {
		check_null(flow, at, reg, base);
		return false;
	}
	if (base->kind == FLOW_PACKET)
		return check_packet(flow, state, at, reg, reads);
	if (base->kind == FLOW_VALUE)
		return check_map_value(flow, at, reg, base);
	if (base->kind == FLOW_STACK_POINTER && base->known)
		return flow_check_stack(flow, at, reg, offset, size_of(insn)) &&
		       check_aligned(flow, at, offset, size_of(insn));
	return true;
}

/* Fields of the contexts that hold pointers (sk_skb_is_valid_access and its like). */
static const struct context_field {
	enum bpf_prog_type type;
	uint32_t offset;
	int64_t size;
	enum flow_kind kind;
	bool maybe_null;
} context_fields[] = {
#define SKB(field) BPF_PROG_TYPE_SK_SKB, offsetof(struct __sk_buff, field)
	{ SKB(data), 4, FLOW_PACKET, false },
	{ SKB(data_end), 4, FLOW_PACKET_END, false },
	{ SKB(data_meta), 4, FLOW_ANYTHING, false },
	{ SKB(flow_keys), 8, FLOW_ANYTHING, false },
	{ SKB(sk), 8, FLOW_SOCKET, true },
#define MSG(field) BPF_PROG_TYPE_SK_MSG, offsetof(struct sk_msg_md, field)
	{ MSG(data), 8, FLOW_PACKET, false },
	{ MSG(data_end), 8, FLOW_PACKET_END, false },
	{ MSG(sk), 8, FLOW_SOCKET, false },
#define OPS(field) BPF_PROG_TYPE_SOCK_OPS, offsetof(struct bpf_sock_ops, field)
	{ OPS(sk), 8, FLOW_SOCKET, true },
	{ OPS(skb_data), 8, FLOW_PACKET, false },
	{ OPS(skb_data_end), 8, FLOW_PACKET_END, false },
};

/* Any number of that many bytes. */
static struct flow_value any_number(struct flow *flow, const struct bpf_insn *insn)
{
	int64_t bits = size_of(insn) * 8;
	uint64_t most = UINT64_MAX >> (64 - bits);
	struct range range = range_between(0, most);

	if (BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX) {
		range = range_between(0, most / 2);
		range_add(&range, UINT64_MAX - most / 2, UINT64_MAX);
	}
	return flow_of_range(flow, &range);
}

static struct flow_value load_context(
	struct flow *flow, const struct bpf_insn *insn, const struct flow_value *base, size_t at)
{
	int64_t offset = base->offset + insn->off, size = size_of(insn);

	if (!base->known)
		return flow_value_of(FLOW_ANYTHING);
	for (size_t i = 0; i < sizeof(context_fields) / sizeof(context_fields[0]); i++) {
		const struct context_field *field = &context_fields[i];

		if (field->type != flow->code->kind->type ||
			offset >= field->offset + field->size || offset + size <= field->offset)
			continue;
		if (offset != field->offset || size != field->size ||
			BPF_MODE(insn->code) != BPF_MEM || field->kind == FLOW_ANYTHING)
			return flow_value_of(FLOW_ANYTHING);
		return (struct flow_value){
			.kind = field->kind,
			.maybe_null = field->maybe_null,
			.known = true,
			.id = field->maybe_null ? ++flow->ids : 0,
			.at = field->maybe_null ? (uint32_t)at : 0,
		};
	}
	return any_number(flow, insn);
}

static bool fits(const struct range *range, uint64_t most)
{
	for (uint32_t i = 0; i < range->count; i++)
		if (range->parts[i].most > most)
			return false;
	return true;
}

/* What was stored in just these bytes. Of a number, the verifier may have forgotten which it was. */
static struct flow_value piece_of(struct flow_state *state, struct flow_value *stored)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * stored->piece_size);
	struct flow_value value = *stored;

	if (stored->kind == FLOW_NUMBER && !fits(&stored->range, most))
		value = flow_constant(flow_pin(state, stored) & most);
	value.piece_at = value.piece_size = 0;
	value.known = value.known && !flow_is_number(&value);
	return value;
}

static bool is_untouched(const struct flow_state *state, int64_t offset)
{
	int64_t slot = (offset + FLOW_STACK) / 8;

	for (int64_t byte = slot * 8; byte < slot * 8 + 8; byte++)
		if (is_written(state, byte))
			return false;
	return true;
}

static struct flow_value load_stack(
	struct flow *flow, struct flow_state *state, size_t at, const struct flow_value *base)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	int64_t offset = base->offset + insn->off, size = size_of(insn);
	struct flow_value *stored;

	if (!base->known)
		return flow_value_of(FLOW_ANYTHING);
	flow_check_written(flow, state, at, -1, offset, size);
	/* Who may do it reads whatever was there before, as a number. */
	if (is_untouched(state, offset))
		return any_number(flow, insn);
	stored = &state->stack[(offset + FLOW_STACK) / 8];
	if (!(state->slots >> ((offset + FLOW_STACK) / 8) & 1) ||
		BPF_MODE(insn->code) == BPF_MEMSX ||
		stored->piece_at != (offset + FLOW_STACK) % 8 || stored->piece_size != size)
		return flow_value_of(FLOW_ANYTHING);
	return piece_of(state, stored);
}

/* What is loaded through a register, as the verifier has it. */
static struct flow_value loaded(struct flow *flow, struct flow_state *state, size_t at, int reg)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct flow_value *base = &state->registers[reg];

	switch (base->kind) {
	case FLOW_CONTEXT:
		return load_context(flow, insn, base, at);
	case FLOW_STACK_POINTER:
		return load_stack(flow, state, at, base);
	case FLOW_VALUE:
	case FLOW_PACKET:
	case FLOW_SOCKET:
		return any_number(flow, insn);
	default:
		return flow_value_of(FLOW_ANYTHING);
	}
}

void flow_load(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct flow_value result = flow_value_of(FLOW_ANYTHING);

	flow_read(flow, state, at, insn->src_reg, NULL, NULL);
	if (check_base(flow, state, at, insn->src_reg, true))
		result = loaded(flow, state, at, insn->src_reg);
	flow_write(flow, state, at, insn->dst_reg, result);
}

/* A pointer goes to the stack whole, or the verifier could not tell what is read back. */
static void check_stored(
	struct flow *flow, size_t at, const struct flow_value *base, const struct flow_value *value)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	struct diagnostic *diagnostic;

	if (base->kind != FLOW_STACK_POINTER || !base->known || !flow_is_pointer(value) ||
		size_of(insn) == 8)
		return;
	diagnostic = flow_report(flow, at, insn->src_reg, DIAG_E0315,
		"r%d holds %s, and this stores a part of it", insn->src_reg,
		flow_value_text(value));
	if (diagnostic)
		diagnostic->hint = "store all 8 bytes";
}

static void stored(struct flow_state *state, const struct bpf_insn *insn,
	const struct flow_value *base, const struct flow_value *value)
{
	int64_t place = base->offset + insn->off + FLOW_STACK, size = size_of(insn);
	struct flow_value *slot;

	if (base->kind != FLOW_STACK_POINTER)
		return;
	if (!base->known) {
		flow_forget_stack(state, -FLOW_STACK, FLOW_STACK);
		return;
	}
	flow_forget_stack(state, place - FLOW_STACK, size);
	if (!value || value->kind == FLOW_ANYTHING || (size < 8 && !flow_is_number(value)))
		return;
	slot = &state->stack[place / 8];
	*slot = *value;
	slot->piece_at = (uint8_t)(place % 8);
	slot->piece_size = (uint8_t)size;
	state->slots |= UINT64_C(1) << (place / 8);
}

/* Adds to memory and its like; some bring back what was there. */
static void exchange(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	bool compares = insn->imm == BPF_CMPXCHG;
	struct flow_value before = flow_value_of(FLOW_ANYTHING);

	flow_read(flow, state, at, insn->src_reg, NULL, NULL);
	flow_read(flow, state, at, insn->dst_reg, NULL, NULL);
	if (compares)
		flow_read(flow, state, at, R0, NULL, NULL);
	if (check_base(flow, state, at, insn->dst_reg, true)) {
		if (state->registers[insn->dst_reg].kind != FLOW_STACK_POINTER)
			before = loaded(flow, state, at, insn->dst_reg);
		stored(state, insn, &state->registers[insn->dst_reg], NULL);
	}
	if (compares)
		flow_write(flow, state, at, R0, before);
	else if (insn->imm & BPF_FETCH)
		flow_write(flow, state, at, insn->src_reg, before);
}

static void store_register(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct flow_value *value = flow_read(flow, state, at, insn->src_reg, NULL, NULL);
	const struct flow_value *base = flow_read(flow, state, at, insn->dst_reg, NULL, NULL);

	if (!check_base(flow, state, at, insn->dst_reg, false))
		return;
	check_stored(flow, at, base, value);
	stored(state, insn, base, value);
}

static void store_constant(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	const struct flow_value constant = flow_constant((uint64_t)(int64_t)insn->imm);
	const struct flow_value *base = flow_read(flow, state, at, insn->dst_reg, NULL, NULL);

	if (check_base(flow, state, at, insn->dst_reg, false))
		stored(state, insn, base, &constant);
}

void flow_store(struct flow *flow, struct flow_state *state, size_t at)
{
	const struct bpf_insn *insn = flow_instruction(flow, at);
	bool atomic = BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC;

	if (BPF_CLASS(insn->code) == BPF_ST)
		store_constant(flow, state, at);
	else if (!atomic || insn->imm == BPF_STORE_REL)
		store_register(flow, state, at);
	else if (insn->imm == BPF_LOAD_ACQ)
		flow_load(flow, state, at);
	else
		exchange(flow, state, at);
}
