/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Just enough of the BPF machine to run what blocks emit, without a kernel: moves, additions, byte
 * swaps, loads from the context and the stack, stores to the stack, jumps, calls. It ends at the first
 * call of a redirect helper and its like, with the registers as they are handed to it. Whatever else is met, and
 * each unaligned or stray access to memory, is a failed assertion.
 */
#pragma once

#include "lib/bpfasm/code.h"

#define MACHINE_CONTEXT UINT64_C(0x1000000000)
#define MACHINE_FRAME UINT64_C(0x2000000000) /* r10 */
#define MACHINE_MAP UINT64_C(0x3000000000)   /* plus the map's position */
#define MACHINE_COOKIE UINT64_C(0x1122334455667788)
#define MACHINE_NETNS_COOKIE UINT64_C(0x99aabbccddeeff01)

/* The length of the message; the event of a sock_ops program. */
#define MACHINE_SIZE 4242
#define MACHINE_OP BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB

#define MACHINE_DATA UINT64_C(0xdada)
#define MACHINE_DATA_END UINT64_C(0xdade)

/* The socket that the context is about; addresses and ports in host order. */
#define MACHINE_FAMILY 2
#define MACHINE_LOCAL_IP4 UINT32_C(0xc0a80102)
#define MACHINE_REMOTE_IP4 UINT32_C(0x0a0b0c0d)
#define MACHINE_LOCAL_IP6 "\xfd\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
#define MACHINE_REMOTE_IP6 "\x20\x01\x0d\xb8\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd"
#define MACHINE_LOCAL_PORT 8080
#define MACHINE_REMOTE_PORT 51966

struct machine {
	uint64_t registers[11];
	unsigned char stack[512];
	bool written[512];       /* the verifier lets no byte be read that was not written */
	int32_t helper;          /* the redirect or update helper that was called; 0: exit */
	enum bpf_prog_type type; /* whose context it is */
};

/* Registers r0 to r9 hold numbers that tell them apart, r10 the frame. */
void machine_init(struct machine *machine);
uint64_t machine_initial(int reg);

void machine_run(struct machine *machine, const struct bpfasm_code *code);

/* `length` bytes at an address in the frame, all of them written before. */
const unsigned char *machine_stack(
	const struct machine *machine, uint64_t address, uint32_t length);
