/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/plan/planner.h"

#include <string.h>

const char *plan_object_word(enum plan_object object)
{
	static const char *const words[PLAN_OBJECT_COUNT] = {
		[PLAN_MAP] = "map",
		[PLAN_PROGRAM] = "program",
		[PLAN_ATTACHMENT] = "attachment",
	};

	return words[object];
}

struct plan_step *plan_add_step(struct planner *planner, enum plan_object object,
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

/* Longer ones are told by their size, so that a line has room in a terminal. */
#define KEY_TEXT_MOST 24

static const char *describe_key(struct arena *arena, const struct key_layout *layout)
{
	const char *text;

	if (!layout->count)
		return "";
	text = key_layout_text(arena, layout);
	return strlen(text) <= KEY_TEXT_MOST ? arena_printf(arena, " %s", text)
					     : arena_printf(arena, ", %u-byte keys", layout->size);
}

static const char *describe_map(
	struct arena *arena, const struct manifest_map *map, const struct state_map *old)
{
	const char *key = describe_key(arena, &map->key.layout);
	/* Entries of a map that is there are its data by now, whatever was given to begin with. */
	const char *given = map->entries.count && !old
				    ? arena_printf(arena, " (%zu given)", map->entries.count)
				    : "";

	return arena_printf(arena, "%s%s, %llu %s%s%s%s", map->kind->name, key,
		(unsigned long long)map->max_entries.value,
		map->max_entries.value == 1 ? "entry" : "entries", given,
		map->flag_bits ? ", " : "",
		map->flag_bits ? map_flags_text(arena, map->flag_bits) : "");
}

static const char *kind_name(uint32_t type)
{
	const struct map_kind *kind = map_kind_of(type);

	return kind ? kind->name : "a map of another type";
}

/* What the kernel made of a max_entries: rounded up, or down where that is more than it can count. */
static uint64_t rounded(uint64_t entries, uint32_t granule)
{
	uint64_t up = granule ? (entries + granule - 1) / granule * granule : entries;

	return up <= UINT32_MAX ? up : entries / granule * granule;
}

/* The kernel knows how long keys are, and only the record what is in them. */
static const char *key_difference(
	struct arena *arena, const struct manifest_map *map, const struct state_map *old)
{
	const char *wanted;

	if (!old->key || !map->key.layout.count)
		return NULL;
	wanted = key_layout_text(arena, &map->key.layout);
	return strcmp(old->key, wanted) != 0 ? arena_printf(arena, "key %s -> %s", old->key, wanted)
					     : NULL;
}

const char *plan_map_difference(
	struct arena *arena, const struct manifest_map *map, const struct state_map *old)
{
	const struct {
		const char *name;
		uint64_t is, wanted;
	} sizes[] = {
		{ "key_size", old->key_size, map->key_bytes },
		{ "value_size", old->value_size, map->value_bytes },
		{ "max_entries", old->max_entries, rounded(map->max_entries.value, old->granule) },
	};

	if (old->type != map->kind->type)
		return arena_printf(arena, "type %s -> %s", kind_name(old->type), map->kind->name);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].is != sizes[i].wanted)
			return arena_printf(arena, "%s %llu -> %llu", sizes[i].name,
				(unsigned long long)sizes[i].is,
				(unsigned long long)sizes[i].wanted);
	if (old->flags != map->flag_bits)
		return arena_printf(arena, "flags %s -> %s", map_flags_text(arena, old->flags),
			map_flags_text(arena, map->flag_bits));
	return key_difference(arena, map, old);
}

/* What becomes of what is in a map, by what that is, and how it is called. */
static const struct loss {
	const char *unknown, *one, *many;
	const char *noun, *nouns;
} losses[] = {
	{ "its sockets leave it", "1 socket leaves it", "%lld sockets leave it", "socket",
		"sockets" },
	{ "what is in it is lost", "1 value is lost", "%lld values are lost", "value", "values" },
	{ "what is in it is lost", "1 entry is lost", "%lld entries are lost", "entry", "entries" },
};

static const struct loss *loss_of(const struct map_kind *kind)
{
	if (kind && kind->holds_sockets)
		return &losses[0];
	return kind && kind->fixed_key ? &losses[1] : &losses[2];
}

static const char *loss_text(struct arena *arena, const struct state_map *old)
{
	const struct loss *loss = loss_of(map_kind_of(old->type));

	if (old->entries == 0)
		return "it is empty";
	if (old->entries < 0)
		return loss->unknown;
	return old->entries == 1 ? loss->one
				 : arena_printf(arena, loss->many, (long long)old->entries);
}

/* "map 17, which sockform did not make, with 3 entries in it" */
static const char *foreign_map_text(struct arena *arena, const struct state_map *old)
{
	const struct loss *loss = loss_of(map_kind_of(old->type));
	const char *who = plan_foreign_text(arena, "map", old->id);

	return old->entries < 0
		       ? who
		       : arena_printf(arena, "%s, with %lld %s in it", who, (long long)old->entries,
				 old->entries == 1 ? loss->noun : loss->nouns);
}

