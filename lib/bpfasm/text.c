/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Assembly text: the syntax of LLVM's BPF assembler and of the verifier's log.
 *
 *	statement   = label ":" | "exit" | "goto" label | "call" helper
 *	            | "if" register comparison operand "goto" label
 *	            | memory "=" operand
 *	            | register "=" memory | register "=" map "ll"
 *	            | register operator operand
 *	memory      = "*(" size "*)(" register ("+" | "-") number ")"
 *	operand     = register | number
 *
 * Statements end at a newline or a ";"; "//" and "#" begin a comment. A fault ends its statement
 *and the next is read. w0 to w10 stand for the low halves, in arithmetic and in comparisons.
 */
#include "lib/bpfasm/scan.h"

#include "lib/base/suggest.h"
#include "lib/bpfasm/block.h"

#include <string.h>

struct operand {
	int reg;   /* -1: a number */
	bool half; /* w register */
	int64_t number;
	size_t at; /* where it stands */
};

static struct operand expect_operand(struct scan *scan, bool half)
{
	struct operand operand = { .reg = -1 };

	if (scan->failed)
		return operand;
	scan_skip_blanks(scan);
	operand.at = scan->at;
	if (scan_accept_register(scan, &operand.reg, &operand.half)) {
		if (operand.half != half)
			scan_fail(scan, DIAG_E0302, operand.at, scan->at - operand.at,
				"r and w registers do not mix in one instruction");
		return operand;
	}
	operand.reg = -1;
	/* A low half takes 0xffffffff too; a whole register would extend its sign. */
	operand.number = scan_expect_number(
		scan, "a register or a number", INT32_MIN, half ? UINT32_MAX : INT32_MAX);
	return operand;
}

static void emit_operation(
	struct scan *scan, uint8_t code, int dst, const struct operand *operand, int16_t offset)
{
	if (scan->failed)
		return;
	if (operand->reg >= 0)
		asm_emit(scan->assembler, insn_make(code | BPF_X, dst, operand->reg, offset, 0));
	else
		asm_emit(scan->assembler,
			insn_make(code | BPF_K, dst, 0, offset, (int32_t)operand->number));
}

static void read_store(struct scan *scan)
{
	struct operand value;
	int size = 0, base = 0;
	int16_t offset = 0;

	scan_expect_memory(scan, &size, &base, &offset);
	scan_expect(scan, "=");
	value = expect_operand(scan, false);
	if (scan->failed)
		return;
	if (value.reg >= 0)
		asm_emit(scan->assembler, insn_store(size, base, offset, value.reg));
	else
		asm_emit(scan->assembler, insn_make((uint8_t)(BPF_ST | BPF_MEM | size), base, 0,
						  offset, (int32_t)value.number));
}

struct operator
{
	const char *text;
	uint8_t code;
};

/* Longer ones before those they begin with. */
static const struct operator arithmetic[] = {
	{ "s>>=", BPF_ARSH },
	{ "<<=", BPF_LSH },
	{ ">>=", BPF_RSH },
	{ "+=", BPF_ADD },
	{ "-=", BPF_SUB },
	{ "*=", BPF_MUL },
	{ "/=", BPF_DIV },
	{ "%=", BPF_MOD },
	{ "|=", BPF_OR },
	{ "&=", BPF_AND },
	{ "^=", BPF_XOR },
	{ NULL, 0 },
};

static const struct operator comparisons[] = {
	{ "s>=", BPF_JSGE },
	{ "s<=", BPF_JSLE },
	{ "s>", BPF_JSGT },
	{ "s<", BPF_JSLT },
	{ "==", BPF_JEQ },
	{ "!=", BPF_JNE },
	{ ">=", BPF_JGE },
	{ "<=", BPF_JLE },
	{ ">", BPF_JGT },
	{ "<", BPF_JLT },
	{ "&", BPF_JSET },
	{ NULL, 0 },
};

static const struct operator* accept_operator(struct scan *scan, const struct operator* table)
{
	for (; table->text; table++)
		if (scan_accept(scan, table->text))
			return table;
	return NULL;
}

static void read_wide_number(struct scan *scan, int dst, size_t start, __int128 number)
{
	uint64_t wide = (uint64_t)number;

	if (number < INT64_MIN || number > UINT64_MAX) {
		scan_fail(scan, DIAG_E0205, start, scan->at - start,
			"the number has to be between -9223372036854775808 and "
			"18446744073709551615 here");
		return;
	}
	asm_emit(scan->assembler, insn_make(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int32_t)wide));
	asm_emit(scan->assembler, insn_make(0, 0, 0, 0, (int32_t)(wide >> 32)));
}

static void read_map_load(struct scan *scan, int dst, size_t start, const char *name)
{
	size_t position =
		asm_find_map(scan->assembler, name, scan_mark(scan, start, start + strlen(name)));

	if (position == NAME_ABSENT)
		scan->failed = true;
	else
		asm_load_map(scan->assembler, dst, (uint32_t)position);
}

