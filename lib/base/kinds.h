/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The kernel's vocabulary as far as manifests use it: map types, program types, attach types.
 * One row each; every other room asks these tables instead of switching over the types.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel keeps 15 bytes of an object's name (BPF_OBJ_NAME_LEN with its NUL). */
#define KERNEL_NAME_MAX (BPF_OBJ_NAME_LEN - 1)

struct map_kind {
	const char *name;
	enum bpf_map_type type;
	uint32_t key_size;   /* bytes, when the manifest gives none; 0: it has to */
	uint32_t value_size; /* likewise */
	uint32_t value_most; /* bytes of the largest value that the kernel takes */
	uint32_t entry_most; /* of a key and its value together; 0: whatever each may be */
	bool fixed_key;      /* the kernel takes no other key size: keys are indices */
	bool holds_sockets;
	bool per_cpu; /* a value for each possible processor */
	bool forgets; /* entries, when it is full or nearly so */
	const char *doc;
};

struct program_kind {
	const char *name;
	enum bpf_prog_type type;
	const char *doc;
};

/* What an attach type's hook does, where kinds exclude or need each other. */
enum hook_role {
	HOOK_PARSER,         /* needs a HOOK_STREAM_VERDICT beside it */
	HOOK_STREAM_VERDICT, /* excludes HOOK_SKB_VERDICT */
	HOOK_SKB_VERDICT,
	HOOK_MSG_VERDICT, /* goes beside any of them */
	HOOK_SOCK_OPS,
	HOOK_ROLE_COUNT,
};

struct attach_kind {
	const char *name;
	enum bpf_attach_type type;
	enum bpf_prog_type program_type;
	enum hook_role role;
	bool on_cgroup; /* the target is a cgroup, not a map */
	const char *doc;
};

/* By name, or NULL. */
const struct map_kind *map_kind_named(const char *name);
const struct program_kind *program_kind_named(const char *name);
const struct attach_kind *attach_kind_named(const char *name);

/* By the kernel's number, or NULL. */
const struct map_kind *map_kind_of(uint32_t type);
const struct program_kind *program_kind_of(uint32_t type);
const struct attach_kind *attach_kind_of(uint32_t type);

/* The tables themselves, for lists of known words; *count rows. */
const struct map_kind *map_kinds(size_t *count);
const struct program_kind *program_kinds(size_t *count);
const struct attach_kind *attach_kinds(size_t *count);
