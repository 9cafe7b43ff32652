/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: the emitters behind the table in blocks.c, and the order of their arguments. */
#pragma once

#include "lib/bpfasm/emit.h"

#include <sys/socket.h>

typedef void block_emitter(
	struct assembler *assembler, const struct block *block, const struct block_value *values);

/* blocks_raw.c: one instruction each */
block_emitter emit_alu_imm, emit_alu_reg, emit_any_alu_imm, emit_any_alu_reg;
block_emitter emit_neg_reg, emit_end_to;
block_emitter emit_ldx, emit_stx, emit_st, emit_lddw, emit_ld_map_fd;
block_emitter emit_ja, emit_jmp_imm, emit_jmp_reg, emit_call_helper, emit_exit_insn;

/* blocks_context.c: reading the context, and verdicts */
enum { PROLOGUE_DATA, PROLOGUE_DATA_END, PROLOGUE_CTX };
enum { LOAD_DST, LOAD_FIELD, LOAD_CTX };
enum { ACTION_ACTION, ACTION_DST };
block_emitter emit_prologue, emit_verdict, emit_action;
block_emitter emit_load_field, emit_raw_field, emit_field_offset;

/* blocks_socket.c: redirects, and sockets into maps */
enum { REDIRECT_MAP, REDIRECT_KEY, REDIRECT_FLAGS, REDIRECT_CTX, REDIRECT_ON_MISS };
enum {
	ESTABLISHED_MAP,
	ESTABLISHED_KEY,
	ESTABLISHED_FLAGS,
	ESTABLISHED_CTX,
	ESTABLISHED_FAMILY,
	ESTABLISHED_SIDE,
};
block_emitter emit_redirect, emit_redirect_and_exit, emit_update, emit_on_established;

/* blocks_map.c: values of helper maps, and the trace pipe */
enum { COUNT_MAP, COUNT_KEY, COUNT_BY, COUNT_CTX };
enum {
	LOOKUP_MAP,
	LOOKUP_KEY,
	LOOKUP_DST,
	LOOKUP_SIZE,
	LOOKUP_OFF,
	LOOKUP_ON_MISS,
	LOOKUP_CTX,
};
enum { TRACE_TEXT, TRACE_ARG1, TRACE_ARG2, TRACE_ARG3 };
enum { STORE_MAP, STORE_KEY, STORE_VALUE, STORE_FLAGS, STORE_CTX };
enum { DELETE_MAP, DELETE_KEY, DELETE_CTX };
block_emitter emit_count, emit_lookup, emit_store, emit_delete, emit_trace;

/* blocks_data.c: the payload */
enum { PULL_LEN, PULL_DATA, PULL_DATA_END, PULL_ON_ERROR, PULL_CTX };
enum {
	MSG_PULL_START,
	MSG_PULL_END,
	MSG_PULL_DATA,
	MSG_PULL_DATA_END,
	MSG_PULL_ON_ERROR,
	MSG_PULL_CTX,
};
enum { BYTES_BYTES, BYTES_CTX };
block_emitter emit_pull_data, emit_msg_pull_data, emit_msg_bytes;

/* blocks_match.c */
enum {
	MATCH_FAMILY,
	MATCH_LOCAL_IP4,
	MATCH_REMOTE_IP4,
	MATCH_LOCAL_IP6,
	MATCH_REMOTE_IP6,
	MATCH_LOCAL_PORT,
	MATCH_REMOTE_PORT,
	MATCH_OFFSET,
	MATCH_TEXT,
	MATCH_BYTES,
	MATCH_PULL,
	MATCH_THEN,
	MATCH_ELSE,
	MATCH_CTX,
};
block_emitter emit_match;

/* Jumps out of the middle of a block: to a label, or where none is given to the block's end. */
struct misses {
	struct assembler *assembler;
	const struct block_value *label; /* VALUE_ABSENT: the block's end */
	VEC(size_t) skips;
};

void miss_if(struct misses *misses, struct bpf_insn jump);
void misses_land(struct misses *misses);

/*
 * Goes on where the socket is of that family, AF_INET or AF_INET6. An IPv6 socket that talks to an
 * IPv4 address (::ffff:0:0/96) counts as IPv4: its addresses and ports are in the context as those
 * of its peer are.
 */
void emit_family_check(struct misses *misses, int64_t family, int context, int scratch);

/*
 * The context in a register that match leaves alone, which uses r0, r4 and r5: where it is already, or
 * in r3.
 */
int emit_context_aside(struct assembler *assembler, const struct block_value *ctx);

/* Reports a verdict as what a program without verdicts is to do; false then. */
bool check_verdict_use(
	struct assembler *assembler, const struct block_value *on_miss, const char *argument);

/* The field of the program's own context, which the program's type is known to have. */
const struct context_field *own_field(const struct assembler *assembler, const char *name);
