/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/state/state.h"

#include <inttypes.h>
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

const char *state_program_file(struct arena *arena, const char *name, uint64_t digest)
{
	return arena_printf(arena, "%s@%016" PRIx64, name, digest);
}

bool state_parse_program_file(
	struct arena *arena, const char *file, const char **name, uint64_t *digest)
{
	const char *at = strchr(file, '@');
	uint64_t value = 0;

	if (!at || at == file || strlen(at + 1) != 16)
		return false;
	for (const char *digit = at + 1; *digit; digit++) {
		const char *place = strchr("0123456789abcdef", *digit);

		if (!place)
			return false;
		value = value << 4 | (uint64_t)(place - "0123456789abcdef");
	}
	*name = arena_copy(arena, file, (size_t)(at - file));
	*digest = value;
	return true;
}

const char *state_attachment_name(
	struct arena *arena, const char *target, const struct attach_kind *kind)
{
	return arena_printf(arena, "%s:%s", target, kind->name);
}

bool state_parse_attachment_name(
	struct arena *arena, const char *name, const char **target, const struct attach_kind **kind)
{
	const char *colon = strrchr(name, ':');

	if (!colon || colon == name)
		return false;
	*kind = attach_kind_named(colon + 1);
	*target = arena_copy(arena, name, (size_t)(colon - name));
	return *kind != NULL;
}

static void add_drift(struct arena *arena, state_drifts *drifts, const char *object,
	const char *name, const char *reason)
{
	*vec_add(arena, drifts) = (struct state_drift){ object, name, reason };
}

/* The first thing wrong with an attachment, from the map it hangs on to the program it runs. */
static const char *attachment_drift(
	const struct state *state, const struct state_attachment *attachment)
{
	const struct state_map *map = state_map_named(state, attachment->target);

	if (!map)
		return "its map has no pin";
	if (!attachment->slot.id)
		return "its slot has no pin";
	if (!attachment->dispatcher.id)
		return "its dispatcher has no pin";
	if (!attachment->link.id)
		return "its link has no pin";
	if (!attachment->link.map)
		return "its link is detached";
	if (attachment->link.map != map->id)
		return "its link is on another map";
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
			add_drift(arena, ret, "attachment", attachment->name, reason);
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
