/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/state/state.h"

#include <string.h>

const struct state_map *state_map_named(const struct state *state, const char *name)
{
	size_t at = name_index_find(&state->map_names, name);

	return at == NAME_ABSENT ? NULL : &state->maps.items[at];
}

const struct state_attachment *state_attachment_named(const struct state *state, const char *name)
{
	size_t at = name_index_find(&state->attachment_names, name);

	return at == NAME_ABSENT ? NULL : &state->attachments.items[at];
}

const struct state_program *state_program_filed(const struct state *state, const char *file)
{
	size_t at = name_index_find(&state->program_files, file);

	return at == NAME_ABSENT ? NULL : &state->programs.items[at];
}

const struct state_program *state_program_with_id(const struct state *state, uint32_t id)
{
	vec_each (program, &state->programs)
		if (program->id == id)
			return program;
	return NULL;
}

const struct state_cgroup *state_cgroup_at(const struct state *state, const char *path)
{
	vec_each (cgroup, &state->cgroups)
		if (strcmp(cgroup->path, path) == 0)
			return cgroup;
	return NULL;
}

const struct state_hook *state_hook_named(const struct state *state, const char *name)
{
	vec_each (hook, &state->hooks)
		if (strcmp(hook->name, name) == 0)
			return hook;
	return NULL;
}

bool state_attachment_holds(
	const struct state_attachment *attachment, const struct state_holder *holder)
{
	/* Links of others, and which link a program came by, take CAP_SYS_ADMIN to see. */
	return (holder->link && holder->link == attachment->link.id) ||
	       holder->program == attachment->dispatcher.id ||
	       (attachment->link.target && holder->program == attachment->link.program);
}

bool state_attachment_dispatches(const struct state_attachment *attachment, uint32_t flags)
{
	return attachment->slot.id && attachment->dispatcher.id &&
	       attachment->dispatcher.slot == attachment->slot.id &&
	       attachment->dispatcher.flags == flags;
}

bool state_attachment_is_linked(
	const struct state_attachment *attachment, uint64_t target, uint32_t flags)
{
	return state_attachment_dispatches(attachment, flags) && attachment->link.id && target &&
	       attachment->link.target == target &&
	       attachment->link.program == attachment->dispatcher.id &&
	       attachment->link.type == attachment->kind->type;
}

uint64_t state_target_id(
	const struct state *state, const char *target, const struct attach_kind *kind)
{
	const struct state_cgroup *cgroup = kind->on_cgroup ? state_cgroup_at(state, target) : NULL;
	const struct state_map *map = kind->on_cgroup ? NULL : state_map_named(state, target);

	return cgroup ? cgroup->id : map ? map->id : 0;
}

static void add_drift(struct arena *arena, state_drifts *drifts, const char *object,
	const char *name, const char *reason)
{
	*vec_add(arena, drifts) = (struct state_drift){ object, name, reason };
}

/* A cgroup of which only the hash is known can be told by nobody but its manifest. */
static bool target_is_known(const struct state_attachment *attachment)
{
	return !attachment->kind->on_cgroup || attachment->target[0] == '/';
}

/* The first thing wrong with an attachment, from what it hangs on to the program it runs. */
static const char *attachment_drift(
	const struct state *state, const struct state_attachment *attachment)
{
	uint64_t target = target_is_known(attachment)
				  ? state_target_id(state, attachment->target, attachment->kind)
				  : attachment->link.target;
	bool on_cgroup = attachment->kind->on_cgroup;

	if (!target && target_is_known(attachment))
		return on_cgroup ? "its cgroup is gone" : "its map has no pin";
	if (!attachment->slot.id)
		return "its slot has no pin";
	if (!attachment->dispatcher.id)
		return "its dispatcher has no pin";
	if (!attachment->link.id)
		return "it is detached (its link has no pin)";
	if (!attachment->link.target)
		return "its link is detached";
	if (attachment->link.target != target)
		return on_cgroup ? "its link is on another cgroup" : "its link is on another map";
	if (attachment->link.type != attachment->kind->type)
		return "its link is of another attach type";
	if (attachment->link.program != attachment->dispatcher.id)
		return "its link runs a program that is not its dispatcher";
	if (attachment->dispatcher.slot != attachment->slot.id)
		return "its dispatcher uses another slot";
	if (!attachment->slot.program)
		return "its slot is empty, so everything passes";
	if (!state_program_with_id(state, attachment->slot.program))
		return "its slot runs a program that has no pin";
	return NULL;
}

static bool is_in_a_slot(const struct state *state, uint32_t program)
{
	vec_each (attachment, &state->attachments)
		if (attachment->slot.program == program)
			return true;
	return false;
}

/* A map's pin was removed and another map made in its place, behind the program's back. */
static const char *foreign_map(const struct state *state, const struct state_program *program)
{
	for (uint32_t i = 0; i < program->map_count; i++) {
		bool known = false;

		vec_each (map, &state->maps)
			known = known || map->id == program->maps[i];
		if (!known)
			return "it uses a map that has no pin";
	}
	return NULL;
}

/* Another generation of a program that runs: an apply that did not finish. */
static bool is_superseded(const struct state *state, const struct state_program *program)
{
	if (is_in_a_slot(state, program->id))
		return false;
	vec_each (other, &state->programs)
		if (other != program && strcmp(other->name, program->name) == 0 &&
			is_in_a_slot(state, other->id))
			return true;
	return false;
}

void state_find_drift(struct arena *arena, const struct state *state, state_drifts *ret)
{
	if (!state->exists)
		return;
	if (!state->layout)
		add_drift(arena, ret, "deployment", state->deployment, "it has no layout version");
	else if (strcmp(state->layout, STATE_LAYOUT) != 0)
		add_drift(arena, ret, "deployment", state->deployment,
			"another version of sockform made it");
	vec_each (attachment, &state->attachments) {
		const char *reason = attachment_drift(state, attachment);

		if (reason)
			add_drift(arena, ret, "attachment", attachment->title, reason);
	}
	vec_each (program, &state->programs) {
		const char *reason = is_superseded(state, program) ? "another generation of it runs"
								   : foreign_map(state, program);

		if (reason)
			add_drift(arena, ret, "program", program->file, reason);
	}
	vec_each (path, &state->leftovers)
		add_drift(
			arena, ret, "file", *path, "it is left from an apply that did not finish");
	vec_each (path, &state->strangers)
		add_drift(arena, ret, "file", *path, "it is nothing that sockform made");
}
