/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/bpfasm/listing.h"

#include "lib/bpfasm/assembler.h"
#include "lib/bpfasm/syntax.h"

#include <inttypes.h>

uint32_t listing_slots(const struct bpf_insn *instruction)
{
	return instruction->code == INSN_WIDE_LOAD ? 2 : 1;
}

/* The text of the row with that code and value; NULL for none. */
static const char *row_text(const struct syntax *table, int code, int value)
{
	for (; table->text; table++)
		if (table->code == code && table->value == value)
			return table->text;
	return NULL;
}

/* The word for size and mode, out of those that stand in `use`. */
static const char *size_text(int code, enum syntax_use use)
{
	const struct syntax *table = syntax_sizes;

	while (table->text && !(table->code == code && table->value & use))
		table++;
	return table->text;
}

static const char *address_text(struct arena *arena, int base, int16_t offset)
{
	return arena_printf(
		arena, "r%d %c %d", base, offset < 0 ? '-' : '+', offset < 0 ? -offset : offset);
}

/* What stands on the right of arithmetic and comparisons. */
static const char *operand_text(struct arena *arena, const struct bpf_insn *insn, char file)
{
	if (BPF_SRC(insn->code) == BPF_X)
		return arena_printf(arena, "%c%d", file, insn->src_reg);
	return arena_printf(arena, "%d", insn->imm);
}

static const char *move_text(struct arena *arena, const struct bpf_insn *insn, char file)
{
	const char *extension = row_text(syntax_extensions, 0, insn->off);
	bool from_register = BPF_SRC(insn->code) == BPF_X;

	if (!insn->off)
		return arena_printf(
			arena, "%c%d = %s", file, insn->dst_reg, operand_text(arena, insn, file));
	if (from_register && file == 'r' && insn->off == INSN_ADDRESS_SPACE_CAST)
		return arena_printf(arena, "r%d = addr_space_cast(r%d, %u, %u)", insn->dst_reg,
			insn->src_reg, (uint32_t)insn->imm >> 16, insn->imm & UINT16_MAX);
	if (!from_register || !extension || (file == 'w' && insn->off == 32))
		return NULL;
	return arena_printf(
		arena, "%c%d = (%s)%c%d", file, insn->dst_reg, extension, file, insn->src_reg);
}

static const char *arithmetic_text(struct arena *arena, const struct bpf_insn *insn)
{
	char file = BPF_CLASS(insn->code) == BPF_ALU64 ? 'r' : 'w';
	int dst = insn->dst_reg;
	const char *swap = row_text(syntax_swaps, insn->code, insn->imm);
	const char *sign = row_text(syntax_arithmetic, BPF_OP(insn->code), insn->off);

	if (BPF_OP(insn->code) == BPF_MOV)
		return move_text(arena, insn, file);
	if (swap)
		return arena_printf(arena, "r%d = %s r%d", dst, swap, dst);
	if (BPF_OP(insn->code) == BPF_NEG && BPF_SRC(insn->code) == BPF_K)
		return arena_printf(arena, "%c%d = -%c%d", file, dst, file, dst);
	if (!sign)
		return NULL;
	return arena_printf(arena, "%c%d %s %s", file, dst, sign, operand_text(arena, insn, file));
}

/* A number; maps are known by relocations alone. */
static const char *wide_text(struct arena *arena, const struct bpf_insn *insn)
{
	uint64_t low = (uint32_t)insn[0].imm, high = (uint32_t)insn[1].imm;

	if (insn->src_reg)
		return NULL;
	return arena_printf(arena, "r%d = 0x%" PRIx64 " ll", insn->dst_reg, high << 32 | low);
}

static const char *packet_text(struct arena *arena, const struct bpf_insn *insn)
{
	const char *size = size_text(BPF_SIZE(insn->code) | BPF_MEM, SYNTAX_LOAD);
	int mode = BPF_MODE(insn->code);

	if (insn->code == INSN_WIDE_LOAD)
		return wide_text(arena, insn);
	if (BPF_SIZE(insn->code) == BPF_DW || (mode != BPF_ABS && mode != BPF_IND))
		return NULL;
	if (mode == BPF_ABS)
		return arena_printf(arena, "r0 = *(%s *)skb[%d]", size, insn->imm);
	if (!insn->imm)
		return arena_printf(arena, "r0 = *(%s *)skb[r%d]", size, insn->src_reg);
	return arena_printf(arena, "r0 = *(%s *)skb[r%d + %d]", size, insn->src_reg, insn->imm);
}

static const char *load_text(struct arena *arena, const struct bpf_insn *insn)
{
	const char *size = size_text(BPF_SIZE(insn->code) | BPF_MODE(insn->code), SYNTAX_LOAD);

	if (!size)
		return NULL;
	return arena_printf(arena, "r%d = *(%s *)(%s)", insn->dst_reg, size,
		address_text(arena, insn->src_reg, insn->off));
}

static const char *constant_text(struct arena *arena, const struct bpf_insn *insn)
{
	const char *size = size_text(BPF_SIZE(insn->code) | BPF_MODE(insn->code), SYNTAX_STORE);

	if (!size)
		return NULL;
	return arena_printf(arena, "*(%s *)(%s) = %d", size,
		address_text(arena, insn->dst_reg, insn->off), insn->imm);
}

