/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: a plan in the making. */
#pragma once

#include "lib/plan/plan.h"

struct planner {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct manifest *manifest;
	const struct bpfasm_code *const *codes;
	const struct state *state;
	struct plan *plan;
	bool replaces;                 /* maps may be replaced */
	bool forces;                   /* what is not ours may go, or be taken over */
	bool *map_is_replaced;         /* by position */
	const char **program_file;     /* name of each program's pin, by position */
	bool *program_is_new;          /* it has to be loaded */
	struct name_index generations; /* program name -> its first position in the state */
	size_t *next_generation;       /* by position in the state; NAME_ABSENT: the last */
	struct name_index wanted;      /* names of all pins that the manifest's objects have */
};

/* Adds a step and counts it; the rest of it is zero. */
struct plan_step *plan_add_step(struct planner *planner, enum plan_object object,
	enum plan_action action, const char *name, struct mark mark);

/* An error where another version made the deployment; false then. */
bool plan_check_layout(const struct planner *planner);

/* foreign.c: what stands in the deployment's folder and is not ours. Errors, unless that is forced. */
void plan_check_foreign_map(
	const struct planner *planner, const struct state_map *map, struct mark mark);
void plan_check_foreign_program(
	const struct planner *planner, const struct state_program *program, struct mark mark);
void plan_check_foreign_attachment(
	const struct planner *planner, const struct state_attachment *attachment, struct mark mark);
/* Those in the way of what is wanted, or of how it gets there; of a teardown, all. Goes last. */
void plan_check_strangers(const struct planner *planner);
/* Of a detach: those that have the names under which something of its steps is put back. */
void plan_check_spares(const struct planner *planner);

/* plan.c: a map of ours from which sockets may have to leave */
bool plan_holds_sockets(const struct state_map *map);

/* What is not ours and in nobody's way stays where it is, unless that is forced. */
bool plan_leaves(const struct planner *planner, bool foreign);

/* "map 77, which sockform did not make" */
const char *plan_foreign_text(struct arena *arena, const char *kind, uint32_t id);

/* attachment.c: those that the manifest wants, and those that it does not */
void plan_attachments(struct planner *planner);
void plan_deleted_attachments(struct planner *planner);

/* The step that takes an attachment away. */
struct plan_step *plan_delete_attachment(
	struct planner *planner, const struct state_attachment *old);
