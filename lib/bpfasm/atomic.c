/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Assembly text: atomic operations.
 *
 * The two spellings differ in more than names: on 32 bits LLVM writes w registers and the verifier's
 * log r registers, and to exchange LLVM writes a bare address and the log one with its type. For 32
 * bits both files of registers are taken, for 64 bits r registers alone.
 */
#include "lib/bpfasm/text.h"

#define ON_R0 "a compare and exchange works on r0"

/* `"(" size "*)" "(" address ")"` */
static void expect_pointer(struct scan *scan, enum syntax_use use, struct memory *ret)
{
	scan_expect(scan, "(");
	text_expect_size(scan, use, ret);
	scan_expect(scan, "(");
	text_expect_address(scan, ")", ret);
}

static void emit(struct scan *scan, const struct memory *memory, int src, int32_t operation)
{
	if (!scan->failed)
		asm_emit(scan->assembler, insn_make(BPF_STX | BPF_ATOMIC | BPF_SIZE(memory->size),
						  memory->base, src, memory->offset, operation));
}

void text_lock(struct scan *scan)
{
	struct memory memory = { 0 };
	const struct syntax *operation = NULL;
	struct operand src;

	scan_expect(scan, "*");
	expect_pointer(scan, SYNTAX_ATOMIC, &memory);
	if (!scan->failed)
		operation = scan_accept_sign_of(scan, syntax_locks);
	if (!operation)
		scan_expected(scan, "an operation: += |= &= ^=");
	src = text_expect_register(scan);
	text_check_width(scan, &memory, src.half);
	emit(scan, &memory, src.reg, operation ? operation->code : 0);
}

static const struct syntax_atomic *accept_atomic(struct scan *scan)
{
	for (const struct syntax_atomic *atomic = syntax_atomics; atomic->text; atomic++)
		if (scan_accept_word(scan, atomic->text))
			return atomic;
	return NULL;
}

/* From the parenthesis to the comma behind the place in memory. */
static void expect_target(struct scan *scan, const struct syntax_atomic *atomic, struct memory *ret)
{
	if (!atomic->cast) {
		text_expect_address(scan, ",", ret);
		return;
	}
	expect_pointer(scan, SYNTAX_ATOMIC, ret);
	if (!scan->failed && !atomic->either && BPF_SIZE(ret->size) != atomic->size)
		scan_fail(scan, DIAG_E0302, ret->start, ret->end - ret->start,
			arena_printf(scan->assembler->arena, "%s takes %s", atomic->text,
				atomic->size == BPF_DW ? "u64" : "u32"));
	scan_expect(scan, ",");
}

/* A register of the file that `half` says, and no other than `wanted`. */
static void expect_that_register(struct scan *scan, int wanted, bool half, const char *why)
{
	struct operand operand = text_expect_register(scan);

	text_check_half(scan, &operand, half);
	if (!scan->failed && operand.reg != wanted)
		scan_fail(scan, DIAG_E0302, operand.start, operand.end - operand.start, why);
}

/* `"r0," register`: a compare and exchange compares with what r0 holds. */
static int expect_exchanged(struct scan *scan, bool half)
{
	struct operand src;

	expect_that_register(scan, R0, half, ON_R0);
	scan_expect(scan, ",");
	src = text_expect_register(scan);
	text_check_half(scan, &src, half);
	return src.reg;
}

static void read_atomic(
	struct scan *scan, const struct syntax_atomic *atomic, size_t start, int dst, bool half)
{
	/* Without a cast the size stands in the name. */
	struct memory memory = { .size = BPF_MEM | atomic->size, .start = start, .end = scan->at };
	int src = dst;

	if (atomic->operation == BPF_CMPXCHG && dst != R0)
		scan_fail(scan, DIAG_E0302, start, scan->at - start, ON_R0);
	scan_expect(scan, "(");
	expect_target(scan, atomic, &memory);
	text_check_width(scan, &memory, half);
	if (atomic->operation == BPF_CMPXCHG)
		src = expect_exchanged(scan, half);
	else
		expect_that_register(scan, dst, half,
			"a fetch works in place: both registers have to be the same");
	scan_expect(scan, ")");
	emit(scan, &memory, src, atomic->operation);
}

static void read_acquire(struct scan *scan, int dst, bool half)
{
	struct memory memory = { 0 };

	scan_expect(scan, "(");
	expect_pointer(scan, SYNTAX_STORE, &memory);
	scan_expect(scan, ")");
	text_check_width(scan, &memory, half);
	if (!scan->failed)
		asm_emit(scan->assembler, insn_make(BPF_STX | BPF_ATOMIC | BPF_SIZE(memory.size),
						  dst, memory.base, memory.offset, BPF_LOAD_ACQ));
}

bool text_atomic(struct scan *scan, int dst, bool half)
{
	const struct syntax_atomic *atomic;
	size_t start;

	scan_skip_blanks(scan);
	start = scan->at;
	atomic = accept_atomic(scan);
	if (atomic)
		read_atomic(scan, atomic, start, dst, half);
	else if (scan_accept_word(scan, "load_acquire"))
		read_acquire(scan, dst, half);
	return scan->at != start;
}

void text_store_release(struct scan *scan)
{
	struct memory memory = { 0 };
	struct operand src;

	scan_expect(scan, "(");
	expect_pointer(scan, SYNTAX_STORE, &memory);
	scan_expect(scan, ",");
	src = text_expect_register(scan);
	text_check_width(scan, &memory, src.half);
	scan_expect(scan, ")");
	emit(scan, &memory, src.reg, BPF_STORE_REL);
}
