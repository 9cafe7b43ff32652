/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Everything that is made and seen by nobody: descriptors. */
#include "lib/apply/internal.h"

#include "lib/base/cleanup.h"

#include <errno.h>

/* Opens what is pinned at `path` unless it is open. */
static bool open_pin(struct apply_run *run, const struct plan_step *step, const char *path, int *fd)
{
	if (*fd >= 0)
		return true;
	*fd = kernel_open_pin(path);
	return *fd >= 0 || apply_refused(run, step, "open", *fd);
}

/* Maps that are there are opened when something first needs them. */
static bool open_map(struct apply_run *run, struct deployment_run *deployment, size_t position)
{
	size_t at = deployment->map_step[position];
	const struct plan_step *step = &deployment->plan->steps.items[at];

	if (deployment->objects[at].map < 0 &&
		!open_pin(run, step, step_path(run, deployment, step, FOLDER_MAPS),
			&deployment->objects[at].map))
		return false;
	deployment->maps[position] = deployment->objects[at].map;
	return true;
}

/* A map that forgets may have forgotten the first entries when the last were written. */
static bool check_entries(
	struct apply_run *run, const struct plan_step *step, struct kernel_entry *request)
{
	vec_each (entry, &step->map->entries) {
		int error;

		request->key = entry->key.bytes;
		error = kernel_find_entry(run->kernel->arena, request);
		if (!error)
			continue;
		diag_add(run->kernel->diagnostics, DIAG_E0402, entry->self.mark,
			"map \"%s\" has no room for this entry beside the others: %s", step->name,
			kernel_explain(run->kernel->arena, error))
			->hint = "a map of this type forgets before it is full; give it more "
				 "max_entries, or another type";
		return false;
	}
	return true;
}

static bool write_entries(struct apply_run *run, const struct plan_step *step, int map)
{
	const struct map_kind *kind = step->map->kind;
	int error = step->map->entries.count && kind->per_cpu ? kernel_possible_processors() : 0;
	struct kernel_entry request = {
		.map = map,
		.value_size = step->map->value_bytes,
		.processors = error,
		/* The elements of an array are there from the beginning. */
		.flags = kind->fixed_key ? BPF_ANY : BPF_NOEXIST,
	};

	if (error < 0)
		return apply_refused(run, step, "count the processors for", error);
	vec_each (entry, &step->map->entries) {
		request.key = entry->key.bytes;
		request.value = entry->value.bytes;
		error = kernel_write_entry(run->kernel->arena, &request);
		if (!error)
			continue;
		diag_add(run->kernel->diagnostics, DIAG_E0402, entry->self.mark,
			"cannot write this entry into map \"%s\": %s", step->name,
			kernel_explain(run->kernel->arena, error));
		return false;
	}
	return !kind->forgets || check_entries(run, step, &request);
}

static bool refuse_map(struct apply_run *run, const struct plan_step *step, int error)
{
	struct diagnostics *diagnostics = run->kernel->diagnostics;

	apply_refused(run, step, "create", error);
	if (error == -EINVAL && step->map->numa_node.given)
		diagnostics->list.items[diagnostics->list.count - 1].hint =
			"is there such a numa_node? see /sys/devices/system/node/online";
	return false;
}

static bool create_map(
	struct apply_run *run, const struct plan_step *step, struct step_objects *objects)
{
	const struct kernel_map_request request = {
		.name = step->map->kernel_name_used,
		.type = step->map->kind->type,
		.key_size = step->map->key_bytes,
		.value_size = step->map->value_bytes,
		.max_entries = (uint32_t)step->map->max_entries.value,
		.flags = step->map->flag_bits,
		.numa_node = (uint32_t)step->map->numa_node.value,
	};

	objects->map = kernel_create_map(&request);
	if (objects->map < 0)
		return refuse_map(run, step, objects->map);
	return write_entries(run, step, objects->map);
}

static bool open_maps_of(
	struct apply_run *run, struct deployment_run *deployment, const struct bpfasm_code *code)
{
	vec_each (relocation, &code->relocations)
		if (!open_map(run, deployment, relocation->map))
			return false;
	return true;
}

