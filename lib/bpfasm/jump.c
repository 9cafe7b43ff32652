/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Assembly text: jumps, calls and exit. */
#include "lib/bpfasm/listing.h"
#include "lib/bpfasm/text.h"

#include <string.h>

/* Where a jump goes: to a label, or so many instructions on. */
struct target {
	const char *label; /* NULL: a distance */
	int64_t distance;  /* from the next instruction; those that take two count twice */
	bool from_log;     /* "pc+2", as the verifier's log has it */
	size_t start, end;
};

/* "+2", "-2" or "pc+2". */
static bool accept_distance(struct scan *scan, struct target *target)
{
	__int128 number = 0;
	size_t start = scan->at;

	target->from_log = scan_accept_word(scan, "pc");
	scan_skip_blanks(scan);
	if (scan->at == scan->end || !strchr("+-", scan->text[scan->at]) ||
		!scan_accept_number(scan, &number)) {
		scan->at = start;
		return false;
	}
	/* Beyond any jump, whatever the number was. */
	target->distance = number > INT32_MAX   ? INT64_MAX
			   : number < INT32_MIN ? INT64_MIN
						: (int64_t)number;
	return true;
}

static struct target expect_target(struct scan *scan)
{
	struct target target = { 0 };
	size_t length = scan_word_length(scan);

	target.start = scan->at;
	if (scan->failed)
		return target;
	if (!accept_distance(scan, &target)) {
		if (length && !(scan->text[scan->at] >= '0' && scan->text[scan->at] <= '9'))
			target.label = asm_label_word(scan->assembler, scan->item->scalar,
				target.start, scan_take_word(scan, length));
		else
			scan_expected(scan, "a label or a distance such as +2");
	}
	target.end = scan->at;
	return target;
}

/* A label's distance is known when all labels are; whether one leads anywhere, at the very end. */
static void emit_jump(struct scan *scan, struct bpf_insn instruction, const struct target *target)
{
	bool is_long = instruction.code == INSN_LONG_JUMP;
	struct mark mark = scan_mark(scan, target->start, target->end);

	if (scan->failed)
		return;
	if (!target->label && (target->distance < (is_long ? INT32_MIN : INT16_MIN) ||
				      target->distance > (is_long ? INT32_MAX : INT16_MAX))) {
		struct diagnostic *diagnostic =
			scan_fail(scan, DIAG_E0314, target->start, target->end - target->start,
				is_long ? "no program is that long"
					: "a jump reaches from -32768 to +32767");

		if (instruction.code == (BPF_JMP | BPF_JA))
			diagnostic->hint = ASM_FAR_GOTO;
		return;
	}
	if (is_long)
		instruction.imm = (int32_t)target->distance;
	else
		instruction.off = (int16_t)target->distance;
	asm_jump_to(scan->assembler, instruction, target->label, mark, NULL);
}

void text_goto(struct scan *scan, uint8_t code)
{
	struct target target = expect_target(scan);

	emit_jump(scan, insn_make(code, 0, 0, 0, 0), &target);
}

/* A register, or a number of any size: how large it may be, the target tells. */
static struct operand expect_compared(struct scan *scan, __int128 *number)
{
	struct operand operand = { .reg = -1 };

	scan_skip_blanks(scan);
	operand.start = scan->at;
	if (scan->failed || !scan_accept_number(scan, number))
		return text_expect_operand(scan, 0);
	operand.number = (int64_t)*number;
	operand.end = scan->at;
	return operand;
}

/*
 * The log prints a number that is compared as 32 bits without a sign, where the kernel extends the
 * sign: what is 0xffffffff there is -1. It is taken so in a line of the log, which goes to "pc";
 * elsewhere it would not mean what it says.
 */
static void check_number(
	struct scan *scan, const struct operand *right, __int128 number, bool unsigned_too)
{
	size_t at = scan->at;

	if (right->reg >= 0)
		return;
	scan->at = right->end;
	scan_check_range(
		scan, right->start, number, INT32_MIN, unsigned_too ? UINT32_MAX : INT32_MAX);
	scan->at = at;
}

void text_if(struct scan *scan)
{
	const struct syntax *comparison;
	struct operand right;
	struct target target;
	__int128 number = 0;
	bool half = false;
	int left = 0;

	if (!scan_accept_register(scan, &left, &half)) {
		scan_expected(scan, "a register, r0 to r10 or w0 to w10");
		return;
	}
	comparison = scan_accept_sign_of(scan, syntax_comparisons);
	if (!comparison) {
		scan_expected(scan, "a comparison: == != > >= < <= & s> s>= s< s<=");
		return;
	}
	right = expect_compared(scan, &number);
	text_check_half(scan, &right, half);
	if (!scan->failed && !scan_accept_word(scan, "goto"))
		scan_expected(scan, "\"goto\"");
	target = expect_target(scan);
	check_number(scan, &right, number, half || target.from_log);
	emit_jump(scan,
		text_with_operand((half ? BPF_JMP32 : BPF_JMP) | comparison->code, left, &right, 0),
		&target);
}

/* What stands behind the name in the log, as in "call bpf_tail_call#12", is a comment. */
void text_call(struct scan *scan)
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
	if (!length || scan->failed) {
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

void text_exit(struct scan *scan)
{
	asm_emit(scan->assembler, insn_exit());
}

/* The second of a 64-bit load's two instructions has no opcode, and no other is without. */
static const char *fault_of(const struct assembler *assembler, int64_t position)
{
	size_t count = assembler->code->instructions.count;

	if (position < 0 || (uint64_t)position >= count)
		return arena_printf(assembler->arena,
			"the jump leads out of the program, which has %zu instructions", count);
	if (!assembler->code->instructions.items[position].code)
		return "the jump leads into the middle of a 64-bit load, which counts as two";
	return NULL;
}

void asm_check_distances(struct assembler *assembler)
{
	vec_each (jump, &assembler->jumps) {
		const struct bpf_insn *instruction =
			&assembler->code->instructions.items[jump->instruction];
		const char *fault = NULL;

		if (!jump->label)
			fault = fault_of(assembler, listing_target(instruction, jump->instruction));
		if (fault)
			diag_add(assembler->diagnostics, DIAG_E0314, jump->mark, "%s", fault);
	}
}
