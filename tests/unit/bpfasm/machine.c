/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "tests/unit/bpfasm/machine.h"

#include "lib/bpfasm/range.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>

uint64_t machine_initial(int reg)
{
	return reg == 10 ? MACHINE_FRAME : UINT64_C(0xa000) + (uint64_t)reg;
}

void machine_init(struct machine *machine)
{
	memset(machine, 0, sizeof(*machine));
	machine->type = BPF_PROG_TYPE_SK_SKB;
	for (int i = 0; i <= 10; i++)
		machine->registers[i] = machine_initial(i);
}

/*
 * As the three contexts of linux/bpf.h say: addresses in network order, local_port in host order,
 * remote_port in network order but as 32 bits. Offsets are counted there by hand.
 */
static const struct {
	enum bpf_prog_type type;
	int16_t family, remote_ip4, local_ip4, remote_ip6, local_ip6, remote_port, local_port;
} contexts[] = {
	{ BPF_PROG_TYPE_SK_SKB, 88, 92, 96, 100, 116, 132, 136 },
	{ BPF_PROG_TYPE_SK_MSG, 16, 20, 24, 28, 44, 60, 64 },
	{ BPF_PROG_TYPE_SOCK_OPS, 20, 24, 28, 32, 48, 64, 68 },
};

static uint32_t word_of(const char *bytes, int at)
{
	uint32_t word;

	memcpy(&word, bytes + at, 4);
	return word;
}

static uint32_t context_word(const struct machine *machine, int16_t offset)
{
	size_t i = 0;

	if (machine->type == BPF_PROG_TYPE_SK_SKB && (offset == 76 || offset == 80))
		return offset == 76 ? MACHINE_DATA : MACHINE_DATA_END;
	if (machine->type == BPF_PROG_TYPE_SK_SKB && offset == 0)
		return MACHINE_SIZE;
	if (machine->type == BPF_PROG_TYPE_SK_MSG && offset == 68)
		return MACHINE_SIZE;
	if (machine->type == BPF_PROG_TYPE_SOCK_OPS && offset == 0)
		return MACHINE_OP;
	while (contexts[i].type != machine->type)
		i++;
	if (offset == contexts[i].family)
		return MACHINE_FAMILY;
	if (offset == contexts[i].remote_ip4)
		return htonl(MACHINE_REMOTE_IP4);
	if (offset == contexts[i].local_ip4)
		return htonl(MACHINE_LOCAL_IP4);
	if (offset == contexts[i].remote_port)
		return htonl(MACHINE_REMOTE_PORT);
	if (offset == contexts[i].local_port)
		return MACHINE_LOCAL_PORT;
	if (offset >= contexts[i].remote_ip6 && offset < contexts[i].remote_ip6 + 16)
		return word_of(MACHINE_REMOTE_IP6, offset - contexts[i].remote_ip6);
	if (offset >= contexts[i].local_ip6 && offset < contexts[i].local_ip6 + 16)
		return word_of(MACHINE_LOCAL_IP6, offset - contexts[i].local_ip6);
	cr_assert_fail("a load of the context at %d", offset);
	return 0;
}

