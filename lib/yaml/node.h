/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * YAML as a tree of nodes, each with its mark. This is the only room that knows libyaml.
 *
 * What is refused here, so that no later stage meets it: duplicate keys, keys that are no scalars,
 * aliases without an anchor or inside what they name, and input beyond the limits below. An alias
 * shares the children of the node that its anchor names, so the tree is a graph without cycles; the
 * node limit counts them as often as they stand, which is what ends "a billion laughs" before
 * anybody walks it.
 *
 * "${name}" is read as part of a plain scalar in flow collections, too, where YAML would have the
 * brace end it.
 */
#pragma once

#include "lib/base/diag.h"

#include <stdbool.h>

#define YAML_MAX_DEPTH 32
#define YAML_MAX_NODES 2000000 /* a document's, aliases counted each time they stand */
#define YAML_MAX_SCALAR 65536  /* bytes */

enum yaml_kind {
	YAML_SCALAR,
	YAML_SEQUENCE,
	YAML_MAPPING,
};

enum yaml_style {
	YAML_PLAIN,
	YAML_QUOTED,
	YAML_LITERAL, /* | */
	YAML_FOLDED,  /* > */
};

struct yaml_node;
struct yaml_substituted;

struct yaml_pair {
	const struct yaml_node *key; /* always a scalar */
	const struct yaml_node *value;
};

struct yaml_node {
	enum yaml_kind kind;
	enum yaml_style style; /* scalars */
	struct mark mark;
	bool alias;   /* stands for an anchor's node: the mark is the alias's, the rest the anchor's
		       */
	bool refused; /* its fault has been reported: to be passed over in silence */
	bool incomplete; /* mappings: a key was refused, and its value left out */
	bool parameters; /* "${" stands in it or below it; see substitute.h */
	const struct yaml_substituted *substituted; /* scalars: from what; NULL: as in the file */
	const char *text;                           /* scalars: NUL-terminated, and no NUL inside */
	size_t length;                              /* scalars: bytes */
	VEC(const struct yaml_node *) items;        /* sequences */
	VEC(struct yaml_pair) pairs;                /* mappings */
	size_t weight;                              /* this node and all below it */
};

typedef VEC(const struct yaml_node *) yaml_documents;

/*
 * Adds the root node of each document of the text to *ret; what is wrong goes to `diagnostics`,
 * the documents before a syntax error are kept. A document without content adds nothing.
 */
void yaml_load(struct arena *arena, const struct source *source, struct diagnostics *diagnostics,
	yaml_documents *ret);

/* The value of a key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/* A plain scalar that YAML reads as no value: empty, ~ or null (YAML 1.2.2, 10.3.2). */
bool yaml_is_null(const struct yaml_node *node);

/* A plain scalar that YAML reads as true or false, which is no text; likewise. */
bool yaml_is_boolean(const struct yaml_node *node);

/* "a mapping", "a list", "text", "true or false", "nothing": what the node is, for a message. */
const char *yaml_describe(const struct yaml_node *node);

/* A scalar that can be read, and says something. */
bool yaml_is_text(const struct yaml_node *node);

/* E0203, "<name> has to be <expected>, not a list"; nothing for a node that was refused. */
void yaml_wrong_type(struct diagnostics *diagnostics, const struct yaml_node *node,
	const char *name, const char *expected);

/* The hint that tells what a scalar says, where parameters make that another text than is seen. */
void yaml_hint_value(struct diagnostics *diagnostics, struct diagnostic *diagnostic,
	const struct yaml_node *node);

/*
 * The place of byte `offset` of a scalar's text in the file, whatever escapes and line breaks stand
 * before it. For folded (">") scalars and aliases: the scalar itself. For text that stands in the
 * place of a "${name}": that.
 */
struct mark yaml_mark_at(const struct yaml_node *scalar, size_t offset, size_t length);

/* Where a walk through a scalar stands; zero-initialise. */
struct yaml_cursor {
	const struct yaml_node *scalar;
	size_t offset;     /* bytes of the text that are behind it */
	const char *at;    /* where that is in the source; literal: where the line of it begins */
	const char *plain; /* plain and quoted: blanks up to there are text, and no fold */
	char quote;        /* quoted: which; else 0 */
	size_t line_start; /* literal: offset at which the line begins */
};

/* The same, quickly for places asked for from the front to the back: it goes on where it stood. */
struct mark yaml_mark_from(
	struct yaml_cursor *cursor, const struct yaml_node *scalar, size_t offset, size_t length);
