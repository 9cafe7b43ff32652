/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Calls of helpers, after check_helper_call, check_func_arg and check_map_func_compatibility of
 * kernel/bpf/verifier.c.
 */
#include "lib/bpfasm/flow.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/words.h"

struct call {
	struct flow *flow;
	struct flow_state *state;
	size_t at;
	const struct flow_helper *helper;
	const struct bpfasm_map *map; /* that it is called with; NULL: not known */
	uint32_t map_at;
	struct flow_value key; /* likewise; FLOW_UNWRITTEN: none */
};

static const struct flow_helper *helper_of(struct flow *flow, int32_t number)
{
	struct flow_helper *helper = flow->helpers[number];

	if (helper)
		return helper;
	helper = flow->helpers[number] = arena_alloc(flow->scratch, sizeof(*helper));
	helper->row = helper_row(number);
	helper->name = helper_name(flow->scratch, number);
	helper_arguments(helper->row, helper->arguments);
	return helper;
}

/* "ctx in r1, map in r2, key in r3 and flags in r4" */
static const char *signature(const struct call *call)
{
	const char *text = "";

	for (int i = 0; i < HELPER_ARGUMENTS && call->helper->arguments[i].need; i++) {
		bool last = i + 1 == HELPER_ARGUMENTS || !call->helper->arguments[i + 1].need;

		text = arena_printf(call->flow->arena, "%s%s%s in r%d", text,
			!i     ? ""
			: last ? " and "
			       : ", ",
			call->helper->arguments[i].name, i + 1);
	}
	return text;
}

static void refuse_argument(const struct call *call, int reg, const char *wanted)
{
	const struct flow_value *value = &call->state->registers[reg];
	struct diagnostic *diagnostic = flow_report(call->flow, call->at, reg, DIAG_E0315,
		"%s takes %s in r%d, and that holds %s", call->helper->name, wanted, reg,
		flow_value_text(value));

	if (diagnostic)
		diagnostic->hint = arena_printf(call->flow->arena, "it takes %s", signature(call));
}

static void refuse_null(const struct call *call, int reg)
{
	const struct flow_value *value = &call->state->registers[reg];
	struct diagnostic *diagnostic = flow_report(call->flow, call->at, reg, DIAG_E0315,
		"%s takes no 0 in r%d, and that may be 0 instead of %s", call->helper->name, reg,
		flow_value_text(value));

	if (diagnostic)
		diagnostic->hint = "compare it with 0 first";
}

/* Bytes behind a pointer that the helper reads or writes, where they are on the stack. */
static void check_bytes(const struct call *call, int reg, uint64_t size, bool reads)
{
	const struct flow_value *value = &call->state->registers[reg];

	if (value->kind != FLOW_STACK_POINTER || !value->known || !size || size > INT32_MAX)
		return;
	if (flow_check_stack(call->flow, call->at, reg, value->offset, (int64_t)size) && reads)
		flow_check_written(
			call->flow, call->state, call->at, reg, value->offset, (int64_t)size);
}

/* Something in memory: what the register holds has to point there. */
static bool check_pointer(const struct call *call, int reg, const char *wanted)
{
	const struct helper_argument *argument = &call->helper->arguments[reg - 1];
	const struct flow_value *value = &call->state->registers[reg];
	bool points = value->kind == FLOW_STACK_POINTER || value->kind == FLOW_VALUE ||
		      value->kind == FLOW_PACKET;

	if (value->kind == FLOW_ANYTHING || (flow_is_number(value) && argument->or_null))
		return false;
	if (!points)
		refuse_argument(call, reg, wanted);
	else if (value->maybe_null && !argument->or_null)
		refuse_null(call, reg);
	return points;
}

static void check_context(struct call *call, int reg)
{
	const struct flow_value *value = &call->state->registers[reg];
	bool null = flow_is_number(value) && call->helper->arguments[reg - 1].or_null;

	if (value->kind != FLOW_CONTEXT && value->kind != FLOW_ANYTHING && !null)
		refuse_argument(call, reg, "the context");
}

/* "sockmap", "percpu_array or percpu_hash"; NULL where there are too many to be of help. */
static const char *map_types_text(struct flow *flow, uint64_t types)
{
	const char *text = NULL;

	if (__builtin_popcountll(types) > 4)
		return NULL;
	for (uint32_t type = 0; type < 64; type++) {
		const struct map_kind *kind = types >> type & 1 ? map_kind_of(type) : NULL;

		if (kind)
			text = text ? arena_printf(flow->arena, "%s or %s", text, kind->name)
				    : kind->name;
	}
	return text;
}

