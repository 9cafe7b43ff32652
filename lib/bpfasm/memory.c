/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Assembly text: loads and stores, and the 64-bit loads of numbers and maps. */
#include "lib/bpfasm/text.h"

#include <string.h>

/* What sizes there are, by what they stand in. */
static const char *sizes_of(enum syntax_use use)
{
	if (use == SYNTAX_LOAD)
		return "a size: u8, u16, u32, u64, s8, s16 or s32";
	return use == SYNTAX_ATOMIC ? "a size: u32 or u64" : "a size: u8, u16, u32 or u64";
}

void text_expect_size(struct scan *scan, enum syntax_use use, struct memory *ret)
{
	const struct syntax *size;

	if (scan->failed)
		return;
	scan_skip_blanks(scan);
	ret->start = scan->at;
	size = scan_accept_word_of(scan, syntax_sizes);
	ret->end = scan->at;
	if (!size || !(size->value & use)) {
		scan->at = ret->start;
		scan_expected(scan, sizes_of(use));
		return;
	}
	ret->size = size->code;
	scan_expect(scan, "*");
	scan_expect(scan, ")");
}

/* "+ 8)", "- 8)", or ")" alone for 0. */
static int16_t read_offset(struct scan *scan, const char *closing)
{
	__int128 number = 0;
	bool negative;
	size_t start;

	scan_skip_blanks(scan);
	start = scan->at;
	if (scan->failed || scan_accept(scan, closing))
		return 0;
	negative = scan_accept(scan, "-");
	if (!negative)
		scan_expect(scan, "+");
	if (!scan->failed && !scan_accept_number(scan, &number))
		scan_expected(scan, "a number");
	number = negative ? -number : number;
	if (!scan->failed && (number < INT16_MIN || number > INT16_MAX))
		scan_fail(scan, DIAG_E0205, start, scan->at - start,
			"an offset has to be between -32768 and 32767");
	scan_expect(scan, closing);
	return (int16_t)number;
}

void text_expect_address(struct scan *scan, const char *closing, struct memory *ret)
{
	scan_expect_register(scan, &ret->base);
	ret->offset = read_offset(scan, closing);
}

/* No more than 32 bits, and no sign to extend. */
static bool is_narrow(const struct memory *memory)
{
	return BPF_MODE(memory->size) == BPF_MEM && BPF_SIZE(memory->size) != BPF_DW;
}

void text_check_width(struct scan *scan, const struct memory *memory, bool half)
{
	if (half && !is_narrow(memory))
		text_fail_half(scan, memory->start, memory->end);
}

void text_store(struct scan *scan)
{
	struct memory memory = { 0 };
	struct operand value;

	text_expect_size(scan, SYNTAX_STORE, &memory);
	scan_expect(scan, "(");
	text_expect_address(scan, ")", &memory);
	scan_expect(scan, "=");
	/* 64 bits get the number with its sign extended: no 0xffffffff there. */
	value = text_expect_operand(scan, BPF_SIZE(memory.size) == BPF_DW ? INT32_MAX : UINT32_MAX);
	text_check_width(scan, &memory, value.reg >= 0 && value.half);
	if (scan->failed)
		return;
	if (value.reg >= 0)
		asm_emit(scan->assembler,
			insn_store(BPF_SIZE(memory.size), memory.base, memory.offset, value.reg));
	else
		asm_emit(scan->assembler, insn_make(BPF_ST | memory.size, memory.base, 0,
						  memory.offset, (int32_t)value.number));
}

/*
 * Behind "skb": `"[" number "]"` or `"[" register ["+" number] "]"`, what remains of classic BPF.
 * The kernel takes it in socket filters and traffic control alone (may_access_skb in its
 * verifier.c), in none of the types that redirect sockets.
 */
