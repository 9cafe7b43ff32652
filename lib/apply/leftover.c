/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a crash left half-way to its place, under a name of its own. Of a plan that is partial only what
 * belongs to its steps is touched: all else stays.
 */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>

/* The step that the pin was on its way for; NULL: none that the plan has. */
static const struct plan_step *step_of(
	const struct plan *plan, const struct state_leftover *leftover)
{
	vec_each (step, &plan->steps)
		if (leftover->file && step->file && !step->foreign &&
			strcmp(step->file, leftover->file) == 0)
			return step;
	return NULL;
}

static bool is_concerned(const struct plan *plan, const struct state_leftover *leftover)
{
	return !plan->partial || step_of(plan, leftover);
}

bool apply_remove_leftovers(struct apply_run *run, const struct plan *plan)
{
	bool removed = true;

	vec_each (leftover, &plan->state->leftovers)
		if (!leftover->is_link && is_concerned(plan, leftover))
			removed =
				apply_removed(run, leftover->path, kernel_unpin(leftover->path)) &&
				removed;
	return removed;
}

static bool is_in_its_place(const struct state *state, uint32_t link)
{
	vec_each (attachment, &state->attachments)
		if (attachment->link.id == link)
			return true;
	return false;
}

/* By its pin where it has one: by id takes CAP_SYS_ADMIN. */
static int open_dispatcher(const struct apply_run *run, const struct state *state,
	const struct state_leftover *leftover, uint32_t id)
{
	vec_each (attachment, &state->attachments)
		if (attachment->dispatcher.id == id &&
			strcmp(attachment->name, leftover->file) == 0)
			return kernel_open_pin(kernel_path(run->kernel, state->deployment,
				FOLDER_DISPATCHERS, leftover->file));
	return kernel_open_program(id);
}

static int open_target(const struct apply_run *run, const struct state *state,
	const struct state_leftover *leftover, const struct kernel_link *link)
{
	if (!link->on_cgroup)
		vec_each (map, &state->maps)
			if (map->id == link->target)
				return kernel_open_pin(kernel_path(
					run->kernel, state->deployment, FOLDER_MAPS, map->name));
	if (!link->on_cgroup)
		return kernel_open_map((uint32_t)link->target);
	vec_each (attachment, &state->attachments)
		if (strcmp(attachment->name, leftover->file) == 0 && attachment->target[0] == '/')
			return kernel_open_cgroup(state->cgroup_mount, attachment->target);
	return -ENOENT;
}

/*
 * Before anything gets a pin under which these are found. What it runs and hangs on is opened to attach it
 * again, as far as this process may: where it may not, going back says so.
 */
static int open_link(struct apply_run *run, const struct deployment_run *deployment, size_t at)
{
	const struct state *state = deployment->plan->state;
	const struct state_leftover *leftover = &state->leftovers.items[at];
	struct step_objects *objects = &deployment->leftovers[at];
	struct kernel_link link;
	int error;

	objects->link = kernel_open_pin(leftover->path);
	error = objects->link < 0 ? objects->link : kernel_link_info(objects->link, &link);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (!link.target || is_in_its_place(state, link.id))
		return 0;
	objects->old_linked = open_dispatcher(run, state, leftover, link.program);
	objects->old_target = open_target(run, state, leftover, &link);
	return 0;
}

/* With which its dispatcher is attached: the kernel does not tell of a link. */
static uint32_t flags_of(const struct state *state, const struct kernel_link *link)
{
	vec_each (attachment, &state->attachments)
		if (attachment->dispatcher.id == link->program)
			return attachment->dispatcher.flags;
	return 0;
}

/*
 * 0 or a negative errno. Unpinning alone would detach it later than the hook is needed. Where it has two
 * names, as no crash leaves it, one of them is right.
 */
