/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/code.h"

/*
 * What runs at a hook, by its role. A tail call that finds its slot empty goes on behind the call,
 * with r1 to r5 lost.
 *
 * Without a parser the kernel shows a verdict the peer's FIN, too, as a message of no bytes. A
 * program that redirects it breaks the socket it redirects to: sk_psock_backlog takes a send of no
 * bytes for a broken pipe, sets EPIPE and sends nothing more there, whoever it came from (seen on
 * 6.18). So an empty message passes here and reaches no program; with a parser there is none.
 *
 * A dispatcher that is deployed stays, because a link's sockets keep it: whoever changes these texts
 * bumps STATE_LAYOUT.
 */
#define TAIL_CALL "r2 = slot ll; r3 = 0; call bpf_tail_call; r0 = 1; exit"
#define VERDICT                                                                                    \
	"r2 = *(u32 *)(r1 + 0); if r2 == 0 goto pass;"                                             \
	"r2 = slot ll; r3 = 0; call bpf_tail_call; pass: r0 = 1; exit"

static const struct {
	const char *dispatcher, *pass;
} texts[] = {
	[HOOK_PARSER] = { "r6 = r1; r2 = slot ll; r3 = 0; call bpf_tail_call;"
			  "r0 = *(u32 *)(r6 + 0); exit",
		"r0 = *(u32 *)(r1 + 0); exit" },
	[HOOK_STREAM_VERDICT] = { VERDICT, "r0 = 1; exit" },
	[HOOK_SKB_VERDICT] = { VERDICT, "r0 = 1; exit" },
	[HOOK_MSG_VERDICT] = { TAIL_CALL, "r0 = 1; exit" },
	/* 1 means that the reply in the context is to be taken, which is 0: no opinion. */
	[HOOK_SOCK_OPS] = { TAIL_CALL, "r0 = 1; exit" },
};

static const struct bpfasm_code *assemble(
	struct arena *arena, const struct attach_kind *kind, const char *name, const char *text)
{
	struct diagnostics diagnostics = { .arena = arena };
	struct name_index names = { 0 };
	struct bpfasm_map slot = { .name = "slot" };
	bpfasm_body body = { 0 };
	struct bpfasm_program program = {
		.name = name,
		.kind = program_kind_of(kind->program_type),
		.license = "Dual BSD/GPL",
		.body = &body,
	};

	name_index_add(arena, &names, slot.name, 0);
	vec_add(arena, &body)->text = text;
	return bpfasm_assemble(arena, &program, &slot, &names, &diagnostics);
}

const struct bpfasm_code *bpfasm_dispatcher(struct arena *arena, const struct attach_kind *kind)
{
	return assemble(arena, kind, "sockform_disp", texts[kind->role].dispatcher);
}

const struct bpfasm_code *bpfasm_pass(struct arena *arena, const struct attach_kind *kind)
{
	return assemble(arena, kind, "sockform_pass", texts[kind->role].pass);
}
