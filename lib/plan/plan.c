/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/plan/plan.h"

#include <string.h>

struct planner {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct manifest *manifest;
	const struct bpfasm_code *const *codes;
	const struct state *state;
	struct plan *plan;
	const char **program_file;     /* name of each program's pin, by position */
	bool *program_is_new;          /* it has to be loaded */
	struct name_index generations; /* program name -> its first position in the state */
	size_t *next_generation;       /* by position in the state; NAME_ABSENT: the last */
	struct name_index wanted;      /* names of the attachments that the manifest has */
};

static struct plan_step *add_step(struct planner *planner, enum plan_object object,
	enum plan_action action, const char *name, struct mark mark)
{
	struct plan_step *step = vec_add(planner->arena, &planner->plan->steps);

	step->object = object;
	step->action = action;
	step->name = name;
	step->mark = mark;
	planner->plan->counts[action]++;
	return step;
}

static const char *describe_map(struct arena *arena, const struct manifest_map *map)
{
	const char *key = map->key.layout.count ? arena_printf(arena, " %s",
							  key_layout_text(arena, &map->key.layout))
						: "";

	return arena_printf(arena, "%s%s, %llu entries", map->kind->name, key,
		(unsigned long long)map->max_entries.value);
}

static const char *kind_name(uint32_t type)
{
	const struct map_kind *kind = map_kind_of(type);

	return kind ? kind->name : "a map of another type";
}

/* The first property in which a map is not what the manifest says; NULL when it is. */
static const char *map_difference(
	struct arena *arena, const struct manifest_map *map, const struct state_map *old)
{
	const struct {
		const char *name;
		uint64_t is, wanted;
	} sizes[] = {
		{ "key_size", old->key_size, map->key_bytes },
		{ "value_size", old->value_size, map->value_bytes },
		{ "max_entries", old->max_entries, map->max_entries.value },
	};

	if (old->type != map->kind->type)
		return arena_printf(arena, "type %s -> %s", kind_name(old->type), map->kind->name);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].is != sizes[i].wanted)
			return arena_printf(arena, "%s %llu -> %llu", sizes[i].name,
				(unsigned long long)sizes[i].is,
				(unsigned long long)sizes[i].wanted);
	return NULL;
}

static void plan_map(struct planner *planner, size_t position)
{
	const struct manifest_map *map = &planner->manifest->maps.items[position];
	const struct state_map *old = state_map_named(planner->state, map->self.text);
	const char *difference = old ? map_difference(planner->arena, map, old) : NULL;
	struct plan_step *step;

	if (difference)
		diag_add(planner->diagnostics, DIAG_E0501, map->self.mark,
			"map \"%s\" would have to be replaced (%s), and the sockets in it would be "
			"lost",
			map->self.text, difference)
			->hint = "delete the deployment first";
	step = add_step(
		planner, PLAN_MAP, old ? PLAN_KEEP : PLAN_CREATE, map->self.text, map->self.mark);
	step->map = map;
	step->detail = describe_map(planner->arena, map);
}

static bool uses_map(const struct state_program *program, uint32_t id)
{
	for (uint32_t i = 0; i < program->map_count; i++)
		if (program->maps[i] == id)
			return true;
	return false;
}

/*
 * A program holds the maps it was loaded with, and its digest knows their names only: where another
 * map has the name by now, it has to be loaded anew.
 */
static bool uses_other_map(const struct planner *planner, const struct bpfasm_code *code,
	const struct state_program *old)
{
	vec_each (relocation, &code->relocations) {
		const char *name = planner->manifest->maps.items[relocation->map].self.text;
		const struct state_map *map = state_map_named(planner->state, name);

		if (!map || !uses_map(old, map->id))
			return true;
	}
	return false;
}

/* Where the generations of each program begin in the state, and which comes next. */
static void index_generations(struct planner *planner)
{
	const struct state *state = planner->state;

	planner->next_generation =
		arena_alloc_array(planner->arena, state->programs.count, sizeof(size_t));
	for (size_t i = state->programs.count; i-- > 0;) {
		const char *name = state->programs.items[i].name;
		size_t first = name_index_find(&planner->generations, name);

		planner->next_generation[i] = first;
		if (first == NAME_ABSENT)
			name_index_add(planner->arena, &planner->generations, name, i);
		else
			name_index_set(&planner->generations, name, i);
	}
}

