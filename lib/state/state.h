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
#define STATE_LAYOUT "sockform-2"

/* The source of what came through standard input or a pipe: nothing to come back to. */
#define STATE_NO_SOURCE "-"

/* How many maps a program can use (MAX_USED_MAPS in the kernel's include/linux/bpf_verifier.h). */
#define STATE_MAX_MAPS 64

/* One object, or of an attachment its slot and its dispatcher, that sockform pinned under a name. */
struct state_generation {
	uint32_t id;         /* of the map or the program; an attachment's slot */
	uint32_t dispatcher; /* an attachment's; else 0 */
	uint32_t attached;   /* id of the map to which that is attached without a link; else 0 */
	const char *key;     /* a map's key layout as text, or one of those below; NULL: none */
};

/* In the place of a key layout: an attachment that its manifest has no longer, see plan_step.retires. */
#define STATE_RETIRED "retired"
/* Likewise: `attached`, or off it already. A run is about to change that, or was cut short in it. */
#define STATE_IN_DOUBT "perhaps"

/* The most that a record knows: the newest, and what the pins may still hold after a crash. */
#define STATE_GENERATIONS 3

/* What sockform remembers of a pin, see record.c. */
struct state_record {
	const char *file; /* of the pin, or of an attachment's three */
	const char *text; /* as it stands there */
	struct state_generation generations[STATE_GENERATIONS]; /* the newest first */
	size_t count;
};

/* A pinned map. */
struct state_map {
	const char *name; /* of the pin */
	uint32_t id;
	uint32_t type, key_size, value_size, max_entries;
	uint32_t flags;   /* those that the kernel keeps; which NUMA node it does not tell */
	int64_t entries;  /* in it; negative: not counted, or they cannot be */
	uint32_t granule; /* max_entries is a multiple of it; 0: of nothing */
	const char *key;  /* layout of its keys, as its record says; NULL: none was declared */
	bool foreign;     /* sockform did not make it: no record knows it */
};

/* A pinned program: one generation of it. */
struct state_program {
	const char *file; /* "<name>@<digest>" */
	const char *name;
	uint64_t digest;
	uint32_t id;
	bool foreign;                  /* as of a map */
	uint32_t maps[STATE_MAX_MAPS]; /* ids of the maps that it uses */
	uint32_t map_count;
};

/*
 * A hook of a map or of a cgroup: the slot, the dispatcher that tail-calls it, the link that attaches
 * that.
 */
struct state_attachment {
	const char *name;   /* of the pins, see state_attachment_name */
	const char *title;  /* "<target>:<attach type>", as shown */
	const char *target; /* the map's name, or the cgroup's path */
	const struct attach_kind *kind;
	bool retired; /* it has no link by right: what is left is for the sockets in the map */
	struct {
		uint32_t id;      /* of the program array; 0: no pin */
		uint32_t program; /* id in its element; 0: empty */
		bool foreign;     /* as of a map */
	} slot;
	struct {
		uint32_t id;    /* 0: no pin */
		bool foreign;   /* as of a map */
		uint32_t slot;  /* id of the map it uses */
		uint32_t flags; /* with which it was attached, see struct flag_kind */
		/*
		 * Of it and of what it tail-calls: the kernel counts where a run begins. 0 unless
		 * kernel.bpf_stats_enabled is set.
		 */
		uint64_t run_count;
		uint64_t run_nanoseconds;
	} dispatcher;
	struct {
		uint32_t id;   /* 0: no pin */
		bool bare;     /* none: kernels before about 6.10 attach to maps without one */
		bool believed; /* bare, by its record's word alone: its map cannot be asked */
		bool in_doubt; /* believed, and the record itself does not know */
		bool foreign;  /* it runs, or ran, no dispatcher of ours */
		uint32_t program, type;
		uint64_t target; /* id of the map or of the cgroup; 0: detached */
	} link;
};