static void check_map_type(const struct call *call)
{
	const struct map_kind *kind = call->map->kind;
	uint64_t types = call->helper->row->maps;
	struct diagnostic *diagnostic;
	const char *wanted;

	if (!kind || !types || types >> kind->type & 1)
		return;
	diagnostic = flow_report(call->flow, call->at, -1, DIAG_E0308,
		"%s does not work on \"%s\", which is of type %s", call->helper->name,
		call->map->name, kind->name);
	wanted = map_types_text(call->flow, types);
	if (diagnostic && wanted)
		diagnostic->hint =
			arena_printf(call->flow->arena, "it works on a map of type %s", wanted);
	else if (diagnostic && kind->holds_sockets)
		diagnostic->hint = "sockets enter by bpf_sock_map_update or bpf_sock_hash_update";
}

static void check_map(struct call *call, int reg)
{
	const struct flow_value *value = &call->state->registers[reg];

	if (value->kind == FLOW_MAP) {
		call->map_at = value->map;
		call->map = &call->flow->maps[value->map];
		check_map_type(call);
	} else if (value->kind != FLOW_ANYTHING) {
		refuse_argument(call, reg, "a map");
	}
}

static void check_key(struct call *call, int reg)
{
	call->key = call->state->registers[reg];
	if (check_pointer(call, reg, "a pointer to the key") && call->map)
		check_bytes(call, reg, call->map->key_size, true);
}

static void check_value(struct call *call, int reg)
{
	const struct flow_value *value = &call->state->registers[reg];

	/* What a map of sockets is given is a socket. */
	if (!call->map || !call->map->kind || call->map->kind->holds_sockets) {
		if (flow_is_number(value) && !call->helper->arguments[reg - 1].or_null)
			refuse_argument(call, reg, "a pointer to the value");
		return;
	}
	check_pointer(call, reg, "a pointer to the value");
}

static void check_memory(struct call *call, int reg)
{
	const struct helper_argument *argument = &call->helper->arguments[reg - 1];
	const struct flow_value *size = reg < R5 ? &call->state->registers[reg + 1] : NULL;
	uint64_t bytes;

	if (!check_pointer(call, reg, "a pointer to memory"))
		return;
	if (size && size->kind == FLOW_NUMBER && size->known &&
		range_is_constant(&size->range, &bytes))
		check_bytes(call, reg, bytes, argument->need == HELPER_MEMORY);
}

static void check_size(struct call *call, int reg)
{
	if (flow_is_pointer(&call->state->registers[reg]))
		refuse_argument(call, reg, "a number of bytes");
}

/*
 * The kernel lets who may trace (CAP_PERFMON) pass a pointer as a number: the number is its address
 * then. A block says that it takes a number, and means it.
 */
static void check_number(struct call *call, int reg)
{
	const struct bpfasm_origin *origin = &call->flow->code->origins.items[call->at];
	const char *name = call->helper->arguments[reg - 1].name;
	struct diagnostic *diagnostic;

	if (!flow_is_pointer(&call->state->registers[reg]))
		return;
	if (origin->block) {
		refuse_argument(call, reg, arena_printf(call->flow->arena, "a number (%s)", name));
		return;
	}
	diagnostic = flow_report(call->flow, call->at, reg, DIAG_W0609,
		"%s takes a number (%s) in r%d, and that holds %s", call->helper->name, name, reg,
		flow_value_text(&call->state->registers[reg]));
	if (diagnostic)
		diagnostic->hint = "what it gets is the address";
}

static void check_socket(struct call *call, int reg)
{
	const struct flow_value *value = &call->state->registers[reg];

	if (value->kind == FLOW_ANYTHING)
		return;
	if (value->kind != FLOW_SOCKET)
		refuse_argument(call, reg, "a socket");
	else if (value->maybe_null)
		refuse_null(call, reg);
}

static void check_argument(struct call *call, int reg)
{
	static void (*const checks[])(struct call * call, int reg) = {
		[HELPER_CONTEXT] = check_context,
		[HELPER_MAP] = check_map,
		[HELPER_KEY] = check_key,
		[HELPER_VALUE] = check_value,
		[HELPER_MEMORY] = check_memory,
		[HELPER_BUFFER] = check_memory,
		[HELPER_SIZE] = check_size,
		[HELPER_NUMBER] = check_number,
		[HELPER_SOCKET] = check_socket,
	};
	const struct helper_argument *argument = &call->helper->arguments[reg - 1];

	const struct flow_value *value = flow_read(
		call->flow, call->state, call->at, reg, call->helper->name, argument->name);

	if (value->kind == FLOW_STALE && argument->need != HELPER_NUMBER &&
		argument->need != HELPER_SIZE && argument->need != HELPER_ANYTHING)
		flow_refuse_stale(call->flow, call->state, call->at, reg);
	else if (argument->need != HELPER_ANYTHING)
		checks[argument->need](call, reg);
}

