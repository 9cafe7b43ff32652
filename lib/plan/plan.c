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
	bool *map_is_new;          /* by position in the manifest */
	const char **program_file; /* name of each program's pin, by position */
	bool *program_is_new;      /* it has to be loaded */
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
	planner->map_is_new[position] = !old;
}

/* A program holds the maps it was loaded with: where one is made anew, so is the program. */
static bool uses_new_map(const struct planner *planner, const struct bpfasm_code *code)
{
	vec_each (relocation, &code->relocations)
		if (planner->map_is_new[relocation->map])
			return true;
	return false;
}

/* Adds the pins of other generations to the step; the number of all generations that are there. */
static size_t find_generations(
	const struct planner *planner, struct plan_step *step, const char *name, const char *keep)
{
	size_t found = 0;

	vec_each (old, &planner->state->programs) {
		if (strcmp(old->name, name) != 0)
			continue;
		found++;
		if (!keep || strcmp(old->file, keep) != 0)
			*vec_add(planner->arena, &step->superseded) = old->file;
	}
	return found;
}

static const char *program_reason(bool is_new, bool there, size_t generations)
{
	if (is_new && there)
		return "loaded anew, for a map that is new";
	if (is_new && generations)
		return "its code changed";
	return generations > 1 ? "an older generation is removed" : NULL;
}

static void plan_program(struct planner *planner, size_t position)
{
	const struct manifest_program *program = &planner->manifest->programs.items[position];
	const struct bpfasm_code *code = planner->codes[position];
	const char *file = state_program_file(planner->arena, program->self.text, code->digest);
	bool there = state_program_filed(planner->state, file) != NULL;
	bool is_new = !there || uses_new_map(planner, code);
	struct plan_step *step =
		add_step(planner, PLAN_PROGRAM, PLAN_KEEP, program->self.text, program->self.mark);
	size_t generations = find_generations(planner, step, program->self.text, file);

	planner->plan->counts[PLAN_KEEP]--;
	step->action = is_new && !generations             ? PLAN_CREATE
		       : is_new || step->superseded.count ? PLAN_UPDATE
							  : PLAN_KEEP;
	planner->plan->counts[step->action]++;
	step->program = program;
	step->code = is_new ? code : NULL;
	step->file = file;
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

static bool wants_attachment(const struct planner *planner, const struct state_attachment *old)
{
	if (!planner->manifest)
		return false;
	vec_each (attachment, &planner->manifest->attachments)
		if (attachment->kind == old->kind &&
			strcmp(attachment->target.text, old->target) == 0)
			return true;
	return false;
}

static void plan_deleted_attachments(struct planner *planner)
{
	vec_each (old, &planner->state->attachments)
		if (!wants_attachment(planner, old))
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
		find_generations(planner, step, old->name, NULL);
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

	planner->map_is_new = arena_alloc_array(planner->arena, manifest->maps.count, sizeof(bool));
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

	if (state->layout && strcmp(state->layout, STATE_LAYOUT) != 0)
		diag_add(planner->diagnostics, DIAG_E0406, planner->manifest->name.mark,
			"deployment \"%s\" was made by another version of sockform: its layout is "
			"\"%s\", this one writes \"%s\"",
			state->deployment, state->layout, STATE_LAYOUT)
			->hint = "use that version, or delete the deployment with it first";
}

const struct plan *plan_make(struct arena *arena, const struct manifest *manifest,
	const struct bpfasm_code *const *codes, const struct state *state,
	struct diagnostics *diagnostics)
{
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct planner planner = {
		.arena = arena,
		.diagnostics = diagnostics,
		.manifest = manifest,
		.codes = codes,
		.state = state,
		.plan = plan,
	};

	plan->deployment = state->deployment;
	plan->manifest = manifest;
	plan->state = state;
	plan->refresh_layout = state->exists && !state->layout;
	check_layout(&planner);
	plan_wanted(&planner);
	plan_deletes(&planner);
	return plan;
}

const struct plan *plan_teardown(struct arena *arena, const struct state *state)
{
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct planner planner = { .arena = arena, .state = state, .plan = plan };

	plan->deployment = state->deployment;
	plan->state = state;
	plan_deletes(&planner);
	return plan;
}

bool plan_changes(const struct plan *plan)
{
	/* A teardown removes the folder too, be it empty. */
	if (!plan->manifest)
		return plan->state->exists;
	return plan->counts[PLAN_KEEP] != plan->steps.count || !plan->state->exists ||
	       plan->refresh_layout;
}
