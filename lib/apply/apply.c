/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

bool apply_refused(struct apply_run *run, const struct plan_step *step, const char *what, int error)
{
	diag_add(run->kernel->diagnostics, DIAG_E0402, step->mark, "cannot %s %s \"%s\": %s", what,
		plan_object_word(step->object), step->name,
		kernel_explain(run->kernel->arena, error));
	return false;
}

static struct diagnostic *cannot(
	struct apply_run *run, const char *what, const char *path, int error)
{
	return diag_add(run->kernel->diagnostics, DIAG_E0402, mark_none, "cannot %s %s: %s", what,
		path, kernel_explain(run->kernel->arena, error));
}

bool apply_done(struct apply_run *run, const char *what, const char *path, int error)
{
	if (error)
		cannot(run, what, path, error);
	return !error;
}

bool apply_removed(struct apply_run *run, const char *path, int error)
{
	return apply_done(run, "remove", path, error);
}

bool apply_remove_foreign(struct apply_run *run, const char *path)
{
	int error = kernel_remove_tree(path);

	if (!error)
		*vec_add(run->kernel->arena, &run->removed) = path;
	else
		cannot(run, "remove", path, error)->hint =
			"of a folder some of what was in it may be gone";
	return !error;
}

/* Whoever forces that is told also where it was for nothing. */
static void report_removed(const struct apply_run *run)
{
	vec_each (path, &run->removed)
		diag_add(run->kernel->diagnostics, DIAG_E0402, mark_none,
			"%s was removed, which cannot be taken back", *path)
			->hint = "--force takes away what sockform did not make";
}

struct kernel_hook step_old_hook(const struct plan_step *step, const struct step_objects *objects)
{
	return (struct kernel_hook){ objects->old_target, step->old->link.type,
		step->old->dispatcher.flags };
}

const char *step_path(const struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, enum kernel_folder folder)
{
	return kernel_path(run->kernel, deployment->plan->deployment, folder,
		step->object == PLAN_ATTACHMENT ? step->file : step->name);
}

static struct step_objects *make_objects(struct arena *arena, size_t count)
{
	struct step_objects *objects = arena_alloc_array(arena, count, sizeof(*objects));

	for (size_t i = 0; i < count; i++)
		objects[i] = (struct step_objects){
			.map = -1,
			.old_map = -1,
			.program = -1,
			.slot = -1,
			.old_slot = -1,
			.dispatcher = -1,
			.pass = -1,
			.link = -1,
			.old_link = -1,
			.adopted = -1,
			.cgroup = -1,
			.old_program = -1,
			.old_linked = -1,
			.old_target = -1,
			.replaced = -1,
		};
	return objects;
}

static void add_deployment(struct apply_run *run, const struct plan *plan)
{
	struct arena *arena = run->kernel->arena;
	struct deployment_run *deployment = vec_add(arena, &run->deployments);
	const struct manifest *manifest = plan->manifest;
	size_t maps = 0, programs = 0;

	deployment->plan = plan;
	deployment->objects = make_objects(arena, plan->steps.count);
	deployment->leftovers = make_objects(arena, plan->state->leftovers.count);
	if (manifest) {
		deployment->map_count = manifest->maps.count;
		deployment->maps = arena_alloc_array(arena, manifest->maps.count, sizeof(int));
		deployment->map_step =
			arena_alloc_array(arena, manifest->maps.count, sizeof(size_t));
		deployment->program_step =
			arena_alloc_array(arena, manifest->programs.count, sizeof(size_t));
	}
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->map)
			deployment->map_step[maps++] = i;
		if (step->program)
			deployment->program_step[programs++] = i;
	}
}

static void close_objects(const struct step_objects *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct step_objects *objects = &list[i];

		fd_close(objects->adopted);
		fd_close(objects->replaced);
		fd_close(objects->old_slot);
		fd_close(objects->old_map);
		fd_close(objects->old_linked);
		fd_close(objects->old_target);
		fd_close(objects->cgroup);
		fd_close(objects->old_program);
		fd_close(objects->program);
		fd_close(objects->dispatcher);
		fd_close(objects->slot);
		fd_close(objects->map);
		fd_close(objects->link);
		fd_close(objects->old_link);
	}
}

static void close_run(const struct apply_run *run)
{
	vec_each (deployment, &run->deployments) {
		close_objects(deployment->objects, deployment->plan->steps.count);
		close_objects(deployment->leftovers, deployment->plan->state->leftovers.count);
	}
	vec_each (own, &run->own)
		fd_close(own->pass);
}

/* Of all deployments, so that one run tells everything there is to say. */
static bool prepare_all(struct apply_run *run)
{
	bool prepared = true;

	vec_each (deployment, &run->deployments)
		prepared = apply_prepare(run, deployment) && prepared;
	return prepared;
}

/* All deployments go through a stage before one goes through the next. */
static bool run_stages(struct apply_run *run, unsigned int drain_seconds)
{
	if (!prepare_all(run))
		return false;
	vec_each (deployment, &run->deployments)
		if (!apply_stage(run, deployment))
			return false;
	vec_each (deployment, &run->deployments)
		if (!apply_commit(run, deployment))
			return false;
	apply_drain(run, drain_seconds);
	vec_each (deployment, &run->deployments)
		if (!apply_clean(run, deployment))
			return false;
	return true;
}

static void add_deployments(struct apply_run *run, const plan_list *plans)
{
	vec_each (plan, plans)
		if (plan_has_work(*plan))
			add_deployment(run, *plan);
}

bool apply_check(struct kernel *kernel, const plan_list *plans)
{
	struct apply_run run = { .kernel = kernel };
	bool prepared;

	add_deployments(&run, plans);
	prepared = prepare_all(&run);
	close_run(&run);
	return prepared;
}

static void undo(struct apply_run *run)
{
	journal_undo(run);
	report_removed(run);
}

bool apply_plans(struct kernel *kernel, const plan_list *plans, unsigned int drain_seconds)
{
	struct apply_run run = { .kernel = kernel };
	size_t errors = kernel->diagnostics->errors;

	add_deployments(&run, plans);
	if (run_stages(&run, drain_seconds))
		vec_each (deployment, &run.deployments)
			apply_clean_links(&run, deployment);
	else
		undo(&run);
	journal_finish(&run);
	close_run(&run);
	return kernel->diagnostics->errors == errors;
}
