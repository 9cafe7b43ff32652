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
	unsigned int lock_timeout; /* seconds */
};

/* A manifest with the code of its programs. */
struct desired {
	const struct manifest *manifest;
	const struct bpfasm_code *const *codes;
};

typedef VEC(struct desired) desired_list;
typedef VEC(struct report_status) status_list;

/* Loads and assembles; needs no privilege and asks no kernel. False with diagnostics. */
bool reconcile_load(
	struct reconcile *reconcile, char *const *paths, size_t count, desired_list *ret);

/* Plans without changing anything. `verb` is for the message about privilege. */
bool reconcile_plan(
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

/* Reads one deployment, or all for NULL. */
bool reconcile_status(
	struct reconcile *reconcile, const char *verb, const char *name, status_list *ret);