/* A cgroup that an attachment hangs on, or is to hang on. */
struct state_cgroup {
	const char *path; /* from the mount of cgroup2, which is "/" */
	uint64_t id;      /* 0: there is none */
};

/* A program on a hook that none of the deployment's links put there. */
struct state_holder {
	uint32_t program;
	const char *name; /* of the program; "" */
	uint32_t link;    /* 0: attached without one (BPF_PROG_ATTACH) */
	uint32_t flags;   /* with which it was attached, where that was without a link */
	const char *at;   /* elsewhere, from where it keeps others off the hook; NULL: the hook */
};

typedef VEC(struct state_holder) state_holders;

/* What is on a hook to which a deployment's attachment is to go. */
struct state_hook {
	const char *name; /* the attachment's */
	state_holders holders;
	bool shared;       /* other programs may go beside them */
	uint32_t replaced; /* id of the program at the pin that is to be replaced; 0: none */
};

/* A pin, a record or a text that a crash left half-way to its place. */
struct state_leftover {
	const char *path;
	const char *file; /* the name of its place, among pins and records; NULL: of a text */
	bool is_link;     /* it may be what attaches a program by now */
};

struct state {
	const char *deployment;
	bool exists; /* there is a folder of that name */
	uint64_t
		identity; /* of that folder; another where it was removed and made again; 0: none */
	const char *layout; /* NULL: no symlink */
	const char *source; /* what it was applied from, or STATE_NO_SOURCE; NULL: not known */
	VEC(struct state_map) maps;
	VEC(struct state_program) programs;
	VEC(struct state_attachment) attachments;
	const char *cgroup_mount; /* NULL: cgroup2 is not mounted, or no cgroup was looked for */
	VEC(struct state_cgroup) cgroups; /* those that attachments name */
	VEC(struct state_hook) hooks;     /* those that were looked at */
	VEC(const char *) strangers;      /* paths among the pins that are nothing of ours */
	VEC(const char *) outsiders;      /* likewise beside the folders of the pins */
	VEC(struct state_leftover) leftovers;
	VEC(struct state_record) records;
	struct name_index record_files; /* positions in records */
	struct name_index map_names;    /* positions in maps */
	struct name_index program_files;
	struct name_index attachment_names;
	struct name_index cgroup_paths;
	struct name_index hook_names;
	struct id_index map_ids;
	struct id_index program_ids;
};

/* What is found by name, or by id, enters the state through these. */
void state_add_map(struct arena *arena, struct state *state, struct state_map map);
void state_add_program(struct arena *arena, struct state *state, struct state_program program);
void state_add_record(struct arena *arena, struct state *state, struct state_record record);
void state_add_hook(struct arena *arena, struct state *state, struct state_hook hook);
const struct state_cgroup *state_add_cgroup(
	struct arena *arena, struct state *state, struct state_cgroup cgroup);

/* By name, or NULL. */
const struct state_map *state_map_named(const struct state *state, const char *name);
const struct state_attachment *state_attachment_named(const struct state *state, const char *name);

/* "<name>@<digest>", the file name of a program's pin. */
const char *state_program_file(struct arena *arena, const char *name, uint64_t digest);
/* The pinned program with that id, or NULL. */
const struct state_program *state_program_with_id(const struct state *state, uint32_t id);

/* The suffix of a pin on its way into the place of another; see kernel_pin_over. */
#define STATE_SPARE_SUFFIX "+new"

/* The name before that suffix; NULL for a name that does not end in it. */
const char *state_spare_base(struct arena *arena, const char *name);

const struct state_program *state_program_filed(const struct state *state, const char *file);

/* The text of a record: at most STATE_GENERATIONS of them, the newest first. */
const char *state_record_text(
	struct arena *arena, const struct state_generation *generations, size_t count);

/* False for a text that state_record_text does not write. */
bool state_parse_record(struct arena *arena, const char *text, struct state_record *ret);