/* "ll" behind a name or a number makes it a 64-bit load; false, and nothing read, without it. */
static bool read_wide_load(struct scan *scan, int dst)
{
	size_t length = scan_word_length(scan), start = scan->at, end;
	const char *name = NULL;
	__int128 number = 0;

	if (!scan_accept_number(scan, &number))
		name = length ? scan_take_word(scan, length) : NULL;
	end = scan->at;
	if (end == start || !scan_accept_word(scan, "ll")) {
		scan->at = start;
		return false;
	}
	if (name) {
		read_map_load(scan, dst, start, name);
		return true;
	}
	scan->at = end;
	read_wide_number(scan, dst, start, number);
	scan_accept_word(scan, "ll");
	return true;
}

static bool read_byte_swap(struct scan *scan, int dst)
{
	static const struct {
		const char *text;
		uint8_t order;
		int bits;
	} swaps[] = {
		{ "be16", BPF_TO_BE, 16 },
		{ "be32", BPF_TO_BE, 32 },
		{ "be64", BPF_TO_BE, 64 },
		{ "le16", BPF_TO_LE, 16 },
		{ "le32", BPF_TO_LE, 32 },
		{ "le64", BPF_TO_LE, 64 },
	};

	for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
		int src = dst;
		size_t at;

		if (!scan_accept_word(scan, swaps[i].text))
			continue;
		scan_skip_blanks(scan);
		at = scan->at;
		scan_expect_register(scan, &src);
		if (!scan->failed && src != dst)
			scan_fail(scan, DIAG_E0302, at, scan->at - at,
				"a byte swap works in place: both registers have to be the same");
		if (!scan->failed)
			asm_emit(scan->assembler, insn_make(BPF_ALU | BPF_END | swaps[i].order, dst,
							  0, 0, swaps[i].bits));
		return true;
	}
	return false;
}

static void read_load(struct scan *scan, int dst)
{
	int size = 0, base = 0;
	int16_t offset = 0;

	scan_expect_memory(scan, &size, &base, &offset);
	if (!scan->failed)
		asm_emit(scan->assembler, insn_load(size, dst, base, offset));
}

/* register "=" has been read */
static void read_assignment(struct scan *scan, int dst, bool half)
{
	size_t start;
	struct operand source;
	uint8_t class = half ? BPF_ALU : BPF_ALU64;

	scan_skip_blanks(scan);
	start = scan->at;
	if (!half && scan_accept(scan, "*(")) {
		read_load(scan, dst);
		return;
	}
	if (!half && (read_byte_swap(scan, dst) || read_wide_load(scan, dst)))
		return;
	if (scan_accept(scan, "-") && scan_accept_register(scan, &source.reg, &source.half)) {
		if (source.reg != dst || source.half != half)
			scan_fail(scan, DIAG_E0302, start, scan->at - start,
				"negation works in place: both registers have to be the same");
		else
			asm_emit(scan->assembler, insn_make(class | BPF_NEG, dst, 0, 0, 0));
		return;
	}
	scan->at = start;
	source = expect_operand(scan, half);
	emit_operation(scan, class | BPF_MOV, dst, &source, 0);
}

static void read_register_statement(struct scan *scan, int dst, bool half)
{
	uint8_t class = half ? BPF_ALU : BPF_ALU64;
	const struct operator* operator= accept_operator(scan, arithmetic);
	struct operand operand;

	if (!operator) {
		scan_expect(scan, "=");
		if (!scan->failed)
			read_assignment(scan, dst, half);
		return;
	}
	operand = expect_operand(scan, half);
	emit_operation(scan, class | operator->code, dst, &operand, 0);
}

/* The label behind "goto"; *mark is where it stands. */
static const char *expect_label(struct scan *scan, struct mark *mark)
{
	size_t length = scan_word_length(scan);

	if (scan->failed)
		return "";
	if (!length || (scan->text[scan->at] >= '0' && scan->text[scan->at] <= '9')) {
		scan_expected(scan, "a label");
		return "";
	}
	*mark = scan_mark(scan, scan->at, scan->at + length);
	return scan_take_word(scan, length);
}

static void read_goto(struct scan *scan)
{
	struct mark mark = mark_none;
	const char *label = expect_label(scan, &mark);

	if (!scan->failed)
		asm_jump_to(scan->assembler, insn_make(BPF_JMP | BPF_JA, 0, 0, 0, 0), label, mark,
			NULL);
}

