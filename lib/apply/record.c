/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Records are written before what they are about is pinned, and name beside it what its pins hold
 * until then: wherever a crash comes, each pin of ours is known by its record.
 */
#include "lib/apply/internal.h"

#include <errno.h>

struct record {
	struct state_generation generations[STATE_GENERATIONS];
	size_t count;
};

static void add(struct record *record, struct state_generation generation)
{
	record->generations[record->count++] = generation;
}

static int write_record(struct apply_run *run, const struct deployment_run *deployment,
	const char *file, const struct record *record)
{
	const struct plan *plan = deployment->plan;
	const struct state_record *before = state_record_of(plan->state, file);

	return journal_write_text(run,
		kernel_path(run->kernel, plan->deployment, FOLDER_RECORDS, file),
		state_record_text(run->kernel->arena, record->generations, record->count),
		before ? before->text : NULL);
}

int apply_record_map(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	const struct state_map *old = state_map_named(deployment->plan->state, step->name);
	const struct key_layout *layout = &step->map->key.layout;
	/* One that is taken over is there already. */
	int64_t id = plan_makes(step) ? kernel_object_id(objects->map) : old->id;
	struct record record = { 0 };

	if (id < 0)
		return (int)id;
	add(&record, (struct state_generation){ .id = (uint32_t)id,
			     .key = layout->count ? key_layout_text(run->kernel->arena, layout)
						  : NULL });
	if (old && !old->foreign)
		add(&record, (struct state_generation){ .id = old->id, .key = old->key });
	return write_record(run, deployment, step->name, &record);
}

int apply_record_program(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	const struct state_program *old = state_program_filed(deployment->plan->state, step->file);
	int64_t id = kernel_object_id(objects->program);
	struct record record = { 0 };

	if (id < 0)
		return (int)id;
	add(&record, (struct state_generation){ .id = (uint32_t)id });
	if (old && !old->foreign)
		add(&record, (struct state_generation){ .id = old->id });
	return write_record(run, deployment, step->file, &record);
}

/* What is attached may be another dispatcher than the one that is pinned, or the only one left. */
static void add_old_attachment(struct record *record, const struct state_attachment *old)
{
	struct state_generation pinned = {
		.id = old->slot.foreign ? 0 : old->slot.id,
		.dispatcher = old->dispatcher.foreign ? 0 : old->dispatcher.id,
	};
	struct state_generation linked = {
		.dispatcher = old->link.foreign ? 0 : old->link.program,
		.attached = old->link.bare ? (uint32_t)old->link.target : 0,
	};
	bool is_pinned = linked.dispatcher == pinned.dispatcher;

	if (old->link.in_doubt)
		linked.key = STATE_IN_DOUBT;
	if (is_pinned) {
		pinned.attached = linked.attached;
		pinned.key = linked.key;
	}
	/* One that was retired comes back as it is. */
	if ((pinned.id || pinned.dispatcher) &&
		(pinned.id != record->generations[0].id ||
			pinned.dispatcher != record->generations[0].dispatcher))
		add(record, pinned);
	if (linked.dispatcher && !is_pinned)
		add(record, linked);
}

int apply_record_attachment(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, const struct step_objects *objects)
{
	int64_t slot = kernel_object_id(objects->slot);
	int64_t dispatcher = kernel_object_id(objects->dispatcher);
	struct record record = { 0 };

	if (slot < 0 || dispatcher < 0)
		return (int)(slot < 0 ? slot : dispatcher);
	add(&record, (struct state_generation){
			     .id = (uint32_t)slot, .dispatcher = (uint32_t)dispatcher });
	if (step->old)
		add_old_attachment(&record, step->old);
	return write_record(run, deployment, step->file, &record);
}

/* Another text in the place of the one that is there, be that of this run or of an earlier one. */
static int rewrite_record(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, void (*change)(struct state_record *record, const void *how),
	const void *how)
{
	struct arena *arena = run->kernel->arena;
	const char *path = step_path(run, deployment, step, FOLDER_RECORDS);
	struct state_record record = { 0 };
	const char *before;
	int error = kernel_read_text(arena, path, &before);

	if (error || !before || !state_parse_record(arena, before, &record))
		return error ? error : -ENOENT;
	change(&record, how);
	return journal_write_text(
		run, path, state_record_text(arena, record.generations, record.count), before);
}

struct attached {
	uint32_t dispatcher, map;
	bool in_doubt;
};

static void set_hook(struct state_generation *generation, uint32_t map, const char *key)
{
	generation->attached = map;
	generation->key = key;
}

static void set_attached(struct state_record *record, const void *how)
{
	const struct attached *attached = how;

	for (size_t i = 0; i < record->count; i++) {
		struct state_generation *generation = &record->generations[i];

		/* A hook has one: the others are off it by now. */
		if (generation->dispatcher == attached->dispatcher)
			set_hook(generation, attached->map,
				attached->in_doubt ? STATE_IN_DOUBT : NULL);
		else if (generation->attached == attached->map || !attached->map)
			set_hook(generation, 0, NULL);
	}
}

int apply_record_attached(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step, uint32_t dispatcher, uint32_t map, bool in_doubt)
{
	const struct attached attached = { dispatcher, map, in_doubt };

	return rewrite_record(run, deployment, step, set_attached, &attached);
}

static void set_retired(struct state_record *record, const void *how)
{
	(void)how;
	for (size_t i = 0; i < record->count; i++)
		set_hook(&record->generations[i], 0, NULL);
	record->generations[0].key = STATE_RETIRED;
}

int apply_record_retired(struct apply_run *run, const struct deployment_run *deployment,
	const struct plan_step *step)
{
	return rewrite_record(run, deployment, step, set_retired, NULL);
}