static bool create_maps(struct apply_run *run, struct deployment_run *deployment)
{
	for (size_t i = 0; i < deployment->map_count; i++) {
		size_t at = deployment->map_step[i];
		const struct plan_step *step = &deployment->plan->steps.items[at];

		if (plan_makes(step) && !create_map(run, step, &deployment->objects[at]))
			return false;
		if (step->loses_sockets &&
			!open_pin(run, step, step_path(run, deployment, step, FOLDER_MAPS),
				&deployment->objects[at].old_map))
			return false;
		deployment->maps[i] = deployment->objects[at].map;
	}
	return true;
}

static bool load_program(struct apply_run *run, struct deployment_run *deployment, size_t at,
	const struct kernel_btf *btf, size_t btf_at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	int *fd = &deployment->objects[at].program;

	if (!open_maps_of(run, deployment, step->code))
		return false;
	*fd = kernel_load_program(run->kernel, step->code, step->program->kernel_name_used,
		deployment->maps, btf, btf_at);
	return *fd >= 0;
}

/* The verifier judges all of them, so that one apply tells everything it has to say. */
static bool load_programs(struct apply_run *run, struct deployment_run *deployment)
{
	const struct plan *plan = deployment->plan;
	const struct bpfasm_code **codes =
		arena_alloc_array(run->kernel->arena, plan->steps.count, sizeof(*codes));
	size_t count = 0, at = 0;
	struct kernel_btf *btf;
	bool loaded = true;

	vec_each (step, &plan->steps)
		if (step->code)
			codes[count++] = step->code;
	if (!count)
		return true;
	kernel_btf_create(run->kernel->arena, codes, count, &btf);
	for (size_t i = 0; i < plan->steps.count; i++)
		if (plan->steps.items[i].code)
			loaded = load_program(run, deployment, i, btf, at++) && loaded;
	kernel_btf_destroy(btf);
	return loaded;
}

/* One of our own programs, which have no place in the manifest. */
static bool load_code(struct apply_run *run, const struct bpfasm_code *code, const char *name,
	const int *maps, int *fd)
{
	*fd = kernel_load_program(run->kernel, code, name, maps, NULL, 0);
	return *fd >= 0;
}

/* What is made once for all attachments of a kind. */
static struct own_programs *own_programs(struct apply_run *run, const struct attach_kind *kind)
{
	struct own_programs *added;

	vec_each (own, &run->own)
		if (own->kind == kind)
			return own;
	added = vec_add(run->kernel->arena, &run->own);
	*added = (struct own_programs){ kind, bpfasm_dispatcher(run->kernel->arena, kind), -1 };
	return added;
}

static bool load_pass(struct apply_run *run, const struct plan_step *step, int *fd)
{
	const struct bpfasm_code *pass = bpfasm_pass(run->kernel->arena, step->old->kind);

	return load_code(run, pass, pass->name, NULL, fd);
}

static bool share_pass(
	struct apply_run *run, const struct plan_step *step, struct step_objects *objects)
{
	struct own_programs *own = own_programs(run, step->old->kind);

	if (own->pass < 0 && !load_pass(run, step, &own->pass))
		return false;
	objects->pass = own->pass;
	return true;
}

/*
 * A pin to go back by: a teardown replaces none, and opens it when it comes to that. `pin` NULL: it is
 * needed now.
 */
static int open_to_go_back(
	const struct deployment_run *deployment, const char *path, const char **pin)
{
	if (deployment->plan->manifest || !pin)
		return kernel_open_pin(path);
	*pin = path;
	return -1;
}

/*
 * The program that an existing slot runs, to be able to put it back. One that passes in the place of a
 * program that has no pin: what detach leaves in a slot is just that, and to open what is in there by
 * its id takes CAP_SYS_ADMIN.
 */
static bool open_old_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, struct step_objects *objects)
{
	uint32_t id = step->old->slot.program;
	const struct state_program *pinned = state_program_with_id(deployment->plan->state, id);

	if (!id)
		return true;
	if (!pinned) {
		objects->old_program = kernel_open_program(id);
		if (objects->old_program == -EPERM || objects->old_program == -ENOENT)
			return load_pass(run, step, &objects->old_program);
		return objects->old_program >= 0 ||
		       apply_refused(run, step, "open the program of", objects->old_program);
	}
	objects->old_program = open_to_go_back(deployment,
		kernel_path(
			run->kernel, deployment->plan->deployment, FOLDER_PROGRAMS, pinned->file),
		&objects->old_program_pin);
	return objects->old_program >= 0 || objects->old_program_pin ||
	       apply_refused(run, step, "open the program of", objects->old_program);
}

