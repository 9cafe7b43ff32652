/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Manifests: from YAML nodes to typed, resolved, constant values.
 *
 * Decoding is driven by the tables in tables.c, one row per key; nothing here compares a key with a
 * string. Decoding and resolving report everything that is wrong in one run.
 */
#pragma once

#include "lib/bpfasm/code.h"

#include <netinet/in.h>

/* A piece of text and where it stands. */
struct manifest_text {
	const char *text; /* NULL: not given */
	struct mark mark;
};

struct manifest_number {
	uint64_t value;
	bool given;
	struct mark mark;
};

/* A word out of one of the tables in lib/base/kinds.h. */
struct manifest_choice {
	const void *row; /* NULL: not given, or not known */
	struct mark mark;
};

struct manifest_key {
	struct key_layout layout;
	bool refused; /* it was wrong, which has been reported */
	struct mark mark;
};

struct manifest_address {
	const char *text; /* NULL: not given, or not an address */
	struct mark mark;
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
	};
	socklen_t length;
};

/*
 * Every record begins with `self`: its name, for records that a mapping names, and the place of the
 * name or of the list item.
 */
struct manifest_map {
	struct manifest_text self;
	struct manifest_choice type;
	struct manifest_key key;
	struct manifest_number key_size, value_size, max_entries;
	struct manifest_text kernel_name;
	/* Resolved: */
	const struct map_kind *kind;
	uint32_t key_bytes, value_bytes;
	const char *kernel_name_used;
};

struct manifest_program {
	struct manifest_text self;
	struct manifest_choice type;
	struct manifest_text license;
	struct manifest_text kernel_name;
	bpfasm_body body;
	/* Resolved: */
	const struct program_kind *kind;
	const char *kernel_name_used;
};

struct manifest_attachment {
	struct manifest_text self;
	struct manifest_text program, target;
	struct manifest_choice attach_type;
	/* Resolved: */
	const struct attach_kind *kind;
	size_t program_at, target_at; /* positions in the manifest */
};

/* A rule by which sockets enter a map. */
struct manifest_feed {
	struct manifest_text self;
	struct manifest_address accept;
	struct manifest_text into;
	/* Resolved: */
	size_t into_at;
};

struct manifest {
	struct manifest_text self;
	struct manifest_text version, name, description;
	VEC(struct manifest_map) maps;
	VEC(struct manifest_program) programs;
	VEC(struct manifest_attachment) attachments;
	VEC(struct manifest_feed) feeds;
	const struct source *source;
	/* Resolved: */
	struct name_index map_names, program_names;
	struct bpfasm_map *symbols; /* the maps as programs see them, in order */
};

typedef VEC(const struct manifest *) manifest_list;

/*
 * Decodes and resolves each document of a source and adds it to *ret. What comes out of a document
 * with errors is good for finding more errors, and for nothing else.
 */
void manifest_load(struct arena *arena, const struct source *source,
	struct diagnostics *diagnostics, manifest_list *ret);

/*
 * Loads every file that `paths` name: files, "-" for standard input, directories for their *.yaml.
 * Two manifests of one deployment are an error.
 */
void manifest_load_paths(struct arena *arena, char *const *paths, size_t count,
	struct diagnostics *diagnostics, manifest_list *ret);

/*
 * The code of each program, in the order of the manifest; an element is NULL where the program has
 * faults, which go to `diagnostics`.
 */
const struct bpfasm_code **manifest_assemble(
	struct arena *arena, const struct manifest *manifest, struct diagnostics *diagnostics);

/* "[a-z0-9-], 1 to 63": a deployment's name. */
bool manifest_is_deployment_name(const char *text);
