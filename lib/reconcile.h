/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The pipeline, in its only order: files -> manifests -> code; bpffs -> state; both -> plan; plan
 * -> kernel. What a verb does is one call here.
 */
#pragma once

#include "lib/apply/apply.h"
#include "lib/feed/feed.h"
#include "lib/report/report.h"

/* What one command works with. `diagnostics` gets everything there is to say. */
struct reconcile {
	struct arena *arena;
	struct diagnostics *diagnostics;
	struct kernel kernel;
	struct manifest_settings settings;
	unsigned int lock_timeout;  /* seconds */
	unsigned int drain_timeout; /* seconds; 0: what is queued is lost at once */
	bool replaces;              /* maps may be replaced, and lose what is in them */
	bool forces;                /* what is not ours may go, or be taken over */
	bool remembers;             /* deployments remember what they are applied from */
	VEC(const char *) pruned;   /* of what was applied from there, what is not wanted goes */
};

/* A manifest with the code of its programs. */
struct desired {
	const struct manifest *manifest;
	const struct bpfasm_code *const *codes;
};

typedef VEC(struct desired) desired_list;
typedef VEC(struct report_status) status_list;

/* Loads and assembles; needs no privilege and asks no kernel. False with diagnostics. */
bool reconcile_validate(
	struct reconcile *reconcile, char *const *paths, size_t count, manifest_list *ret);

/* The same, and leaves out what is not deployed; an error where that is all there is. */
bool reconcile_load(
	struct reconcile *reconcile, char *const *paths, size_t count, desired_list *ret);

/* Warnings about what has been loaded, for verbs by which it is to run, where nothing failed. */
void reconcile_warn(const struct reconcile *reconcile, const desired_list *desired);

/*
 * What a verb does to bpffs. Makers mount it and make the root folder, where those are missing;
 * takers lock out others, too, but find nothing where there is none.
 */
enum reconcile_access {
	RECONCILE_READ,
	RECONCILE_MAKE,
	RECONCILE_TAKE,
};

/*
 * Opens bpffs and locks it. The descriptor of the lock, or -1 where there is nothing to lock; false
 * with a diagnostic.
 */
bool reconcile_enter(
	struct reconcile *reconcile, const char *verb, enum reconcile_access access, int *lock);

/* Plans without changing anything. `verb` is for the message about privilege. */
bool reconcile_plan(
	struct reconcile *reconcile, const char *verb, const desired_list *desired, plan_list *ret);

/* Plans, and lets the kernel judge what would be made; changes nothing. */
bool reconcile_check(
	struct reconcile *reconcile, const char *verb, const desired_list *desired, plan_list *ret);

/* A deployment to delete. */
struct reconcile_target {
	const char *name;
	uint64_t identity; /* only where it is still this one; 0: whichever has the name */
};

typedef VEC(struct reconcile_target) target_list;

/*
 * Plans and applies under one lock. On false nothing has changed, but see lib/apply/apply.h. `created`,
 * or NULL, gets the deployments that were not there before.
 */
bool reconcile_apply(struct reconcile *reconcile, const char *verb, const desired_list *desired,
	plan_list *ret, target_list *created);

/* Tears down the deployments, the last first. One that is not there is no error. */
bool reconcile_delete(struct reconcile *reconcile, const char *verb,
	const struct reconcile_target *targets, size_t count, plan_list *ret);

/* Which programs `sockform detach` is to take off which hooks. */
struct reconcile_hooks {
	const char *deployment; /* whose map it is; NULL: not by deployment */
	const char *map;        /* its name there */
	const char *pin;        /* the map at that path; NULL */
	uint32_t id;            /* the map with that id; 0 */
	const char *cgroup;     /* the cgroup at that path, see manifest_parse_cgroup; NULL */
	const struct attach_kind *kind; /* NULL: every hook of the target */
	const char *program;            /* its name or its id; NULL: any */
	bool force;                     /* also what no deployment put there */
};

/* reconcile_detach.c: all of them or, on false, none; there is at least one plan on true. */
bool reconcile_detach(struct reconcile *reconcile, const char *verb,
	const struct reconcile_hooks *hooks, plan_list *ret);

/* reconcile_features.c: asks the kernel what it offers; needs no privilege. False with a diagnostic. */
bool reconcile_features(struct reconcile *reconcile, probe_features *ret);

/* Likewise: sends bytes through sockets of its own. */
bool reconcile_self_test(struct reconcile *reconcile, const char *verb, selftest_results *ret);

/* Reads one deployment, or all for NULL. */
bool reconcile_status(
	struct reconcile *reconcile, const char *verb, const char *name, status_list *ret);
