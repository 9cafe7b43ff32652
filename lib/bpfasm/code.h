/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * From the body of a program to instructions. No system call is made here.
 *
 * A body is a list of items; an item is assembly text (one instruction or several, in the syntax
 * of LLVM and of the verifier's log) or a block with arguments. The result names maps by their
 * position in the manifest, so it is the same on every machine; the kernel room puts descriptors
 * in.
 */
#pragma once

#include "lib/base/index.h"
#include "lib/base/kinds.h"
#include "lib/bpfasm/key.h"
#include "lib/yaml/node.h"

/* The verifier takes a million from a privileged user (BPF_COMPLEXITY_LIMIT_INSNS). */
#define BPFASM_MAX_INSTRUCTIONS 1000000

/* No instruction. */
#define BPFASM_NONE UINT32_MAX

/* A map as a program sees it. */
struct bpfasm_map {
	const char *name;
	const struct map_kind *kind;   /* NULL: its declaration was wrong and has been reported */
	uint32_t key_size, value_size; /* bytes; values 0: not known */
	struct key_layout key;
	bool key_refused; /* its layout was wrong and has been reported */
};

/* An argument of a block: its name and the text of its value, each with its place. */
struct bpfasm_argument {
	const char *name;
	const char *text; /* NULL: not to be read, which has been reported */
	struct mark name_mark, mark;
	const struct yaml_node *node; /* the value; NULL: in no file */
};

/*
 * One item of a body: a string (assembly, or the bare name of a block) or a block with arguments.
 */
struct bpfasm_item {
	struct mark mark;
	const char *block; /* NULL: a string */
	VEC(struct bpfasm_argument) arguments;
	bool refused; /* not to be read, which has been reported */
	bool bare; /* a block written as "name:" and no mapping: perhaps a label without quotes */
	const struct yaml_node *value;  /* blocks: what is no mapping of arguments; NULL */
	const char *text;               /* strings: what it says */
	const struct yaml_node *scalar; /* strings: where it stands; NULL: in no file */
};

typedef VEC(struct bpfasm_item) bpfasm_body;

/* Reads one item of a body; faults are reported, and leave it refused. */
void bpfasm_read_item(struct arena *arena, struct diagnostics *diagnostics,
	const struct yaml_node *node, struct bpfasm_item *ret);

/* What templates may still stand for, see template.h. Zero-initialise. */
struct bpfasm_budget {
	size_t nodes, bytes; /* spent */
	bool exhausted;      /* which has been reported */
};

struct bpfasm_scope;

struct bpfasm_program {
	const char *name;
	const struct program_kind *kind;
	const char *license;
	struct mark mark;
	const bpfasm_body *body;
	const struct bpfasm_scope *scope; /* templates that are seen from it; NULL: none */
	struct bpfasm_budget *budget;     /* shared with other programs; NULL: its own */
};

/* Where an instruction came from. */
struct bpfasm_origin {
	struct mark mark;
	const char *block;              /* NULL: written as assembly */
	const struct diag_use *use;     /* in the text of a template: where that is used; NULL */
	bool decided;                   /* what bpfasm_check warns of has been, see asm_decide */
	const struct bpfasm_item *item; /* of the body; NULL: the assembler's own */
};

/* The instruction at `instruction` (and its second half) loads the map at position `map`. */
struct bpfasm_relocation {
	uint32_t instruction;
	uint32_t map;
};

/* An assembled program. */
struct bpfasm_code {
	const char *name;
	const struct program_kind *kind;
	const char *license;
	struct mark mark;
	VEC(struct bpf_insn) instructions; /* map loads take two */
	VEC(struct bpfasm_origin) origins; /* one per instruction */
	VEC(struct bpfasm_relocation) relocations;
	uint64_t digest;
	/* Found by bpfasm_check: the first instruction that reads payload before it is pulled. */
	uint32_t first_read; /* BPFASM_NONE: none does */
};

/*
 * Assembles one program; `maps` in the order of the manifest, `names` from map name to position.
 * Faults go to `diagnostics`, all of them; NULL when there was one.
 *
 * The digest covers type, licence, instructions, and relocations by map name: what was written, not
 * what the kernel makes of it. It tells versions of one program apart and is no defence against
 * somebody who forges one; who can write in bpffs can replace the program itself.
 */
struct bpfasm_code *bpfasm_assemble(struct arena *arena, const struct bpfasm_program *program,
	const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics);

/* Where an instruction was written. */
struct mark bpfasm_mark(const struct bpfasm_code *code, size_t instruction);

/*
 * Finds what the verifier would refuse, as far as that is certain: instructions that nothing leads
 * to, registers and stack that are read before they are written, values of the wrong kind, calls
 * that the program type may not make; and warns of what loses data. Whatever the kernel takes passes.
 * Returns false with errors. `maps` as there.
 */
bool bpfasm_check(struct arena *arena, struct bpfasm_code *code, const struct bpfasm_map *maps,
	struct diagnostics *diagnostics);

/*
 * The dispatcher of an attach type: tail-calls element 0 of the program array at position 0, and
 * with an empty slot lets everything pass (a parser's returns the whole length).
 */
const struct bpfasm_code *bpfasm_dispatcher(struct arena *arena, const struct attach_kind *kind);

/* What an empty slot of that attach type amounts to, as a program: everything passes. */
const struct bpfasm_code *bpfasm_pass(struct arena *arena, const struct attach_kind *kind);
