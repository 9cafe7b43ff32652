/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The table of blocks. Names and arguments follow the functions that this field's tutorials use;
 * what is emitted follows the kernel (include/uapi/linux/bpf.h, net/core/filter.c,
 * net/core/sock_map.c).
 */
#include "lib/bpfasm/blocks.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define SK_SKB (1u << BPF_PROG_TYPE_SK_SKB)
#define SK_MSG (1u << BPF_PROG_TYPE_SK_MSG)
#define SOCK_OPS (1u << BPF_PROG_TYPE_SOCK_OPS)

#define SOCKMAP (1u << BPF_MAP_TYPE_SOCKMAP)
#define SOCKHASH (1u << BPF_MAP_TYPE_SOCKHASH)
#define ARRAYS (1u << BPF_MAP_TYPE_ARRAY | 1u << BPF_MAP_TYPE_PERCPU_ARRAY)
#define HASHES                                                                                     \
	(1u << BPF_MAP_TYPE_HASH | 1u << BPF_MAP_TYPE_PERCPU_HASH | 1u << BPF_MAP_TYPE_LRU_HASH |  \
		1u << BPF_MAP_TYPE_LRU_PERCPU_HASH)

/* A row is a line, or reads as one. */
/* clang-format off */
#define NEEDS(name, kind, doc) { name, kind, true, doc, 0, NULL }
#define TAKES(name, kind, doc) { name, kind, false, doc, 0, NULL }
#define PRESET(name, kind, preset, doc) { name, kind, false, doc, 0, preset }
#define NEEDS_MAP(types, doc) { "map", ARGUMENT_MAP, true, doc, types, NULL }

#define DST NEEDS("dst", ARGUMENT_REGISTER, "the register that is written")
#define SRC NEEDS("src", ARGUMENT_REGISTER, "the register that is read")
#define IMM NEEDS("imm", ARGUMENT_IMMEDIATE, "the number")
#define SIZE NEEDS("size", ARGUMENT_SIZE, "b, h, w or dw: 1, 2, 4 or 8 bytes")
#define TO NEEDS("to", ARGUMENT_TARGET, \
	"where to go on: a label, or how many instructions further")
#define CTX TAKES("ctx", ARGUMENT_CONTEXT, \
	"the register that holds the context; without it the block finds it")
#define FLAGS PRESET("flags", ARGUMENT_FLAGS, "0", \
	"ingress: to the target socket's reader; 0: out of it")
#define UPDATE_FLAGS PRESET("flags", ARGUMENT_UPDATE, "any", \
	"any key, noexist: only a new one, exist: only one that is there")
#define ON_MISS PRESET("on_miss", ARGUMENT_ON_MISS, "drop", \
	"where the map has no such entry: drop the data (the helper's verdict), pass it to the " \
	"socket that received it, or go on at a label")
#define ON_ERROR TAKES("on_error", ARGUMENT_ON_MISS, \
	"where the bytes cannot be had: pass, drop, or go on at a label; without it the program " \
	"goes on, with an errno in r0")
#define DATA NEEDS("data", ARGUMENT_REGISTER, "gets the start of the data")
#define DATA_END NEEDS("data_end", ARGUMENT_REGISTER, "gets the end of the data")
#define DATA_AGAIN TAKES("data", ARGUMENT_REGISTER, "gets the start of the data anew")
#define DATA_END_AGAIN TAKES("data_end", ARGUMENT_REGISTER, "gets the end of the data anew")
#define FIELD NEEDS("field", ARGUMENT_FIELD, "the field's name")

#define INDEX NEEDS("key", ARGUMENT_INDEX, "the socket's index")
#define HASH_KEY NEEDS("key", ARGUMENT_KEY, \
	"self: this socket's own key, peer: the same with local and remote swapped, a number, " \
	"or a register that points to the key")
#define ANY_KEY NEEDS("key", ARGUMENT_KEY, \
	"an index (number or register); in a hash self, peer, a number, or a register that " \
	"points to the key")

/* In the orders of the enums in blocks.h. */
#define REDIRECT(map, key) \
	{ NEEDS_MAP(map, "where the target socket is"), key, FLAGS, CTX, ON_MISS }
#define UPDATE(map, key) \
	{ NEEDS_MAP(map, "where the socket is put"), key, UPDATE_FLAGS, CTX }
#define PROLOGUE(ctx) { DATA, DATA_END, ctx }
#define ALU(name, reg, sign, code) \
	{ name, "dst " sign " imm", { DST, IMM }, 0, emit_alu_imm, code }, \
	{ reg, "dst " sign " src", { DST, SRC }, 0, emit_alu_reg, code }
#define OP NEEDS("op", ARGUMENT_ALU, "the operation")
#define TEST NEEDS("op", ARGUMENT_JUMP, "the comparison: jeq, jne, jgt and so on")

