/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/flow.h"

struct mark bpfasm_mark(const struct bpfasm_code *code, size_t instruction)
{
	return code->origins.items[instruction].mark;
}

static void add_maps(struct flow *flow)
{
	for (size_t at = 0; at < flow->count; at++)
		flow->points[at].map = FLOW_NONE;
	vec_each (relocation, &flow->code->relocations)
		flow->points[relocation->instruction].map = relocation->map;
}

/*
 * In the order of the instructions, so that what comes from before has met where it goes on, and a
 * loop is done before what is behind it.
 */
static void run_all(struct flow *flow)
{
	struct flow_state *state = arena_alloc(flow->scratch, sizeof(*state));
	size_t at;

	flow_start(state);
	flow_arrive(flow, 0, state);
	while (flow_take(flow, &at, state))
		flow_run(flow, at, state);
}

/* Once a program: what is read behind it, nobody brings there either. */
static void warn_of_read(struct flow *flow)
{
	struct diagnostic *diagnostic;

	if (flow->code->first_read == BPFASM_NONE || flow->code->kind->type != BPF_PROG_TYPE_SK_MSG)
		return;
	diagnostic = flow_report(flow, flow->code->first_read, -1, DIAG_W0605,
		"the payload is read without bpf_msg_pull_data before: of what sendfile sends "
		"nothing is there");
	if (diagnostic)
		diagnostic->hint = "call it first, and load data and data_end behind it";
}

bool bpfasm_check(struct arena *arena, struct bpfasm_code *code, const struct bpfasm_map *maps,
	struct diagnostics *diagnostics)
{
	struct arena scratch = { 0 };
	struct flow flow = {
		.arena = arena,
		.scratch = &scratch,
		.diagnostics = diagnostics,
		.code = code,
		.maps = maps,
		.count = code->instructions.count,
	};
	size_t errors = diagnostics->errors;

	code->first_read = BPFASM_NONE;
	flow.points = arena_alloc_array(&scratch, flow.count, sizeof(*flow.points));
	if (flow.count && flow_is_known(&flow)) {
		add_maps(&flow);
		flow_check_graph(&flow);
		run_all(&flow);
		warn_of_read(&flow);
	}
	arena_finish(&scratch);
	return diagnostics->errors == errors;
}
