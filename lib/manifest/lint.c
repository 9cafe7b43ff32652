/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What loses data, where it takes both the code of a program and how it is attached to tell.
 *
 * An skb may hold a part of its payload elsewhere than between data and data_end. A verdict brings it
 * there with bpf_skb_pull_data. A stream parser must not change the skb, which strparser goes on with
 * (net/strparser/strparser.c), but bpf_skb_load_bytes reads all of it.
 */
#include "lib/manifest/manifest.h"

#include "lib/bpfasm/helpers.h"

/* By position, whether a program is attached as a stream parser, among others perhaps. */
static const bool *find_parsers(struct arena *arena, const struct manifest *manifest)
{
	bool *parses = arena_alloc_array(arena, manifest->programs.count, sizeof(*parses));

	vec_each (attachment, &manifest->attachments)
		if (attachment->kind && attachment->kind->role == HOOK_PARSER &&
			attachment->program_at != NAME_ABSENT)
			parses[attachment->program_at] = true;
	return parses;
}

static void warn_of_read(
	const struct bpfasm_code *code, bool parses, struct diagnostics *diagnostics)
{
	if (code->first_read == BPFASM_NONE || code->kind->type != BPF_PROG_TYPE_SK_SKB)
		return;
	diag_add(diagnostics, DIAG_W0606, bpfasm_mark(code, code->first_read),
		"%s reads payload between data and data_end, and not all of it need be there",
		parses ? "a stream parser" : "the program")
		->hint =
		parses ? "bpf_skb_load_bytes reads all of it"
		       : "call bpf_skb_pull_data first, and load data and data_end behind it";
}

static bool changes_skb(const struct bpf_insn *insn)
{
	const struct helper *helper =
		insn->code == (BPF_JMP | BPF_CALL) ? helper_row(insn->imm) : NULL;

	return helper && helper->flags & HELPER_CHANGES_SKB;
}

static void warn_of_changes(
	struct arena *arena, const struct bpfasm_code *code, struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < code->instructions.count; i++) {
		const struct bpf_insn *insn = &code->instructions.items[i];

		if (changes_skb(insn))
			diag_add(diagnostics, DIAG_W0607, bpfasm_mark(code, i),
				"%s changes the skb, and \"%s\" is a stream parser, which must not",
				helper_name(arena, insn->imm), code->name)
				->hint = insn->imm == BPF_FUNC_skb_pull_data
						 ? "bpf_skb_load_bytes reads without it"
						 : "do it in the verdict";
	}
}

void manifest_lint(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *const *codes, struct diagnostics *diagnostics)
{
	const bool *parses = find_parsers(arena, manifest);

	for (size_t i = 0; i < manifest->programs.count; i++) {
		if (!codes[i])
			continue;
		warn_of_read(codes[i], parses[i], diagnostics);
		if (parses[i])
			warn_of_changes(arena, codes[i], diagnostics);
	}
}
