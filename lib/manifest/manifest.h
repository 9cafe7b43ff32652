/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Manifests: from YAML nodes to typed, resolved, constant values.
 *
 * Decoding is driven by the tables in tables.c, one row per key; nothing here compares a key with a
 * string. Decoding and resolving report everything that is wrong in one run.
 */
#pragma once

#include "lib/base/flags.h"
#include "lib/bpfasm/template.h"

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

/* Flags as written, each with its place; a number is as many flags as it has bits. */
struct manifest_flags {
	VEC(struct manifest_flag {
		const struct flag_kind *kind;
		struct mark mark;
	})
	items;
	uint32_t bits; /* of all of them */
	struct mark mark;
};

/* A key or a value of an initial entry. */
struct manifest_value {
	const struct yaml_node *node; /* NULL: not given */
	/* Resolved: as many bytes as the map's keys or values have; NULL: faulty, and reported. */
	const unsigned char *bytes;
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
struct manifest_entry {
	struct manifest_text self;
	struct manifest_value key, value;
};

struct manifest_map {
	struct manifest_text self;
	struct manifest_choice type;
	struct manifest_key key;
	struct manifest_number key_size, value_size, max_entries;
	struct manifest_text kernel_name;
	struct manifest_flags flags;
	struct manifest_number numa_node;
	VEC(struct manifest_entry) entries;
	/* Resolved: */
	const struct map_kind *kind;
	uint32_t key_bytes, value_bytes;
	uint32_t flag_bits; /* as the kernel is told, numa_node among them */
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
	struct manifest_flags flags;
	struct manifest_text replace;
	/* Resolved: */
	const struct attach_kind *kind;
	size_t program_at, target_at; /* positions in the manifest; of a cgroup NAME_ABSENT */
	const char *target_name;      /* the map's name, or the cgroup's path as state.h has it */
	uint32_t flag_bits;           /* as the kernel is told */
	uint32_t replaces;            /* id of the program whose place this takes; 0: not by id */
	const char *replaces_pin;     /* the pin of that program; NULL: not by pin */
};

/* A rule by which sockets enter a map. */
struct manifest_feed {
	struct manifest_text self;
	struct manifest_address accept;
	struct manifest_text into;
	/* Resolved: */
	size_t into_at;
};

/* A parameter of the whole manifest. */
struct manifest_parameter {
	struct manifest_text self;
	const struct yaml_node *value; /* a scalar; NULL: it was wrong, which has been reported */
};

struct manifest_template_parameter {
	struct manifest_text self;
	struct manifest_choice kind; /* struct bpfasm_parameter_kind */
	struct manifest_text standard;
	struct manifest_text doc;
};

struct manifest_template {
	struct manifest_text self;
	struct manifest_text doc;
	VEC(struct manifest_template_parameter) parameters;
	const struct yaml_node *body; /* a list; NULL: not given, or wrong */
};

typedef VEC(struct manifest_parameter) manifest_parameters;
typedef VEC(struct manifest_text) manifest_includes;

/*
 * One document: a deployment, or a library, which holds what deployments include and is not deployed
 * itself.
 */
struct manifest {
	struct manifest_text self;
	struct manifest_text version, name, description; /* libraries have no name */
	manifest_parameters parameters;
	manifest_includes includes;
	VEC(struct manifest_template) templates;
	VEC(struct manifest_map) maps;
	VEC(struct manifest_program) programs;
	VEC(struct manifest_attachment) attachments;
	VEC(struct manifest_feed) feeds;
	const struct source *source;
	const char *origin; /* real path of what was named on the command line; NULL: it has none */
	bool library;
	struct bpfasm_scope scope; /* its own parameters and templates, and those it includes */
	/* Resolved: */
	struct name_index map_names, program_names;
	struct bpfasm_map *symbols; /* the maps as programs see them, in order */
};

typedef VEC(const struct manifest *) manifest_list;

/* What the command line says of parameters. Zero-initialise. */
struct manifest_settings {
	VEC(const char *) sets;  /* "name=value"; stronger than files */
	VEC(const char *) files; /* YAML mappings of names to values; the last one counts */
};

/* Whether a text is "name=value". */
bool manifest_is_setting(const char *text);

/*
 * Decodes and resolves each document of a source and adds it to *ret. What comes out of a document
 * with errors is good for finding more errors, and for nothing else.
 */
void manifest_load(struct arena *arena, const struct source *source,
	struct diagnostics *diagnostics, manifest_list *ret);

/*
 * Real path of a file or folder. NULL with errno; that is 0 for what is nothing to come back to, like
 * standard input ("-") and pipes.
 */
const char *manifest_origin(struct arena *arena, const char *path);

/*
 * Loads every file that `paths` name: files, "-" for standard input, directories for their *.yaml;
 * and the files that they include. `settings` may be NULL. Two manifests of one deployment, and a
 * setting of a parameter that none of them declares, are errors.
 */
void manifest_load_paths(struct arena *arena, char *const *paths, size_t count,
	const struct manifest_settings *settings, struct diagnostics *diagnostics,
	manifest_list *ret);

/*
 * Assembles one program, and checks nothing; NULL with diagnostics, of which those about its type or
 * a missing body came with the manifest. `budget` is that of all programs of the manifest.
 */
struct bpfasm_code *manifest_assemble_program(struct arena *arena, const struct manifest *manifest,
	const struct manifest_program *program, struct bpfasm_budget *budget,
	struct diagnostics *diagnostics);

/*
 * The code of each program, in the order of the manifest; an element is NULL where the program has
 * faults, which go to `diagnostics`.
 */
const struct bpfasm_code **manifest_assemble(
	struct arena *arena, const struct manifest *manifest, struct diagnostics *diagnostics);

/*
 * Warnings about what a manifest without errors declares and does not use; `codes` are those of its
 * programs.
 */
void manifest_warn_unused(const struct manifest *manifest, const struct bpfasm_code *const *codes,
	struct diagnostics *diagnostics);

/*
 * The path of a cgroup below the mount of cgroup2, in one spelling: "/" is the root, "/a.slice/b" and
 * "a.slice/b/" are the same. Sets *ret and returns NULL, or says what is wrong with it.
 */
const char *manifest_parse_cgroup(struct arena *arena, const char *text, const char **ret);

/* Warns of what loses data; `codes` as manifest_assemble gave them. */
void manifest_lint(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *const *codes, struct diagnostics *diagnostics);

/* Likewise of what goes wrong with the sockets that SOCK_OPS programs put into maps. */
void manifest_lint_sockets(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *const *codes, struct diagnostics *diagnostics);

/* "[a-z0-9-], 1 to 63": a deployment's name. */
bool manifest_is_deployment_name(const char *text);