/* LLVM's name for the operation, which comes first, where it has that size. */
static const struct syntax_atomic *atomic_of(const struct bpf_insn *insn)
{
	const struct syntax_atomic *atomic = syntax_atomics;

	while (atomic->text && (atomic->operation != insn->imm ||
				       (!atomic->either && atomic->size != BPF_SIZE(insn->code))))
		atomic++;
	return atomic->text ? atomic : NULL;
}

/* Atomic operations on 32 or 64 bits. */
static const char *atomic_text(struct arena *arena, const struct bpf_insn *insn)
{
	const char *size = size_text(BPF_SIZE(insn->code) | BPF_MEM, SYNTAX_ATOMIC);
	const char *address = address_text(arena, insn->dst_reg, insn->off);
	const char *sign = row_text(syntax_locks, insn->imm, 0);
	const struct syntax_atomic *atomic = atomic_of(insn);
	char file = BPF_SIZE(insn->code) == BPF_DW ? 'r' : 'w';
	int src = insn->src_reg;

	if (size && sign)
		return arena_printf(
			arena, "lock *(%s *)(%s) %s %c%d", size, address, sign, file, src);
	if (!size || !atomic)
		return NULL;
	if (atomic->cast)
		address = arena_printf(arena, "(%s *)(%s)", size, address);
	if (insn->imm == BPF_CMPXCHG)
		return arena_printf(arena, "%c0 = %s(%s, %c0, %c%d)", file, atomic->text, address,
			file, file, src);
	return arena_printf(
		arena, "%c%d = %s(%s, %c%d)", file, src, atomic->text, address, file, src);
}

static const char *store_text(struct arena *arena, const struct bpf_insn *insn)
{
	const char *size = size_text(BPF_SIZE(insn->code) | BPF_MEM, SYNTAX_STORE);
	const char *address = address_text(arena, insn->dst_reg, insn->off);

	if (BPF_MODE(insn->code) == BPF_MEM)
		return arena_printf(arena, "*(%s *)(%s) = r%d", size, address, insn->src_reg);
	if (BPF_MODE(insn->code) != BPF_ATOMIC)
		return NULL;
	if (insn->imm == BPF_STORE_REL)
		return arena_printf(
			arena, "store_release((%s *)(%s), r%d)", size, address, insn->src_reg);
	if (insn->imm == BPF_LOAD_ACQ)
		return arena_printf(arena, "r%d = load_acquire((%s *)(%s))", insn->dst_reg, size,
			address_text(arena, insn->src_reg, insn->off));
	return atomic_text(arena, insn);
}

static const char *call_text(struct arena *arena, const struct bpf_insn *insn)
{
	const char *name = asm_helper_name(insn->imm);

	if (insn->src_reg || insn->imm <= 0)
		return NULL;
	return name ? arena_printf(arena, "call bpf_%s", name)
		    : arena_printf(arena, "call %d", insn->imm);
}

static int32_t distance_of(const struct bpf_insn *insn)
{
	return insn->code == INSN_LONG_JUMP ? insn->imm : insn->off;
}

static const char *jump_text(struct arena *arena, const struct bpf_insn *insn)
{
	char file = BPF_CLASS(insn->code) == BPF_JMP ? 'r' : 'w';
	const char *word = row_text(syntax_gotos, insn->code, 0);
	const char *sign = row_text(syntax_comparisons, BPF_OP(insn->code), 0);

	if (insn->code == (BPF_JMP | BPF_EXIT))
		return "exit";
	if (insn->code == (BPF_JMP | BPF_CALL))
		return call_text(arena, insn);
	if (word)
		return arena_printf(arena, "%s %+d", word, distance_of(insn));
	if (!sign)
		return NULL;
	return arena_printf(arena, "if %c%d %s %s goto %+d", file, insn->dst_reg, sign,
		operand_text(arena, insn, file), distance_of(insn));
}

const char *listing_text(struct arena *arena, const struct bpf_insn *instruction, const char *map)
{
	static const char *(*const texts[])(struct arena * arena, const struct bpf_insn *insn) = {
		[BPF_LD] = packet_text,
		[BPF_LDX] = load_text,
		[BPF_ST] = constant_text,
		[BPF_STX] = store_text,
		[BPF_ALU] = arithmetic_text,
		[BPF_JMP] = jump_text,
		[BPF_JMP32] = jump_text,
		[BPF_ALU64] = arithmetic_text,
	};

	if (map)
		return arena_printf(arena, "r%d = %s ll", instruction->dst_reg, map);
	return texts[BPF_CLASS(instruction->code)](arena, instruction);
}

int64_t listing_target(const struct bpf_insn *instruction, uint32_t position)
{
	int class = BPF_CLASS(instruction->code), operation = BPF_OP(instruction->code);

	if ((class != BPF_JMP && class != BPF_JMP32) || operation == BPF_CALL ||
		operation == BPF_EXIT)
		return -1;
	return (int64_t)position + 1 + distance_of(instruction);
}
