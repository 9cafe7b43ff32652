/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The table of blocks and their emitters.
 *
 * Names and arguments follow the functions that this field's tutorials use; what is emitted follows
 * the kernel (bpf_helpers.h, net/core/sock_map.c): bpf_sk_redirect_map(ctx, map, key, flags) and
 * bpf_sk_redirect_hash(ctx, map, key pointer, flags) take the context in r1. Tutorials that leave
 * it out are rejected by the verifier ("R1 type=map_ptr expected=ctx").
 */
#include "lib/bpfasm/block.h"

#include <string.h>

#define SK_SKB (1u << BPF_PROG_TYPE_SK_SKB)

/* The bottom of the frame, which block.h reserves. */
#define STACK_KEY (-512)             /* KEY_MAX_BYTES */
#define STACK_CONTEXT (-512 + 64)    /* ctx, while a helper is called */
#define STACK_FLAGS (-512 + 64 + 16) /* flags, likewise */
#define STACK_FIELD (-512 + 64 + 8)  /* a field on its way to an unaligned place */

static int register_or(const struct block_value *value, int fallback)
{
	return value->form == VALUE_REGISTER ? value->number : fallback;
}

static void emit_move(struct assembler *assembler, int dst, int src)
{
	if (dst != src)
		asm_emit(assembler, insn_move(dst, src));
}

static void emit_mov_reg(struct assembler *assembler, const struct block_value *v)
{
	/* Written by hand: emitted even where it moves a register to itself. */
	asm_emit(assembler, insn_move(v[0].number, v[1].number));
}

static void emit_mov(struct assembler *assembler, const struct block_value *v)
{
	asm_emit(assembler, insn_set(v[0].number, v[1].number));
}

static void emit_ldx(struct assembler *assembler, const struct block_value *v)
{
	asm_emit(assembler, insn_load(v[0].number, v[1].number, v[2].number, (int16_t)v[3].number));
}

static void emit_exit_insn(struct assembler *assembler, const struct block_value *v)
{
	(void)v;
	asm_emit(assembler, insn_exit());
}

static void emit_sk_skb_prologue(struct assembler *assembler, const struct block_value *v)
{
	int context = register_or(&v[2], R1), data = v[0].number;
	const struct bpf_insn loads[] = {
		insn_load(BPF_W, data, context, offsetof(struct __sk_buff, data)),
		insn_load(BPF_W, v[1].number, context, offsetof(struct __sk_buff, data_end)),
	};
	/* The one that overwrites the context comes last. */
	bool swap = data == context;

	emit_move(assembler, context, R1);
	asm_emit(assembler, loads[swap]);
	asm_emit(assembler, loads[!swap]);
}

static void emit_return(struct assembler *assembler, int32_t value)
{
	asm_emit(assembler, insn_set(R0, value));
	asm_emit(assembler, insn_exit());
}

static void emit_pass(struct assembler *assembler, const struct block_value *v)
{
	(void)v;
	emit_return(assembler, SK_PASS);
}

static void emit_drop(struct assembler *assembler, const struct block_value *v)
{
	(void)v;
	emit_return(assembler, SK_DROP);
}

/* A register to be filled before a call: from another register, or with a number. */
struct assignment {
	int dst;
	int src; /* -1: `number` */
	int32_t number;
};

static struct assignment assign(int dst, const struct block_value *value, int32_t otherwise)
{
	if (value->form == VALUE_REGISTER)
		return (struct assignment){ dst, value->number, 0 };
	return (struct assignment){ dst, -1,
		value->form == VALUE_NUMBER ? value->number : otherwise };
}

static bool is_still_read(const struct assignment *list, size_t count, size_t self)
{
	for (size_t i = 0; i < count; i++)
		if (i != self && list[i].src == list[self].dst)
			return true;
	return false;
}

/*
 * Fills argument registers "at the same time": a user may have the key in r1 and the context in r3.
 * A register is written once nothing else has to be read from it; a ring is opened through r0,
 * which the call overwrites anyway.
 */
