/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What is damaged, missing or not ours in a deployment, told without its manifest. */
#include "lib/state/state.h"

#include <string.h>

#define STRANGER "it is nothing that sockform made"

struct finder {
	struct arena *arena;
	const struct state *state;
	state_drifts *drifts;
	struct id_index running;         /* ids of the programs in slots */
	struct name_index running_names; /* of those that are pinned */
};

static void add_drift(const struct finder *finder, const char *object, const char *name,
	const char *reason, enum state_remedy remedy)
{
	*vec_add(finder->arena, finder->drifts) =
		(struct state_drift){ object, name, reason, remedy };
}

static const char *foreign_text(const struct finder *finder, const char *what, uint32_t id)
{
	return arena_printf(
		finder->arena, "%s %u is pinned there, and sockform did not make it", what, id);
}

/* A cgroup of which only the hash is known can be told by nobody but its manifest. */
static bool target_is_known(const struct state_attachment *attachment)
{
	return !attachment->kind->on_cgroup || attachment->target[0] == '/';
}

static const char *foreign_part(
	const struct finder *finder, const struct state_attachment *attachment)
{
	if (attachment->slot.foreign)
		return foreign_text(finder, "as its slot map", attachment->slot.id);
	if (attachment->dispatcher.foreign)
		return foreign_text(finder, "as its dispatcher program", attachment->dispatcher.id);
	if (attachment->link.foreign)
		return arena_printf(finder->arena,
			"its link %u runs program %u, and sockform did not make that",
			attachment->link.id, attachment->link.program);
	return NULL;
}

const struct state_fault *state_link_fault(
	const struct state_attachment *attachment, uint64_t target)
{
	/* In pairs: of a link, and of what is attached by its record alone. */
	static const struct state_fault unpinned = {
		.is = "it is detached (its link has no pin)",
		.was = "it was detached",
	}, detached[] = {
		{ .is = "its link is detached", .was = "its link was detached" },
		{ .is = "it is detached", .was = "it was detached" },
	}, in_doubt = {
		.is = "it may be detached: a change of it was cut short",
		.was = "a change of it was cut short",
	}, astray[] = {
		{ .is = "its link is on another map", .was = "its link was on another map" },
		{ .is = "it is attached to another map", .was = "it was attached to another map" },
	}, other_cgroup = {
		.is = "its link is on another cgroup",
		.was = "its link was on another cgroup",
	}, other_type = {
		.is = "its link is of another attach type",
		.was = "its link was of another attach type",
	}, other_program[] = {
		{ .is = "its link runs a program that is not its dispatcher",
			.was = "its link ran a program that was not its dispatcher" },
		{ .is = "what is attached is not its dispatcher",
			.was = "what was attached was not its dispatcher" },
	};
	bool bare = attachment->link.bare;

	if (!state_attachment_has_link(attachment))
		return &unpinned;
	if (!attachment->link.target)
		return &detached[bare];
	if (attachment->link.in_doubt)
		return &in_doubt;
	if (attachment->link.target != target)
		return attachment->kind->on_cgroup ? &other_cgroup : &astray[bare];
	if (attachment->link.type != attachment->kind->type)
		return &other_type;
	return attachment->link.program != attachment->dispatcher.id ? &other_program[bare] : NULL;
}

/* 0: it is gone. Of a cgroup that nobody knows its link tells. */
static uint64_t target_of(const struct state *state, const struct state_attachment *attachment)
{
	return target_is_known(attachment)
		       ? state_target_id(state, attachment->target, attachment->kind)
		       : attachment->link.target;
}

/* Which no apply makes; NULL: it is there, or nobody knows which it is. */
static const char *lost_cgroup(const struct state *state, const struct state_attachment *attachment)
{
	return attachment->kind->on_cgroup && target_is_known(attachment) &&
			       !target_of(state, attachment)
		       ? "its cgroup is gone"
		       : NULL;
}

/* The first part that is missing, or not where it should be; NULL: none. */
static const char *wrong_part(const struct state *state, const struct state_attachment *attachment)
{
	bool on_cgroup = attachment->kind->on_cgroup;
	uint64_t target = target_of(state, attachment);
	const struct state_fault *link = state_link_fault(attachment, target);

	if (!target && !on_cgroup)
		return "its map has no pin";
	if (on_cgroup && !attachment->slot.id && !attachment->dispatcher.id && !attachment->link.id)
		return "it is detached (nothing of it is pinned)";
	if (!attachment->slot.id)
		return "its slot has no pin";
	if (!attachment->dispatcher.id)
		return "its dispatcher has no pin";
	if (link)
		return link->is;
	if (attachment->dispatcher.slot != attachment->slot.id)
		return "its dispatcher uses another slot";
	if (!attachment->slot.program)
		return "its slot is empty, so everything passes";
	return NULL;
}

/* Somebody else's program that keeps ours off the hook, before all one elsewhere; NULL: none does. */
static const struct state_holder *find_taker(
	const struct finder *finder, const struct state_attachment *attachment)
{
	const struct state_hook *hook = state_hook_named(finder->state, attachment->name);

	if (!hook)
		return NULL;
	vec_each (holder, &hook->holders)
		if (holder->at)
			return holder;
	return hook->holders.count && !hook->shared ? &hook->holders.items[0] : NULL;
}