/* What to call instead, or what has the nearest name of all that may be called. */
static const char *advice_for(struct flow *flow, int32_t number)
{
	const struct program_kind *kind = flow->code->kind;
	struct suggestion suggestion = suggestion_for(asm_helper_name(number));
	const char *advice = helper_advice(number, kind->type);

	if (advice)
		return advice;
	for (int32_t i = 1; i < HELPER_NUMBERS; i++)
		if (helper_row(i) && helper_row(i)->types & (1u << kind->type))
			diag_offer_name(flow->diagnostics, &suggestion, asm_helper_name(i));
	return suggestion_result(&suggestion)
		       ? arena_printf(flow->arena, "did you mean \"bpf_%s\"?",
				 suggestion_result(&suggestion))
		       : "";
}

static bool may_call(struct flow *flow, size_t at, int32_t number)
{
	const struct program_kind *kind = flow->code->kind;
	const struct helper *row = helper_row(number);
	struct diagnostic *diagnostic;

	if (row && row->types & (1u << kind->type)) {
		if (row->flags & HELPER_GPL && !licence_is_gpl_compatible(flow->code->license))
			flow_report(flow, at, -1, DIAG_E0307,
				"%s takes a licence that is compatible with the GPL, this program "
				"has \"%s\"",
				helper_name(flow->arena, number), flow->code->license);
		return true;
	}
	if (!helper_exists(number)) {
		flow_report(flow, at, -1, DIAG_E0306, "no helper has the number %d", number);
		return false;
	}
	diagnostic = flow_report(flow, at, -1, DIAG_E0307, "a program of type %s cannot call %s",
		kind->name, helper_name(flow->arena, number));
	if (!flow->advice[number])
		flow->advice[number] = advice_for(flow, number);
	if (diagnostic && *flow->advice[number])
		diagnostic->hint = flow->advice[number];
	return false;
}

/* What a helper may have written to, or kept: the stack that its arguments point to. */
static void forget_arguments(const struct call *call)
{
	for (int reg = R1; reg <= R5; reg++) {
		enum helper_need need = call->helper->arguments[reg - 1].need;
		const struct flow_value *value = &call->state->registers[reg];

		if (value->kind == FLOW_STACK_POINTER &&
			(need == HELPER_BUFFER || need == HELPER_ANYTHING))
			flow_forget_stack(call->state, -FLOW_STACK, FLOW_STACK);
	}
}

static bool points_to_payload(const struct flow_value *value)
{
	return value->kind == FLOW_PACKET || value->kind == FLOW_PACKET_END;
}

static void lose_payload(struct flow_state *state, const struct flow_value *lost)
{
	for (int i = 0; i < REGISTER_COUNT; i++)
		if (points_to_payload(&state->registers[i]))
			state->registers[i] = *lost;
	for (uint64_t left = state->slots; left; left &= left - 1)
		if (points_to_payload(&state->stack[__builtin_ctzll(left)]))
			flow_replace(&state->stack[__builtin_ctzll(left)], *lost);
	state->compared = false;
}

static void apply_flags(const struct call *call, int32_t number)
{
	struct flow_value stale = { .kind = FLOW_STALE, .at = (uint32_t)call->at };
	/* The program that is called may move the payload: newer kernels count on it. */
	const struct flow_value anything = flow_value_of(FLOW_ANYTHING);

	if (call->helper->row->flags & HELPER_MOVES)
		lose_payload(call->state, &stale);
	else if (number == BPF_FUNC_tail_call)
		lose_payload(call->state, &anything);
	if (call->helper->row->flags & HELPER_PULLS)
		call->state->pulled = true;
}

static struct flow_value pointer_or_null(const struct call *call, enum flow_kind kind)
{
	return (struct flow_value){
		.kind = kind,
		.maybe_null = true,
		.known = true,
		.id = ++call->flow->ids,
		.at = (uint32_t)call->at,
		.map = kind == FLOW_VALUE ? call->map_at : 0,
	};
}

/*
 * Of an element of an array whose index it knows, a verifier may know that it is there. It cannot
 * know an index that is one number in one run and another in another.
 */
