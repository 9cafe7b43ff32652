/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From instructions back to assembly text, in LLVM's spelling: assembled again, the text gives the
 * same instruction. Jumps are written with their distances, since instructions know no labels.
 */
#pragma once

#include "lib/bpfasm/code.h"

/* Instructions that the one at `instruction` takes: 2 for 64-bit loads, 1 for all others. */
uint32_t listing_slots(const struct bpf_insn *instruction);

/*
 * The text of the instruction (and its second half); `map` is the name of the map whose address it
 * loads, or NULL. NULL for what no text of the assembler makes. Of fields that an instruction does
 * not use, nothing is said.
 */
const char *listing_text(struct arena *arena, const struct bpf_insn *instruction, const char *map);

/* Where the jump at `position` leads; -1 for what is no jump. */
int64_t listing_target(const struct bpf_insn *instruction, uint32_t position);
