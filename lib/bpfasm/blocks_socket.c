/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Redirects and updates. bpf_sk_redirect_map(ctx, map, key, flags) and its like take the context in
 * r1; tutorials that leave it out are rejected by the verifier ("R1 type=map_ptr expected=ctx").
 */
#include "lib/bpfasm/blocks.h"

#include <string.h>

bool check_verdict_use(
	struct assembler *assembler, const struct block_value *on_miss, const char *argument)
{
	static const char *const verdicts[] = { "pass", "drop" };

	if (on_miss->form != VALUE_WORD || assembler->program->kind->type != BPF_PROG_TYPE_SOCK_OPS)
		return true;
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(on_miss->word, verdicts[i]) != 0)
			continue;
		diag_add(assembler->diagnostics, DIAG_E0305, on_miss->mark,
			"a sock_ops program has no verdict, so \"%s\" has to be a label", argument);
		return false;
	}
	return true;
}

/*
 * r0 is SK_PASS, or SK_DROP where the map has no such entry. `drop`, and no on_miss at all, leave
 * that to be returned: the data is gone. `pass` gives it to the socket that received it.
 */
static void emit_on_miss(struct assembler *assembler, const struct block_value *on_miss)
{
	static const char *const verdicts[] = { "pass", "drop", NULL };

	if (on_miss->form == VALUE_ABSENT)
		return;
	asm_decide(assembler);
	if (strcmp(on_miss->word, "drop") == 0)
		return;
	if (strcmp(on_miss->word, "pass") == 0)
		/*
		 * Either way the verdict is SK_PASS; a redirect that hit stays recorded in the skb.
		 */
		asm_emit(assembler, insn_set(R0, SK_PASS));
	else
		asm_jump_to(assembler, insn_jump_if(BPF_JEQ, R0, SK_DROP, 0), on_miss->word,
			on_miss->mark, verdicts);
}

/* Calls a helper that takes ctx, map, key (`index`: a number, else a pointer) and flags. */
static bool call_with_key(struct assembler *assembler, int32_t helper, bool index,
	const struct block_value *map, const struct block_value *key,
	const struct block_value *flags, struct operand context)
{
	struct operand arguments[4] = { context, operand_map(map), operand_of(key, 0),
		operand_of(flags, 0) };

	if (!index) {
		arguments[3] = emit_kept(assembler, arguments[3], map, key, &context);
		if (!emit_key(assembler, map, key, &context, &arguments[2]))
			return false;
		arguments[0] = context;
	}
	emit_call(assembler, helper, arguments, 4);
	return true;
}

void emit_redirect(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	bool index = block->arguments[REDIRECT_KEY].kind == ARGUMENT_INDEX;

	if (call_with_key(assembler, block->code, index, &v[REDIRECT_MAP], &v[REDIRECT_KEY],
		    &v[REDIRECT_FLAGS], emit_context(assembler, &v[REDIRECT_CTX])))
		emit_on_miss(assembler, &v[REDIRECT_ON_MISS]);
}

void emit_redirect_and_exit(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	emit_redirect(assembler, block, v);
	asm_emit(assembler, insn_exit());
}

void emit_update(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	call_with_key(assembler, block->code, false, &v[REDIRECT_MAP], &v[REDIRECT_KEY],
		&v[REDIRECT_FLAGS], emit_context(assembler, &v[REDIRECT_CTX]));
}

void miss_if(struct misses *misses, struct bpf_insn jump)
{
	if (misses->label && misses->label->form == VALUE_WORD)
		asm_jump_to(
			misses->assembler, jump, misses->label->word, misses->label->mark, NULL);
	else
		*vec_add(misses->assembler->arena, &misses->skips) =
			emit_skip(misses->assembler, jump);
}

void misses_land(struct misses *misses)
{
	vec_each (skip, &misses->skips)
		emit_land(misses->assembler, *skip);
}

int emit_context_aside(struct assembler *assembler, const struct block_value *ctx)
{
	int reg = emit_context_register(assembler, ctx, R3);

	if (reg != R0 && reg != R4 && reg != R5)
		return reg;
	emit_move(assembler, R3, reg);
	return R3;
}

static struct bpf_insn jump32_if(int operation, int dst, int32_t value)
{
	return insn_make((uint8_t)(BPF_JMP32 | operation | BPF_K), dst, 0, 0, value);
}

