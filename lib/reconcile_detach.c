/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Off the hooks: what deployments put on a map or a cgroup, and what others did. Deployments are
 * found by the target's id, so that their own is theirs by whatever name it is called.
 */
#include "lib/reconcile.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>

struct detacher {
	struct reconcile *reconcile;
	const struct reconcile_hooks *request;
	const char *title; /* of the target */
	uint64_t target_id;
	const char *cgroup_mount;
	bool is_blind;                    /* what others attached to it cannot be seen */
	VEC(const struct state *) states; /* of all deployments */
};

static int open_target(struct detacher *detacher)
{
	const struct reconcile_hooks *request = detacher->request;
	struct kernel *kernel = &detacher->reconcile->kernel;
	struct arena *arena = detacher->reconcile->arena;
	int error;

	if (request->cgroup) {
		detacher->title = request->cgroup;
		error = kernel_find_cgroup_mount(arena, &detacher->cgroup_mount);
		return error ? error : kernel_open_cgroup(detacher->cgroup_mount, request->cgroup);
	}
	if (request->pin) {
		detacher->title = request->pin;
		return kernel_open_pin_of(request->pin, KERNEL_MAP);
	}
	if (request->id) {
		detacher->title = arena_printf(arena, "id:%u", request->id);
		return kernel_open_map(request->id);
	}
	detacher->title = arena_printf(arena, "%s/%s", request->deployment, request->map);
	return kernel->root ? kernel_open_pin(kernel_path(
				      kernel, request->deployment, FOLDER_MAPS, request->map))
			    : -ENOENT;
}

static int identify_target(struct detacher *detacher, int target)
{
	struct state_map map = { 0 };
	int error = 0;

	if (detacher->request->cgroup) {
		detacher->target_id = kernel_cgroup_id(target);
		return 0;
	}
	error = kernel_map_info(target, &map);
	detacher->target_id = map.id;
	return error;
}

/* A deployment's map may be gone, and its attachments may still be there: that is no error. */
static bool find_target(struct detacher *detacher, int *target)
{
	int error;

	*target = open_target(detacher);
	error = *target < 0 ? *target : identify_target(detacher, *target);
	if (!error || (error == -ENOENT && (detacher->request->cgroup || detacher->request->map)))
		return true;
	diag_add(detacher->reconcile->diagnostics, DIAG_E0402, mark_none, "cannot open %s %s: %s",
		detacher->request->cgroup ? "cgroup" : "map", detacher->title,
		error == -EINVAL ? "what is pinned there is no map"
				 : kernel_explain(detacher->reconcile->arena, error));
	return false;
}

static bool observe_all(struct detacher *detacher)
{
	struct reconcile *reconcile = detacher->reconcile;
	kernel_names names = { 0 };

	if (!kernel_list_deployments(&reconcile->kernel, &names))
		return false;
	vec_each (name, &names) {
		struct state *state = arena_alloc(reconcile->arena, sizeof(*state));

		if (!kernel_observe(&reconcile->kernel, *name, state))
			return false;
		*vec_add(reconcile->arena, &detacher->states) = state;
	}
	return true;
}

static bool is_named(const struct detacher *detacher, const struct state *state)
{
	const char *name = detacher->request->deployment;

	return name && strcmp(name, state->deployment) == 0;
}

/* What the target is called in a deployment: some of it may be known by that name alone. NULL: it has none. */
static const char *name_in(const struct detacher *detacher, const struct state *state)
{
	if (detacher->request->cgroup)
		return detacher->request->cgroup;
	if (is_named(detacher, state))
		return detacher->request->map;
	vec_each (map, &state->maps)
		if (map->id == detacher->target_id && !map->foreign)
			return map->name;
	return NULL;
}

static void plan_own(struct detacher *detacher, plan_list *ret)
{
	const struct reconcile_hooks *request = detacher->request;
	struct plan_detach detach = {
		.target_id = detacher->target_id,
		.by_id = !request->cgroup && !request->map,
		.on_cgroup = request->cgroup,
		.kind = request->kind,
		.program = request->program,
		.forces = request->force,
	};

	vec_each (state, &detacher->states) {
		const struct plan *plan;

		detach.target = name_in(detacher, *state);
		plan = plan_detach(detacher->reconcile->arena, *state, &detach,
			detacher->reconcile->diagnostics);
		if (plan->steps.count)
			*vec_add(detacher->reconcile->arena, ret) = plan;
	}
}

static bool is_own(const struct detacher *detacher, const struct state_holder *holder)
{
	vec_each (state, &detacher->states)
		vec_each (attachment, &(*state)->attachments)
			if (state_attachment_holds(*state, attachment, holder))
				return true;
	return false;
}