/*
 * What an existing link hangs on; `there`: under its name. By pin where that is so: by id takes CAP_SYS_ADMIN.
 */
static int open_old_target(const struct apply_run *run, const struct deployment_run *deployment,
	const struct state_attachment *old, bool there, const char **pin)
{
	const struct state *state = deployment->plan->state;

	if (old->kind->on_cgroup)
		return there ? kernel_open_cgroup(state->cgroup_mount, old->target) : -ENOENT;
	return there ? open_to_go_back(deployment,
			       kernel_path(
				       run->kernel, state->deployment, FOLDER_MAPS, old->target),
			       pin)
		     : kernel_open_map((uint32_t)old->link.target);
}

/*
 * A cgroup that has been removed is none to attach to again. What has lost its pin takes CAP_SYS_ADMIN
 * to open: who does not have it repairs all the same, and goes back without that.
 */
static bool can_do_without(const struct state_attachment *old, int error, bool is_pinned)
{
	return (old->kind->on_cgroup && error == -ENOENT) ||
	       (!old->link.bare && !is_pinned && error == -EPERM);
}

/* What an existing link runs and hangs on, to be able to attach it again. */
static bool open_linked(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, struct step_objects *objects)
{
	const struct state_attachment *old = step->old;
	bool has_target, has_dispatcher = old->dispatcher.id == old->link.program;

	if (!old->link.bare && !open_pin(run, step, step_path(run, deployment, step, FOLDER_LINKS),
				       &objects->link))
		return false;
	if (!old->link.target) /* detached already: nothing to take back */
		return true;
	has_target = state_target_id(deployment->plan->state, old->target, old->kind) ==
		     old->link.target;
	objects->old_target =
		open_old_target(run, deployment, old, has_target, &objects->old_target_pin);
	objects->old_linked =
		has_dispatcher ? open_to_go_back(deployment,
					 step_path(run, deployment, step, FOLDER_DISPATCHERS),
					 &objects->old_linked_pin)
			       : kernel_open_program(old->link.program);
	if (objects->old_target < 0 && !objects->old_target_pin &&
		!can_do_without(old, objects->old_target, has_target))
		return apply_refused(run, step, "open the target of", objects->old_target);
	return objects->old_linked >= 0 || objects->old_linked_pin ||
	       can_do_without(old, objects->old_linked, has_dispatcher) ||
	       apply_refused(run, step, "open the dispatcher of", objects->old_linked);
}

/* The program that the slot is to run: just loaded, or pinned. */
static bool open_new_program(
	struct apply_run *run, struct deployment_run *deployment, const struct plan_step *step)
{
	size_t at = deployment->program_step[step->attachment->program_at];
	const struct plan_step *program = &deployment->plan->steps.items[at];

	return deployment->objects[at].program >= 0 ||
	       open_pin(run, program,
		       kernel_path(run->kernel, deployment->plan->deployment, FOLDER_PROGRAMS,
			       program->file),
		       &deployment->objects[at].program);
}

static bool prepare_parts(struct apply_run *run, struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	struct step_objects *objects = &deployment->objects[at];

	if (step->parts & PLAN_SLOT) {
		objects->slot = kernel_create_slot();
		if (objects->slot < 0)
			return apply_refused(run, step, "create the slot of", objects->slot);
	} else if (!open_pin(run, step, step_path(run, deployment, step, FOLDER_SLOTS),
			   &objects->slot)) {
		return false;
	}
	if (step->parts & PLAN_DISPATCHER)
		return load_code(run, own_programs(run, step->attachment->kind)->dispatcher,
			kernel_dispatcher_name(step->attachment->flag_bits), &objects->slot,
			&objects->dispatcher);
	return !(step->parts & PLAN_LINK) ||
	       open_pin(run, step, step_path(run, deployment, step, FOLDER_DISPATCHERS),
		       &objects->dispatcher);
}

