/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Assembly text: moves and arithmetic, all that begins with a register. */
#include "lib/bpfasm/text.h"

#include <string.h>

/* A register, or with `number` that up to `most`, too. */
static struct operand expect(struct scan *scan, bool number, int64_t most)
{
	struct operand operand = { .reg = -1 };

	if (scan->failed)
		return operand;
	scan_skip_blanks(scan);
	operand.start = scan->at;
	if (!scan_accept_register(scan, &operand.reg, &operand.half)) {
		if (number)
			operand.number =
				scan_expect_number(scan, "a register or a number", INT32_MIN, most);
		else
			scan_expected(scan, "a register, r0 to r10 or w0 to w10");
	}
	operand.end = scan->at;
	return operand;
}

struct operand text_expect_operand(struct scan *scan, int64_t most)
{
	return expect(scan, true, most);
}

struct operand text_expect_register(struct scan *scan)
{
	return expect(scan, false, 0);
}

void text_check_half(struct scan *scan, const struct operand *operand, bool half)
{
	if (!scan->failed && operand->reg >= 0 && operand->half != half)
		scan_fail(scan, DIAG_E0302, operand->start, operand->end - operand->start,
			"r and w registers do not mix in one instruction");
}

void text_fail_half(struct scan *scan, size_t start, size_t end)
{
	if (!scan->failed)
		scan_fail(scan, DIAG_E0302, start, end - start,
			arena_printf(scan->assembler->arena, "%.*s needs r registers",
				(int)(end - start), scan->text + start));
}

struct bpf_insn text_with_operand(
	uint8_t code, int dst, const struct operand *operand, int16_t offset)
{
	if (operand->reg >= 0)
		return insn_make(code | BPF_X, dst, operand->reg, offset, 0);
	return insn_make(code | BPF_K, dst, 0, offset, (int32_t)operand->number);
}

/* A low half takes 0xffffffff, too; a whole register would extend its sign. */
static int64_t most_of(bool half)
{
	return half ? UINT32_MAX : INT32_MAX;
}

static uint8_t class_of(bool half)
{
	return half ? BPF_ALU : BPF_ALU64;
}

static void read_operand(struct scan *scan, uint8_t operation, int16_t offset, int dst, bool half)
{
	struct operand operand = text_expect_operand(scan, most_of(half));

	text_check_half(scan, &operand, half);
	if (!scan->failed)
		asm_emit(scan->assembler,
			text_with_operand(class_of(half) | operation, dst, &operand, offset));
}

static void fail_in_place(struct scan *scan, size_t start, const char *what)
{
	scan_fail(scan, DIAG_E0302, start, scan->at - start,
		arena_printf(scan->assembler->arena,
			"%s works in place: both registers have to be the same", what));
}

static bool read_swap(struct scan *scan, int dst, bool half)
{
	const struct syntax *swap = half ? NULL : scan_accept_word_of(scan, syntax_swaps);
	size_t start;
	int src = dst;

	if (!swap)
		return false;
	scan_skip_blanks(scan);
	start = scan->at;
	scan_expect_register(scan, &src);
	if (!scan->failed && src != dst)
		fail_in_place(scan, start, "a byte swap");
	if (!scan->failed)
		asm_emit(scan->assembler, insn_make(swap->code, dst, 0, 0, swap->value));
	return true;
}

static bool read_negation(struct scan *scan, int dst, bool half)
{
	size_t start = scan->at;
	int src;
	bool src_half;

	if (!scan_accept(scan, "-") || !scan_accept_register(scan, &src, &src_half)) {
		scan->at = start;
		return false;
	}
	if (src != dst || src_half != half)
		fail_in_place(scan, start, "negation");
	else
		asm_emit(scan->assembler, insn_make(class_of(half) | BPF_NEG, dst, 0, 0, 0));
	return true;
}

/* "(s8) r2": a move with the sign of the low 8 bits. */
static bool read_extension(struct scan *scan, int dst, bool half)
{
	const struct syntax *extension;
	struct operand src;
	size_t start = scan->at;

	if (!scan_accept(scan, "("))
		return false;
	extension = scan_accept_word_of(scan, syntax_extensions);
	if (!extension) {
		scan->at = start;
		return false;
	}
	if (half && extension->value == 32)
		text_fail_half(scan, scan->at - strlen(extension->text), scan->at);
	scan_expect(scan, ")");
	src = text_expect_register(scan);
	text_check_half(scan, &src, half);
	if (!scan->failed)
		asm_emit(scan->assembler,
			text_with_operand(class_of(half) | BPF_MOV, dst, &src, extension->value));
	return true;
}

/* Between the address spaces of an arena; the kernel takes it beside one only. */
static bool read_cast(struct scan *scan, int dst, bool half)
{
	int64_t to, from;
	int src = 0;

	if (half || !scan_accept_word(scan, "addr_space_cast"))
		return false;
	scan_expect(scan, "(");
	scan_expect_register(scan, &src);
	scan_expect(scan, ",");
	to = scan_expect_number(scan, "a number", 0, UINT16_MAX);
	scan_expect(scan, ",");
	from = scan_expect_number(scan, "a number", 0, UINT16_MAX);
	scan_expect(scan, ")");
	if (!scan->failed)
		asm_emit(scan->assembler,
			insn_make(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, INSN_ADDRESS_SPACE_CAST,
				(int32_t)((uint32_t)to << 16 | from)));
	return true;
}

/* Each reads one form of value, or leaves the cursor where it was. */
static bool read_special_value(struct scan *scan, int dst, bool half)
{
	static bool (*const forms[])(struct scan * scan, int dst, bool half) = {
		read_swap,
		read_negation,
		read_extension,
		read_cast,
		text_atomic,
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i](scan, dst, half))
			return true;
	return false;
}

void text_operate(struct scan *scan, int dst, bool half)
{
	const struct syntax *operator= scan_accept_sign_of(scan, syntax_arithmetic);

	if (operator) {
		read_operand(scan, operator->code, operator->value, dst, half);
		return;
	}
	scan_expect(scan, "=");
	scan_skip_blanks(scan);
	if (scan->failed)
		return;
	if (scan_accept(scan, "*(")) {
		text_load(scan, dst, half);
		return;
	}
	/* Maps first: they may have any name, "be16" as well. */
	if ((half || !text_wide_load(scan, dst)) && !read_special_value(scan, dst, half))
		read_operand(scan, BPF_MOV, 0, dst, half);
}
