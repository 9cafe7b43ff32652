/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/reconcile.h"

#include "lib/base/cleanup.h"

#include <string.h>

static void load(struct reconcile *reconcile, char *const *paths, size_t count, manifest_list *ret)
{
	manifest_load_paths(
		reconcile->arena, paths, count, &reconcile->settings, reconcile->diagnostics, ret);
}

/* Deployments with their code; templates and parameters alone are for others. */
static void assemble(struct reconcile *reconcile, const manifest_list *manifests, desired_list *ret)
{
	vec_each (manifest, manifests)
		if (!(*manifest)->library)
			*vec_add(reconcile->arena, ret) = (struct desired){
				.manifest = *manifest,
				.codes = manifest_assemble(
					reconcile->arena, *manifest, reconcile->diagnostics),
			};
}

bool reconcile_validate(
	struct reconcile *reconcile, char *const *paths, size_t count, manifest_list *ret)
{
	desired_list desired = { 0 };

	load(reconcile, paths, count, ret);
	assemble(reconcile, ret, &desired);
	if (!reconcile->diagnostics->errors)
		reconcile_warn(reconcile, &desired);
	return !reconcile->diagnostics->errors;
}

bool reconcile_load(
	struct reconcile *reconcile, char *const *paths, size_t count, desired_list *ret)
{
	manifest_list manifests = { 0 };

	load(reconcile, paths, count, &manifests);
	assemble(reconcile, &manifests, ret);
	if (!ret->count && manifests.count && !reconcile->diagnostics->errors)
		diag_add(reconcile->diagnostics, DIAG_E0108, manifests.items[0]->self.mark,
			"there is nothing to deploy: templates and parameters are for others to "
			"include");
	return !reconcile->diagnostics->errors;
}

void reconcile_warn(const struct reconcile *reconcile, const desired_list *desired)
{
	vec_each (wanted, desired) {
		manifest_warn_unused(wanted->manifest, wanted->codes, reconcile->diagnostics);
		manifest_lint(
			reconcile->arena, wanted->manifest, wanted->codes, reconcile->diagnostics);
		manifest_lint_sockets(
			reconcile->arena, wanted->manifest, wanted->codes, reconcile->diagnostics);
	}
}

bool reconcile_enter(
	struct reconcile *reconcile, const char *verb, enum reconcile_access access, int *lock)
{
	struct kernel *kernel = &reconcile->kernel;
	size_t errors = reconcile->diagnostics->errors;

	*lock = -1;
	kernel->arena = reconcile->arena;
	kernel->diagnostics = reconcile->diagnostics;
	if (!kernel_check_privilege(kernel, verb) || !kernel_open(kernel, access == RECONCILE_MAKE))
		return false;
	*lock = kernel_lock(kernel, access != RECONCILE_READ, reconcile->lock_timeout);
	if (access == RECONCILE_MAKE && !kernel->root)
		diag_add(reconcile->diagnostics, DIAG_E0405, mark_none,
			"somebody removed the folder of all deployments just now")
			->hint = "once more makes it again";
	return reconcile->diagnostics->errors == errors;
}

static bool observe_targets(
	struct reconcile *reconcile, const struct manifest *manifest, struct state *state)
{
	vec_each (attachment, &manifest->attachments) {
		const struct kernel_wanted wanted = {
			.target = attachment->target_name,
			.kind = attachment->kind,
			.flags = attachment->flag_bits,
			.replaced_pin = attachment->replaces_pin,
			.mark = attachment->replaces_pin ? attachment->replace.mark
							 : attachment->self.mark,
		};

		if (!kernel_observe_wanted(&reconcile->kernel, state, &wanted))
			return false;
	}
	return true;
}

static int64_t count_entries(
	struct reconcile *reconcile, const struct state *state, const struct state_map *map)
{
	cleanup_fd int fd = kernel_open_pin(
		kernel_path(&reconcile->kernel, state->deployment, FOLDER_MAPS, map->name));

	return fd < 0 ? fd : kernel_count_entries(fd, map);
}

/*
 * What would be lost is counted where something would be, and what came with a map that is not ours: it
 * takes a walk of the map.
 */
static void count_what_is_told(
	struct reconcile *reconcile, const struct manifest *manifest, struct state *state)
{
	vec_each (map, &manifest->maps) {
		size_t at = name_index_find(&state->map_names, map->self.text);
		struct state_map *old = at == NAME_ABSENT ? NULL : &state->maps.items[at];

		if (old && (old->foreign || plan_map_difference(reconcile->arena, map, old)))
			old->entries = count_entries(reconcile, state, old);
	}
}

