/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is pinned where an object of ours belongs, and is none: its record does not know it. Taking it
 * over, or away, is for the user to say.
 */
#include "lib/plan/planner.h"

#include <string.h>

const char *plan_foreign_text(struct arena *arena, const char *kind, uint32_t id)
{
	return arena_printf(arena, "%s %u, which sockform did not make", kind, id);
}

static void refuse(const struct planner *planner, const char *object, const char *name,
	const char *what, struct mark mark)
{
	if (planner->forces)
		return;
	/* What the manifest wants has a place in it. */
	if (mark.source)
		diag_add(planner->diagnostics, DIAG_E0411, mark, "in the place of %s \"%s\" is %s",
			object, name, what)
			->hint = "with --force it is taken over, or replaced";
	else
		diag_add(planner->diagnostics, DIAG_E0411, mark, "%s \"%s\" is %s", object, name,
			what)
			->hint = "with --force it is deleted, too";
}

void plan_check_foreign_map(
	const struct planner *planner, const struct state_map *map, struct mark mark)
{
	if (map->foreign)
		refuse(planner, "map", map->name, plan_foreign_text(planner->arena, "map", map->id),
			mark);
}

void plan_check_foreign_program(
	const struct planner *planner, const struct state_program *program, struct mark mark)
{
	if (program->foreign)
		refuse(planner, "program", program->name,
			plan_foreign_text(planner->arena, "program", program->id), mark);
}

void plan_check_foreign_attachment(
	const struct planner *planner, const struct state_attachment *attachment, struct mark mark)
{
	const struct {
		const char *object, *kind;
		uint32_t id;
		bool foreign;
	} parts[] = {
		{ "the slot of", "map", attachment->slot.id, attachment->slot.foreign },
		{ "the dispatcher of", "program", attachment->dispatcher.id,
			attachment->dispatcher.foreign },
		{ "the link of", "link", attachment->link.id, attachment->link.foreign },
	};

	/* A link may be ours, and somebody had it run something else. */
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].foreign)
			refuse(planner, parts[i].object, attachment->title,
				plan_foreign_text(planner->arena, parts[i].kind, parts[i].id),
				mark);
}

static void refuse_stranger(const struct planner *planner, const char *path, const char *hint)
{
	diag_add(planner->diagnostics, DIAG_E0411, mark_none, "%s is nothing that sockform made",
		path)
		->hint = hint;
}

void plan_check_strangers(const struct planner *planner)
{
	static const char hint[] = "with --force it is removed";
	bool works = plan_has_work(planner->plan);

	if (planner->forces)
		return;
	vec_each (path, &planner->state->strangers) {
		const char *name = strrchr(*path, '/') + 1;

		if (!planner->manifest || name_index_find(&planner->wanted, name) != NAME_ABSENT ||
			/* What is put over something is called so on its way. */
			(works && state_spare_base(planner->arena, name)))
			refuse_stranger(planner, *path, hint);
	}
	if (!planner->manifest)
		vec_each (path, &planner->state->outsiders)
			refuse_stranger(planner, *path, hint);
}

static bool has_step_for(const struct plan *plan, const char *file)
{
	vec_each (step, &plan->steps)
		if (strcmp(step->file, file) == 0)
			return true;
	return false;
}

void plan_check_spares(const struct planner *planner)
{
	vec_each (path, &planner->state->strangers) {
		const char *base = state_spare_base(planner->arena, strrchr(*path, '/') + 1);

		if (base && has_step_for(planner->plan, base))
			refuse_stranger(planner, *path,
				"take it away: changes need that name for a moment");
	}
}

bool plan_leaves(const struct planner *planner, bool foreign)
{
	return foreign && planner->manifest && !planner->forces;
}
