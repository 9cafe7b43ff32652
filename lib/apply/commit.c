/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What runs changes. Attachments that go are taken away first, because the kernel refuses some
 * attach types beside each other; then slots are written, then links created, so that a new hook
 * runs its program from its first message on.
 */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

#include <errno.h>

/* What is not ours has none here: it goes by its pin alone. */
static bool has_link(const struct plan_step *step, const struct step_objects *objects)
{
	return objects->link >= 0 || step->old->link.bare;
}

/*
 * Of a map that cannot be asked only the record tells what is attached: so it first says that nobody
 * knows, and whatever cuts this run short leaves no program on a hook that no record has.
 */
static int detach_old(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	const struct state_attachment *old = step->old;
	const struct kernel_hook hook = step_old_hook(step, objects);
	int error = 0;

	if (old->link.believed)
		error = apply_record_attached(
			run, deployment, step, old->link.program, (uint32_t)old->link.target, true);
	if (!error)
		error = journal_detach(
			run, objects, &hook, step_path(run, deployment, step, FOLDER_LINKS));
	return error;
}

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

	if (objects->pass >= 0)
		error = journal_write_slot(run, objects, objects->slot, objects->pass,
			step_path(run, deployment, step, FOLDER_SLOTS));
	if (!error && has_link(step, objects) && step->old->link.target)
		error = detach_old(run, deployment, step, objects);
	if (!error && step->retires)
		error = apply_record_retired(run, deployment, step);
	/* The record outlives what is only detached. */
	if (!error && step->old->link.bare && deployment->plan->partial)
		error = apply_record_attached(
			run, deployment, step, step->old->link.program, 0, false);
	return !error || apply_refused(run, step, "detach", error);
}

static bool detach_foreign(
	struct apply_run *run, const struct plan_step *step, const struct step_objects *objects)
{
	const struct kernel_hook hook = { objects->old_target, step->hook->kind->type,
		step->foreign->flags };
	int error = journal_detach_foreign(run, objects, &hook, step->foreign, step->name);

	return !error || apply_refused(run, step, "detach the program at", error);
}

static bool retire(struct apply_run *run, const struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	const struct step_objects *objects = &deployment->objects[at];

	return step->foreign ? detach_foreign(run, step, objects)
			     : retire_attachment(run, deployment, step, objects);
}

static bool write_slot(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	size_t program = deployment->program_step[step->attachment->program_at];
	int error = journal_write_slot(run, objects, objects->slot,
		deployment->objects[program].program,
		step_path(run, deployment, step, FOLDER_SLOTS));

	return !error || apply_refused(run, step, "write the slot of", error);
}

/* What is left in the sockets of a map that was replaced passes, see retire_attachment. */
static bool retire_slot(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int error = journal_write_slot(run, objects, objects->old_slot, objects->pass,
		step_path(run, deployment, step, FOLDER_SLOTS));

	return !error || apply_refused(run, step, "write the old slot of", error);
}

static struct kernel_hook wanted_hook(const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	const struct manifest_attachment *attachment = step->attachment;

	return (struct kernel_hook){
		.target = attachment->kind->on_cgroup ? objects->cgroup
						      : deployment->maps[attachment->target_at],
		.type = attachment->kind->type,
		.flags = attachment->flag_bits,
	};
}

/*
 * Takes what is in the way off the hook: a link of ours, or the program that is to be replaced. An old
 * link that is not in the way stays until all is done, so that no connection finds neither.
 */
static bool clear_hook(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects, struct kernel_hook hook)
{
	int error = 0;

	if (step->link_in_the_way)
		error = detach_old(run, deployment, step, objects);
	if (error)
		return apply_refused(run, step, "detach", error);
	if (!step->replaced)
		return true;
	hook.flags = step->replaced->flags;
	error = journal_detach_foreign(run, objects, &hook, step->replaced, step->name);
	return !error || apply_refused(run, step, "take the other program off", error);
}

/*
 * Without a link there is nothing to pin: what is attached where is in the record. That comes first, so that
 * whatever a crash leaves attached is known. A map tells then whether it is so; of one that cannot be asked
 * the record says that nobody knows, until it is done.
 */
static bool attach_bare(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, struct step_objects *objects, const struct kernel_hook *hook)
{
	const char *path = step_path(run, deployment, step, FOLDER_RECORDS);
	int64_t dispatcher = kernel_object_id(objects->dispatcher);
	int64_t map = kernel_object_id(hook->target);
	int there, error;
	bool told;

	if (dispatcher < 0 || map < 0)
		return apply_refused(run, step, "attach", (int)(map < 0 ? map : dispatcher));
	there = kernel_is_on_hook((uint32_t)dispatcher, hook);
	told = there >= 0;
	if (!told && there != -EINVAL)
		return apply_refused(run, step, "look at the hook of", there);
	error = apply_record_attached(
		run, deployment, step, (uint32_t)dispatcher, (uint32_t)map, !told);
	if (!error)
		error = kernel_attach_program(objects->dispatcher, hook);
	if (error)
		return apply_refused(run, step, "attach", error);
	/* On the way back the record goes last. What was there before stays. */
	if (there != 1)
		journal_attached(run, objects, hook, path);
	if (!told)
		error = apply_record_attached(
			run, deployment, step, (uint32_t)dispatcher, (uint32_t)map, false);
	return !error || apply_refused(run, step, "attach", error);
}

static bool create_link(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, struct step_objects *objects)
{
	const char *path = step_path(run, deployment, step, FOLDER_LINKS);
	const struct kernel_hook hook = wanted_hook(deployment, step, objects);
	int error;

	if (objects->adopted >= 0) {
		error = apply_adopt(run, step, objects, path);
		return !error || apply_refused(run, step, "pin the link of", error);
	}
	if (!clear_hook(run, deployment, step, objects, hook))
		return false;
	error = journal_attach_link(run, objects, &hook, path);
	if (error == -EOPNOTSUPP)
		return attach_bare(run, deployment, step, objects, &hook);
	if (error)
		return apply_refused(run, step, "attach", error);
	error = journal_pin(run, objects->link, path, step->stale_link);
	return !error || apply_refused(run, step, "pin the link of", error);
}

/*
 * The attachments to maps, or those to cgroups: all slots before any link. What cgroups run puts
 * sockets into maps, so its turn comes when the programs of those are there.
 */
static bool attach(struct apply_run *run, const struct deployment_run *deployment, bool on_cgroup)
{
	const struct plan *plan = deployment->plan;

	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->parts & PLAN_PROGRAM_IN_SLOT &&
			step->attachment->kind->on_cgroup == on_cgroup &&
			!write_slot(run, deployment, step, &deployment->objects[i]))
			return false;
	}
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->parts & PLAN_LINK && step->attachment->kind->on_cgroup == on_cgroup &&
			!create_link(run, deployment, step, &deployment->objects[i]))
			return false;
		if (step->retires_slot && step->attachment->kind->on_cgroup == on_cgroup &&
			!retire_slot(run, deployment, step, &deployment->objects[i]))
			return false;
	}
	return true;
}

bool apply_commit(struct apply_run *run, const struct deployment_run *deployment)
{
	const struct plan *plan = deployment->plan;

	if (!apply_settle_leftovers(run, deployment))
		return false;
	for (size_t i = 0; i < plan->steps.count; i++) {
		const struct plan_step *step = &plan->steps.items[i];

		if (step->object == PLAN_ATTACHMENT && step->action == PLAN_DELETE &&
			!retire(run, deployment, i))
			return false;
	}
	return attach(run, deployment, false) && attach(run, deployment, true);
}