static bool find_whether_empty(
	struct reconcile *reconcile, const struct state *state, struct state_map *map)
{
	const char *path =
		kernel_path(&reconcile->kernel, state->deployment, FOLDER_MAPS, map->name);
	cleanup_fd int fd = kernel_open_pin(path);
	int answer = fd < 0 ? fd : kernel_may_have_sockets(fd, map);

	if (!answer)
		map->entries = 0;
	return answer >= 0 || kernel_cannot_read(&reconcile->kernel, path, answer);
}

/* What was left of an attachment for the sockets in its map goes when they have left. */
static bool find_empty_maps(struct reconcile *reconcile, struct state *state)
{
	vec_each (old, &state->attachments) {
		size_t at = name_index_find(&state->map_names, old->target);

		if (state_attachment_is_off(state, old) && at != NAME_ABSENT &&
			state->maps.items[at].entries < 0 &&
			!find_whether_empty(reconcile, state, &state->maps.items[at]))
			return false;
	}
	return true;
}

/* *ret is the source it was applied from, where that is pruned; NULL. False with a diagnostic. */
static bool find_pruned_source(
	struct reconcile *reconcile, const char *deployment, const char **ret)
{
	const char *path = kernel_text_path(&reconcile->kernel, deployment, TEXT_SOURCE), *source;
	int error = kernel_read_text(reconcile->arena, path, &source);

	*ret = NULL;
	vec_each (pruned, &reconcile->pruned)
		if (source && strcmp(source, *pruned) == 0)
			*ret = source;
	return !error || kernel_cannot_read(&reconcile->kernel, path, error);
}

static bool add_pruned(
	struct reconcile *reconcile, const char *deployment, const char *source, plan_list *ret)
{
	struct state *state = arena_alloc(reconcile->arena, sizeof(*state));

	if (!kernel_observe(&reconcile->kernel, deployment, state))
		return false;
	*vec_add(reconcile->arena, ret) = plan_teardown(reconcile->arena, state, reconcile->forces,
		arena_printf(reconcile->arena, "no longer in %s", source), reconcile->diagnostics);
	return true;
}

/* What was applied from the same source and is not in it any more. */
static bool plan_pruned(struct reconcile *reconcile, const desired_list *desired, plan_list *ret)
{
	struct name_index wanted = { 0 };
	kernel_names names = { 0 };

	if (!reconcile->pruned.count)
		return true;
	if (!kernel_list_deployments(&reconcile->kernel, &names))
		return false;
	vec_each (deployment, desired)
		name_index_add(reconcile->arena, &wanted, deployment->manifest->name.text, 0);
	vec_each (name, &names) {
		const char *source;

		if (name_index_find(&wanted, *name) != NAME_ABSENT)
			continue;
		if (!find_pruned_source(reconcile, *name, &source) ||
			(source && !add_pruned(reconcile, *name, source, ret)))
			return false;
	}
	return true;
}

/* What came last through a pipe is no longer that of the folder that it came from before. */
static const char *source_of(const struct reconcile *reconcile, const struct manifest *manifest)
{
	if (!reconcile->remembers)
		return NULL;
	return manifest->origin ? manifest->origin : STATE_NO_SOURCE;
}

static bool plan_wanted(struct reconcile *reconcile, const struct desired *wanted, plan_list *ret)
{
	const struct manifest *manifest = wanted->manifest;
	struct state *state = arena_alloc(reconcile->arena, sizeof(*state));
	const struct plan_request request = {
		.manifest = manifest,
		.codes = wanted->codes,
		.state = state,
		.source = source_of(reconcile, manifest),
		.replaces = reconcile->replaces,
		.forces = reconcile->forces,
	};

	if (!kernel_observe(&reconcile->kernel, manifest->name.text, state) ||
		!observe_targets(reconcile, manifest, state))
		return false;
	count_what_is_told(reconcile, manifest, state);
	if (!find_empty_maps(reconcile, state))
		return false;
	*vec_add(reconcile->arena, ret) =
		plan_make(reconcile->arena, &request, reconcile->diagnostics);
	return true;
}

/* What goes comes first, so that there is room for what comes. */
static bool make_plans(struct reconcile *reconcile, const desired_list *desired, plan_list *ret)
{
	size_t errors = reconcile->diagnostics->errors;

	if (!plan_pruned(reconcile, desired, ret))
		return false;
	vec_each (wanted, desired)
		if (!plan_wanted(reconcile, wanted, ret))
			return false;
	return reconcile->diagnostics->errors == errors;
}

