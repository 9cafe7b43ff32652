/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Pins that nothing runs by any more are removed: links, dispatchers, slots, programs, maps. */
#include "lib/apply/internal.h"

#include <errno.h>
#include <string.h>

static const char *record_path(
	const struct apply_run *run, const struct deployment_run *deployment, const char *file)
{
	return kernel_path(run->kernel, deployment->plan->deployment, FOLDER_RECORDS, file);
}

/* The record goes after what it is about: a pin of ours is never without it. */
static void remove_with_record(struct apply_run *run, const struct deployment_run *deployment,
	const char *path, const char *file)
{
	if (apply_remove_pin(run, path))
		apply_remove_pin(run, record_path(run, deployment, file));
}

static void clean_pins(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	/*
	 * Sockets that are in a map keep its dispatcher: who attaches it again reaches them by it. What is
	 * only detached keeps its record.
	 */
	bool partial = deployment->plan->partial, stays = partial && !step->old->kind->on_cgroup;
	bool removed = true;

	/* The run's descriptor of the link is closed after this: the detach is done by then. */
	for (enum kernel_folder folder = FOLDER_LINKS; folder >= FOLDER_SLOTS; folder--)
		if (folder == FOLDER_LINKS || !stays)
			removed = apply_remove_pin(run, step_path(run, deployment, step, folder)) &&
				  removed;
	if (removed && !partial)
		apply_remove_pin(run, record_path(run, deployment, step->file));
}

/* The link that a new one stands beside by now. */
static void clean_link(
	struct apply_run *run, const struct plan_step *step, const struct step_objects *objects)
{
	bool beside = !step->link_in_the_way && step->old->link.target && !step->old->link.foreign;
	int error = beside ? kernel_detach_link(objects->old_link) : 0;

	/* The end of what it hung on was its own, too. */
	if (error && error != -ENOLINK)
		apply_refused(run, step, "detach the old link of", error);
}

static void clean_attachment(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	const struct step_objects *objects =
		&deployment->objects[step - deployment->plan->steps.items];

	if (objects->old_link >= 0)
		clean_link(run, step, objects);
	if (step->action == PLAN_DELETE && !step->foreign)
		clean_pins(run, deployment, step);
}

static void clean_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	vec_each (file, &step->superseded)
		remove_with_record(run, deployment,
			kernel_path(
				run->kernel, deployment->plan->deployment, FOLDER_PROGRAMS, *file),
			*file);
}

static void clean_map(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	if (step->action == PLAN_DELETE)
		remove_with_record(
			run, deployment, step_path(run, deployment, step, FOLDER_MAPS), step->name);
}

/* False with an error, also where something in it is not ours. */
static bool remove_folder(struct apply_run *run, const char *path)
{
	int error = kernel_remove_folder(path);

	if (error)
		diag_add(run->kernel->diagnostics, DIAG_E0406, mark_none, "cannot remove %s: %s",
			path,
			error == -ENOTEMPTY ? "there is something in it that sockform did not make"
					    : strerror(-error));
	return !error;
}

static void remove_stranger(struct apply_run *run, const char *path)
{
	int error = kernel_remove_tree(path);

	if (error)
		diag_add(run->kernel->diagnostics, DIAG_E0406, mark_none, "cannot remove %s: %s",
			path, kernel_explain(run->kernel->arena, error));
}

static void remove_folders(struct apply_run *run, const struct plan *plan)
{
	bool empty = true;

	for (enum kernel_folder folder = FOLDER_COUNT; folder-- > 0;)
		empty = remove_folder(
				run, kernel_folder_path(run->kernel, plan->deployment, folder)) &&
			empty;
	if (!empty) /* what is left keeps its layout version */
		return;
	for (enum kernel_text text = TEXT_COUNT; text-- > 0;)
		apply_remove_pin(run, kernel_text_path(run->kernel, plan->deployment, text));
	remove_folder(run, kernel_deployment_path(run->kernel, plan->deployment));
}

void apply_clean(struct apply_run *run, const struct deployment_run *deployment)
{
	static void (*const cleaners[PLAN_OBJECT_COUNT])(struct apply_run * run,
		const struct deployment_run *deployment, const struct plan_step *step) = {
		[PLAN_MAP] = clean_map,
		[PLAN_PROGRAM] = clean_program,
		[PLAN_ATTACHMENT] = clean_attachment,
	};
	static const enum plan_object order[] = { PLAN_ATTACHMENT, PLAN_PROGRAM, PLAN_MAP };
	const struct plan *plan = deployment->plan;

	for (size_t i = 0; i < PLAN_OBJECT_COUNT; i++)
		vec_each (step, &plan->steps)
			if (step->object == order[i])
				cleaners[order[i]](run, deployment, step);
	vec_each (file, &plan->stale_records)
		apply_remove_pin(run, record_path(run, deployment, *file));
	if (plan->takes_strangers)
		vec_each (path, &plan->state->strangers)
			remove_stranger(run, *path);
	if (!plan->manifest && !plan->partial)
		remove_folders(run, plan);
}