static void refuse_replacing(struct planner *planner, const struct manifest_map *map,
	const char *difference, const char *loss)
{
	diag_add(planner->diagnostics, DIAG_E0501, map->self.mark,
		"map \"%s\" would have to be replaced (%s): %s", map->self.text, difference, loss)
		->hint = "apply --replace does it";
}

static enum plan_action map_action(const struct state_map *old, const char *difference)
{
	if (!old)
		return PLAN_CREATE;
	if (difference)
		return PLAN_REPLACE;
	return old->foreign ? PLAN_UPDATE : PLAN_KEEP;
}

/* One that is not ours and would do is taken over, with what is in it. */
static void explain_map(struct planner *planner, struct plan_step *step,
	const struct state_map *old, const char *difference)
{
	struct arena *arena = planner->arena;
	const char *who = old->foreign ? foreign_map_text(arena, old) : NULL;
	const char *loss = difference ? loss_text(arena, old) : NULL;

	plan_check_foreign_map(planner, old, step->mark);
	if (!difference)
		step->reason = who ? arena_printf(arena, "takes over %s", who) : NULL;
	else if (who)
		step->reason = arena_printf(arena, "in the place of %s", who);
	else
		step->reason = arena_printf(arena, "%s: replaced, %s", difference, loss);
	if (difference && !who && !planner->replaces)
		refuse_replacing(planner, step->map, difference, loss);
}

bool plan_holds_sockets(const struct state_map *map)
{
	const struct map_kind *kind = map_kind_of(map->type);

	return kind && kind->holds_sockets && !map->foreign;
}

static void plan_map(struct planner *planner, size_t position)
{
	const struct manifest_map *map = &planner->manifest->maps.items[position];
	const struct state_map *old = state_map_named(planner->state, map->self.text);
	const char *difference = old ? plan_map_difference(planner->arena, map, old) : NULL;
	struct plan_step *step = plan_add_step(
		planner, PLAN_MAP, map_action(old, difference), map->self.text, map->self.mark);

	step->map = map;
	step->detail = describe_map(planner->arena, map, difference ? NULL : old);
	step->loses_sockets = difference && plan_holds_sockets(old);
	planner->map_is_replaced[position] = difference;
	name_index_add(planner->arena, &planner->wanted, map->self.text, 0);
	if (old)
		explain_map(planner, step, old, difference);
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

		if (!map || planner->map_is_replaced[relocation->map] || !uses_map(old, map->id))
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

		/* Somebody else's of that name is none of ours. */
		if (plan_leaves(planner, planner->state->programs.items[i].foreign))
			continue;
		found++;
		if (!keep || strcmp(file, keep) != 0)
			*vec_add(planner->arena, ret) = file;
	}
	return found;
}

static const char *program_reason(
	struct arena *arena, bool is_new, const struct state_program *there, size_t generations)
{
	if (there && there->foreign)
		return arena_printf(arena, "in the place of %s",
			plan_foreign_text(arena, "program", there->id));
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
	bool is_new = !there || there->foreign || uses_other_map(planner, code, there);
	plan_files others = { 0 };
	size_t generations = find_generations(planner, program->self.text, file, &others);
	enum plan_action action = is_new && !generations   ? PLAN_CREATE
				  : is_new || others.count ? PLAN_UPDATE
							   : PLAN_KEEP;
	struct plan_step *step = plan_add_step(
		planner, PLAN_PROGRAM, action, program->self.text, program->self.mark);

	step->program = program;
	step->code = is_new ? code : NULL;
	step->file = file;
	step->superseded = others;
	step->reason = program_reason(planner->arena, is_new, there, generations);
	step->detail = arena_printf(planner->arena, "%s, %zu instruction%s", program->kind->name,
		code->instructions.count, code->instructions.count == 1 ? "" : "s");
	planner->program_file[position] = file;
	planner->program_is_new[position] = is_new;
	name_index_add(planner->arena, &planner->wanted, file, 0);
	if (there)
		plan_check_foreign_program(planner, there, program->self.mark);
}

/* All generations of a program go in one step. */
static void plan_deleted_programs(struct planner *planner)
{
	struct name_index seen = { 0 };

	vec_each (old, &planner->state->programs) {
		struct plan_step *step;

		if (plan_leaves(planner, old->foreign))
			continue;
		if (planner->manifest && name_index_find(&planner->manifest->program_names,
						 old->name) != NAME_ABSENT)
			continue;
		plan_check_foreign_program(planner, old, mark_none);
		if (name_index_add(planner->arena, &seen, old->name, 0) != NAME_ABSENT)
			continue;
		step = plan_add_step(planner, PLAN_PROGRAM, PLAN_DELETE, old->name, mark_none);
		find_generations(planner, old->name, NULL, &step->superseded);
	}
}

