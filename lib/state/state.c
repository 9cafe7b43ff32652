/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/state/state.h"

#include <string.h>

void state_add_map(struct arena *arena, struct state *state, struct state_map map)
{
	name_index_add(arena, &state->map_names, map.name, state->maps.count);
	id_index_add(arena, &state->map_ids, map.id, state->maps.count);
	*vec_add(arena, &state->maps) = map;
}

void state_add_program(struct arena *arena, struct state *state, struct state_program program)
{
	name_index_add(arena, &state->program_files, program.file, state->programs.count);
	id_index_add(arena, &state->program_ids, program.id, state->programs.count);
	*vec_add(arena, &state->programs) = program;
}

void state_add_record(struct arena *arena, struct state *state, struct state_record record)
{
	name_index_add(arena, &state->record_files, record.file, state->records.count);
	*vec_add(arena, &state->records) = record;
}

void state_add_hook(struct arena *arena, struct state *state, struct state_hook hook)
{
	name_index_add(arena, &state->hook_names, hook.name, state->hooks.count);
	*vec_add(arena, &state->hooks) = hook;
}

const struct state_cgroup *state_add_cgroup(
	struct arena *arena, struct state *state, struct state_cgroup cgroup)
{
	struct state_cgroup *added = vec_add(arena, &state->cgroups);

	*added = cgroup;
	name_index_add(arena, &state->cgroup_paths, cgroup.path, state->cgroups.count - 1);
	return added;
}

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
	size_t at = id_index_find(&state->program_ids, id);

	return at == NAME_ABSENT ? NULL : &state->programs.items[at];
}

const struct state_cgroup *state_cgroup_at(const struct state *state, const char *path)
{
	size_t at = name_index_find(&state->cgroup_paths, path);

	return at == NAME_ABSENT ? NULL : &state->cgroups.items[at];
}

const struct state_hook *state_hook_named(const struct state *state, const char *name)
{
	size_t at = name_index_find(&state->hook_names, name);

	return at == NAME_ABSENT ? NULL : &state->hooks.items[at];
}

const char *state_holder_text(struct arena *arena, const struct state_holder *holder)
{
	return *holder->name ? arena_printf(arena, "program %u (%s)", holder->program, holder->name)
			     : arena_printf(arena, "program %u", holder->program);
}

bool state_attachment_holds(const struct state *state, const struct state_attachment *attachment,
	const struct state_holder *holder)
{
	/* Links of others, and which link a program came by, take CAP_SYS_ADMIN to see. */
	return (holder->link && holder->link == attachment->link.id) ||
	       (holder->program == attachment->dispatcher.id && !attachment->dispatcher.foreign) ||
	       (attachment->link.target && holder->program == attachment->link.program) ||
	       state_dispatcher_is_recorded(state, attachment->name, holder->program);
}

bool state_attachment_dispatches(const struct state_attachment *attachment, uint32_t flags)
{
	return attachment->slot.id && !attachment->slot.foreign && attachment->dispatcher.id &&
	       !attachment->dispatcher.foreign &&
	       attachment->dispatcher.slot == attachment->slot.id &&
	       attachment->dispatcher.flags == flags;
}

bool state_attachment_has_link(const struct state_attachment *attachment)
{
	return attachment->link.id || attachment->link.bare;
}

bool state_attachment_is_off(const struct state *state, const struct state_attachment *attachment)
{
	/* What passes has no pin. */
	return attachment->retired && !state_attachment_has_link(attachment) &&
	       !state_program_with_id(state, attachment->slot.program);
}

bool state_attachment_is_linked(
	const struct state_attachment *attachment, uint64_t target, uint32_t flags)
{
	return state_attachment_dispatches(attachment, flags) &&
	       state_attachment_has_link(attachment) && !attachment->link.foreign &&
	       !attachment->link.in_doubt && target && attachment->link.target == target &&
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
