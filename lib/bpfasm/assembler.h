/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside the room: the builder that assembly text and blocks write to. Its errors are sticky: what
 * is wrong becomes a diagnostic, the builder goes on, and bpfasm_assemble looks once at the end.
 */
#pragma once

#include "lib/bpfasm/code.h"
#include "lib/bpfasm/instruction.h"
#include "lib/bpfasm/template.h"
#include "lib/bpfasm/words.h"

/* Where labels are looked up: a program, or one expansion of a template. */
struct asm_scope {
	const struct asm_scope *outer;    /* where the template is used; NULL: in none */
	struct bpfasm_template *template; /* NULL: the program */
	const struct bpfasm_scope *names; /* templates that are seen here; NULL: none */
	unsigned int depth;               /* 0: the program */
	struct name_index labels;         /* positions in assembler.labels */
};

struct asm_label {
	const char *name;
	struct mark mark;
	const struct diag_use *use;
	const struct asm_scope *scope;
	uint32_t position; /* of the instruction behind it */
	bool target;       /* of a jump; known when they are resolved */
};

/* A label that a template was given: it belongs to whoever gave it. */
struct asm_passed {
	const char *name;
	struct mark mark; /* of the argument */
	const struct diag_use *use;
	const struct asm_scope *scope;
};

struct asm_jump {
	const char *label; /* NULL: the instruction has its distance */
	struct mark mark;
	const struct diag_use *use;
	const struct asm_scope *scope; /* of the label */
	size_t passed;                 /* position in assembler.passed, and one; 0: it was not */
	uint32_t instruction;
	const char *const *words; /* what could have been meant besides labels; NULL */
};

struct template_check;

struct assembler {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct bpfasm_program *program;
	const struct bpfasm_map *maps;
	const struct name_index *map_names;
	struct bpfasm_code *code;
	struct bpfasm_origin origin; /* of what is emitted next */
	struct asm_scope *scope;     /* of what is read now */
	VEC(struct asm_label) labels;
	VEC(struct asm_jump) jumps;
	VEC(struct asm_passed) passed;
	struct bpfasm_budget *budget;
	struct yaml_cursor cursor; /* in the item that is being read */
	bool incomplete;           /* an item was left out: its fault has been reported */
	bool context_moved;        /* r1 may hold something else than the context by now */
	bool context_lost;         /* likewise, wherever an item begins */
	bool changes_r1;           /* an instruction did */
	bool distances;            /* a jump has its distance */
	bool context_saved;        /* a block reads the context from the stack */
	size_t errors;             /* that there were before */
	struct template_check
		*checking; /* a template by itself, see template_check.c; NULL: a program */
	bool labels_open;  /* checking: a label may be what a parameter says */
};

/* Assembles one item. */
void asm_item(struct assembler *assembler, const struct bpfasm_item *item);

/* Fills in the distances of all jumps. */
void asm_resolve_jumps(struct assembler *assembler);

void asm_emit(struct assembler *assembler, struct bpf_insn instruction);

/* `dst` = the address of a map: two instructions and a relocation. */
void asm_load_map(struct assembler *assembler, int dst, uint32_t map);

/*
 * A jump whose distance is filled in when all labels are known; where `label` is NULL, it has one.
 * `words`, ending with NULL, are what a label that is not there may have been meant for; NULL:
 * nothing.
 */
void asm_jump_to(struct assembler *assembler, struct bpf_insn instruction, const char *label,
	struct mark mark, const char *const *words);

/* The hint for a goto that is too far for its 16 bits. */
#define ASM_FAR_GOTO "gotol reaches further"

/* Where jumps by distance lead, once there are all instructions: E0314. */
void asm_check_distances(struct assembler *assembler);

/*
 * The label that stands in those bytes of a scalar's text, to be jumped to: as it is, or, where it is
 * a label that the template was given, a word for that.
 */
const char *asm_label_word(struct assembler *assembler, const struct yaml_node *scalar,
	size_t offset, const char *word);

void asm_define_label(struct assembler *assembler, const char *name, struct mark mark);

/*
 * Says of what was emitted last that its user has decided what bpfasm_check would otherwise warn of:
 * of a redirect, what is done where it finds no target; of a load of payload, that it is pulled where
 * it is not there.
 */
void asm_decide(struct assembler *assembler);

/* Position of a map by name, or NAME_ABSENT and a diagnostic with a suggestion. */
size_t asm_find_map(struct assembler *assembler, const char *name, struct mark mark);

/* Whether an item of that name is a block or a template. */
bool asm_is_block(const struct assembler *assembler, const char *name);

/*
 * Whether an item of an unknown name may be a template all the same, of a file that could not be
 * read. The item is passed over then.
 */
bool asm_may_be_block(struct assembler *assembler);

/* Offers the names of all blocks and templates. */
struct suggestion;
void asm_offer_blocks(const struct assembler *assembler, struct suggestion *suggestion);

/* Assembles one string of a body. */
void asm_text(struct assembler *assembler, const struct bpfasm_item *item);

/* The number of a helper by its name, with or without "bpf_"; -1 for none. */
int asm_helper_named(const char *name);
void asm_suggest_helper(
	struct assembler *assembler, struct diagnostic *diagnostic, const char *name);

/* template.c */

/* Checks the arguments of a use, then assembles the template's body. */
void template_expand(struct assembler *assembler, const struct bpfasm_item *item,
	struct bpfasm_template *template);

/* E0222, "\"a\" uses itself": a template that is being expanded is used again. */
void template_report_circle(struct assembler *assembler, const struct bpfasm_item *item,
	const struct bpfasm_template *template);

/* template_check.c */

/* A use in a template that is being checked. */
void template_check_use(struct assembler *assembler, const struct bpfasm_item *item,
	struct bpfasm_template *template);

/*
 * Whether these bytes of an item's text, a statement, cannot be read because a parameter
 * without a value stands in them.
 */
bool template_skips(
	struct assembler *assembler, const struct bpfasm_item *item, size_t start, size_t end);
