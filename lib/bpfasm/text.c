/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Assembly text: the syntax of LLVM's BPF assembler (llvm-mc -mcpu=v4), and where it differs also
 * that of the verifier's log and of `bpftool prog dump xlated` (kernel/bpf/disasm.c).
 *
 *	text        = statement { ("\n" | ";") statement }
 *	statement   = { label ":" } [ instruction ]
 *	instruction = "exit" | "call" (helper | number)
 *	            | ("goto" | "gotol" | "may_goto") target
 *	            | "if" register comparison operand "goto" target
 *	            | register arithmetic operand | register "=" value
 *	            | memory "=" operand
 *	            | "lock" memory ("+=" | "|=" | "&=" | "^=") register
 *	            | "store_release" "(" pointer "," register ")"
 *	value       = operand | memory | "-" register | swap register
 *	            | "(" ("s8" | "s16" | "s32") ")" register
 *	            | (number | map) "ll" | packet
 *	            | atomic "(" (pointer | address) ["," "r0"] "," register ")"
 *	            | "load_acquire" "(" pointer ")"
 *	            | "addr_space_cast" "(" register "," number "," number ")"
 *	target      = label | ["pc"] ("+" | "-") number
 *	memory      = "*" pointer
 *	pointer     = "(" size "*" ")" "(" address ")"
 *	address     = register [("+" | "-") number]
 *	packet      = "*" "(" size "*" ")" "skb" "[" (number | register ["+" number]) "]"
 *	operand     = register | number
 *	register    = "r0" to "r10", or for the low halves "w0" to "w10" or "(u32) r0" and so on
 *	number      = ["+" | "-"] (decimal | "0x" hexadecimal)
 *
 * arithmetic, comparison, swap, size and atomic are the tables of syntax.c. A target's number counts
 * instructions from the next one, and what takes two counts twice. "//" and "#" begin a comment. A
 * fault ends its statement, and the next is read.
 */
#include "lib/bpfasm/text.h"

#include "lib/base/suggest.h"

#include <string.h>

/* What begins with a word; jumps without a condition are in syntax_gotos. */
static bool read_keyword(struct scan *scan)
{
	static const struct {
		const char *word;
		void (*read)(struct scan *scan);
	} keywords[] = {
		{ "exit", text_exit },
		{ "call", text_call },
		{ "if", text_if },
		{ "lock", text_lock },
		{ "store_release", text_store_release },
	};
	const struct syntax *jump = scan_accept_word_of(scan, syntax_gotos);

	if (jump) {
		text_goto(scan, jump->code);
		return true;
	}
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
	size_t start = scan->at, length = scan_word_length(scan);
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
	if (asm_is_block(scan->assembler, word)) {
		scan_fail(scan, DIAG_E0301, start, length,
			arena_printf(scan->assembler->arena,
				"\"%s\" is a block and has to be an item of its own", word));
		return;
	}
	scan->failed = asm_may_be_block(scan->assembler);
	if (scan->failed)
		return;
	suggestion = suggestion_for(word);
	diag_offer_name(scan->assembler->diagnostics, &suggestion, "exit");
	asm_offer_blocks(scan->assembler, &suggestion);
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
		text_store(scan);
		return;
	}
	if (scan_accept_register(scan, &dst, &half)) {
		text_operate(scan, dst, half);
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
			.start = at,
			.at = at,
			.end = scan_statement_end(item->text, at, length, &next),
		};

		if (!template_skips(assembler, item, at, scan.end))
			read_statement(&scan);
	}
}
