/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: the descriptors behind a plan's steps, and the journal. */
#pragma once

#include "lib/apply/apply.h"

/* Descriptors of one step, -1 until opened. Owned by the run. */
struct step_objects {
	int map, program;
	int old_map;  /* that makes room for `map`, where sockets are in it */
	int old_slot; /* that those keep */
	int pass;     /* what a slot gets that is retired; borrowed from the run */
	int slot, dispatcher, link;
	int old_link;    /* that the new link stands beside until all is done */
	int adopted;     /* a link that a crash left half-way to its pin, and that is wanted */
	int cgroup;      /* that the attachment is to hang on */
	int old_program; /* what an existing slot holds, to be written back; -1: it is empty */
	int old_linked;  /* what an existing link runs, to be attached again, to `old_target` */
	int old_target;  /* a map or a cgroup */
	int replaced;    /* the foreign program, or link, that is taken off the hook */
	/*
	 * Pins by which a teardown gets at the three above that start with "old_" if it has to go
	 * back: they stay until nothing does, and it takes no descriptors for each attachment. NULL:
	 * open already, or not there.
	 */
	const char *old_program_pin, *old_linked_pin, *old_target_pin;
	const char *adopted_pin; /* where that link is pinned by now */
};

/* One plan on its way into the kernel. */
struct deployment_run {
	const struct plan *plan;
	struct step_objects *objects; /* one per step */
	/* One for each leftover of the state: of links that go, what takes them back. */
	struct step_objects *leftovers;
	int *maps; /* of the manifest, by position; borrowed; -1: not open */
	size_t map_count;
	size_t *map_step;     /* the step of each map of the manifest, by position */
	size_t *program_step; /* likewise of each program */
};

struct apply_run;

/* How to take one change back; what is not needed by `undo` is NULL or -1. */
struct journal_entry {
	int (*undo)(struct apply_run *run, const struct journal_entry *entry);
	const char *path; /* what it is a change of */
	const char *text; /* of the symlink that was there before; NULL: none */
	const struct step_objects *objects;
	int pin;                 /* what was pinned at `path` before; owned; -1: nothing */
	int open;                /* the slot that was written, or what was unpinned; borrowed */
	struct kernel_hook hook; /* where to attach again; its target is borrowed */
	const struct state_holder *foreign; /* what was taken off there, of others; NULL */
	int error; /* why it could not be taken back; 0: it could, or is not to be */
};

/* Our own programs for the hooks of one attach type. */
struct own_programs {
	const struct attach_kind *kind;
	const struct bpfasm_code *dispatcher;
	int pass; /* one for all slots that are retired; owned; -1: not loaded */
};

struct apply_run {
	struct kernel *kernel;
	VEC(struct deployment_run) deployments;
	VEC(struct journal_entry) journal;
	VEC(struct own_programs) own;
	bool leaves;               /* something could not be taken back */
	VEC(const char *) removed; /* paths of others', which do not come back */
};

/* prepare.c */
bool apply_prepare(struct apply_run *run, struct deployment_run *deployment);

/* record.c: what is about to be pinned is remembered; 0 or a negative errno */
int apply_record_map(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects);
int apply_record_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects);
int apply_record_attachment(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects);
/*
 * To which map the dispatcher is attached without a link; `map` 0: to none by now. `in_doubt`: that is about
 * to be so, or not any more.
 */
int apply_record_attached(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, uint32_t dispatcher, uint32_t map, bool in_doubt);

/* That it has no link by right. */
int apply_record_retired(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step);

/*
 * leftover.c: what a crash left half-way. Links are opened while their parts have their old pins; pins and
 * records are removed first, and links settled when they may be detached.
 */
bool apply_remove_leftovers(struct apply_run *run, const struct plan *plan);
bool apply_open_leftovers(struct apply_run *run, const struct deployment_run *deployment);
bool apply_settle_leftovers(struct apply_run *run, const struct deployment_run *deployment);
/* Pins objects->adopted at `path`; 0 or a negative errno. */
int apply_adopt(struct apply_run *run, const struct plan_step *step, struct step_objects *objects,
	const char *path);

/* stage.c */
bool apply_stage(struct apply_run *run, const struct deployment_run *deployment);

/* commit.c */
bool apply_commit(struct apply_run *run, const struct deployment_run *deployment);

/* drain.c: waits up to so long for what is queued in sockets that leave their maps */
void apply_drain(struct apply_run *run, unsigned int seconds);

/* clean.c */
bool apply_clean(struct apply_run *run, const struct deployment_run *deployment);
void apply_clean_links(struct apply_run *run, const struct deployment_run *deployment);

/* journal.c: each makes one change and notes how to undo it; 0 or a negative errno */
int journal_make_folder(struct apply_run *run, const char *path);
int journal_write_text(
	struct apply_run *run, const char *path, const char *text, const char *before);
int journal_pin(struct apply_run *run, int fd, const char *path, bool replaces);
int journal_write_slot(struct apply_run *run, const struct step_objects *objects, int slot,
	int program, const char *path);
int journal_attach_link(struct apply_run *run, struct step_objects *objects,
	const struct kernel_hook *hook, const char *path);
/* That objects->link, or without one the dispatcher, has been attached. */
void journal_attached(struct apply_run *run, struct step_objects *objects,
	const struct kernel_hook *hook, const char *path);
int journal_detach(struct apply_run *run, const struct step_objects *objects,
	const struct kernel_hook *hook, const char *path);
int journal_detach_foreign(struct apply_run *run, const struct step_objects *objects,
	const struct kernel_hook *hook, const struct state_holder *holder, const char *title);
int journal_remove_folder(struct apply_run *run, const char *path); /* 0 also where nothing is */
/* Likewise; `open`: a descriptor of what is pinned there, that outlives the journal, or -1. */
int journal_unpin(struct apply_run *run, const char *path, int open);
/* `before`: what it says; NULL: it is not there. */
int journal_remove_text(struct apply_run *run, const char *path, const char *before);
/*
 * Takes off what is attached without a link; noted nowhere. -ENOENT: of a map that cannot be asked the record
 * was believed, and it is off already.
 */
int apply_detach_bare(const struct step_objects *objects, const struct kernel_hook *hook);
void journal_undo(struct apply_run *run);
void journal_finish(struct apply_run *run);

/* E0402 at the step's place: "cannot <what> <object> "<name>": <errno>". Always false. */
bool apply_refused(
	struct apply_run *run, const struct plan_step *step, const char *what, int error);

/* False with an E0402 "cannot <what> <path>" where that came to an error. */
bool apply_done(struct apply_run *run, const char *what, const char *path, int error);
/* Likewise of removing it. */
bool apply_removed(struct apply_run *run, const char *path, int error);

/* What is not ours, with all that is in it: for good, and told of where the run fails. */
bool apply_remove_foreign(struct apply_run *run, const char *path);

/* Where what is attached by now hangs, and how. */
struct kernel_hook step_old_hook(const struct plan_step *step, const struct step_objects *objects);

/* The path of the pin that has the step's name, in a folder. */
const char *step_path(const struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, enum kernel_folder folder);
