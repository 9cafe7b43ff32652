/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Pins that nothing runs by any more are removed: links, programs, maps, dispatchers, slots. Each
 * record goes after what it is about: a pin of ours is never without it.
 */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <string.h>

/* `open`: a descriptor of it, or -1. */
static bool remove_pin(struct apply_run *run, const char *path, int open)
{
	return apply_removed(run, path, journal_unpin(run, path, open));
}

static bool remove_record(
	struct apply_run *run, const struct deployment_run *deployment, const char *file)
{
	const struct plan *plan = deployment->plan;
	const struct state_record *record = state_record_of(plan->state, file);
	const char *path = kernel_path(run->kernel, plan->deployment, FOLDER_RECORDS, file);

	return apply_removed(
		run, path, journal_remove_text(run, path, record ? record->text : NULL));
}

/* One that is believed comes back as it is by now: in doubt, until the hook has its program again. */
static bool remove_attachment_record(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	const char *path, *text;
	int error;

	if (!step->old->link.believed)
		return remove_record(run, deployment, step->file);
	path = step_path(run, deployment, step, FOLDER_RECORDS);
	error = kernel_read_text(run->kernel->arena, path, &text);
	return apply_removed(run, path, error ? error : journal_remove_text(run, path, text));
}

static bool clean_link_pin(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	return step->action != PLAN_DELETE || step->foreign ||
	       remove_pin(run, step_path(run, deployment, step, FOLDER_LINKS), objects->link);
}

/*
 * Sockets that are in a map keep its dispatcher: who attaches it again reaches them by it. The hook has no
 * program by now, so that none comes under it any more. 0, 1 or a negative errno.
 */
static int slot_stays(const struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	const struct plan *plan = deployment->plan;
	const char *target = step->old->target;
	cleanup_fd int map = -1;

	if (!step->retires)
		return plan->partial && !step->old->kind->on_cgroup;
	map = kernel_open_pin(kernel_path(run->kernel, plan->deployment, FOLDER_MAPS, target));
	return map < 0 ? map : kernel_may_have_sockets(map, state_map_named(plan->state, target));
}

static bool remove_slot(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	return remove_pin(run, step_path(run, deployment, step, FOLDER_DISPATCHERS), -1) &&
	       remove_pin(run, step_path(run, deployment, step, FOLDER_SLOTS), objects->slot) &&
	       (deployment->plan->partial || remove_attachment_record(run, deployment, step));
}

static bool clean_slot(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int stays;

	if (step->action != PLAN_DELETE || step->foreign)
		return true;
	stays = slot_stays(run, deployment, step);
	if (stays < 0)
		return apply_refused(run, step, "look for sockets of", stays);
	return stays || remove_slot(run, deployment, step, objects);
}

static bool clean_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	(void)objects;
	vec_each (file, &step->superseded)
		if (!remove_pin(run,
			    kernel_path(run->kernel, deployment->plan->deployment, FOLDER_PROGRAMS,
				    *file),
			    -1) ||
			!remove_record(run, deployment, *file))
			return false;
	return true;
}

static bool clean_map(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	(void)objects;
	return step->action != PLAN_DELETE ||
	       (remove_pin(run, step_path(run, deployment, step, FOLDER_MAPS), -1) &&
		       remove_record(run, deployment, step->name));
}

static bool remove_folder(struct apply_run *run, const char *path)
{
	int error = journal_remove_folder(run, path);

	if (error)
		diag_add(run->kernel->diagnostics, DIAG_E0406, mark_none, "cannot remove %s: %s",
			path,
			error == -ENOTEMPTY ? "there is something in it that sockform did not make"
					    : strerror(-error));
	return !error;
}

static bool remove_texts(struct apply_run *run, const struct plan *plan)
{
	const char *const texts[TEXT_COUNT] = {
		[TEXT_LAYOUT] = plan->state->layout,
		[TEXT_SOURCE] = plan->state->source,
	};

	for (enum kernel_text text = TEXT_COUNT; text-- > 0;) {
		const char *path = kernel_text_path(run->kernel, plan->deployment, text);

		if (!apply_removed(run, path, journal_remove_text(run, path, texts[text])))
			return false;
	}
	return true;
}

static bool remove_folders(struct apply_run *run, const struct plan *plan)
{
	if (plan->takes_strangers)
		vec_each (path, &plan->state->outsiders)
			if (!apply_remove_foreign(run, *path))
				return false;
	for (enum kernel_folder folder = FOLDER_COUNT; folder-- > 0;)
		if (!remove_folder(run, kernel_folder_path(run->kernel, plan->deployment, folder)))
			return false;
	return remove_texts(run, plan) &&
	       remove_folder(run, kernel_deployment_path(run->kernel, plan->deployment));
}

/*
 * Slots go behind maps: as long as a map is there, so is what reaches the sockets in it, and an apply
 * after a crash in between has them run its programs.
 */
bool apply_clean(struct apply_run *run, const struct deployment_run *deployment)
{
	static const struct {
		enum plan_object object;
		bool (*clean)(struct apply_run *run, const struct deployment_run *deployment,
			const struct plan_step *step, const struct step_objects *objects);
	} order[] = {
		{ PLAN_ATTACHMENT, clean_link_pin },
		{ PLAN_PROGRAM, clean_program },
		{ PLAN_MAP, clean_map },
		{ PLAN_ATTACHMENT, clean_slot },
	};
	const struct plan *plan = deployment->plan;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (size_t at = 0; at < plan->steps.count; at++)
			if (plan->steps.items[at].object == order[i].object &&
				!order[i].clean(run, deployment, &plan->steps.items[at],
					&deployment->objects[at]))
				return false;
	vec_each (file, &plan->stale_records)
		if (!remove_record(run, deployment, *file))
			return false;
	return plan->manifest || plan->partial || remove_folders(run, plan);
}

static int detach_old_link(const struct plan_step *step, const struct step_objects *objects)
{
	const struct kernel_hook hook = step_old_hook(step, objects);
	int error = step->old->link.bare ? apply_detach_bare(objects, &hook)
					 : kernel_detach_link(objects->old_link);

	/* It is off already; or the end of what it hung on was its own, too. */
	return error == -ENOENT || error == -ENOLINK ? 0 : error;
}

/*
 * The link that a new one stands beside by now. Its pin is the new one's: it ends with the run's
 * descriptor, which is the last one unless somebody else has opened it. So a failure is tried again
 * and then told, and no reason to take everything back.
 */
static void clean_link(
	struct apply_run *run, const struct plan_step *step, const struct step_objects *objects)
{
	int error = detach_old_link(step, objects);

	if (error)
		error = detach_old_link(step, objects);
	if (error)
		apply_refused(run, step, "detach the old link of", error);
}

void apply_clean_links(struct apply_run *run, const struct deployment_run *deployment)
{
	for (size_t i = 0; i < deployment->plan->steps.count; i++) {
		const struct plan_step *step = &deployment->plan->steps.items[i];
		const struct step_objects *objects = &deployment->objects[i];

		if (step->stale_link && !step->link_in_the_way && step->old->link.target &&
			(objects->old_link >= 0 || step->old->link.bare) &&
			!step->old->link.foreign)
			clean_link(run, step, objects);
	}
}
