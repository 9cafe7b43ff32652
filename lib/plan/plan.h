/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The plan: what has to change so that the kernel is as a manifest says, as a value.
 *
 * Planning is pure: (manifest, code, observed state) -> plan. Tearing down is the plan from no
 * manifest. Steps stand in the order in which they are made: maps, programs, attachments to maps,
 * attachments to cgroups; what goes comes behind, in reverse.
 */
#pragma once

#include "lib/manifest/manifest.h"
#include "lib/state/state.h"

enum plan_action {
	PLAN_KEEP,    /* nothing to do */
	PLAN_CREATE,  /* not there yet */
	PLAN_UPDATE,  /* there, and changed in place under the sockets that use it */
	PLAN_REPLACE, /* a map: another one takes its place, without what is in it */
	PLAN_DELETE,  /* there, and no longer wanted */
	PLAN_ACTION_COUNT,
};

enum plan_object {
	PLAN_MAP,
	PLAN_PROGRAM,
	PLAN_ATTACHMENT,
	PLAN_OBJECT_COUNT,
};

/* "map", "program", "attachment". */
const char *plan_object_word(enum plan_object object);

/* What of an attachment has to be made anew; bits of plan_step.parts. */
enum plan_part {
	PLAN_SLOT = 1 << 0,       /* the program array, and with it the two below */
	PLAN_DISPATCHER = 1 << 1, /* the program that is attached, and with it the link */
	PLAN_LINK = 1 << 2,
	PLAN_PROGRAM_IN_SLOT = 1 << 3, /* the array's element */
};

typedef VEC(const char *) plan_files;

/* A hook, and the programs on it that no deployment put there. */
struct plan_hook {
	const char *target; /* as shown: a map's name, a pin or "id:5"; the path of a cgroup */
	const struct attach_kind *kind;
	uint32_t map;             /* id; 0: a cgroup */
	const char *cgroup_mount; /* of a cgroup */
	state_holders holders;
};

typedef VEC(struct plan_hook) plan_hooks;

struct plan_step {
	enum plan_action action;
	enum plan_object object;
	const char *name;   /* as shown */
	const char *detail; /* "sockhash [cookie], 65536 entries" */
	const char *reason; /* why, for what is not plainly created or deleted; NULL */
	struct mark mark;   /* in the manifest; none for deletes */

	const struct manifest_map *map;         /* PLAN_MAP, wanted */
	const struct manifest_program *program; /* PLAN_PROGRAM, wanted */
	const struct bpfasm_code *code;         /* likewise */
	const char *file; /* name of the pins, where that is not the step's; NULL */
	const struct manifest_attachment *attachment; /* PLAN_ATTACHMENT, wanted */
	unsigned int parts;                           /* likewise */
	bool stale_link;      /* a link that is pinned makes room for a new one */
	bool link_in_the_way; /* likewise, and has to go before: a map has one of a kind */

	bool loses_sockets; /* PLAN_MAP: those that are in the one that goes leave it */
	bool retires_slot;  /* PLAN_ATTACHMENT: they keep the old slot, and another is made */
	/*
	 * PLAN_ATTACHMENT, deleted: the map stays, and the sockets in it keep the dispatcher. Where there
	 * are any that stays, too, and its slot, which passes: when the attachment comes back, it reaches
	 * them.
	 */
	bool retires;

	const struct state_attachment *old; /* PLAN_ATTACHMENT, observed; NULL: nothing there */
	/* PLAN_ATTACHMENT: somebody else's program that is taken off the hook; NULL: none */
	const struct state_holder *replaced;

	/* A program of somebody else's that goes; `old` is NULL then. */
	const struct state_holder *foreign;
	const struct plan_hook *hook; /* where it is */
	plan_files superseded;        /* PLAN_PROGRAM: pins of other generations, removed last */
};

struct plan {
	const char *deployment;
	const struct manifest *manifest; /* NULL: teardown */
	const struct state *state;
	VEC(struct plan_step) steps;
	size_t counts[PLAN_ACTION_COUNT];
	bool refresh_layout;      /* the folder lacks its layout version */
	const char *source;       /* what it is applied from by now; NULL: as the state says */
	const char *note;         /* why there is such a plan, where that is not plain; NULL */
	plan_files stale_records; /* of what is neither pinned nor wanted */
	bool takes_strangers;     /* what is among the pins and is nothing of ours goes first */
	bool partial;             /* some attachments go, and all else stays; no manifest */
};

/* What a plan is made from. */
struct plan_request {
	const struct manifest *manifest;
	const struct bpfasm_code *const *codes; /* in the order of the manifest's programs */
	const struct state *state;
	const char *source; /* what the manifest was loaded from; NULL: as the state says */
	bool replaces;      /* maps may be replaced */
	bool forces;        /* what is not ours may go, or be taken over */
};

/*
 * What cannot be planned (a map that would have to be replaced and must not be, something in our place
 * that is not ours, a layout of another version) goes to `diagnostics`; the plan is then not to be
 * applied.
 */
const struct plan *plan_make(
	struct arena *arena, const struct plan_request *request, struct diagnostics *diagnostics);

/*
 * The first property in which a map is not what the manifest says, "max_entries 64 -> 128"; NULL when
 * it is.
 */
const char *plan_map_difference(
	struct arena *arena, const struct manifest_map *map, const struct state_map *old);

/*
 * The plan that removes everything observed; what stands against that (a layout of another version,
 * without `forces` something that is not ours) goes to `diagnostics`. `note` says why it goes, or is
 * NULL.
 */
const struct plan *plan_teardown(struct arena *arena, const struct state *state, bool forces,
	const char *note, struct diagnostics *diagnostics);

/* Which programs are to go off which hooks. */
struct plan_detach {
	const char *target; /* name of the map in the deployment, or path; NULL */
	uint64_t target_id; /* of the map or the cgroup; 0: it is not there */
	bool by_id;         /* asked for by that: what hangs on another map is not meant */
	bool on_cgroup;     /* it is a cgroup */
	const struct attach_kind *kind; /* NULL: every hook of the target */
	const char *program;            /* its name or its id; NULL: any */
	bool forces;                    /* also where a part of it is not ours */
};

/*
 * Takes attachments of a deployment away: no step where it has none there; a layout of another version
 * goes to `diagnostics`. The slot and the dispatcher of one on a map stay, since the sockets in the map
 * keep that dispatcher: attached again, it reaches them.
 */
const struct plan *plan_detach(struct arena *arena, const struct state *state,
	const struct plan_detach *detach, struct diagnostics *diagnostics);

/* Takes away what others put there. `nothing`: a state without objects, its name says of what. */
const struct plan *plan_detach_foreign(struct arena *arena, const struct state *nothing,
	const plan_hooks *hooks, const char *program);

/* An E0409 for each step of such a plan, where that is not to be done. */
void plan_refuse_foreign(const struct plan *plan, struct diagnostics *diagnostics);

/* Whether the step's object is made, be there another in its place or not. */
bool plan_makes(const struct plan_step *step);

/* Whether applying it would change anything in the kernel. */
bool plan_changes(const struct plan *plan);

/* Whether there is anything to do, be it only to remember where it comes from by now. */
bool plan_has_work(const struct plan *plan);
