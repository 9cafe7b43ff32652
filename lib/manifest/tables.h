/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a manifest may say: a record per kind of mapping, a field per key. The decoder walks these;
 * nothing else knows the keys.
 */
#pragma once

#include "lib/manifest/manifest.h"

enum field_type {
	FIELD_TEXT,      /* struct manifest_text */
	FIELD_REFERENCE, /* struct manifest_text: the name of something else */
	FIELD_NAME,      /* struct manifest_text: a deployment's name */
	FIELD_VERSION,   /* struct manifest_text: "v1" */
	FIELD_NUMBER,    /* struct manifest_number, within least and most */
	FIELD_CHOICE,    /* struct manifest_choice, a row of `words` */
	FIELD_KEY,       /* struct manifest_key: a list of key fields */
	FIELD_ADDRESS,   /* struct manifest_address: host:port */
	FIELD_BODY,      /* bpfasm_body */
	FIELD_NAMED,     /* a VEC of `record`, from a mapping of names to mappings */
	FIELD_LIST,      /* a VEC of `record`, from a list of mappings */
	FIELD_TYPE_COUNT,
};

/* A table of known words: row i has the name name_at(i), NULL behind the last. */
struct word_table {
	const char *what; /* "map type", for messages */
	const void *(*named)(const char *word);
	const char *(*name_at)(size_t i);
};

struct manifest_record;

struct manifest_field {
	const char *key;
	enum field_type type;
	bool required;
	size_t offset;
	const char *doc;
	uint64_t least, most; /* FIELD_NUMBER */
	const struct word_table *words;
	const struct manifest_record *record;
};

struct manifest_record {
	const char *what; /* "a map", for messages */
	size_t size;      /* bytes of the struct */
	const struct manifest_field *fields;
	size_t field_count;
};

extern const struct manifest_record manifest_record_manifest;

/* Decodes a whole document into a zeroed struct manifest. */
void manifest_decode(struct arena *arena, const struct yaml_node *node,
	struct diagnostics *diagnostics, struct manifest *manifest);

/* Fills in what "Resolved" stands over in manifest.h, and checks what no single key can tell. */
void manifest_resolve(
	struct arena *arena, struct diagnostics *diagnostics, struct manifest *manifest);

/* Reads "127.0.0.1:80" or "[::1]:80" into *ret; NULL, or what is wrong with it. */
const char *manifest_parse_address(const char *text, struct manifest_address *ret);