/* A program of somebody else's that is to go: by id, because no pin of ours holds it. */
static bool open_holder(struct apply_run *run, const struct plan_step *step,
	const struct state_holder *holder, struct step_objects *objects)
{
	objects->replaced = holder->link ? kernel_open_link(holder->link)
					 : kernel_open_program(holder->program);
	return objects->replaced >= 0 ||
	       apply_refused(run, step, "open what others attached at", objects->replaced);
}

/* What the link is to hang on, and what is there now in its place. */
static bool prepare_link(struct apply_run *run, struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	const struct manifest_attachment *attachment = step->attachment;
	struct step_objects *objects = &deployment->objects[at];

	if (!attachment->kind->on_cgroup) {
		if (!open_map(run, deployment, attachment->target_at))
			return false;
	} else {
		objects->cgroup = kernel_open_cgroup(
			deployment->plan->state->cgroup_mount, attachment->target_name);
		if (objects->cgroup < 0)
			return apply_refused(run, step, "open the cgroup of", objects->cgroup);
	}
	if (step->stale_link && !open_linked(run, deployment, step, objects))
		return false;
	return !step->replaced || open_holder(run, step, step->replaced, objects);
}

static bool prepare_retired_slot(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, struct step_objects *objects)
{
	return open_pin(run, step, step_path(run, deployment, step, FOLDER_SLOTS),
		       &objects->old_slot) &&
	       open_old_program(run, deployment, step, objects) && share_pass(run, step, objects);
}

static bool prepare_wanted_attachment(
	struct apply_run *run, struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	struct step_objects *objects = &deployment->objects[at];

	if (!prepare_parts(run, deployment, at))
		return false;
	if (step->parts & PLAN_LINK && !prepare_link(run, deployment, at))
		return false;
	if (!(step->parts & PLAN_PROGRAM_IN_SLOT))
		return true;
	if (!(step->parts & PLAN_SLOT) && !open_old_program(run, deployment, step, objects))
		return false;
	if (step->retires_slot && !prepare_retired_slot(run, deployment, step, objects))
		return false;
	return open_new_program(run, deployment, step);
}

/* What is there of an attachment that goes, for taking it away and for putting it back. */
static bool prepare_unwanted_attachment(
	struct apply_run *run, struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];
	struct step_objects *objects = &deployment->objects[at];
	const struct state_attachment *old = step->old;

	/* What is not ours goes by its pin alone. */
	if (state_attachment_has_link(old) && !old->link.foreign &&
		!open_linked(run, deployment, step, objects))
		return false;
	if (!old->slot.program || old->slot.foreign)
		return true;
	return open_pin(
		       run, step, step_path(run, deployment, step, FOLDER_SLOTS), &objects->slot) &&
	       open_old_program(run, deployment, step, objects) && share_pass(run, step, objects);
}

static bool prepare_foreign(
	struct apply_run *run, const struct plan_step *step, struct step_objects *objects)
{
	const struct plan_hook *hook = step->hook;

	objects->old_target = hook->map ? kernel_open_map(hook->map)
					: kernel_open_cgroup(hook->cgroup_mount, hook->target);
	if (objects->old_target < 0)
		return apply_refused(run, step, "open the target of", objects->old_target);
	return open_holder(run, step, step->foreign, objects);
}

static bool prepare_deleted_attachment(
	struct apply_run *run, struct deployment_run *deployment, size_t at)
{
	const struct plan_step *step = &deployment->plan->steps.items[at];

	return step->foreign ? prepare_foreign(run, step, &deployment->objects[at])
			     : prepare_unwanted_attachment(run, deployment, at);
}

static bool prepare_attachments(struct apply_run *run, struct deployment_run *deployment)
{
	for (size_t i = 0; i < deployment->plan->steps.count; i++) {
		const struct plan_step *step = &deployment->plan->steps.items[i];

		if (step->object != PLAN_ATTACHMENT)
			continue;
		if (step->action == PLAN_DELETE && !prepare_deleted_attachment(run, deployment, i))
			return false;
		if (step->parts && !prepare_wanted_attachment(run, deployment, i))
			return false;
	}
	return true;
}

bool apply_prepare(struct apply_run *run, struct deployment_run *deployment)
{
	return apply_open_leftovers(run, deployment) && create_maps(run, deployment) &&
	       load_programs(run, deployment) && prepare_attachments(run, deployment);
}
