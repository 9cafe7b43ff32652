/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Parameters: "${name}" in scalars, and "$${" for a "${" that is meant.
 *
 * What comes out are nodes like any others: a plain scalar stays plain, so that a number is read as
 * one. The new text is not looked through again, and it is never read as YAML. A substituted scalar
 * remembers where its text came from, so that yaml_mark_at tells places in the file.
 */
#pragma once

#include "lib/base/index.h"
#include "lib/yaml/node.h"

/* Bytes that one document's parameters may make in all: `a: ${b}${b}` and so on grows fast. */
#define YAML_MAX_SUBSTITUTED ((size_t)64 << 20)

struct yaml_variable {
	const char *name;
	const char *text; /* NUL-terminated */
	struct mark mark; /* of its declaration */
	bool refused;     /* its fault has been reported: what it stands in is refused, too */
	bool open;        /* its value is not known yet: "${name}" stays as it is */
	size_t tag;       /* for whoever made it; 0: none */
};

/* Zero-initialise. */
struct yaml_variables {
	VEC(const struct yaml_variable *) list;
	struct name_index names;            /* positions in the list */
	const struct yaml_variables *outer; /* asked for what is not here; NULL: nobody */
	bool incomplete; /* a file that could declare more was not read, which has been reported */
};

/* Adds one; the one that had the name before, which stays, or NULL. */
const struct yaml_variable *yaml_variables_add(struct arena *arena,
	struct yaml_variables *variables, const struct yaml_variable *variable);

/* By name, here or further out; NULL. */
const struct yaml_variable *yaml_variable_named(
	const struct yaml_variables *variables, const char *name);

/* What a walk through nodes works with. */
struct yaml_substitution {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct yaml_variables *variables; /* NULL: none */
	const struct name_index *later; /* names that come too late to be used; NULL: none */
	size_t *spent;                  /* bytes read and made, with all that share it */
	bool silent; /* beyond the limit: whoever asked looks at `spent` and says so */
};

/*
 * The node with the values of parameters in its scalars (keys aside), and in those below it. The
 * node itself where there is nothing to do. Faults are reported, their scalars come out refused.
 */
const struct yaml_node *yaml_substitute(
	struct yaml_substitution *substitution, const struct yaml_node *node);

/* A stretch of a scalar's text that stands for something else in the original's. */
struct yaml_piece {
	size_t at, length;                    /* bytes of the text */
	size_t from, original_length;         /* bytes of the original's text */
	const struct yaml_variable *variable; /* NULL: a "$${" */
};

struct yaml_substituted {
	const struct yaml_node *original;
	VEC(struct yaml_piece) pieces; /* in order */
};

/* The scalar as it is in the file, and the bytes of it that these bytes came from. */
const struct yaml_node *yaml_original(
	const struct yaml_node *scalar, size_t *offset, size_t *length);

/* The parameter whose value is just these bytes of the text; NULL: none is. */
const struct yaml_variable *yaml_variable_at(
	const struct yaml_node *scalar, size_t offset, size_t length);

/* Whether the value of a parameter, which may be empty, stands among these bytes or next to them. */
bool yaml_has_parameter(const struct yaml_node *scalar, size_t offset, size_t length);

/* Whether a parameter that is open stands among these bytes of the text. */
bool yaml_is_open(const struct yaml_node *scalar, size_t offset, size_t length);