/* Adds the pins of all generations but `keep` to *ret; the number of all that are there. */
static size_t find_generations(
	const struct planner *planner, const char *name, const char *keep, plan_files *ret)
{
	size_t found = 0;

	for (size_t i = name_index_find(&planner->generations, name); i != NAME_ABSENT;
		i = planner->next_generation[i]) {
		const char *file = planner->state->programs.items[i].file;

		found++;
		if (!keep || strcmp(file, keep) != 0)
			*vec_add(planner->arena, ret) = file;
	}
	return found;
}

static const char *program_reason(
	bool is_new, const struct state_program *there, size_t generations)
{
	if (is_new && there)
		return "loaded anew, because one of its maps is another";
	if (is_new && generations)
		return "its code changed";
	return generations > 1 ? "an older generation is removed" : NULL;
}

static void plan_program(struct planner *planner, size_t position)
{
	const struct manifest_program *program = &planner->manifest->programs.items[position];
	const struct bpfasm_code *code = planner->codes[position];
	const char *file = state_program_file(planner->arena, program->self.text, code->digest);
	const struct state_program *there = state_program_filed(planner->state, file);
	bool is_new = !there || uses_other_map(planner, code, there);
	plan_files others = { 0 };
	size_t generations = find_generations(planner, program->self.text, file, &others);
	enum plan_action action = is_new && !generations   ? PLAN_CREATE
				  : is_new || others.count ? PLAN_UPDATE
							   : PLAN_KEEP;
	struct plan_step *step =
		add_step(planner, PLAN_PROGRAM, action, program->self.text, program->self.mark);

	step->program = program;
	step->code = is_new ? code : NULL;
	step->file = file;
	step->superseded = others;
	step->reason = program_reason(is_new, there, generations);
	step->detail = arena_printf(planner->arena, "%s, %zu instruction%s", program->kind->name,
		code->instructions.count, code->instructions.count == 1 ? "" : "s");
	planner->program_file[position] = file;
	planner->program_is_new[position] = is_new;
}

/* What of an attachment is missing or wrong, from the slot up; each part needs those above it. */
static unsigned int missing_parts(const struct planner *planner,
	const struct manifest_attachment *attachment, const struct state_attachment *old)
{
	const struct state_map *map = state_map_named(planner->state, attachment->target.text);
	unsigned int parts = 0;

	if (!old || !old->slot.id)
		return PLAN_SLOT | PLAN_DISPATCHER | PLAN_LINK | PLAN_PROGRAM_IN_SLOT;
	if (!old->dispatcher.id || old->dispatcher.slot != old->slot.id)
		parts |= PLAN_DISPATCHER | PLAN_LINK;
	if (!old->link.id || !map || old->link.map != map->id ||
		old->link.program != old->dispatcher.id || old->link.type != attachment->kind->type)
		parts |= PLAN_LINK;
	return parts;
}

static bool runs_wanted_program(const struct planner *planner,
	const struct manifest_attachment *attachment, const struct state_attachment *old)
{
	const struct state_program *wanted =
		state_program_filed(planner->state, planner->program_file[attachment->program_at]);

	return !planner->program_is_new[attachment->program_at] && wanted &&
	       old->slot.program == wanted->id;
}

static const char *attachment_reason(unsigned int parts)
{
	if (parts & PLAN_SLOT)
		return "its slot was gone";
	if (parts & PLAN_DISPATCHER)
		return "its dispatcher was gone";
	if (parts & PLAN_LINK)
		return "its link was gone";
	return "takes effect for every socket at once";
}

static void plan_attachment(struct planner *planner, const struct manifest_attachment *attachment)
{
	const char *name =
		state_attachment_name(planner->arena, attachment->target.text, attachment->kind);
	const struct state_attachment *old = state_attachment_named(planner->state, name);
	unsigned int parts = missing_parts(planner, attachment, old);
	struct plan_step *step;

	name_index_add(planner->arena, &planner->wanted, name, 0);
	if (!(parts & PLAN_SLOT) && !runs_wanted_program(planner, attachment, old))
		parts |= PLAN_PROGRAM_IN_SLOT;
	step = add_step(planner, PLAN_ATTACHMENT,
		!parts ? PLAN_KEEP
		: old  ? PLAN_UPDATE
		       : PLAN_CREATE,
		name, attachment->self.mark);
	step->attachment = attachment;
	step->detail = attachment->program.text;
	step->parts = parts;
	step->old = old;
	step->stale_link = old && old->link.id && (parts & PLAN_LINK);
	step->reason = old && parts ? attachment_reason(parts) : NULL;
}

