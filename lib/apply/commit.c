/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What runs changes. Attachments that go are taken away first, because the kernel refuses some
 * attach types beside each other; then slots are written, then links created, so that a new hook
 * runs its program from its first message on.
 */
#include "lib/apply/internal.h"

/*
 * Sockets that are in the map keep the dispatcher after the link is gone: what the slot holds
 * decides what they do. A program that passes is put into it rather than nothing, because emptying
 * an element that is tail-called waits for a grace period of RCU (prog_array_map_poke_run; seen: 8
 * to 20 ms), and replacing it does not.
 */
static bool retire_attachment(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int error = 0;

	if (objects->program >= 0)
		error = journal_write_slot(run, objects, objects->program,
			step_path(run, deployment, step, FOLDER_SLOTS));
	if (!error && objects->link >= 0 && step->old->link.map)
		error = journal_detach_link(run, objects, step->old->link.type,
			step_path(run, deployment, step, FOLDER_LINKS));
	return !error || apply_refused(run, step, "detach", error);
}

static bool write_slot(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	size_t program = deployment->program_step[step->attachment->program_at];
	int error = journal_write_slot(run, objects, deployment->objects[program].program,
		step_path(run, deployment, step, FOLDER_SLOTS));

	return !error || apply_refused(run, step, "write the slot of", error);
}

static bool create_link(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, struct step_objects *objects)
{
	const char *path = step_path(run, deployment, step, FOLDER_LINKS);
	enum bpf_attach_type type = step->attachment->kind->type;
	int map = deployment->maps[step->attachment->target_at], error = 0;

	if (step->stale_link && step->old->link.map)
		error = journal_detach_link(run, objects, step->old->link.type, path);
	if (!error)
		error = journal_create_link(run, objects, map, type, path);
	if (error)
		return apply_refused(run, step, "attach", error);
	error = journal_pin(run, objects->link, path, step->stale_link);
	return !error || apply_refused(run, step, "pin the link of", error);
}

bool apply_commit(struct apply_run *run, const struct deployment_run *deployment)
{
	const struct plan *plan = deployment->plan;

	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->object == PLAN_ATTACHMENT && step->action == PLAN_DELETE &&
			!retire_attachment(run, deployment, step, &deployment->objects[i]))
			return false;
	}
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->parts & PLAN_PROGRAM_IN_SLOT &&
			!write_slot(run, deployment, step, &deployment->objects[i]))
			return false;
	}
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->parts & PLAN_LINK &&
			!create_link(run, deployment, step, &deployment->objects[i]))
			return false;
	}
	return true;
}