bool reconcile_plan(
	struct reconcile *reconcile, const char *verb, const desired_list *desired, plan_list *ret)
{
	cleanup_fd int lock = -1;

	return reconcile_enter(reconcile, verb, RECONCILE_READ, &lock) &&
	       make_plans(reconcile, desired, ret);
}

bool reconcile_check(
	struct reconcile *reconcile, const char *verb, const desired_list *desired, plan_list *ret)
{
	cleanup_fd int lock = -1;

	return reconcile_enter(reconcile, verb, RECONCILE_READ, &lock) &&
	       make_plans(reconcile, desired, ret) && apply_check(&reconcile->kernel, ret);
}

/* Before the lock is released: a moment later the name may be somebody else's. */
static void remember_created(
	const struct reconcile *reconcile, const plan_list *plans, target_list *ret)
{
	vec_each (plan, plans) {
		uint64_t identity = kernel_identify(&reconcile->kernel, (*plan)->deployment);

		if (!(*plan)->state->exists && identity)
			*vec_add(reconcile->arena, ret) =
				(struct reconcile_target){ (*plan)->deployment, identity };
	}
}

bool reconcile_apply(struct reconcile *reconcile, const char *verb, const desired_list *desired,
	plan_list *ret, target_list *created)
{
	cleanup_fd int lock = -1;
	bool applied;

	if (!reconcile_enter(reconcile, verb, RECONCILE_MAKE, &lock) ||
		!make_plans(reconcile, desired, ret))
		return false;
	applied = apply_plans(&reconcile->kernel, ret, reconcile->drain_timeout);
	if (created)
		remember_created(reconcile, ret, created);
	return applied;
}

/* A deployment that somebody else has made meanwhile, under the name of the one that is meant. */
static bool is_another(struct reconcile *reconcile, const struct reconcile_target *target,
	const struct state *state)
{
	if (!target->identity || target->identity == state->identity)
		return false;
	if (state->exists)
		diag_add(reconcile->diagnostics, DIAG_W0613, mark_none,
			"\"%s\" is left in place: it was deleted and made anew meanwhile",
			target->name)
			->hint = arena_printf(
			reconcile->arena, "`sockform delete --name %s` removes it", target->name);
	return true;
}

bool reconcile_delete(struct reconcile *reconcile, const char *verb,
	const struct reconcile_target *targets, size_t count, plan_list *ret)
{
	cleanup_fd int lock = -1;
	size_t errors = reconcile->diagnostics->errors;

	if (!reconcile_enter(reconcile, verb, RECONCILE_TAKE, &lock))
		return false;
	for (size_t i = count; i-- > 0;) {
		struct state *state = arena_alloc(reconcile->arena, sizeof(*state));

		if (!kernel_observe(&reconcile->kernel, targets[i].name, state))
			return false;
		if (is_another(reconcile, &targets[i], state))
			continue;
		*vec_add(reconcile->arena, ret) = plan_teardown(
			reconcile->arena, state, reconcile->forces, NULL, reconcile->diagnostics);
	}
	return reconcile->diagnostics->errors == errors &&
	       apply_plans(&reconcile->kernel, ret, reconcile->drain_timeout);
}

/* What others may have put where ours are not, or not any more. */
static bool observe_takers(struct reconcile *reconcile, struct state *state)
{
	vec_each (attachment, &state->attachments) {
		const struct kernel_wanted wanted = {
			.target = attachment->target,
			.kind = attachment->kind,
			.flags = attachment->dispatcher.flags,
		};

		if (!kernel_observe_wanted(&reconcile->kernel, state, &wanted))
			return false;
	}
	return true;
}

static bool read_status(struct reconcile *reconcile, const char *name, status_list *ret)
{
	struct state *state = arena_alloc(reconcile->arena, sizeof(*state));
	struct report_status *status;

	if (!kernel_observe_entries(&reconcile->kernel, name, state) ||
		!observe_takers(reconcile, state))
		return false;
	status = vec_add(reconcile->arena, ret);
	status->state = state;
	state_find_drift(reconcile->arena, state, &status->drifts);
	return true;
}

bool reconcile_status(
	struct reconcile *reconcile, const char *verb, const char *name, status_list *ret)
{
	cleanup_fd int lock = -1;
	kernel_names names = { 0 };

	if (!reconcile_enter(reconcile, verb, RECONCILE_READ, &lock))
		return false;
	if (name)
		return read_status(reconcile, name, ret);
	if (!kernel_list_deployments(&reconcile->kernel, &names))
		return false;
	vec_each (deployment, &names)
		if (!read_status(reconcile, *deployment, ret))
			return false;
	return true;
}