static void plan_deleted_attachments(struct planner *planner)
{
	vec_each (old, &planner->state->attachments)
		if (name_index_find(&planner->wanted, old->name) == NAME_ABSENT)
			add_step(planner, PLAN_ATTACHMENT, PLAN_DELETE, old->name, mark_none)->old =
				old;
}

/* All generations of a program go in one step. */
static void plan_deleted_programs(struct planner *planner)
{
	struct name_index seen = { 0 };

	vec_each (old, &planner->state->programs) {
		struct plan_step *step;

		if (planner->manifest && name_index_find(&planner->manifest->program_names,
						 old->name) != NAME_ABSENT)
			continue;
		if (name_index_add(planner->arena, &seen, old->name, 0) != NAME_ABSENT)
			continue;
		step = add_step(planner, PLAN_PROGRAM, PLAN_DELETE, old->name, mark_none);
		find_generations(planner, old->name, NULL, &step->superseded);
	}
}

static void plan_deleted_maps(struct planner *planner)
{
	vec_each (old, &planner->state->maps)
		if (!planner->manifest ||
			name_index_find(&planner->manifest->map_names, old->name) == NAME_ABSENT)
			add_step(planner, PLAN_MAP, PLAN_DELETE, old->name, mark_none);
}

static void plan_deletes(struct planner *planner)
{
	plan_deleted_attachments(planner);
	plan_deleted_programs(planner);
	plan_deleted_maps(planner);
}

static void plan_wanted(struct planner *planner)
{
	const struct manifest *manifest = planner->manifest;

	planner->program_file =
		arena_alloc_array(planner->arena, manifest->programs.count, sizeof(char *));
	planner->program_is_new =
		arena_alloc_array(planner->arena, manifest->programs.count, sizeof(bool));
	for (size_t i = 0; i < manifest->maps.count; i++)
		plan_map(planner, i);
	for (size_t i = 0; i < manifest->programs.count; i++)
		plan_program(planner, i);
	vec_each (attachment, &manifest->attachments)
		plan_attachment(planner, attachment);
}

static void check_layout(const struct planner *planner)
{
	const struct state *state = planner->state;
	struct mark mark = planner->manifest ? planner->manifest->name.mark : mark_none;

	if (state->layout && strcmp(state->layout, STATE_LAYOUT) != 0)
		diag_add(planner->diagnostics, DIAG_E0406, mark,
			"deployment \"%s\" was made by another version of sockform: its layout is "
			"\"%s\", this one writes \"%s\"",
			state->deployment, state->layout, STATE_LAYOUT)
			->hint = "use that version for it";
}

static struct plan *start(struct planner *planner)
{
	struct plan *plan = arena_alloc(planner->arena, sizeof(*plan));

	plan->deployment = planner->state->deployment;
	plan->manifest = planner->manifest;
	plan->state = planner->state;
	planner->plan = plan;
	check_layout(planner);
	index_generations(planner);
	return plan;
}

const struct plan *plan_make(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *const *codes, const struct state *state,
	struct diagnostics *diagnostics)
{
	struct planner planner = {
		.arena = arena,
		.diagnostics = diagnostics,
		.manifest = manifest,
		.codes = codes,
		.state = state,
	};
	struct plan *plan = start(&planner);

	plan->refresh_layout = state->exists && !state->layout;
	plan_wanted(&planner);
	plan_deletes(&planner);
	return plan;
}

const struct plan *plan_teardown(
	struct arena *arena, const struct state *state, struct diagnostics *diagnostics)
{
	struct planner planner = { .arena = arena, .diagnostics = diagnostics, .state = state };
	struct plan *plan = start(&planner);

	plan_deletes(&planner);
	return plan;
}

bool plan_changes(const struct plan *plan)
{
	/* A teardown removes the folder too, be it empty. */
	if (!plan->manifest)
		return plan->state->exists;
	return plan->counts[PLAN_KEEP] != plan->steps.count || !plan->state->exists ||
	       plan->refresh_layout || plan->state->leftovers.count;
}
