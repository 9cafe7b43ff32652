/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the kernel says of a program, beside what bpfasm_check says. The kernel is right: what it
 * takes must pass. That holds for 6.12 and 6.18; one program in some ten thousand shows a fault of
 * 6.1's verifier, which compares the numbers that branches depend on too loosely where ways meet and so
 * takes a read of a register that nothing has written.
 */
#pragma once

#include "tests/fuzz/programs.h"

struct oracle {
	int maps[ORACLE_MAPS]; /* descriptors; -1: not made */
	size_t taken;          /* by the kernel */
	size_t refused;
	size_t caught;  /* of the refused, by the checks */
	size_t unequal; /* of the taken, refused by the checks */
};

/* Whether the kernel has that fault of 6.1's verifier, shown by a small program that has it. */
bool oracle_confuses_copies(void);

/* Makes the maps; false without the privilege or the kernel for it. */
bool oracle_init(struct oracle *oracle);
void oracle_finish(struct oracle *oracle);

/*
 * Judges one program both ways and counts. False when the kernel takes what the checks refuse; *ret
 * is what to say of it then, in the arena.
 */
bool oracle_judge(struct oracle *oracle, struct arena *arena, struct bpfasm_code *code,
	const struct bpfasm_map *maps, const int *descriptors, const char **ret);

/* Whether the kernel takes a program with these maps. */
bool oracle_takes(struct arena *arena, const struct bpfasm_code *code, const int *descriptors);

/* The program as text, a line an instruction. */
const char *oracle_text(struct arena *arena, const struct bpfasm_code *code);

/* The verifier's log of a program. */
const char *oracle_log(struct arena *arena, const struct bpfasm_code *code, const int *descriptors);
