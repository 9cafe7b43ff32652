/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * match: goes on where all of its conditions hold. It uses r0, r4 and r5, and r3 for the context where
 * that is in one of them or in none; a pull loses r1 to r5 like any call, and gives the context back.
 */
#include "lib/bpfasm/blocks.h"

#include <string.h>

/* One of the context's addresses, in words, against an address and a mask. */
static void match_address(
	struct misses *misses, const char *first, const struct block_value *value, int context)
{
	struct assembler *assembler = misses->assembler;
	struct context_field word = *own_field(assembler, first);
	size_t bytes = value->length / 2;

	for (size_t i = 0; i < bytes; i += 4, word.offset += 4) {
		int32_t address, mask;

		memcpy(&address, value->bytes + i, 4);
		memcpy(&mask, value->bytes + bytes + i, 4);
		if (!mask)
			continue;
		emit_field(assembler, &word, R0, context);
		if (mask != -1)
			asm_emit(assembler, insn_make(BPF_ALU | BPF_AND | BPF_K, R0, 0, 0, mask));
		miss_if(misses, insn_make(BPF_JMP32 | BPF_JNE | BPF_K, R0, 0, 0, address));
	}
}

static void match_port(
	struct misses *misses, const char *field, const struct block_value *value, int context)
{
	struct assembler *assembler = misses->assembler;

	emit_field(assembler, own_field(assembler, field), R0, context);
	if (value->number == value->most) {
		miss_if(misses, insn_jump_if(BPF_JNE, R0, (int32_t)value->number, 0));
		return;
	}
	miss_if(misses, insn_jump_if(BPF_JLT, R0, (int32_t)value->number, 0));
	miss_if(misses, insn_jump_if(BPF_JGT, R0, (int32_t)value->most, 0));
}

static const struct {
	size_t argument;
	const char *field;
	int64_t family;
	void (*match)(struct misses *misses, const char *field, const struct block_value *value,
		int context);
} conditions[] = {
	{ MATCH_LOCAL_IP4, "local_ip4", AF_INET, match_address },
	{ MATCH_REMOTE_IP4, "remote_ip4", AF_INET, match_address },
	{ MATCH_LOCAL_IP6, "local_ip6_0", AF_INET6, match_address },
	{ MATCH_REMOTE_IP6, "remote_ip6_0", AF_INET6, match_address },
	{ MATCH_LOCAL_PORT, "local_port", 0, match_port },
	{ MATCH_REMOTE_PORT, "remote_port", 0, match_port },
};

#define CONDITION_COUNT (sizeof(conditions) / sizeof(conditions[0]))

/* r4 = data; r5 = data_end; r0 = behind the bytes that are asked for */
static void load_range(struct assembler *assembler, int context, int32_t needed)
{
	emit_field(assembler, own_field(assembler, "data"), R4, context);
	emit_field(assembler, own_field(assembler, "data_end"), R5, context);
	asm_emit(assembler, insn_move(R0, R4));
	asm_emit(assembler, insn_add(R0, needed));
}

static struct bpf_insn jump_if_register(int operation, int dst, int src)
{
	return insn_make((uint8_t)(BPF_JMP | operation | BPF_X), dst, src, 0, 0);
}

/* The context is in `context` behind it as well, also where the jump of a miss leads. */
static void pull(struct misses *misses, int context, bool known, int32_t needed)
{
	struct assembler *assembler = misses->assembler;
	struct operand where = operand_register(context), kept;

	kept = emit_spill(assembler, where, STACK_CONTEXT);
	if (assembler->program->kind->type == BPF_PROG_TYPE_SK_MSG)
		emit_call(assembler, BPF_FUNC_msg_pull_data,
			(struct operand[]){ where, operand_number(0), operand_number(needed),
				operand_number(0) },
			4);
	else
		emit_call(assembler, BPF_FUNC_skb_pull_data,
			(struct operand[]){ where, operand_number(needed) }, 2);
	if (kept.form == OPERAND_LOADED)
		emit_operand(assembler, kept, context);
	if (kept.form == OPERAND_LOADED && context == R1)
		assembler->context_moved = !known;
	miss_if(misses, insn_jump_if(BPF_JNE, R0, 0, 0));
}