static void read_packet(struct scan *scan, const struct memory *memory)
{
	struct operand at = { .reg = -1 };
	int64_t number;
	uint8_t mode;

	if (!scan->failed && !is_narrow(memory))
		scan_fail(scan, DIAG_E0302, memory->start, memory->end - memory->start,
			"a load from the packet takes u8, u16 or u32");
	scan_expect(scan, "[");
	at = text_expect_operand(scan, INT32_MAX);
	text_check_half(scan, &at, false);
	number = at.number;
	if (at.reg >= 0 && scan_accept(scan, "+"))
		number = scan_expect_number(scan, "a number", INT32_MIN, INT32_MAX);
	scan_expect(scan, "]");
	if (scan->failed)
		return;
	mode = at.reg >= 0 ? BPF_IND : BPF_ABS;
	asm_emit(scan->assembler, insn_make(BPF_LD | mode | BPF_SIZE(memory->size), R0,
					  at.reg >= 0 ? at.reg : 0, 0, (int32_t)number));
}

void text_load(struct scan *scan, int dst, bool half)
{
	struct memory memory = { 0 };
	size_t start;

	text_expect_size(scan, SYNTAX_LOAD, &memory);
	scan_skip_blanks(scan);
	start = scan->at;
	if (!scan->failed && scan_accept_word(scan, "skb")) {
		if (dst != R0 || half)
			scan_fail(scan, DIAG_E0302, start, strlen("skb"),
				"a load from the packet goes to r0");
		read_packet(scan, &memory);
		return;
	}
	scan_expect(scan, "(");
	text_expect_address(scan, ")", &memory);
	text_check_width(scan, &memory, half);
	if (!scan->failed)
		asm_emit(scan->assembler,
			insn_make(BPF_LDX | memory.size, dst, memory.base, memory.offset, 0));
}

static void load_number(struct scan *scan, int dst, size_t start, size_t end, __int128 number)
{
	uint64_t wide = (uint64_t)number;

	if (number < INT64_MIN || number > UINT64_MAX)
		scan_fail(scan, DIAG_E0205, start, end - start,
			"the number has to be between -9223372036854775808 and "
			"18446744073709551615 here");
	if (scan->failed)
		return;
	asm_emit(scan->assembler, insn_make(INSN_WIDE_LOAD, dst, 0, 0, (int32_t)wide));
	asm_emit(scan->assembler, insn_make(0, 0, 0, 0, (int32_t)(wide >> 32)));
}

/*
 * With "ll", or in hexadecimal and beyond 32 bits, as the verifier's log prints it. Any other number
 * that a move cannot hold was probably meant so, too.
 */
static bool read_wide_number(struct scan *scan, int dst)
{
	__int128 number = 0;
	size_t start = scan->at, end;

	if (!scan_accept_number(scan, &number))
		return false;
	end = scan->at;
	if (scan_accept_word(scan, "ll") || (number > UINT32_MAX && scan->text[start] == '0')) {
		load_number(scan, dst, start, end, number);
		return true;
	}
	if (number >= INT64_MIN && number <= UINT64_MAX) {
		struct diagnostic *diagnostic =
			scan_check_range(scan, start, number, INT32_MIN, INT32_MAX);

		if (diagnostic)
			diagnostic->hint = "\"ll\" behind it loads 64 bits";
	}
	scan->at = start;
	return false;
}

static void load_map(struct scan *scan, int dst, size_t start, const char *name)
{
	size_t position =
		asm_find_map(scan->assembler, name, scan_mark(scan, start, start + strlen(name)));

	if (position == NAME_ABSENT)
		scan->failed = true;
	else
		asm_load_map(scan->assembler, dst, (uint32_t)position);
}

static bool read_map(struct scan *scan, int dst)
{
	size_t length = scan_word_length(scan), start = scan->at;
	const char *name = scan_take_word(scan, length);

	if (!length || !scan_accept_word(scan, "ll")) {
		scan->at = start;
		return false;
	}
	load_map(scan, dst, start, name);
	return true;
}

bool text_wide_load(struct scan *scan, int dst)
{
	return read_wide_number(scan, dst) || read_map(scan, dst);
}
