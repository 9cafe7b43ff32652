/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/reconcile.h"

#include "lib/base/cleanup.h"

bool reconcile_load(
	struct reconcile *reconcile, char *const *paths, size_t count, desired_list *ret)
{
	manifest_list manifests = { 0 };

	manifest_load_paths(reconcile->arena, paths, count, reconcile->diagnostics, &manifests);
	vec_each (manifest, &manifests)
		*vec_add(reconcile->arena, ret) = (struct desired){
			.manifest = *manifest,
			.codes = manifest_assemble(
				reconcile->arena, *manifest, reconcile->diagnostics),
		};
	return !reconcile->diagnostics->errors;
}

/*
 * What a verb does to bpffs. Makers mount it and make the root folder, where those are missing;
 * takers lock out others, too, but find nothing where there is none.
 */
enum access {
	READ,
	MAKE,
	TAKE,
};

/* The descriptor of the lock, or -1 where there is nothing to lock; false with a diagnostic. */
static bool enter(struct reconcile *reconcile, const char *verb, enum access access, int *lock)
{
	struct kernel *kernel = &reconcile->kernel;
	size_t errors = reconcile->diagnostics->errors;

	*lock = -1;
	kernel->arena = reconcile->arena;
	kernel->diagnostics = reconcile->diagnostics;
	if (!kernel_check_privilege(kernel, verb) || !kernel_open(kernel, access == MAKE))
		return false;
	*lock = kernel_lock(kernel, access != READ, reconcile->lock_timeout);
	return reconcile->diagnostics->errors == errors;
}

static bool make_plans(struct reconcile *reconcile, const desired_list *desired, plan_list *ret)
{
	size_t errors = reconcile->diagnostics->errors;

	vec_each (wanted, desired) {
		struct state *state = arena_alloc(reconcile->arena, sizeof(*state));

		if (!kernel_observe(&reconcile->kernel, wanted->manifest->name.text, state))
			return false;
		*vec_add(reconcile->arena, ret) = plan_make(reconcile->arena, wanted->manifest,
			wanted->codes, state, reconcile->diagnostics);
	}
	return reconcile->diagnostics->errors == errors;
}

bool reconcile_plan(
	struct reconcile *reconcile, const char *verb, const desired_list *desired, plan_list *ret)
{
	cleanup_fd int lock = -1;

	return enter(reconcile, verb, READ, &lock) && make_plans(reconcile, desired, ret);
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

	if (!enter(reconcile, verb, MAKE, &lock) || !make_plans(reconcile, desired, ret))
		return false;
	applied = apply_plans(&reconcile->kernel, ret);
	if (created)
		remember_created(reconcile, ret, created);
	return applied;
}

bool reconcile_delete(struct reconcile *reconcile, const char *verb,
	const struct reconcile_target *targets, size_t count, plan_list *ret)
{
	cleanup_fd int lock = -1;
	size_t errors = reconcile->diagnostics->errors;

	if (!enter(reconcile, verb, TAKE, &lock))
		return false;
	for (size_t i = count; i-- > 0;) {
		struct state *state = arena_alloc(reconcile->arena, sizeof(*state));

		if (!kernel_observe(&reconcile->kernel, targets[i].name, state))
			return false;
		if (targets[i].identity && targets[i].identity != state->identity)
			continue;
		*vec_add(reconcile->arena, ret) =
			plan_teardown(reconcile->arena, state, reconcile->diagnostics);
	}
	return reconcile->diagnostics->errors == errors && apply_plans(&reconcile->kernel, ret);
}

static int64_t count_entries(
	struct reconcile *reconcile, const struct state *state, const struct state_map *map)
{
	cleanup_fd int fd = kernel_open_pin(
		kernel_path(&reconcile->kernel, state->deployment, FOLDER_MAPS, map->name));

	return fd < 0 ? fd : kernel_count_entries(fd, map);
}

static bool read_status(struct reconcile *reconcile, const char *name, status_list *ret)
{
	struct state *state = arena_alloc(reconcile->arena, sizeof(*state));
	struct report_status *status;
	int64_t *entries;

	if (!kernel_observe(&reconcile->kernel, name, state))
		return false;
	entries = arena_alloc_array(reconcile->arena, state->maps.count, sizeof(*entries));
	for (size_t i = 0; i < state->maps.count; i++)
		entries[i] = count_entries(reconcile, state, &state->maps.items[i]);
	status = vec_add(reconcile->arena, ret);
	status->state = state;
	status->entries = entries;
	state_find_drift(reconcile->arena, state, &status->drifts);
	return true;
}

bool reconcile_status(
	struct reconcile *reconcile, const char *verb, const char *name, status_list *ret)
{
	cleanup_fd int lock = -1;
	kernel_names names = { 0 };

	if (!enter(reconcile, verb, READ, &lock))
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