/* Bytes that are not where data points are pulled there, unless the program must not. */
static void match_payload(struct misses *misses, const struct block_value *v, int context)
{
	struct assembler *assembler = misses->assembler;
	const struct block_value *wanted =
		v[MATCH_TEXT].form != VALUE_ABSENT ? &v[MATCH_TEXT] : &v[MATCH_BYTES];
	int32_t offset = (int32_t)v[MATCH_OFFSET].number;
	int32_t needed = offset + (int32_t)wanted->length;
	bool pulls = v[MATCH_PULL].form == VALUE_ABSENT || v[MATCH_PULL].number;
	bool known = context == R1 && !assembler->context_moved;

	load_range(assembler, context, needed);
	if (pulls) {
		size_t there = emit_skip(assembler, jump_if_register(BPF_JLE, R0, R5));

		pull(misses, context, known, needed);
		load_range(assembler, context, needed);
		miss_if(misses, jump_if_register(BPF_JGT, R0, R5));
		emit_land(assembler, there);
	} else {
		miss_if(misses, jump_if_register(BPF_JGT, R0, R5));
	}
	for (size_t i = 0, step; i < wanted->length; i += step) {
		size_t left = wanted->length - i;
		int32_t word = 0;

		step = left >= 4 ? 4 : left >= 2 ? 2 : 1;
		memcpy(&word, wanted->bytes + i, step);
		asm_emit(assembler, insn_load(step == 4   ? BPF_W
					      : step == 2 ? BPF_H
							  : BPF_B,
					    R0, R4, (int16_t)(offset + (int32_t)i)));
		if (pulls)
			asm_decide(assembler);
		miss_if(misses, insn_make(BPF_JMP32 | BPF_JNE | BPF_K, R0, 0, 0, word));
	}
}

/* The family that the addresses say, or the argument; 0: any. False with a diagnostic. */
static bool find_family(struct assembler *assembler, const struct block_value *v, int64_t *ret)
{
	*ret = v[MATCH_FAMILY].form == VALUE_NUMBER ? v[MATCH_FAMILY].number : 0;
	for (size_t i = 0; i < CONDITION_COUNT; i++) {
		const struct block_value *value = &v[conditions[i].argument];

		if (value->form == VALUE_ABSENT || !conditions[i].family)
			continue;
		if (*ret && *ret != conditions[i].family) {
			diag_add(assembler->diagnostics, DIAG_E0305, value->mark,
				"no socket is IPv4 and IPv6, so nothing would match");
			return false;
		}
		*ret = conditions[i].family;
	}
	return true;
}

static bool is_given(const struct block_value *v, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++)
		if (v[i].form != VALUE_ABSENT)
			return true;
	return false;
}

/* A load's offset has 16 bits, with a sign. */
static bool reaches(struct assembler *assembler, const struct block_value *v)
{
	size_t length =
		v[MATCH_TEXT].form != VALUE_ABSENT ? v[MATCH_TEXT].length : v[MATCH_BYTES].length;

	if (v[MATCH_OFFSET].number + (int64_t)length <= INT16_MAX + 1)
		return true;
	diag_add(assembler->diagnostics, DIAG_E0305, v[MATCH_OFFSET].mark,
		"what is compared reaches to byte %lld, and a program reads 32768 at most",
		(long long)(v[MATCH_OFFSET].number + (int64_t)length));
	return false;
}

static bool check_match(struct assembler *assembler, const struct block_value *v)
{
	bool text = v[MATCH_TEXT].form != VALUE_ABSENT, bytes = v[MATCH_BYTES].form != VALUE_ABSENT;
	const char *fault = NULL;

	if (!is_given(v, MATCH_FAMILY, MATCH_REMOTE_PORT) && !text && !bytes)
		fault = "match needs a condition, such as remote_port or text";
	else if (!is_given(v, MATCH_THEN, MATCH_ELSE))
		fault = "match needs \"then\" or \"else\", the label to go on at";
	else if (text && bytes)
		fault = "match takes \"text\" or \"bytes\", not both";
	else if (is_given(v, MATCH_OFFSET, MATCH_OFFSET) && !text && !bytes)
		fault = "\"offset\" needs \"text\" or \"bytes\" to be compared there";
	if (fault)
		diag_add(assembler->diagnostics, DIAG_E0305, assembler->origin.mark, "%s", fault);
	if (fault)
		return false;
	if (!reaches(assembler, v))
		return false;
	if ((!text && !bytes) || own_field(assembler, "data"))
		return true;
	diag_add(assembler->diagnostics, DIAG_E0307,
		text ? v[MATCH_TEXT].mark : v[MATCH_BYTES].mark,
		"a program of type %s has no payload to match", assembler->program->kind->name);
	return false;
}

void emit_match(struct assembler *assembler, const struct block *block, const struct block_value *v)
{
	struct misses misses = { .assembler = assembler, .label = &v[MATCH_ELSE] };
	int64_t family;
	int context;

	(void)block;
	if (!check_match(assembler, v) || !find_family(assembler, v, &family))
		return;
	context = emit_context_aside(assembler, &v[MATCH_CTX]);
	if (family)
		emit_family_check(&misses, family, context, R0);
	for (size_t i = 0; i < CONDITION_COUNT; i++)
		if (v[conditions[i].argument].form != VALUE_ABSENT)
			conditions[i].match(
				&misses, conditions[i].field, &v[conditions[i].argument], context);
	if (is_given(v, MATCH_TEXT, MATCH_BYTES))
		match_payload(&misses, v, context);
	if (v[MATCH_THEN].form == VALUE_WORD)
		asm_jump_to(assembler, insn_make(BPF_JMP | BPF_JA, 0, 0, 0, 0), v[MATCH_THEN].word,
			v[MATCH_THEN].mark, NULL);
	misses_land(&misses);
}