static bool look_at(
	struct detacher *detacher, int target, const struct attach_kind *kind, plan_hooks *ret)
{
	struct arena *arena = detacher->reconcile->arena;
	const struct kernel_hook hook = { .target = target, .type = kind->type };
	const char *cgroup = detacher->request->cgroup;
	struct plan_hook *found = vec_add(arena, ret);
	state_holders holders = { 0 };
	bool shared;
	int error = kernel_query_hook(
		&detacher->reconcile->kernel, &hook, detacher->target_id, &holders, &shared);
	bool is_blind = error == -EINVAL && !cgroup;

	*found = (struct plan_hook){ .target = detacher->title,
		.kind = kind,
		.map = cgroup ? 0 : (uint32_t)detacher->target_id,
		.cgroup_mount = detacher->cgroup_mount };
	vec_each (holder, &holders)
		if (!is_own(detacher, holder))
			*vec_add(arena, &found->holders) = *holder;
	detacher->is_blind |= is_blind;
	if (error && !is_blind)
		diag_add(detacher->reconcile->diagnostics, DIAG_E0402, mark_none,
			"cannot look at what is attached to %s: %s", detacher->title,
			kernel_explain(arena, error));
	return !error || is_blind;
}

static bool exists(const struct detacher *detacher, const char *deployment)
{
	vec_each (state, &detacher->states)
		if (strcmp((*state)->deployment, deployment) == 0)
			return true;
	return false;
}

static void report_missing(const struct detacher *detacher)
{
	const struct reconcile_hooks *request = detacher->request;
	struct diagnostics *diagnostics = detacher->reconcile->diagnostics;

	if (request->cgroup)
		diag_add(diagnostics, DIAG_E0408, mark_none, "there is no cgroup \"%s\"%s%s",
			request->cgroup,
			detacher->cgroup_mount ? " in " : ": no cgroup2 is mounted",
			detacher->cgroup_mount ? detacher->cgroup_mount : "");
	else if (!exists(detacher, request->deployment))
		diag_add(diagnostics, DIAG_E0212, mark_none, "there is no deployment \"%s\"",
			request->deployment);
	else
		diag_add(diagnostics, DIAG_E0212, mark_none, "deployment \"%s\" has no map \"%s\"",
			request->deployment, request->map);
}

static bool plan_others(struct detacher *detacher, int target, plan_list *ret)
{
	const struct reconcile_hooks *request = detacher->request;
	struct arena *arena = detacher->reconcile->arena;
	struct state *nothing = arena_alloc(arena, sizeof(*nothing));
	const struct plan *plan;
	plan_hooks hooks = { 0 };
	size_t count;
	const struct attach_kind *kinds = attach_kinds(&count);

	if (target < 0 && !ret->count) {
		report_missing(detacher);
		return false;
	}
	nothing->deployment = detacher->title;
	for (size_t i = 0; target >= 0 && i < count; i++) {
		bool wanted = request->kind ? request->kind == &kinds[i]
					    : kinds[i].on_cgroup == (request->cgroup != NULL);

		if (wanted && !look_at(detacher, target, &kinds[i], &hooks))
			return false;
	}
	plan = plan_detach_foreign(arena, nothing, &hooks, request->program);
	if (!request->force)
		plan_refuse_foreign(plan, detacher->reconcile->diagnostics);
	/* Of a deployment's map its own are meant in the first place, and those are known. */
	if (detacher->is_blind && !request->map && !ret->count)
		diag_add(detacher->reconcile->diagnostics, DIAG_E0402, mark_none,
			"cannot look at what is attached to %s: this kernel does not tell of maps",
			detacher->title)
			->hint = "what no deployment has there is for who attached it to detach";
	if (plan->steps.count || !ret->count)
		*vec_add(arena, ret) = plan;
	return true;
}

bool reconcile_detach(struct reconcile *reconcile, const char *verb,
	const struct reconcile_hooks *hooks, plan_list *ret)
{
	struct detacher detacher = { .reconcile = reconcile, .request = hooks };
	cleanup_fd int lock = -1, target = -1;
	size_t errors = reconcile->diagnostics->errors;

	if (!reconcile_enter(reconcile, verb, RECONCILE_TAKE, &lock) ||
		!find_target(&detacher, &target) || !observe_all(&detacher))
		return false;
	plan_own(&detacher, ret);
	return plan_others(&detacher, target, ret) && reconcile->diagnostics->errors == errors &&
	       apply_plans(&reconcile->kernel, ret, reconcile->drain_timeout);
}