static unsigned int size_of(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

/* Place in the stack; blocks own the 128 bytes at the bottom and no more (lib/bpfasm/block.h). */
static size_t stack_at(uint64_t address, unsigned int size)
{
	uint64_t bottom = MACHINE_FRAME - 512;

	cr_assert(address >= bottom && address + size <= bottom + 128, "stack at %lld",
		(long long)(address - MACHINE_FRAME));
	cr_assert_eq((address - bottom) % size, 0, "an unaligned access at %lld",
		(long long)(address - MACHINE_FRAME));
	return (size_t)(address - bottom);
}

const unsigned char *machine_stack(const struct machine *machine, uint64_t address, uint32_t length)
{
	size_t at = stack_at(address, 1);

	for (uint32_t i = 0; i < length; i++)
		cr_assert(machine->written[at + i], "byte %u was never written", i);
	return machine->stack + at;
}

static void load(struct machine *machine, const struct bpf_insn *insn)
{
	uint64_t base = machine->registers[insn->src_reg], address = base + (uint64_t)insn->off;
	unsigned int size = size_of(insn);
	unsigned char bytes[8];
	uint16_t half;
	uint32_t word;

	if (base == MACHINE_CONTEXT) {
		cr_assert_eq(size, 4);
		machine->registers[insn->dst_reg] = context_word(machine, insn->off);
		return;
	}
	memcpy(bytes, machine_stack(machine, address, size), size);
	stack_at(address, size);
	memcpy(&half, bytes, 2);
	memcpy(&word, bytes, 4);
	if (size == 8)
		memcpy(&machine->registers[insn->dst_reg], bytes, 8);
	else
		machine->registers[insn->dst_reg] = size == 4 ? word : size == 2 ? half : bytes[0];
}

static void store(struct machine *machine, const struct bpf_insn *insn)
{
	uint64_t value = machine->registers[insn->src_reg];
	unsigned int size = size_of(insn);
	size_t at = stack_at(machine->registers[insn->dst_reg] + (uint64_t)insn->off, size);
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;

	memcpy(machine->stack + at,
		size == 1   ? (void *)&byte
		: size == 2 ? (void *)&half
		: size == 4 ? (void *)&word
			    : (void *)&value,
		size);
	memset(machine->written + at, 1, size);
}

static uint64_t swap(uint64_t value, int32_t bits)
{
	if (bits == 16)
		return htobe16((uint16_t)value);
	cr_assert_eq(bits, 32);
	return htobe32((uint32_t)value);
}

/* False at the call that blocks are about. */
static bool call(struct machine *machine, const struct bpf_insn *insn)
{
	bool cookie = insn->imm == BPF_FUNC_get_socket_cookie;

	if (!cookie && insn->imm != BPF_FUNC_get_netns_cookie) {
		machine->helper = insn->imm;
		return false;
	}
	cr_assert_eq(machine->registers[1], MACHINE_CONTEXT);
	machine->registers[0] = cookie ? MACHINE_COOKIE : MACHINE_NETNS_COOKIE;
	for (int i = 1; i <= 5; i++)
		machine->registers[i] = UINT64_C(0xdeaddead);
	return true;
}

static uint32_t map_at(const struct bpfasm_code *code, size_t instruction)
{
	vec_each (relocation, &code->relocations)
		if (relocation->instruction == instruction)
			return relocation->map;
	cr_assert_fail("a map load without relocation");
	return 0;
}

static bool takes_jump(const struct machine *machine, const struct bpf_insn *insn)
{
	uint64_t left = machine->registers[insn->dst_reg], right = (uint64_t)(int64_t)insn->imm;

	if (insn->code == (BPF_JMP | BPF_JA))
		return true;
	if (BPF_SRC(insn->code) == BPF_X)
		right = machine->registers[insn->src_reg];
	return number_compare(BPF_OP(insn->code), BPF_CLASS(insn->code) == BPF_JMP32, left, right);
}

/* False where the run ends. */
static bool step(struct machine *machine, const struct bpfasm_code *code, size_t *at)
{
	const struct bpf_insn *insn = &code->instructions.items[(*at)++];
	uint64_t *dst = &machine->registers[insn->dst_reg];

	cr_assert(insn->dst_reg != 10 || BPF_CLASS(insn->code) == BPF_STX, "r10 is written");
	switch (insn->code) {
	case 0xbf:
		*dst = machine->registers[insn->src_reg];
		return true;
	case 0xb7:
		*dst = (uint64_t)(int64_t)insn->imm;
		return true;
	case 0x07:
		*dst += (uint64_t)(int64_t)insn->imm;
		return true;
	case 0xdc:
		*dst = swap(*dst, insn->imm);
		return true;
	case 0x18:
		*dst = MACHINE_MAP + map_at(code, (*at)++ - 1);
		return true;
	case 0x85:
		return call(machine, insn);
	case 0x95:
		return false;
	}
	if (BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32)
		*at += takes_jump(machine, insn) ? (size_t)insn->off : 0;
	else if (BPF_CLASS(insn->code) == BPF_LDX)
		load(machine, insn);
	else if (BPF_CLASS(insn->code) == BPF_STX)
		store(machine, insn);
	else
		cr_assert_fail("no block emits 0x%02x", insn->code);
	return true;
}

void machine_run(struct machine *machine, const struct bpfasm_code *code)
{
	size_t at = 0;

	while (step(machine, code, &at))
		cr_assert_lt(at, code->instructions.count);
}