static const struct block blocks[] = {
	/* Raw forms, one instruction each. */
	ALU("mov", "mov_reg", "=", BPF_MOV),
	ALU("add", "add_reg", "+=", BPF_ADD),
	ALU("sub", "sub_reg", "-=", BPF_SUB),
	ALU("mul", "mul_reg", "*=", BPF_MUL),
	ALU("div", "div_reg", "/=", BPF_DIV),
	ALU("mod", "mod_reg", "%=", BPF_MOD),
	ALU("or_op", "or_reg", "|=", BPF_OR),
	ALU("and_op", "and_reg", "&=", BPF_AND),
	ALU("xor_op", "xor_reg", "^=", BPF_XOR),
	ALU("lsh", "lsh_reg", "<<=", BPF_LSH),
	ALU("rsh", "rsh_reg", ">>=", BPF_RSH),
	ALU("arsh", "arsh_reg", "s>>=", BPF_ARSH),
	{ "alu_imm", "dst op= imm, 64 bits", { OP, DST, IMM }, 0, emit_any_alu_imm, BPF_ALU64 },
	{ "alu_reg", "dst op= src, 64 bits", { OP, DST, SRC }, 0, emit_any_alu_reg, BPF_ALU64 },
	{ "alu32_imm", "dst op= imm, the low 32 bits", { OP, DST, IMM }, 0, emit_any_alu_imm,
		BPF_ALU },
	{ "alu32_reg", "dst op= src, the low 32 bits", { OP, DST, SRC }, 0, emit_any_alu_reg,
		BPF_ALU },
	{ "neg_reg", "dst = -dst", { DST }, 0, emit_neg_reg, 0 },
	{ "end_to_be", "dst = the low bits of dst in network order",
		{ DST, NEEDS("size", ARGUMENT_BITS, "16, 32 or 64 bits") }, 0, emit_end_to,
		BPF_TO_BE },
	{ "end_to_le", "dst = the low bits of dst in little-endian order",
		{ DST, NEEDS("size", ARGUMENT_BITS, "16, 32 or 64 bits") }, 0, emit_end_to,
		BPF_TO_LE },
	{ "ldx", "dst = *(size *)(src + off)",
		{ SIZE, DST, SRC, NEEDS("off", ARGUMENT_OFFSET, "bytes from where src points") }, 0,
		emit_ldx, 0 },
	{ "stx", "*(size *)(dst + off) = src",
		{ SIZE, NEEDS("dst", ARGUMENT_REGISTER, "points to what is written"), SRC,
			NEEDS("off", ARGUMENT_OFFSET, "bytes from where dst points") },
		0, emit_stx, 0 },
	{ "st", "*(size *)(dst + off) = imm",
		{ SIZE, NEEDS("dst", ARGUMENT_REGISTER, "points to what is written"),
			NEEDS("off", ARGUMENT_OFFSET, "bytes from where dst points"), IMM },
		0, emit_st, 0 },
	{ "lddw", "dst = imm ll, a number of 64 bits",
		{ DST, NEEDS("imm", ARGUMENT_WIDE, "the number, 64 bits") }, 0, emit_lddw, 0 },
	{ "ld_map_fd", "dst = map ll",
		{ DST, NEEDS_MAP(SOCKMAP | SOCKHASH | ARRAYS | HASHES, "the map") }, 0,
		emit_ld_map_fd, 0 },
	{ "ja", "goto to", { TO }, 0, emit_ja, 0 },
	{ "jmp_imm", "if dst op imm goto to", { TEST, DST, IMM, TO }, 0, emit_jmp_imm, 0 },
	{ "jmp_reg", "if dst op src goto to", { TEST, DST, SRC, TO }, 0, emit_jmp_reg, 0 },
	{ "call", "call helper", { NEEDS("helper", ARGUMENT_HELPER, "its name or number") }, 0,
		emit_call_helper, 0 },
	{ "exit_insn", "exit", { { 0 } }, 0, emit_exit_insn, 0 },

	/* The context, and verdicts. */
	{ "sk_skb_prologue",
		"ctx = r1 (where ctx is given); data = ctx->data; data_end = ctx->data_end",
		PROLOGUE(TAKES("ctx", ARGUMENT_CONTEXT, "gets the context")), SK_SKB, emit_prologue,
		0 },
	{ "sk_skb_pass", "r0 = SK_PASS; exit", { { 0 } }, SK_SKB, emit_verdict, SK_PASS },
	{ "sk_skb_drop", "r0 = SK_DROP; exit", { { 0 } }, SK_SKB, emit_verdict, SK_DROP },
	{ "sk_skb_action", "dst = the verdict's number: pass 1, drop 0",
		{ NEEDS("action", ARGUMENT_VERDICT, "pass or drop"),
			PRESET("dst", ARGUMENT_REGISTER, "r0", "the register that is written") },
		SK_SKB | SK_MSG, emit_action, 0 },
	{ "sk_msg_prologue", "ctx = r1; data = ctx->data; data_end = ctx->data_end",
		PROLOGUE(NEEDS("ctx", ARGUMENT_CONTEXT, "gets the context")), SK_MSG, emit_prologue,
		0 },
	{ "sk_msg_pass", "r0 = SK_PASS; exit", { { 0 } }, SK_MSG, emit_verdict, SK_PASS },
	{ "sk_msg_drop", "r0 = SK_DROP; exit", { { 0 } }, SK_MSG, emit_verdict, SK_DROP },
	{ "sk_msg_offset", "dst = the offset of the field in struct sk_msg_md", { DST, FIELD },
		SK_MSG, emit_field_offset, 0 },
	{ "sk_msg_load_field", "dst = ctx->field, as the kernel holds it", { DST, FIELD, CTX },
		SK_MSG, emit_raw_field, 0 },
	{ "load_field", "dst = ctx->field, ports as numbers", { DST, FIELD, CTX },
		SK_SKB | SK_MSG | SOCK_OPS, emit_load_field, 0 },

	/* Redirects. */
	{ "sk_redirect_map", "r0 = bpf_sk_redirect_map(ctx, map, key, flags)",
		REDIRECT(SOCKMAP, INDEX), SK_SKB, emit_redirect, BPF_FUNC_sk_redirect_map },
	{ "sk_redirect_map_with_fallback", "sk_redirect_map, then exit with its verdict",
		REDIRECT(SOCKMAP, INDEX), SK_SKB, emit_redirect_and_exit,
		BPF_FUNC_sk_redirect_map },
	{ "sk_redirect_hash", "r0 = bpf_sk_redirect_hash(ctx, map, key, flags)",
		REDIRECT(SOCKHASH, HASH_KEY), SK_SKB, emit_redirect, BPF_FUNC_sk_redirect_hash },
	{ "msg_redirect_map", "r0 = bpf_msg_redirect_map(ctx, map, key, flags)",
		REDIRECT(SOCKMAP, INDEX), SK_MSG, emit_redirect, BPF_FUNC_msg_redirect_map },
	{ "msg_redirect_map_with_fallback", "msg_redirect_map, then exit with its verdict",
		REDIRECT(SOCKMAP, INDEX), SK_MSG, emit_redirect_and_exit,
		BPF_FUNC_msg_redirect_map },
	{ "msg_redirect_hash", "r0 = bpf_msg_redirect_hash(ctx, map, key, flags)",
		REDIRECT(SOCKHASH, HASH_KEY), SK_MSG, emit_redirect, BPF_FUNC_msg_redirect_hash },

	/* Sockets into maps. */
	{ "sock_map_update", "r0 = bpf_sock_map_update(ctx, map, key, flags): 0, or an errno",
		UPDATE(SOCKMAP, ANY_KEY), SOCK_OPS, emit_update, BPF_FUNC_sock_map_update },
	{ "sock_hash_update", "r0 = bpf_sock_hash_update(ctx, map, key, flags): 0, or an errno",
		UPDATE(SOCKHASH, HASH_KEY), SOCK_OPS, emit_update, BPF_FUNC_sock_hash_update },
	{ "on_established",
		"where a connection has just been established: sock_map_update or "
		"sock_hash_update; the program goes on behind it in any case",
		{ NEEDS_MAP(SOCKMAP | SOCKHASH, "where the socket is put"),
			TAKES("key", ARGUMENT_KEY,
				"self (default in a sockhash), peer, a number, or a register"),
			UPDATE_FLAGS, CTX,
			TAKES("family", ARGUMENT_FAMILY,
				"only ipv4 (also IPv6 sockets that talk to IPv4 addresses) or "
				"ipv6"),
			PRESET("side", ARGUMENT_SIDE, "both",
				"only active, which this host opened, or only passive") },
		SOCK_OPS, emit_on_established, 0 },

	/* Helper maps. */
	{ "count", "adds to the map's value at key, where it makes an entry if there is none",
		{ NEEDS_MAP(ARRAYS | HASHES, "its values have 4 or 8 bytes"), ANY_KEY,
			PRESET("by", ARGUMENT_COUNT, "1", "how much is added"), CTX },
		0, emit_count, 0 },
	{ "lookup", "r0 = bpf_map_lookup_elem(map, key); dst = *(size *)(r0 + off)",
		{ NEEDS_MAP(ARRAYS | HASHES, "the map"), ANY_KEY,
			TAKES("dst", ARGUMENT_REGISTER,
				"gets the value; without it r0 points to it, or is 0"),
			TAKES("size", ARGUMENT_SIZE, "how much is loaded; the whole value"),
			PRESET("off", ARGUMENT_POSITION, "0", "bytes from the value's start"),
			TAKES("on_miss", ARGUMENT_ON_MISS,
				"where there is no such entry: pass or drop, which end the program "
				"with that verdict, or a label to go on at"),
			CTX },
		0, emit_lookup, 0 },
	{ "store", "r0 = bpf_map_update_elem(map, key, value, flags): 0, or an errno",
		{ NEEDS_MAP(ARRAYS | HASHES, "its values have 1, 2, 4 or 8 bytes"), ANY_KEY,
			NEEDS("value", ARGUMENT_COUNT, "a number, or a register that holds it"),
			UPDATE_FLAGS, CTX },
		0, emit_store, 0 },
	{ "delete", "r0 = bpf_map_delete_elem(map, key): 0, or an errno",
		{ NEEDS_MAP(HASHES, "the map"), ANY_KEY, CTX }, 0, emit_delete, 0 },
	{ "trace", "bpf_trace_printk(text, arg1, arg2, arg3); needs a GPL-compatible licence",
		{ NEEDS("text", ARGUMENT_TEXT, "what is written, such as \"len %d\""),
			TAKES("arg1", ARGUMENT_REGISTER, "the first number"),
			TAKES("arg2", ARGUMENT_REGISTER, "the second number"),
			TAKES("arg3", ARGUMENT_REGISTER, "the third number") },
		0, emit_trace, 0 },

	/* The payload. */
	{ "pull_data", "r0 = bpf_skb_pull_data(ctx, len): 0, or an errno",
		{ TAKES("len", ARGUMENT_COUNT, "bytes that are to be read; the whole message"),
			DATA_AGAIN, DATA_END_AGAIN, ON_ERROR, CTX },
		SK_SKB, emit_pull_data, 0 },
	{ "msg_pull_data", "r0 = bpf_msg_pull_data(ctx, start, end, 0): 0, or an errno",
		{ PRESET("start", ARGUMENT_COUNT, "0", "first byte that is to be read"),
			TAKES("end", ARGUMENT_COUNT, "behind the last one; the message's end"),
			DATA_AGAIN, DATA_END_AGAIN, ON_ERROR, CTX },
		SK_MSG, emit_msg_pull_data, 0 },
	{ "msg_apply_bytes", "bpf_msg_apply_bytes(ctx, bytes): the verdict counts for so many",
		{ NEEDS("bytes", ARGUMENT_COUNT, "for how many bytes the verdict counts"), CTX },
		SK_MSG, emit_msg_bytes, BPF_FUNC_msg_apply_bytes },
	{ "msg_cork_bytes", "bpf_msg_cork_bytes(ctx, bytes): run again when so many are there",
		{ NEEDS("bytes", ARGUMENT_COUNT, "how many bytes are collected first"), CTX },
		SK_MSG, emit_msg_bytes, BPF_FUNC_msg_cork_bytes },
	{ "match", "goes to then, or on, where all conditions hold; to else, or on, where not",
		{ TAKES("family", ARGUMENT_FAMILY, "ipv4 or ipv6"),
			TAKES("local_ip4", ARGUMENT_IP4, "local address or network"),
			TAKES("remote_ip4", ARGUMENT_IP4, "remote address or network"),
			TAKES("local_ip6", ARGUMENT_IP6, "local address or network"),
			TAKES("remote_ip6", ARGUMENT_IP6, "remote address or network"),
			TAKES("local_port", ARGUMENT_PORTS, "local port or range"),
			TAKES("remote_port", ARGUMENT_PORTS, "remote port or range"),
			PRESET("offset", ARGUMENT_POSITION, "0",
				"where in the message text or bytes stand"),
			TAKES("text", ARGUMENT_TEXT, "bytes of the message, as text"),
			TAKES("bytes", ARGUMENT_BYTES, "bytes of the message, in hexadecimal"),
			PRESET("pull", ARGUMENT_YES_NO, "yes",
				"no: leave the message as it is, as a stream parser has to"),
			TAKES("then", ARGUMENT_LABEL, "where to go on when all conditions hold"),
			TAKES("else", ARGUMENT_LABEL, "where to go on when one does not"), CTX },
		SK_SKB | SK_MSG | SOCK_OPS, emit_match, 0 },
};
/* clang-format on */

const struct block *block_table(size_t *count)
{
	*count = COUNT(blocks);
	return blocks;
}

const struct block *block_named(const char *name)
{
	for (size_t i = 0; i < COUNT(blocks); i++)
		/* Most differ in the first letter already: a call each would be dear. */
		if (blocks[i].name[0] == name[0] && strcmp(blocks[i].name, name) == 0)
			return &blocks[i];
	return NULL;
}