void emit_family_check(struct misses *misses, int64_t family, int context, int scratch)
{
	static const unsigned char mapped[4] = { 0, 0, 0xff, 0xff };
	struct assembler *assembler = misses->assembler;
	bool wants4 = family == AF_INET;
	size_t good[2], ip4 = 0;
	int32_t prefix;

	memcpy(&prefix, mapped, sizeof(prefix));
	emit_field(assembler, own_field(assembler, "family"), scratch, context);
	if (wants4)
		ip4 = emit_skip(assembler, insn_jump_if(BPF_JEQ, scratch, AF_INET, 0));
	miss_if(misses, insn_jump_if(BPF_JNE, scratch, AF_INET6, 0));
	for (int i = 0; i < 2; i++) {
		emit_field(assembler, own_field(assembler, i ? "remote_ip6_1" : "remote_ip6_0"),
			scratch, context);
		if (wants4)
			miss_if(misses, insn_jump_if(BPF_JNE, scratch, 0, 0));
		else
			good[i] = emit_skip(assembler, insn_jump_if(BPF_JNE, scratch, 0, 0));
	}
	emit_field(assembler, own_field(assembler, "remote_ip6_2"), scratch, context);
	miss_if(misses, jump32_if(wants4 ? BPF_JNE : BPF_JEQ, scratch, prefix));
	if (wants4) {
		emit_land(assembler, ip4);
		return;
	}
	emit_land(assembler, good[0]);
	emit_land(assembler, good[1]);
}

/* Misses what the connection was opened by: SIDE_ACTIVE by this host, SIDE_PASSIVE by the other. */
static void emit_side_check(struct misses *misses, int64_t side, int context, int scratch)
{
	enum { SIDE_ACTIVE = 1, SIDE_PASSIVE = 2 };
	struct assembler *assembler = misses->assembler;
	size_t active = 0;

	emit_field(assembler, own_field(assembler, "op"), scratch, context);
	if (side == SIDE_ACTIVE) {
		miss_if(misses,
			insn_jump_if(BPF_JNE, scratch, BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, 0));
		return;
	}
	if (side != SIDE_PASSIVE)
		active = emit_skip(assembler,
			insn_jump_if(BPF_JEQ, scratch, BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, 0));
	miss_if(misses, insn_jump_if(BPF_JNE, scratch, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, 0));
	if (active)
		emit_land(assembler, active);
}

/* The key where none is given: the socket's own; a sockmap has no such key. */
static const struct block_value *established_key(
	struct assembler *assembler, const struct block_value *v, struct block_value *own)
{
	const struct bpfasm_map *map = &assembler->maps[v[ESTABLISHED_MAP].number];

	if (v[ESTABLISHED_KEY].form != VALUE_ABSENT)
		return &v[ESTABLISHED_KEY];
	*own = (struct block_value){ VALUE_WORD, .word = "self", .mark = v[ESTABLISHED_MAP].mark };
	if (!map->kind || !map->kind->fixed_key)
		return own;
	diag_add(assembler->diagnostics, DIAG_E0305, v[ESTABLISHED_MAP].mark,
		"on_established needs \"key\" for a sockmap: the index that the socket gets");
	return NULL;
}

void emit_on_established(
	struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct misses misses = { .assembler = assembler };
	struct block_value own;
	const struct block_value *key = established_key(assembler, v, &own);
	const struct bpfasm_map *map = &assembler->maps[v[ESTABLISHED_MAP].number];
	unsigned int taken;
	int context, scratch;

	(void)block;
	if (!key)
		return;
	/* The key and the flags are read behind the checks. */
	taken = emit_bit_of(key) | emit_bit_of(&v[ESTABLISHED_FLAGS]);
	context = emit_context_register(
		assembler, &v[ESTABLISHED_CTX], emit_free_register(taken | 1u << R0));
	scratch = emit_free_register(taken | 1u << context);
	emit_side_check(&misses, v[ESTABLISHED_SIDE].number, context, scratch);
	if (v[ESTABLISHED_FAMILY].form == VALUE_NUMBER)
		emit_family_check(&misses, v[ESTABLISHED_FAMILY].number, context, scratch);
	call_with_key(assembler,
		map->kind && map->kind->fixed_key ? BPF_FUNC_sock_map_update
						  : BPF_FUNC_sock_hash_update,
		false, &v[ESTABLISHED_MAP], key, &v[ESTABLISHED_FLAGS], operand_register(context));
	misses_land(&misses);
}