static void emit_assignments(struct assembler *assembler, struct assignment *list, size_t count)
{
	size_t left = count;

	while (left) {
		size_t i = 0;

		while (i < count && (list[i].dst < 0 || is_still_read(list, count, i)))
			i++;
		if (i == count) {
			for (i = 0; list[i].dst < 0;)
				i++;
			asm_emit(assembler, insn_move(R0, list[i].dst));
			for (size_t j = 0; j < count; j++)
				if (list[j].src == list[i].dst)
					list[j].src = R0;
		}
		if (list[i].src < 0)
			asm_emit(assembler, insn_set(list[i].dst, list[i].number));
		else
			emit_move(assembler, list[i].dst, list[i].src);
		list[i] = (struct assignment){ -1, -1, 0 };
		left--;
	}
}

static const struct block_value *flags_value(const struct block_value *given)
{
	static const struct block_value ingress = { VALUE_NUMBER, BPF_F_INGRESS, NULL, { 0 } };

	return given->form == VALUE_WORD ? &ingress : given;
}

/*
 * r0 is SK_PASS, or SK_DROP where the map has no such entry. `drop`, and no on_miss at all, leave
 * that to be returned: the data is gone. `pass` gives it to the socket that received it.
 */
static void emit_on_miss(struct assembler *assembler, const struct block_value *on_miss)
{
	static const char *const verdicts[] = { "pass", "drop", NULL };

	if (on_miss->form == VALUE_ABSENT || strcmp(on_miss->word, "drop") == 0)
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

enum { MAP, KEY, FLAGS, CTX, ON_MISS };

static void emit_sk_redirect_map(struct assembler *assembler, const struct block_value *v)
{
	struct assignment list[] = {
		assign(R1, &v[CTX], 0),
		assign(R3, &v[KEY], 0),
		assign(R4, flags_value(&v[FLAGS]), 0),
	};

	if (v[CTX].form == VALUE_ABSENT)
		list[0].src = R1;
	emit_assignments(assembler, list, 3);
	asm_load_map(assembler, R2, (uint32_t)v[MAP].number);
	asm_emit(assembler, insn_call(BPF_FUNC_sk_redirect_map));
	emit_on_miss(assembler, &v[ON_MISS]);
}

static void emit_sk_redirect_map_with_fallback(
	struct assembler *assembler, const struct block_value *v)
{
	emit_sk_redirect_map(assembler, v);
	asm_emit(assembler, insn_exit());
}

/* r0 = the field, in the byte order that the key has. ctx survives in its register. */
static void emit_field(struct assembler *assembler, enum key_field_id field, int context)
{
	static const int16_t offsets[KEY_FIELD_COUNT] = {
		[KEY_FAMILY] = offsetof(struct __sk_buff, family),
		[KEY_LOCAL_IP4] = offsetof(struct __sk_buff, local_ip4),
		[KEY_REMOTE_IP4] = offsetof(struct __sk_buff, remote_ip4),
		[KEY_LOCAL_PORT] = offsetof(struct __sk_buff, local_port),
		[KEY_REMOTE_PORT] = offsetof(struct __sk_buff, remote_port),
	};

	if (field == KEY_COOKIE) {
		asm_emit(assembler, insn_store(BPF_DW, R10, STACK_CONTEXT, context));
		emit_move(assembler, R1, context);
		asm_emit(assembler, insn_call(BPF_FUNC_get_socket_cookie));
		if (context < R6)
			asm_emit(assembler, insn_load(BPF_DW, context, R10, STACK_CONTEXT));
		return;
	}
	asm_emit(assembler, insn_load(BPF_W, R0, context, offsets[field]));
	/* remote_port is a 32-bit number in network order, local_port one in host order. */
	if (field == KEY_REMOTE_PORT)
		asm_emit(assembler, insn_big_endian(R0, 32));
	if (field == KEY_REMOTE_PORT || field == KEY_LOCAL_PORT)
		asm_emit(assembler, insn_big_endian(R0, 16));
}

static int store_size(uint32_t bytes)
{
	return bytes == 8 ? BPF_DW : bytes == 4 ? BPF_W : bytes == 2 ? BPF_H : BPF_B;
}

/* The verifier takes only aligned stores to the stack: an unaligned field goes in pieces. */
static void emit_store_field(struct assembler *assembler, uint32_t offset, uint32_t size)
{
	uint32_t piece = size;

	while (offset % piece)
		piece /= 2;
	if (piece == size) {
		asm_emit(assembler,
			insn_store(store_size(size), R10, (int16_t)(STACK_KEY + offset), R0));
		return;
	}
	asm_emit(assembler, insn_store(store_size(size), R10, STACK_FIELD, R0));
	for (uint32_t done = 0; done < size; done += piece) {
		asm_emit(assembler,
			insn_load(store_size(piece), R0, R10, (int16_t)(STACK_FIELD + done)));
		asm_emit(assembler, insn_store(store_size(piece), R10,
					    (int16_t)(STACK_KEY + offset + done), R0));
	}
}

static void emit_self_key(struct assembler *assembler, const struct key_layout *layout, int context)
{
	uint32_t offset = 0;

	for (uint32_t i = 0; i < layout->count; i++) {
		uint32_t size = key_fields[layout->fields[i]].size;

		emit_field(assembler, layout->fields[i], context);
		emit_store_field(assembler, offset, size);
		offset += size;
	}
}

/* Building a key goes through r0, and keys lie on the stack: neither can hold anything else. */
static bool takes_r0(struct assembler *assembler, const struct block_value *v)
{
	const struct block_value *taken =
		v[CTX].form == VALUE_REGISTER && (v[CTX].number == R0 || v[CTX].number == R10)
			? &v[CTX]
		: v[FLAGS].form == VALUE_REGISTER && v[FLAGS].number == R0 ? &v[FLAGS]
									   : NULL;

	if (taken)
		diag_add(assembler->diagnostics, DIAG_E0305, taken->mark,
			"with \"key: self\", %s cannot be used here: the key is built with it",
			taken->number == R0 ? "r0" : "r10");
	return taken != NULL;
}

static bool has_cookie(const struct key_layout *layout)
{
	for (uint32_t i = 0; i < layout->count; i++)
		if (layout->fields[i] == KEY_COOKIE)
			return true;
	return false;
}

/*
 * r1, r3 and r4 for a call with this socket's own key. Reading a cookie is a call too: flags in a
 * register that it loses wait on the stack.
 */
static void emit_self_arguments(
	struct assembler *assembler, const struct key_layout *layout, const struct block_value *v)
{
	int context = register_or(&v[CTX], R1);
	struct assignment list[] = {
		{ R1, context, 0 },
		assign(R4, flags_value(&v[FLAGS]), 0),
	};
	bool saved = has_cookie(layout) && list[1].src >= R1 && list[1].src <= R5;

	if (saved)
		asm_emit(assembler, insn_store(BPF_DW, R10, STACK_FLAGS, list[1].src));
	emit_self_key(assembler, layout, context);
	emit_assignments(assembler, list, saved ? 1 : 2);
	if (saved)
		asm_emit(assembler, insn_load(BPF_DW, R4, R10, STACK_FLAGS));
	asm_emit(assembler, insn_move(R3, R10));
	asm_emit(assembler, insn_add(R3, STACK_KEY));
}

/* Whether `self` can be built for the map here; reported where it cannot. */
static bool can_build_self(
	struct assembler *assembler, const struct bpfasm_map *map, const struct block_value *v)
{
	if (takes_r0(assembler, v))
		return false;
	if (map->key_refused)
		assembler->incomplete = true;
	else if (!map->key.count)
		diag_add(assembler->diagnostics, DIAG_E0305, v[KEY].mark,
			"\"self\" needs a key layout, and \"%s\" declares none", map->name)
			->hint = "give the map a key, such as [cookie]";
	return map->key.count && !map->key_refused;
}

static void emit_sk_redirect_hash(struct assembler *assembler, const struct block_value *v)
{
	const struct bpfasm_map *map = &assembler->maps[v[MAP].number];
	struct assignment list[] = {
		{ R1, register_or(&v[CTX], R1), 0 },
		assign(R4, flags_value(&v[FLAGS]), 0),
		assign(R3, &v[KEY], 0),
	};

	if (v[KEY].form != VALUE_WORD)
		emit_assignments(assembler, list, 3);
	else if (can_build_self(assembler, map, v))
		emit_self_arguments(assembler, &map->key, v);
	else
		return;
	asm_load_map(assembler, R2, (uint32_t)v[MAP].number);
	asm_emit(assembler, insn_call(BPF_FUNC_sk_redirect_hash));
	emit_on_miss(assembler, &v[ON_MISS]);
}

#define ARG_DST                                                                                    \
	{                                                                                          \
		"dst", ARGUMENT_REGISTER, true, "the register that is written"                     \
	}
#define ARG_SRC                                                                                    \
	{                                                                                          \
		"src", ARGUMENT_REGISTER, true, "the register that is read"                        \
	}
#define ARG_FLAGS                                                                                  \
	{                                                                                          \
		"flags", ARGUMENT_FLAGS, false, "0, or ingress: to the socket's reader"            \
	}
#define ARG_CTX                                                                                    \
	{                                                                                          \
		"ctx", ARGUMENT_REGISTER, false, "the register that holds the context; r1"         \
	}
#define ARG_ON_MISS                                                                                \
	{                                                                                          \
		"on_miss", ARGUMENT_ON_MISS, false,                                                \
			"what happens where the map has no such entry: drop (also without it), "   \
			"pass or a label"                                                          \
	}

/* In the order of the enum that the emitters read them by. */
#define ARGS_REDIRECT(map_kind, key_kind, key_doc)                                                 \
	{                                                                                          \
		{ "map", map_kind, true, "where the target socket is" },                           \
			{ "key", key_kind, true, key_doc }, ARG_FLAGS, ARG_CTX, ARG_ON_MISS        \
	}

static const struct block blocks[] = {
	{ "mov_reg", "dst = src", { ARG_DST, ARG_SRC }, 0, emit_mov_reg },
	{ "mov", "dst = imm", { ARG_DST, { "imm", ARGUMENT_IMMEDIATE, true, "the number" } }, 0,
		emit_mov },
	{ "ldx", "dst = *(size *)(src + off)",
		{ { "size", ARGUMENT_SIZE, true, "b, h, w or dw" }, ARG_DST, ARG_SRC,
			{ "off", ARGUMENT_OFFSET, true, "bytes from where src points" } },
		0, emit_ldx },
	{ "exit_insn", "exit", { { 0 } }, 0, emit_exit_insn },
	{ "sk_skb_prologue",
		"ctx = r1 (where ctx is given); data = ctx->data; data_end = ctx->data_end",
		{ { "data", ARGUMENT_REGISTER, true, "gets the start of the data" },
			{ "data_end", ARGUMENT_REGISTER, true, "gets the end of the data" },
			{ "ctx", ARGUMENT_REGISTER, false, "gets the context" } },
		SK_SKB, emit_sk_skb_prologue },
	{ "sk_skb_pass", "r0 = SK_PASS; exit", { { 0 } }, SK_SKB, emit_pass },
	{ "sk_skb_drop", "r0 = SK_DROP; exit", { { 0 } }, SK_SKB, emit_drop },
	{ "sk_redirect_map", "r0 = bpf_sk_redirect_map(ctx, map, key, flags)",
		ARGS_REDIRECT(ARGUMENT_SOCKMAP, ARGUMENT_INDEX, "its index"), SK_SKB,
		emit_sk_redirect_map },
	{ "sk_redirect_map_with_fallback", "sk_redirect_map, then exit with its verdict",
		ARGS_REDIRECT(ARGUMENT_SOCKMAP, ARGUMENT_INDEX, "its index"), SK_SKB,
		emit_sk_redirect_map_with_fallback },
	{ "sk_redirect_hash", "r0 = bpf_sk_redirect_hash(ctx, map, key, flags)",
		ARGS_REDIRECT(ARGUMENT_SOCKHASH, ARGUMENT_KEY, "self: this socket's own key"),
		SK_SKB, emit_sk_redirect_hash },
};

const struct block *block_table(size_t *count)
{
	*count = sizeof(blocks) / sizeof(blocks[0]);
	return blocks;
}

const struct block *block_named(const char *name)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (strcmp(blocks[i].name, name) == 0)
			return &blocks[i];
	return NULL;
}