static void read_if(struct scan *scan)
{
	const struct operator* comparison;
	struct operand right;
	struct mark mark = mark_none;
	const char *label;
	bool half = false;
	uint8_t class;
	int left = 0;

	if (!scan_accept_register(scan, &left, &half)) {
		scan_expected(scan, "a register, r0 to r10 or w0 to w10");
		return;
	}
	comparison = accept_operator(scan, comparisons);
	if (!comparison) {
		scan_expected(scan, "a comparison: == != > >= < <= & s> s>= s< s<=");
		return;
	}
	right = expect_operand(scan, half);
	if (!scan->failed && !scan_accept_word(scan, "goto"))
		scan_expected(scan, "\"goto\"");
	label = expect_label(scan, &mark);
	if (scan->failed)
		return;
	class = half ? BPF_JMP32 : BPF_JMP;
	asm_jump_to(scan->assembler,
		insn_make(class | comparison->code | (right.reg >= 0 ? BPF_X : BPF_K), left,
			right.reg >= 0 ? right.reg : 0, 0, (int32_t)right.number),
		label, mark, NULL);
}

static void read_call(struct scan *scan)
{
	size_t length = scan_word_length(scan), start = scan->at;
	__int128 number;
	const char *name;
	int helper;

	if (scan_accept_number(scan, &number) && number > 0 && number <= INT32_MAX) {
		asm_emit(scan->assembler, insn_call((int32_t)number));
		return;
	}
	scan->at = start;
	if (!length) {
		scan_expected(scan, "the name of a helper");
		return;
	}
	name = scan_take_word(scan, length);
	helper = asm_helper_named(name);
	if (helper < 0)
		asm_suggest_helper(scan->assembler,
			scan_fail(scan, DIAG_E0306, start, length,
				arena_printf(
					scan->assembler->arena, "no helper is named \"%s\"", name)),
			name);
	else
		asm_emit(scan->assembler, insn_call(helper));
}

static void read_exit(struct scan *scan)
{
	asm_emit(scan->assembler, insn_exit());
}

static bool read_keyword(struct scan *scan)
{
	static const struct {
		const char *word;
		void (*read)(struct scan *scan);
	} keywords[] = {
		{ "exit", read_exit },
		{ "goto", read_goto },
		{ "call", read_call },
		{ "if", read_if },
	};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (scan_accept_word(scan, keywords[i].word)) {
			keywords[i].read(scan);
			return true;
		}
	}
	return false;
}

static bool read_label(struct scan *scan)
{
	size_t start, length = scan_word_length(scan);

	start = scan->at;
	if (!length)
		return false;
	scan->at += length;
	if (!scan_accept(scan, ":")) {
		scan->at = start;
		return false;
	}
	asm_define_label(scan->assembler,
		arena_copy(scan->assembler->arena, scan->text + start, length),
		scan_mark(scan, start, start + length));
	return true;
}

/* A word alone that is nothing else was meant as a block or an instruction without operands. */
static void report_unknown_statement(struct scan *scan)
{
	size_t start = scan->at, length = scan_word_length(scan), count;
	const struct block *table = block_table(&count);
	struct diagnostic *diagnostic;
	struct suggestion suggestion;
	const char *word;

	start = scan->at;
	word = scan_take_word(scan, length);
	scan_skip_blanks(scan);
	if (!length || scan->at != scan->end) {
		scan->at = start;
		scan_expected(scan, "an instruction");
		return;
	}
	if (block_named(word)) {
		scan_fail(scan, DIAG_E0301, start, length,
			arena_printf(scan->assembler->arena,
				"\"%s\" is a block and has to be an item of its own", word));
		return;
	}
	suggestion = suggestion_for(word);
	suggestion_offer(&suggestion, "exit");
	for (size_t i = 0; i < count; i++)
		suggestion_offer(&suggestion, table[i].name);
	diagnostic = scan_fail(scan, DIAG_E0301, start, length,
		arena_printf(scan->assembler->arena, "\"%s\" is neither a block nor an instruction",
			word));
	diag_suggest(scan->assembler->diagnostics, diagnostic, &suggestion);
}

static void read_instruction(struct scan *scan)
{
	bool half;
	int dst;

	if (read_keyword(scan))
		return;
	if (scan_accept(scan, "*(")) {
		read_store(scan);
		return;
	}
	if (scan_accept_register(scan, &dst, &half)) {
		read_register_statement(scan, dst, half);
		return;
	}
	report_unknown_statement(scan);
}

static void read_statement(struct scan *scan)
{
	size_t jumps = scan->assembler->jumps.count;

	while (read_label(scan))
		continue;
	scan_skip_blanks(scan);
	if (scan->at == scan->end)
		return;
	scan->assembler->origin.mark = scan_mark(scan, scan->at, scan->end);
	read_instruction(scan);
	scan_skip_blanks(scan);
	if (scan->failed || scan->at == scan->end)
		return;
	scan_expected(scan, "the end of the instruction");
	/* One fault a statement: where its jump goes is guesswork then. */
	scan->assembler->jumps.count = jumps;
}

void asm_text(struct assembler *assembler, const struct bpfasm_item *item)
{
	size_t length = strlen(item->text), next;

	for (size_t at = 0; at < length; at = next) {
		struct scan scan = {
			.assembler = assembler,
			.item = item,
			.text = item->text,
			.at = at,
			.end = scan_statement_end(item->text, at, length, &next),
		};

		read_statement(&scan);
	}
}