/* By the file name of the pin, or NULL. */
const struct state_record *state_record_of(const struct state *state, const char *file);

/* What sockform pinned under that name with that id, or NULL. */
const struct state_generation *state_generation_of(
	const struct state *state, const char *file, uint32_t id);
bool state_dispatcher_is_recorded(const struct state *state, const char *file, uint32_t id);

/* Takes such a file name apart; false when it is none. */
bool state_parse_program_file(
	struct arena *arena, const char *file, const char **name, uint64_t *digest);

/*
 * "<target>:<attach type>", the file name of a slot, a dispatcher and a link. In the path of a cgroup
 * stands "+" for "/" and "," for ".", which bpffs does not take, and "=2b" for "+" (likewise "," and
 * "="), with "cgroup" before it: "cgroup+my,slice+app:sock_ops". Of a path that is too long for a
 * file name there is a hash, "cgroup=0123456789abcdef:sock_ops": that is then its target.
 */
const char *state_attachment_name(
	struct arena *arena, const char *target, const struct attach_kind *kind);
bool state_parse_attachment_name(struct arena *arena, const char *name, const char **target,
	const struct attach_kind **kind);

/* "<target>:<attach type>", as shown. */
const char *state_attachment_title(
	struct arena *arena, const char *target, const struct attach_kind *kind);

/* The path's row, or NULL. */
const struct state_cgroup *state_cgroup_at(const struct state *state, const char *path);

/* What is on the hook of the attachment of that name, or NULL where nobody looked. */
const struct state_hook *state_hook_named(const struct state *state, const char *name);

/* "program 17 (name)" */
const char *state_holder_text(struct arena *arena, const struct state_holder *holder);

/* Whether it is one of the state's attachments that put the program there, be it before a crash. */
bool state_attachment_holds(const struct state *state, const struct state_attachment *attachment,
	const struct state_holder *holder);

/* Whether its dispatcher is there, uses its slot and is to be attached with these flags. */
bool state_attachment_dispatches(const struct state_attachment *attachment, uint32_t flags);

/* Whether it has what attaches it, be it detached by now. */
bool state_attachment_has_link(const struct state_attachment *attachment);

/* Whether it was taken off for good, and something of it is kept, in which every socket passes. */
bool state_attachment_is_off(const struct state *state, const struct state_attachment *attachment);

/* Whether its link attaches that dispatcher to the target with that id. */
bool state_attachment_is_linked(
	const struct state_attachment *attachment, uint64_t target, uint32_t flags);

/* What is wrong, in words for before and after it is put right. */
struct state_fault {
	const char *is, *was;
};

/* With what attaches it, to the target with that id; NULL: all is well. */
const struct state_fault *state_link_fault(
	const struct state_attachment *attachment, uint64_t target);

/* Id of the map or the cgroup that a target means by now; 0: there is none. */
uint64_t state_target_id(
	const struct state *state, const char *target, const struct attach_kind *kind);

/* What makes good what is not as it should be. */
enum state_remedy {
	REMEDY_APPLY,   /* its manifest is applied again */
	REMEDY_FORCE,   /* likewise with --force, or it is taken away by hand: it is not ours */
	REMEDY_AWAY,    /* it is taken away by hand, or with all else: nobody else minds it */
	REMEDY_CGROUP,  /* a cgroup, which no apply makes */
	REMEDY_DETACH,  /* what is on another hook and is left there also by --force */
	REMEDY_VERSION, /* the sockform that made it */
	REMEDY_COUNT,
};

/* One thing that is not as it should be, seen from the state alone. */
struct state_drift {
	const char *object; /* "attachment" */
	const char *name;
	const char *reason; /* "its link is detached" */
	enum state_remedy remedy;
};

typedef VEC(struct state_drift) state_drifts;

/* What is damaged or missing in a deployment, whatever manifest it came from. */
void state_find_drift(struct arena *arena, const struct state *state, state_drifts *ret);
