/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One function per instruction form, after the kernel's include/linux/filter.h. Registers are 0 to
 * 10, sizes are BPF_B, BPF_H, BPF_W and BPF_DW.
 */
#pragma once

#include <linux/bpf.h>
#include <stdint.h>

/* What linux/bpf.h says since 6.6 (sign-extending loads), 6.9 (may_goto) and 6.15 (the last two). */
#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif
#ifndef BPF_JCOND
#define BPF_JCOND 0xe0
#endif
#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100
#endif
#ifndef BPF_STORE_REL
#define BPF_STORE_REL 0x110
#endif

/* The offset of a move or a division tells its variants apart (RFC 9669, 4.1). */
#define INSN_SIGNED 1             /* BPF_DIV, BPF_MOD */
#define INSN_ADDRESS_SPACE_CAST 1 /* BPF_MOV; 8, 16 and 32: sign extension from so many bits */

/* A 64-bit number or a map's address; it takes two, of which the second has no opcode. */
#define INSN_WIDE_LOAD (BPF_LD | BPF_IMM | BPF_DW)
/* An unconditional jump whose distance is the immediate. */
#define INSN_LONG_JUMP (BPF_JMP32 | BPF_JA)

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, REGISTER_COUNT };

/* The bytes that a load or store of that opcode moves. */
static inline uint32_t insn_bytes(uint8_t code)
{
	static const uint8_t bytes[] = { 4, 2, 1, 8 }; /* BPF_W, BPF_H, BPF_B, BPF_DW */

	return bytes[BPF_SIZE(code) >> 3];
}

/* The size of a load or store of so many bytes; -1: none moves them. */
static inline int insn_size_of(uint32_t bytes)
{
	for (int size = BPF_W; size <= BPF_DW; size += BPF_H)
		if (insn_bytes((uint8_t)size) == bytes)
			return size;
	return -1;
}

static inline struct bpf_insn insn_make(
	uint8_t code, int dst, int src, int16_t offset, int32_t immediate)
{
	return (struct bpf_insn){
		.code = code,
		.dst_reg = (uint8_t)dst & 0xf,
		.src_reg = (uint8_t)src & 0xf,
		.off = offset,
		.imm = immediate,
	};
}

static inline struct bpf_insn insn_move(int dst, int src)
{
	return insn_make(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static inline struct bpf_insn insn_set(int dst, int32_t value)
{
	return insn_make(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

static inline struct bpf_insn insn_add(int dst, int32_t value)
{
	return insn_make(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, value);
}

/* The low `bits` of a register between host and network order, in either direction. */
static inline struct bpf_insn insn_big_endian(int dst, int bits)
{
	return insn_make(BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits);
}

static inline struct bpf_insn insn_load(int size, int dst, int base, int16_t offset)
{
	return insn_make((uint8_t)(BPF_LDX | BPF_MEM | size), dst, base, offset, 0);
}

static inline struct bpf_insn insn_store(int size, int base, int16_t offset, int src)
{
	return insn_make((uint8_t)(BPF_STX | BPF_MEM | size), base, src, offset, 0);
}

static inline struct bpf_insn insn_call(int32_t helper)
{
	return insn_make(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static inline struct bpf_insn insn_exit(void)
{
	return insn_make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* `operation` is BPF_JEQ and its like; `distance` counts from the next instruction. */
static inline struct bpf_insn insn_jump_if(int operation, int dst, int32_t value, int16_t distance)
{
	return insn_make((uint8_t)(BPF_JMP | operation | BPF_K), dst, 0, distance, value);
}
