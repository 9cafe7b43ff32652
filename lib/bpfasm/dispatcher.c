/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/code.h"

/* A tail call that finds its slot empty goes on behind the call, with r1 to r5 lost. */
static const char *const dispatcher_text[] = {
	[HOOK_PARSER] = "r6 = r1; r2 = slot ll; r3 = 0; call bpf_tail_call;"
			"r0 = *(u32 *)(r6 + 0); exit",
	[HOOK_STREAM_VERDICT] = "r2 = slot ll; r3 = 0; call bpf_tail_call; r0 = 1; exit",
	[HOOK_SKB_VERDICT] = "r2 = slot ll; r3 = 0; call bpf_tail_call; r0 = 1; exit",
};

const struct bpfasm_code *bpfasm_dispatcher(struct arena *arena, const struct attach_kind *kind)
{
	struct diagnostics diagnostics = { .arena = arena };
	struct name_index names = { 0 };
	struct bpfasm_map slot = { .name = "slot" };
	bpfasm_body body = { 0 };
	struct bpfasm_program program = {
		.name = "sockform_disp",
		.kind = program_kind_of(kind->program_type),
		.license = "Dual BSD/GPL",
		.body = &body,
	};

	name_index_add(arena, &names, slot.name, 0);
	vec_add(arena, &body)->text = dispatcher_text[kind->role];
	return bpfasm_assemble(arena, &program, &slot, &names, &diagnostics);
}
