/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Probes of helpers: which function a program of which type may call. A program of nothing but the call
 * is shown to the verifier; it is told whether the function is offered from what is wrong with the
 * call otherwise, because whether the type has the function is looked at first (check_helper_call in
 * kernel/bpf/verifier.c).
 *
 * libbpf_probe_bpf_helper does likewise, but 1.1 takes a refusal for want of privilege for "offered",
 * and does not know the words of kernels since 6.8 ("program of this type cannot use helper").
 */
#include "lib/kernel/prober.h"

#include "lib/base/cleanup.h"
#include "lib/bpfasm/helpers.h"

#include <string.h>

/* What blocks call; other helpers are only for assembly. */
static const struct {
	int32_t helper;
	const char *needed_by, *costs; /* NULL: that the program is refused */
} in_blocks[] = {
	{ BPF_FUNC_sk_redirect_map, "sk_redirect_map", NULL },
	{ BPF_FUNC_sk_redirect_hash, "sk_redirect_hash", NULL },
	{ BPF_FUNC_msg_redirect_map, "msg_redirect_map", NULL },
	{ BPF_FUNC_msg_redirect_hash, "msg_redirect_hash", NULL },
	{ BPF_FUNC_sock_map_update, "sock_map_update, on_established", NULL },
	{ BPF_FUNC_sock_hash_update, "sock_hash_update, on_established", NULL },
	{ BPF_FUNC_get_socket_cookie, "key: [cookie]",
		"a program finds no socket by cookie: key by addresses and ports" },
	{ BPF_FUNC_get_netns_cookie, "key: [netns_cookie, ...]",
		"connections of two network namespaces can have the same key" },
	{ BPF_FUNC_skb_pull_data, "pull_data, match", NULL },
	{ BPF_FUNC_msg_pull_data, "msg_pull_data, match", NULL },
	{ BPF_FUNC_msg_apply_bytes, "msg_apply_bytes", NULL },
	{ BPF_FUNC_msg_cork_bytes, "msg_cork_bytes", NULL },
	{ BPF_FUNC_map_lookup_elem, "count, lookup", NULL },
	{ BPF_FUNC_map_update_elem, "count, store", NULL },
	{ BPF_FUNC_map_delete_elem, "delete", NULL },
	{ BPF_FUNC_tail_call, "every attachment", NULL },
	{ BPF_FUNC_trace_printk, "trace", NULL },
};

#define IN_BLOCKS (sizeof(in_blocks) / sizeof(in_blocks[0]))

/* 5.10: "unknown func", "invalid func"; 6.8: "cannot use helper"; 6.12: "might sleep". */
static bool is_refused(const char *log)
{
	static const char *const words[] = { "unknown func", "invalid func", "cannot use helper",
		"might sleep", "GPL-restricted" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(log, words[i]))
			return true;
	return false;
}

/*
 * Without privilege the verifier is not come to, and says nothing. What is for tracing it hides from
 * those without CAP_PERFMON as if there were no such function (bpf_base_func_proto).
 */
static int may_call(
	struct prober *prober, enum bpf_prog_type type, int32_t helper, bool perhaps_hidden)
{
	const struct bpf_insn call[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = helper },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const struct probe_program program = { type, call, sizeof(call) / sizeof(call[0]) };
	cleanup_fd int fd = prober_load(prober, &program, true);

	if (fd >= 0)
		return 0;
	if (!*prober->log)
		return fd;
	if (!is_refused(prober->log))
		return 0;
	return perhaps_hidden && !privilege_has(prober->capabilities, CAP_PERFMON) ? -EPERM
										   : -EOPNOTSUPP;
}

/* The row of a helper in in_blocks, or IN_BLOCKS. */
static size_t find_in_blocks(int32_t helper)
{
	size_t at = 0;

	while (at < IN_BLOCKS && in_blocks[at].helper != helper)
		at++;
	return at;
}

static void probe_helper(struct prober *prober, const struct program_kind *kind, int32_t helper)
{
	size_t at = find_in_blocks(helper);
	bool common = at == IN_BLOCKS;
	bool perhaps_hidden = common || helper == BPF_FUNC_trace_printk;
	struct probe_row row = {
		.group = arena_printf(prober->arena, "helpers in %s", kind->name),
		.name = helper_name(prober->arena, helper),
		.needed_by = common ? "assembly that calls it" : in_blocks[at].needed_by,
		.costs = "a program that calls it is refused",
		.needs = NEEDS_MAPS | (perhaps_hidden ? NEEDS(CAP_PERFMON) : 0),
	};
	int answer = may_call(prober, kind->type, helper, perhaps_hidden);

	if (!common && in_blocks[at].costs)
		row.costs = in_blocks[at].costs;
	prober_answer(prober, &row, answer)->common = common;
}

/* Those of blocks first, in their own order; of the rest each that the type may call anywhere. */
void probe_helpers(struct prober *prober)
{
	size_t count;
	const struct program_kind *kinds = program_kinds(&count);

	for (const struct program_kind *kind = kinds; kind < kinds + count; kind++) {
		for (size_t i = 0; i < IN_BLOCKS; i++)
			if (helper_row(in_blocks[i].helper)->types >> kind->type & 1)
				probe_helper(prober, kind, in_blocks[i].helper);
		for (int32_t helper = 1; helper < HELPER_NUMBERS; helper++) {
			const struct helper *row = helper_row(helper);

			if (row && row->types >> kind->type & 1 &&
				find_in_blocks(helper) == IN_BLOCKS)
				probe_helper(prober, kind, helper);
		}
	}
}
