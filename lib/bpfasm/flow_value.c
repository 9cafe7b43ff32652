/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What registers and the stack hold. */
#include "lib/bpfasm/flow.h"

/* A payload is as long as that in some run; the kernel's own limit is higher. */
#define LENGTH_MOST 0xffff

struct flow_value flow_value_of(enum flow_kind kind)
{
	return (struct flow_value){ .kind = kind };
}

struct flow_value flow_constant(uint64_t number)
{
	return (struct flow_value){
		.kind = FLOW_NUMBER,
		.known = true,
		.range = range_constant(number),
	};
}

struct flow_value flow_of_range(struct flow *flow, const struct range *range)
{
	uint64_t number;

	return (struct flow_value){
		.kind = FLOW_NUMBER,
		.id = range_is_constant(range, &number) ? 0 : ++flow->ids,
		.range = *range,
	};
}

void flow_start(struct flow_state *state)
{
	*state = (struct flow_state){ .length = range_between(0, LENGTH_MOST) };
	state->registers[R1] = (struct flow_value){ .kind = FLOW_CONTEXT, .known = true };
	state->registers[R10] = (struct flow_value){ .kind = FLOW_STACK_POINTER, .known = true };
}

bool flow_is_number(const struct flow_value *value)
{
	return value->kind == FLOW_NUMBER || value->kind == FLOW_SOME_NUMBER;
}

bool flow_is_pointer(const struct flow_value *value)
{
	return value->kind >= FLOW_CONTEXT && value->kind <= FLOW_SOCKET;
}

const char *flow_value_text(const struct flow_value *value)
{
	static const char *const texts[FLOW_KIND_COUNT] = {
		[FLOW_UNWRITTEN] = "nothing",
		[FLOW_LOST] = "nothing",
		[FLOW_STALE] = "nothing",
		[FLOW_NUMBER] = "a number",
		[FLOW_SOME_NUMBER] = "a number",
		[FLOW_CONTEXT] = "the context",
		[FLOW_STACK_POINTER] = "a pointer to the stack",
		[FLOW_MAP] = "a map",
		[FLOW_VALUE] = "a pointer to a map's value",
		[FLOW_PACKET] = "a pointer to the payload",
		[FLOW_PACKET_END] = "the end of the payload",
		[FLOW_SOCKET] = "a socket",
		[FLOW_ANYTHING] = "anything",
	};

	return texts[value->kind];
}

void flow_replace(struct flow_value *value, struct flow_value by)
{
	by.piece_at = value->piece_at;
	by.piece_size = value->piece_size;
	*value = by;
}

static void count_copy(struct flow_value *copy, const void *context)
{
	(void)copy;
	++**(size_t *const *)context;
}

void flow_each_copy(struct flow_state *state, uint32_t id,
	void (*visit)(struct flow_value *copy, const void *context), const void *context)
{
	for (int i = 0; id && i < REGISTER_COUNT; i++)
		if (state->registers[i].id == id)
			visit(&state->registers[i], context);
	for (uint64_t left = id ? state->slots : 0; left; left &= left - 1) {
		struct flow_value *slot = &state->stack[__builtin_ctzll(left)];

		if (slot->id == id)
			visit(slot, context);
	}
}

size_t flow_copies(const struct flow_state *state, uint32_t id)
{
	size_t count = 0, *counter = &count;

	flow_each_copy((struct flow_state *)state, id, count_copy, &counter);
	return count;
}

static void set_range(struct flow_value *copy, const void *context)
{
	uint64_t number;

	copy->range = *(const struct range *)context;
	copy->verdict = false;
	if (range_is_constant(&copy->range, &number))
		copy->id = 0;
}

void flow_refine(struct flow_state *state, struct flow_value *value, const struct range *range)
{
	struct range copy = *range;

	flow_each_copy(state, value->id, set_range, &copy);
	set_range(value, &copy);
}

uint64_t flow_pin(struct flow_state *state, struct flow_value *value)
{
	uint64_t number = range_pick(&value->range);
	struct range range = range_constant(number);

	if (value->id)
		flow_refine(state, value, &range);
	return number;
}
