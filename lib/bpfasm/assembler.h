/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: the builder that assembly text and blocks write to. Its errors are sticky: what
 * is wrong becomes a diagnostic, the builder goes on, and bpfasm_assemble looks once at the end.
 */
#pragma once

#include "lib/bpfasm/code.h"
#include "lib/bpfasm/instruction.h"
#include "lib/bpfasm/words.h"

struct asm_label {
	const char *name;
	struct mark mark;
	uint32_t position; /* of the instruction behind it */
};

struct asm_jump {
	const char *label;
	struct mark mark;
	uint32_t instruction;
	const char *const *words; /* what could have been meant besides labels; NULL */
};

struct assembler {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct bpfasm_program *program;
	const struct bpfasm_map *maps;
	const struct name_index *map_names;
	struct bpfasm_code *code;
	struct bpfasm_origin origin; /* of what is emitted next */
	VEC(struct asm_label) labels;
	struct name_index label_names;
	VEC(struct asm_jump) jumps;
	struct yaml_cursor cursor; /* in the item that is being read */
	bool incomplete;           /* an item was left out: its fault has been reported */
};

void asm_emit(struct assembler *assembler, struct bpf_insn instruction);

/* `dst` = the address of a map: two instructions and a relocation. */
void asm_load_map(struct assembler *assembler, int dst, uint32_t map);

/*
 * A jump whose distance is filled in when all labels are known. `words`, ending with NULL, are what
 * a label that is not there may have been meant for; NULL: nothing.
 */
void asm_jump_to(struct assembler *assembler, struct bpf_insn instruction, const char *label,
	struct mark mark, const char *const *words);

void asm_define_label(struct assembler *assembler, const char *name, struct mark mark);

/* Position of a map by name, or NAME_ABSENT and a diagnostic with a suggestion. */
size_t asm_find_map(struct assembler *assembler, const char *name, struct mark mark);

/* Assembles one string of a body. */
void asm_text(struct assembler *assembler, const struct bpfasm_item *item);

/* The number of a helper by its name, with or without "bpf_"; -1 for none. */
int asm_helper_named(const char *name);
void asm_suggest_helper(
	struct assembler *assembler, struct diagnostic *diagnostic, const char *name);
