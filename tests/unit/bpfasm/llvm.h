/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The oracle: LLVM 19's assembler and disassembler (Debian's package llvm-19), run on whole files
 * so that 100,000 instructions take one process.
 */
#pragma once

#include "tests/unit/support.h"

#include <linux/bpf.h>

/* Skips the running test where there is no llvm-mc-19. */
void llvm_need(void);

/* The ELF object that it makes of the text; the test fails with its words where it makes none. */
char *llvm_object(const char *text);

/* The same, down to the instructions. */
const struct bpf_insn *llvm_assemble(const char *text, size_t *count);

/* An instruction as LLVM prints it. */
struct llvm_line {
	const char *text;
	struct bpf_insn instructions[2]; /* what LLVM makes of that text */
	size_t count;
};

typedef VEC(struct llvm_line) llvm_lines;

/* All that it takes for an instruction; `options` for the command, e.g. "--print-imm-hex". */
llvm_lines llvm_disassemble(const struct bpf_insn *instructions, size_t count, const char *options);
