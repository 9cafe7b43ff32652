/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Templates: blocks that a manifest declares.
 *
 * A template is used like a block; its body is then read with the arguments in place of its
 * parameters. Labels of a body belong to one expansion: they are not seen outside, and a jump finds
 * no others, but for those that a parameter of the kind `label` passes in, which stay the labels of
 * whoever passed them.
 *
 * Templates see what the document that declares them sees, wherever they are used. They may use each
 * other, but not themselves; how much they may stand for is bounded by the limits below and by
 * BPFASM_MAX_INSTRUCTIONS for each program.
 */
#pragma once

#include "lib/bpfasm/code.h"
#include "lib/yaml/substitute.h"

#define TEMPLATE_MAX_DEPTH 32

/*
 * For all programs of a manifest: nodes of bodies and parameters left out, as often as they are read,
 * and bytes of text.
 */
#define TEMPLATE_MAX_NODES YAML_MAX_NODES
#define TEMPLATE_MAX_BYTES YAML_MAX_SUBSTITUTED

/* Faults in one program after which nothing more is expanded: nobody reads on. */
#define TEMPLATE_MAX_FAULTS 1000

/* What an argument may be. */
struct bpfasm_parameter_kind {
	const char *name;
	const char *expected; /* for messages; NULL: as block.c says of the kind of argument */
	const char *doc;
	int argument; /* enum argument_kind; -1: any text */
	bool empty;   /* with that: also "" */
};

/* By name, or NULL; and the table, *count rows. */
const struct bpfasm_parameter_kind *bpfasm_parameter_kind_named(const char *name);
const struct bpfasm_parameter_kind *bpfasm_parameter_kinds(size_t *count);

/* What a value has to be: "\"port\" has to be ...". */
const char *bpfasm_parameter_expected(const struct bpfasm_parameter_kind *kind);

/* The same of a text that is none: what hides in "a number" is said of numbers. */
const char *bpfasm_parameter_wanted(
	struct arena *arena, const struct bpfasm_parameter_kind *kind, const char *text);

/* Whether a value is one of that kind; any text may be a map's, which asm_find_map tells. */
bool bpfasm_parameter_accepts(const struct bpfasm_parameter_kind *kind, const char *text);

struct bpfasm_parameter {
	const char *name;
	const struct bpfasm_parameter_kind *kind;
	const char *standard;      /* what it is by default; NULL: none, or not to be read */
	struct mark standard_mark; /* without source: the argument is required */
};

enum template_state {
	TEMPLATE_UNCHECKED,
	TEMPLATE_ACTIVE, /* it is being checked */
	TEMPLATE_CHECKED,
};

struct bpfasm_template {
	const char *name;
	struct mark mark;
	VEC(struct bpfasm_parameter) parameters;
	struct name_index parameter_names;
	struct yaml_variables defaults; /* that are the same for every use; then the manifest's */
	VEC(size_t) bound_each;       /* positions of the others: those without, labels and maps */
	const struct yaml_node *body; /* a list; NULL: it is wrong, which has been reported */
	const struct bpfasm_scope *scope; /* of the document that declares it */
	enum template_state state;
	unsigned int height; /* levels of templates below it, and itself */
	bool refused;        /* it has faults, which have been reported: its uses are passed over */
};

/* What the text of a document sees. */
struct bpfasm_scope {
	struct yaml_variables variables; /* the manifest's parameters */
	VEC(struct bpfasm_template *) templates;
	struct name_index template_names; /* positions in templates */
};

/* A new one of that document, without parameters and body. */
struct bpfasm_template *bpfasm_template_create(
	struct arena *arena, const char *name, struct mark mark, const struct bpfasm_scope *scope);
void bpfasm_parameter_add(struct arena *arena, struct bpfasm_template *template,
	const struct bpfasm_parameter *parameter);

/* By name, or NULL; `scope` may be NULL. */
struct bpfasm_template *bpfasm_template_named(const struct bpfasm_scope *scope, const char *name);

/* Why no template can have that name: it means something already. NULL: one can. */
const char *bpfasm_template_taken(const char *name);

/* Adds one; the one that had the name before, which stays, or NULL. */
const struct bpfasm_template *bpfasm_template_add(
	struct arena *arena, struct bpfasm_scope *scope, struct bpfasm_template *template);

/*
 * Checks the templates of a document by themselves, used or not. What depends on an argument, on the
 * type of the program or, where `names` is NULL, on its maps, is left for the uses: assembly is read
 * but for the instructions that a parameter stands in; blocks are there, with the arguments that they
 * need and no others, and those without parameters are of the right form; jumps find their labels;
 * templates do not use themselves. Faulty ones are marked as refused.
 */
void bpfasm_check_templates(struct arena *arena, struct bpfasm_template *const *templates,
	size_t count, const struct bpfasm_map *maps, const struct name_index *names,
	struct diagnostics *diagnostics);
