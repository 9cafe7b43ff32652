/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What was observed: one deployment as it is in the kernel, as plain values.
 *
 * It is read from bpffs, which is the only database (see lib/kernel/bpffs.c for the tree), and
 * it has its own types: what is there is never mixed up with what a manifest wants.
 */
#pragma once

#include "lib/base/index.h"
#include "lib/base/kinds.h"
#include "lib/base/vec.h"

/* The version of the tree in bpffs; the target of the symlink "layout". */
#define STATE_LAYOUT "sockform-1"

/* How many maps a program can use (MAX_USED_MAPS in the kernel's include/linux/bpf_verifier.h). */
#define STATE_MAX_MAPS 64

/* A pinned map. */
struct state_map {
	const char *name; /* of the pin */
	uint32_t id;
	uint32_t type, key_size, value_size, max_entries;
};

/* A pinned program: one generation of it. */
struct state_program {
	const char *file; /* "<name>@<digest>" */
	const char *name;
	uint64_t digest;
	uint32_t id;
	uint32_t maps[STATE_MAX_MAPS]; /* ids of the maps that it uses */
	uint32_t map_count;
	uint64_t run_count; /* 0 unless kernel.bpf_stats_enabled is set */
	uint64_t run_nanoseconds;
};

/* A hook of a map: the slot, the dispatcher that tail-calls it, the link that attaches that. */
struct state_attachment {
	const char *name;   /* "<target>:<attach type>" */
	const char *target; /* the map's name */
	const struct attach_kind *kind;
	struct {
		uint32_t id;      /* of the program array; 0: no pin */
		uint32_t program; /* id in its element; 0: empty */
	} slot;
	struct {
		uint32_t id;   /* 0: no pin */
		uint32_t slot; /* id of the map it uses */
	} dispatcher;
	struct {
		uint32_t id; /* 0: no pin */
		uint32_t program, map, type;
	} link;
};

struct state {
	const char *deployment;
	bool exists; /* there is a folder of that name */
	uint64_t
		identity; /* of that folder; another where it was removed and made again; 0: none */
	const char *layout; /* NULL: no symlink */
	VEC(struct state_map) maps;
	VEC(struct state_program) programs;
	VEC(struct state_attachment) attachments;
	VEC(const char *) strangers; /* paths in the folder that are nothing of ours */
	VEC(const char *) leftovers; /* paths of pins that a crash left half-way to their place */
	struct name_index map_names; /* positions in maps */
	struct name_index program_files;
	struct name_index attachment_names;
};

/* By name, or NULL. */
const struct state_map *state_map_named(const struct state *state, const char *name);
const struct state_attachment *state_attachment_named(const struct state *state, const char *name);

/* "<name>@<digest>", the file name of a program's pin. */
const char *state_program_file(struct arena *arena, const char *name, uint64_t digest);
/* The pinned program with that id, or NULL. */
const struct state_program *state_program_with_id(const struct state *state, uint32_t id);

/* The suffix of a pin on its way into the place of another; see kernel_pin_over. */
#define STATE_SPARE_SUFFIX "+new"

const struct state_program *state_program_filed(const struct state *state, const char *file);

/* Takes such a file name apart; false when it is none. */
bool state_parse_program_file(
	struct arena *arena, const char *file, const char **name, uint64_t *digest);

/* "<target>:<attach type>", the file name of a slot, a dispatcher and a link. */
const char *state_attachment_name(
	struct arena *arena, const char *target, const struct attach_kind *kind);
bool state_parse_attachment_name(struct arena *arena, const char *name, const char **target,
	const struct attach_kind **kind);

/* One thing that is not as it should be, seen from the state alone. */
struct state_drift {
	const char *object; /* "attachment" */
	const char *name;
	const char *reason; /* "its link is detached" */
};

typedef VEC(struct state_drift) state_drifts;

/* What is damaged or missing in a deployment, whatever manifest it came from. */
void state_find_drift(struct arena *arena, const struct state *state, state_drifts *ret);
