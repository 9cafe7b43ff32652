/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* New objects get their pins. Nothing that runs changes. */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

static bool make_folders(struct apply_run *run, const struct deployment_run *deployment)
{
	const struct plan *plan = deployment->plan;
	const char *path = kernel_deployment_path(run->kernel, plan->deployment);
	int error = journal_make_folder(run, path);

	if (!error && (!plan->state->exists || plan->refresh_layout))
		error = journal_write_layout(run, deployment);
	for (enum kernel_folder folder = 0; !error && folder < FOLDER_COUNT; folder++) {
		path = kernel_folder_path(run->kernel, plan->deployment, folder);
		error = journal_make_folder(run, path);
	}
	if (error)
		diag_add(run->kernel->diagnostics, DIAG_E0405, plan->manifest->name.mark,
			"cannot make %s: %s", path, kernel_explain(run->kernel->arena, error));
	return !error;
}

static bool stage_map(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int error;

	if (step->action != PLAN_CREATE && step->action != PLAN_REPLACE)
		return true;
	error = journal_pin(run, objects->map, step_path(run, deployment, step, FOLDER_MAPS),
		step->action == PLAN_REPLACE);
	return !error || apply_refused(run, step, "pin", error);
}

static bool stage_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	const char *path;
	int error;

	if (!step->code)
		return true;
	path = kernel_path(run->kernel, deployment->plan->deployment, FOLDER_PROGRAMS, step->file);
	error = journal_pin(run, objects->program, path,
		state_program_filed(deployment->plan->state, step->file));
	return !error || apply_refused(run, step, "pin", error);
}

static bool stage_attachment(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int error = 0;

	if (step->parts & PLAN_SLOT)
		error = journal_pin(
			run, objects->slot, step_path(run, deployment, step, FOLDER_SLOTS), false);
	if (!error && step->parts & PLAN_DISPATCHER)
		error = journal_pin(run, objects->dispatcher,
			step_path(run, deployment, step, FOLDER_DISPATCHERS),
			step->old && step->old->dispatcher.id);
	return !error || apply_refused(run, step, "pin", error);
}

/*
 * Pins that a crash left half-way. One may be of a link that is attached, and would keep its hook from
 * the link that belongs there: it is detached by call, because unpinning alone does that later.
 */
static bool remove_leftovers(struct apply_run *run, const struct plan *plan)
{
	bool removed = true;

	vec_each (path, &plan->state->leftovers) {
		cleanup_fd int fd = kernel_open_pin(*path);

		kernel_detach_link(fd); /* EINVAL for what is no link */
		removed = apply_remove_pin(run, *path) && removed;
	}
	return removed;
}

bool apply_stage(struct apply_run *run, const struct deployment_run *deployment)
{
	static bool (*const stages[PLAN_OBJECT_COUNT])(struct apply_run * run,
		const struct deployment_run *deployment, const struct plan_step *step,
		const struct step_objects *objects) = {
		[PLAN_MAP] = stage_map,
		[PLAN_PROGRAM] = stage_program,
		[PLAN_ATTACHMENT] = stage_attachment,
	};
	const struct plan *plan = deployment->plan;

	if (plan->partial)
		return true;
	if (!remove_leftovers(run, plan))
		return false;
	if (!plan->manifest)
		return true;
	if (!make_folders(run, deployment))
		return false;
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->action != PLAN_DELETE &&
			!stages[step->object](run, deployment, step, &deployment->objects[i]))
			return false;
	}
	return true;
}