static int drop(struct apply_run *run, const struct state *state,
	const struct state_leftover *leftover, const struct step_objects *objects,
	const struct kernel_link *link)
{
	const struct kernel_hook hook = { objects->old_target, link->type, flags_of(state, link) };
	int error = 0;

	if (link->target && !is_in_its_place(state, link->id))
		error = journal_detach(run, objects, &hook, leftover->path);
	if (error && error != -ENOLINK)
		return error;
	return journal_unpin(run, leftover->path, objects->link);
}

/*
 * Whether it is just what the step is to make: then it takes its place, and no socket comes meanwhile that
 * finds no program on the hook. 0, 1 or a negative errno.
 */
static int may_serve(const struct deployment_run *deployment, const struct plan_step *step,
	const struct kernel_link *link)
{
	const struct step_objects *objects =
		&deployment->objects[step - deployment->plan->steps.items];
	const struct manifest_attachment *attachment = step->attachment;
	int64_t target, dispatcher;

	if (!(step->parts & PLAN_LINK) || step->parts & PLAN_DISPATCHER || step->link_in_the_way ||
		step->replaced || objects->adopted >= 0 ||
		is_in_its_place(deployment->plan->state, link->id))
		return 0;
	target = attachment->kind->on_cgroup
			 ? (int64_t)kernel_cgroup_id(objects->cgroup)
			 : kernel_object_id(deployment->maps[attachment->target_at]);
	dispatcher = kernel_object_id(objects->dispatcher);
	if (target < 0 || dispatcher < 0)
		return (int)(target < 0 ? target : dispatcher);
	return link->type == attachment->kind->type && link->target == (uint64_t)target &&
	       link->program == dispatcher;
}

static int settle_link(struct apply_run *run, const struct deployment_run *deployment, size_t at)
{
	const struct state *state = deployment->plan->state;
	const struct state_leftover *leftover = &state->leftovers.items[at];
	const struct plan_step *step = step_of(deployment->plan, leftover);
	struct step_objects *objects = &deployment->leftovers[at], *adopting;
	struct kernel_link link;
	int serves = 0, error;

	if (objects->link < 0) /* gone since it was seen */
		return 0;
	error = kernel_link_info(objects->link, &link);
	if (!error && step)
		serves = may_serve(deployment, step, &link);
	if (error || serves < 0)
		return error ? error : serves;
	if (!serves)
		return drop(run, state, leftover, objects, &link);
	adopting = &deployment->objects[step - deployment->plan->steps.items];
	adopting->adopted = fd_steal(&objects->link);
	adopting->adopted_pin = leftover->path;
	return 0;
}

static bool each_link(struct apply_run *run, const struct deployment_run *deployment,
	int (*act)(struct apply_run *run, const struct deployment_run *deployment, size_t at),
	const char *what)
{
	const struct plan *plan = deployment->plan;

	for (size_t i = 0; i < plan->state->leftovers.count; i++) {
		const struct state_leftover *leftover = &plan->state->leftovers.items[i];

		if (leftover->is_link && is_concerned(plan, leftover) &&
			!apply_done(run, what, leftover->path, act(run, deployment, i)))
			return false;
	}
	return true;
}

bool apply_open_leftovers(struct apply_run *run, const struct deployment_run *deployment)
{
	return each_link(run, deployment, open_link, "open");
}

bool apply_settle_leftovers(struct apply_run *run, const struct deployment_run *deployment)
{
	return each_link(run, deployment, settle_link, "remove");
}

/* It has a pin all the while. */
int apply_adopt(struct apply_run *run, const struct plan_step *step, struct step_objects *objects,
	const char *path)
{
	int error = 0;

	objects->old_link = objects->link;
	objects->link = fd_steal(&objects->adopted);
	if (step->stale_link)
		error = journal_unpin(run, path, objects->old_link);
	if (!error)
		error = journal_pin(run, objects->link, path, false);
	if (!error)
		error = journal_unpin(run, objects->adopted_pin, objects->link);
	return error;
}