static void plan_deleted_maps(struct planner *planner)
{
	const struct manifest *manifest = planner->manifest;

	vec_each (old, &planner->state->maps) {
		if (plan_leaves(planner, old->foreign) ||
			(manifest &&
				name_index_find(&manifest->map_names, old->name) != NAME_ABSENT))
			continue;
		plan_add_step(planner, PLAN_MAP, PLAN_DELETE, old->name, mark_none)->loses_sockets =
			plan_holds_sockets(old);
		plan_check_foreign_map(planner, old, mark_none);
	}
}

/* Attachments are found by their records, too, and those of what is wanted are written anew. */
static bool is_stale(const struct planner *planner, const char *file)
{
	return !strchr(file, ':') && !state_map_named(planner->state, file) &&
	       !state_program_filed(planner->state, file) &&
	       name_index_find(&planner->wanted, file) == NAME_ABSENT;
}

static void plan_stale_records(struct planner *planner)
{
	vec_each (record, &planner->state->records)
		if (is_stale(planner, record->file))
			*vec_add(planner->arena, &planner->plan->stale_records) = record->file;
}

static void plan_deletes(struct planner *planner)
{
	plan_deleted_attachments(planner);
	plan_deleted_programs(planner);
	plan_deleted_maps(planner);
	plan_stale_records(planner);
}

static void plan_wanted(struct planner *planner)
{
	const struct manifest *manifest = planner->manifest;

	planner->program_file =
		arena_alloc_array(planner->arena, manifest->programs.count, sizeof(char *));
	planner->program_is_new =
		arena_alloc_array(planner->arena, manifest->programs.count, sizeof(bool));
	planner->map_is_replaced =
		arena_alloc_array(planner->arena, manifest->maps.count, sizeof(bool));
	for (size_t i = 0; i < manifest->maps.count; i++)
		plan_map(planner, i);
	for (size_t i = 0; i < manifest->programs.count; i++)
		plan_program(planner, i);
	plan_attachments(planner);
}

bool plan_check_layout(const struct planner *planner)
{
	const struct state *state = planner->state;
	struct mark mark = planner->manifest ? planner->manifest->name.mark : mark_none;
	bool ours = !state->layout || strcmp(state->layout, STATE_LAYOUT) == 0;

	if (!ours)
		diag_add(planner->diagnostics, DIAG_E0406, mark,
			"deployment \"%s\" was made by another version of sockform: its layout is "
			"\"%s\", this one writes \"%s\"",
			state->deployment, state->layout, STATE_LAYOUT)
			->hint = "use that version for it";
	return ours;
}

static struct plan *start(struct planner *planner)
{
	struct plan *plan = arena_alloc(planner->arena, sizeof(*plan));

	plan->deployment = planner->state->deployment;
	plan->manifest = planner->manifest;
	plan->state = planner->state;
	planner->plan = plan;
	index_generations(planner);
	return plan;
}

/* The source that is to be remembered; NULL where that is remembered. */
static const char *new_source(const struct plan_request *request)
{
	const char *is = request->state->source;

	return request->source && (!is || strcmp(is, request->source) != 0) ? request->source
									    : NULL;
}

const struct plan *plan_make(
	struct arena *arena, const struct plan_request *request, struct diagnostics *diagnostics)
{
	struct planner planner = {
		.arena = arena,
		.diagnostics = diagnostics,
		.manifest = request->manifest,
		.codes = request->codes,
		.state = request->state,
		.replaces = request->replaces,
		.forces = request->forces,
	};
	struct plan *plan = start(&planner);

	/* What another version wrote is not to be judged by the rules of this one. */
	if (!plan_check_layout(&planner))
		return plan;
	plan->takes_strangers = request->forces;
	plan->source = new_source(request);
	if (plan->source && request->state->source)
		plan->note = arena_printf(
			arena, "was applied from %s until now", request->state->source);
	plan->refresh_layout = request->state->exists && !request->state->layout;
	plan_wanted(&planner);
	plan_deletes(&planner);
	plan_check_strangers(&planner);
	return plan;
}

const struct plan *plan_teardown(struct arena *arena, const struct state *state, bool forces,
	const char *note, struct diagnostics *diagnostics)
{
	struct planner planner = {
		.arena = arena, .diagnostics = diagnostics, .state = state, .forces = forces
	};
	struct plan *plan = start(&planner);

	if (!plan_check_layout(&planner))
		return plan;
	plan->takes_strangers = forces;
	plan->note = note;
	plan_deletes(&planner);
	plan_check_strangers(&planner);
	return plan;
}

bool plan_has_work(const struct plan *plan)
{
	return plan->source || plan_changes(plan);
}

bool plan_makes(const struct plan_step *step)
{
	return step->action == PLAN_CREATE || step->action == PLAN_REPLACE;
}

bool plan_changes(const struct plan *plan)
{
	if (plan->partial)
		return plan->steps.count;
	/* A teardown removes the folder too, be it empty. */
	if (!plan->manifest)
		return plan->state->exists;
	return plan->counts[PLAN_KEEP] != plan->steps.count || !plan->state->exists ||
	       plan->refresh_layout || plan->stale_records.count || plan->state->leftovers.count ||
	       (plan->takes_strangers && plan->state->strangers.count);
}
