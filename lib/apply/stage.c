/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* New objects get their pins. Nothing that runs changes. */
#include "lib/apply/internal.h"

static bool make_folders(struct apply_run *run, const struct deployment_run *deployment)
{
	const struct plan *plan = deployment->plan;
	const struct state *state = plan->state;
	const char *path = kernel_deployment_path(run->kernel, plan->deployment);
	int error = journal_make_folder(run, path);

	if (!error && !state->layout) {
		path = kernel_text_path(run->kernel, plan->deployment, TEXT_LAYOUT);
		error = journal_write_text(run, path, STATE_LAYOUT, NULL);
	}
	if (!error && plan->source) {
		path = kernel_text_path(run->kernel, plan->deployment, TEXT_SOURCE);
		error = journal_write_text(run, path, plan->source, state->source);
	}
	for (enum kernel_folder folder = 0; !error && folder < FOLDER_COUNT; folder++) {
		path = kernel_folder_path(run->kernel, plan->deployment, folder);
		error = journal_make_folder(run, path);
	}
	if (error)
		diag_add(run->kernel->diagnostics, DIAG_E0405, plan->manifest->name.mark,
			"cannot make %s: %s", path, kernel_explain(run->kernel->arena, error));
	return !error;
}

static int stage_map(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int error = 0;

	if (step->action != PLAN_KEEP)
		error = apply_record_map(run, deployment, step, objects);
	if (!error && plan_makes(step))
		error = journal_pin(run, objects->map,
			step_path(run, deployment, step, FOLDER_MAPS),
			step->action == PLAN_REPLACE);
	return error;
}

static int stage_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int error = 0;

	if (step->code)
		error = apply_record_program(run, deployment, step, objects);
	if (!error && step->code)
		error = journal_pin(run, objects->program,
			kernel_path(run->kernel, deployment->plan->deployment, FOLDER_PROGRAMS,
				step->file),
			state_program_filed(deployment->plan->state, step->file));
	return error;
}

static int stage_attachment(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	const struct state_attachment *old = step->old;
	int error = 0;

	/* A slot that is made brings its dispatcher with it; one that comes back is no longer retired. */
	if (step->parts & PLAN_DISPATCHER || (step->parts & PLAN_LINK && old && old->retired))
		error = apply_record_attachment(run, deployment, step, objects);
	if (!error && step->parts & PLAN_SLOT)
		error = journal_pin(run, objects->slot,
			step_path(run, deployment, step, FOLDER_SLOTS), old && old->slot.id);
	if (!error && step->parts & PLAN_DISPATCHER)
		error = journal_pin(run, objects->dispatcher,
			step_path(run, deployment, step, FOLDER_DISPATCHERS),
			old && old->dispatcher.id);
	return error;
}

/* Whoever forces that does not ask for them back. */
static bool remove_strangers(struct apply_run *run, const struct plan *plan)
{
	if (!plan->takes_strangers)
		return true;
	vec_each (path, &plan->state->strangers)
		if (!apply_remove_foreign(run, *path))
			return false;
	return true;
}

bool apply_stage(struct apply_run *run, const struct deployment_run *deployment)
{
	static int (*const stages[PLAN_OBJECT_COUNT])(struct apply_run * run,
		const struct deployment_run *deployment, const struct plan_step *step,
		const struct step_objects *objects) = {
		[PLAN_MAP] = stage_map,
		[PLAN_PROGRAM] = stage_program,
		[PLAN_ATTACHMENT] = stage_attachment,
	};
	const struct plan *plan = deployment->plan;

	if (!apply_remove_leftovers(run, plan))
		return false;
	if (plan->partial)
		return true;
	if (!remove_strangers(run, plan))
		return false;
	if (!plan->manifest)
		return true;
	if (!make_folders(run, deployment))
		return false;
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];
		int error = step->action == PLAN_DELETE ? 0
							: stages[step->object](run, deployment,
								  step, &deployment->objects[i]);

		if (error)
			return apply_refused(run, step, "pin", error);
	}
	return true;
}