static bool may_know_index(const struct call *call)
{
	const struct flow_value *key = &call->key;
	int64_t place = key->offset + FLOW_STACK;
	const struct flow_value *index;
	uint64_t number;

	if (key->kind != FLOW_STACK_POINTER || !key->known || place < 0 || place >= FLOW_STACK)
		return true;
	index = &call->state->stack[place / 8];
	return !(call->state->slots >> (place / 8) & 1) || index->piece_at != place % 8 ||
	       index->piece_size != 4 || index->kind != FLOW_NUMBER ||
	       range_is_constant(&index->range, &number);
}

/* What a lookup gives. */
static struct flow_value found_value(const struct call *call)
{
	const struct map_kind *kind = call->map ? call->map->kind : NULL;
	struct flow_value value;

	if (!kind)
		return flow_value_of(FLOW_ANYTHING);
	if (kind->holds_sockets)
		return pointer_or_null(call, FLOW_SOCKET);
	if (!helper_map_is_plain(kind->type) && kind->type != BPF_MAP_TYPE_SK_STORAGE)
		return flow_value_of(FLOW_ANYTHING);
	value = pointer_or_null(call, FLOW_VALUE);
	if ((kind->type == BPF_MAP_TYPE_ARRAY || kind->type == BPF_MAP_TYPE_PERCPU_ARRAY) &&
		may_know_index(call))
		value.maybe_null = false;
	return value;
}

static struct flow_value given_number(const struct call *call, enum helper_result result)
{
	static const struct range ranges[] = {
		[HELPER_GIVES_STATUS] = { 2, { { 0, 0 }, { (uint64_t)-22, (uint64_t)-22 } } },
		[HELPER_GIVES_VERDICT] = { 1, { { 0, 1 } } },
		[HELPER_GIVES_WORD] = { 1, { { 0, UINT32_MAX } } },
		[HELPER_GIVES_LARGE] = { 1, { { 1, UINT64_C(1) << 62 } } },
		[HELPER_GIVES_ZERO] = { 1, { { 0, 0 } } },
	};
	struct flow_value value = flow_of_range(call->flow, &ranges[result]);

	value.verdict = result == HELPER_GIVES_VERDICT;
	value.at = value.verdict ? (uint32_t)call->at : 0;
	return value;
}

static struct flow_value given(const struct call *call)
{
	enum helper_result result = call->helper->row->result;
	struct flow_value lost = { .kind = FLOW_LOST, .at = (uint32_t)call->at };

	switch (result) {
	case HELPER_GIVES_VALUE:
		return found_value(call);
	case HELPER_GIVES_SOCKET:
		return pointer_or_null(call, FLOW_SOCKET);
	case HELPER_GIVES_NOTHING:
		return lost;
	case HELPER_GIVES_ANYTHING:
		return flow_value_of(FLOW_ANYTHING);
	default:
		return given_number(call, result);
	}
}

/* Data that is held back until there is enough of it. */
static void warn_of_cork(const struct call *call)
{
	const struct flow_value *bytes = &call->state->registers[R2];
	struct diagnostic *diagnostic;

	if (bytes->kind == FLOW_NUMBER && range_pick(&bytes->range) == 0)
		return;
	diagnostic = flow_report(call->flow, call->at, -1, DIAG_W0608,
		"bpf_msg_cork_bytes holds back what is sent until so many bytes have come");
	if (diagnostic)
		diagnostic->hint = "cork no more than the sender is sure to send";
}

static void finish_call(struct call *call, int32_t number)
{
	struct flow_state *state = call->state;
	struct flow_value result = given(call);

	if (number == BPF_FUNC_msg_cork_bytes)
		warn_of_cork(call);
	forget_arguments(call);
	apply_flags(call, number);
	for (int reg = R1; reg <= R5; reg++)
		state->registers[reg] =
			(struct flow_value){ .kind = FLOW_LOST, .at = (uint32_t)call->at };
	state->registers[R0] = result;
}

void flow_call(struct flow *flow, struct flow_state *state, size_t at)
{
	int32_t number = flow_instruction(flow, at)->imm;
	struct call call = { .flow = flow, .state = state, .at = at };

	if (!may_call(flow, at, number)) {
		for (int reg = R0; reg <= R5; reg++)
			state->registers[reg] = flow_value_of(FLOW_ANYTHING);
		return;
	}
	call.helper = helper_of(flow, number);
	for (int reg = R1; reg <= R5 && call.helper->arguments[reg - 1].need; reg++)
		check_argument(&call, reg);
	finish_call(&call, number);
}
