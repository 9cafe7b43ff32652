/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a manifest may say: a record per kind of mapping, a field per key. The decoder walks these;
 * nothing else knows the keys.
 */
#pragma once

#include "lib/base/names.h"
#include "lib/manifest/manifest.h"

enum field_type {
	FIELD_TEXT,      /* struct manifest_text */
	FIELD_REFERENCE, /* struct manifest_text: the name of something else */
	FIELD_NAME,      /* struct manifest_text: a name after `rule` */
	FIELD_VERSION,   /* struct manifest_text: MANIFEST_VERSION */
	FIELD_NUMBER,    /* struct manifest_number, within least and most */
	FIELD_CHOICE,    /* struct manifest_choice, a row of `words` */
	FIELD_KEY,       /* struct manifest_key: a list of key fields */
	FIELD_ADDRESS,   /* struct manifest_address: host:port */
	FIELD_BODY,      /* bpfasm_body */
	FIELD_FLAGS,     /* struct manifest_flags: a number, a word or a list of `words` */
	FIELD_VALUE,     /* struct manifest_value: a number, bytes or fields */
	FIELD_TARGET,    /* struct manifest_text: the name of a map, or the path of a cgroup */
	FIELD_HELD_BY,   /* struct manifest_text: a program's id, or the path of its pin */
	FIELD_NAMED,     /* a VEC of `record`, from a mapping of names after `rule` to mappings */
	FIELD_LIST,      /* a VEC of `record`, from a list of mappings */
	FIELD_PARAMS,    /* manifest_parameters */
	FIELD_INCLUDE,   /* manifest_includes */
	FIELD_RAW_BODY, /* const struct yaml_node *: a template's body, its parameters left alone */
	FIELD_TYPE_COUNT,
};

#define MANIFEST_VERSION "v1"

/*
 * A table of known words: row i has the name name_at(i), NULL behind the last, and what it means. Of
 * flags the rows are struct flag_kind.
 */
struct word_table {
	const char *what; /* "map type", for messages */
	const void *(*named)(const char *word);
	const char *(*name_at)(size_t i);
	const char *(*doc_at)(size_t i);
	/* Whether row i is a word to be written; others are known to be refused. NULL: each is. */
	bool (*is_offered)(size_t i);
};

/* In which documents a key may stand. */
enum field_place {
	PLACE_DEPLOYMENT, /* in deployments alone */
	PLACE_ANY,
	PLACE_LIBRARY, /* in any; with one of these, and none of deployments alone, it is a library */
};

struct manifest_record;

struct manifest_field {
	const char *key;
	enum field_type type;
	bool required;
	size_t offset;
	const char *doc;      /* what it is for, in a few words: messages and the schema show it */
	uint64_t least, most; /* FIELD_NUMBER */
	const char *preset;   /* FIELD_TEXT: what it is where it is not given; NULL: nothing */
	const struct word_table *words;
	const struct name_rule *rule;
	const struct manifest_record *record;
	enum field_place place; /* keys of the document itself */
	bool early;             /* likewise: read before the others, and without parameters */
};

struct manifest_record {
	const char *what; /* "a map", for messages; without its article the name in the schema */
	const char *doc;
	size_t size; /* bytes of the struct */
	const struct manifest_field *fields;
	size_t field_count;
};

extern const struct manifest_record manifest_record_manifest;

/*
 * Decodes a whole document into a zeroed struct manifest, in two steps: first the keys that are
 * early, then, with the values of parameters (NULL: there are none), the others.
 */
void manifest_decode_head(struct arena *arena, const struct yaml_node *node,
	struct diagnostics *diagnostics, struct manifest *manifest);
void manifest_decode(struct arena *arena, const struct yaml_node *node,
	struct yaml_substitution *parameters, struct diagnostics *diagnostics,
	struct manifest *manifest);

/* E0223 for each key that only deployments have; `hint` says more. */
void manifest_refuse_deployment(
	const struct yaml_node *node, const char *hint, struct diagnostics *diagnostics);

/* Fills in what "Resolved" stands over in manifest.h, and checks what no single key can tell. */
void manifest_resolve(
	struct arena *arena, struct diagnostics *diagnostics, struct manifest *manifest);

/* What those look like; every address fits, not all that fits is an address. ECMA 262. */
#define MANIFEST_ADDRESS_PATTERN "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$"

/* Reads "127.0.0.1:80" or "[::1]:80" into *ret; NULL, or what is wrong with it. */
const char *manifest_parse_address(const char *text, struct manifest_address *ret);