static const char *with_taker(
	const struct finder *finder, const char *reason, const struct state_holder *taker)
{
	const char *who = state_holder_text(finder->arena, taker);

	return taker->at ? arena_printf(finder->arena, "%s, and %s on %s keeps it off", reason, who,
				   taker->at)
			 : arena_printf(finder->arena, "%s, and %s is on its hook", reason, who);
}

static void find_in_attachment(
	const struct finder *finder, const struct state_attachment *attachment)
{
	const struct state_holder *taker = find_taker(finder, attachment);
	const char *foreign = foreign_part(finder, attachment);
	const char *lost = lost_cgroup(finder->state, attachment);
	const char *reason = foreign ? foreign
			     : lost  ? lost
				     : wrong_part(finder->state, attachment);
	enum state_remedy remedy = foreign ? REMEDY_FORCE : lost ? REMEDY_CGROUP : REMEDY_APPLY;

	if (!foreign && state_attachment_is_off(finder->state, attachment))
		return;
	if (!reason && !state_program_with_id(finder->state, attachment->slot.program))
		reason = "its slot runs a program that has no pin";
	if (!reason)
		return;
	if (taker)
		reason = with_taker(finder, reason, taker);
	if (taker && !foreign)
		remedy = taker->at ? REMEDY_DETACH : REMEDY_FORCE;
	add_drift(finder, "attachment", attachment->title, reason, remedy);
}

/* A map's pin was removed and another map made in its place, behind the program's back. */
static bool uses_unpinned_map(const struct finder *finder, const struct state_program *program)
{
	for (uint32_t i = 0; i < program->map_count; i++)
		if (id_index_find(&finder->state->map_ids, program->maps[i]) == NAME_ABSENT)
			return true;
	return false;
}

/* Another generation of a program that runs: an apply that did not finish. */
static bool is_superseded(const struct finder *finder, const struct state_program *program)
{
	return id_index_find(&finder->running, program->id) == NAME_ABSENT &&
	       name_index_find(&finder->running_names, program->name) != NAME_ABSENT;
}

static void find_in_program(const struct finder *finder, const struct state_program *program)
{
	if (program->foreign)
		add_drift(finder, "program", program->name,
			foreign_text(finder, "program", program->id), REMEDY_FORCE);
	else if (is_superseded(finder, program))
		add_drift(finder, "program", program->file, "another generation of it runs",
			REMEDY_APPLY);
	else if (uses_unpinned_map(finder, program))
		add_drift(finder, "program", program->file, "it uses a map that has no pin",
			REMEDY_APPLY);
}

static void find_in_map(const struct finder *finder, const struct state_map *map)
{
	if (map->foreign)
		add_drift(finder, "map", map->name, foreign_text(finder, "map", map->id),
			REMEDY_FORCE);
}

/* Attachments are told of by their parts. */
static void find_missing(const struct finder *finder, const struct state_record *record)
{
	bool is_program = strchr(record->file, '@');

	if (strchr(record->file, ':') || state_map_named(finder->state, record->file) ||
		state_program_filed(finder->state, record->file))
		return;
	add_drift(finder, is_program ? "program" : "map", record->file, "it has no pin any more",
		REMEDY_APPLY);
}

static void index_objects(struct finder *finder)
{
	const struct state *state = finder->state;

	vec_each (attachment, &state->attachments) {
		const struct state_program *program =
			state_program_with_id(state, attachment->slot.program);

		id_index_add(finder->arena, &finder->running, attachment->slot.program, 0);
		if (program)
			name_index_add(finder->arena, &finder->running_names, program->name, 0);
	}
}

/* False where the rest is not to be judged by the rules of this version. */
static bool find_in_layout(const struct finder *finder)
{
	const struct state *state = finder->state;

	if (!state->layout) {
		add_drift(finder, "deployment", state->deployment, "it has no layout version",
			REMEDY_APPLY);
		return true;
	}
	if (strcmp(state->layout, STATE_LAYOUT) == 0)
		return true;
	add_drift(finder, "deployment", state->deployment,
		arena_printf(finder->arena,
			"another version of sockform made it: its layout is \"%s\", this one "
			"writes \"" STATE_LAYOUT "\"",
			state->layout),
		REMEDY_VERSION);
	return false;
}

void state_find_drift(struct arena *arena, const struct state *state, state_drifts *ret)
{
	struct finder finder = { .arena = arena, .state = state, .drifts = ret };

	if (!state->exists || !find_in_layout(&finder))
		return;
	index_objects(&finder);
	vec_each (map, &state->maps)
		find_in_map(&finder, map);
	vec_each (attachment, &state->attachments)
		find_in_attachment(&finder, attachment);
	vec_each (program, &state->programs)
		find_in_program(&finder, program);
	vec_each (record, &state->records)
		find_missing(&finder, record);
	vec_each (leftover, &state->leftovers)
		add_drift(&finder, "file", leftover->path,
			"it is left from an apply that did not finish", REMEDY_APPLY);
	vec_each (path, &state->strangers)
		add_drift(&finder, "file", *path, STRANGER, REMEDY_FORCE);
	vec_each (path, &state->outsiders)
		add_drift(&finder, "file", *path, STRANGER, REMEDY_AWAY);
}
