/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Plans that take programs off hooks and leave the rest of a deployment as it is. */
#include "lib/plan/planner.h"

#include <string.h>

/* What the user calls a program: its name or its id. */
static bool is_called(struct arena *arena, const char *called, uint32_t id, const char *name)
{
	return !called || (*name && strcmp(called, name) == 0) ||
	       strcmp(called, arena_printf(arena, "%u", id)) == 0;
}

static bool is_on_target(
	struct arena *arena, const struct plan_detach *detach, const struct state_attachment *old)
{
	if (old->kind->on_cgroup != detach->on_cgroup ||
		(detach->kind && detach->kind != old->kind))
		return false;
	/* By its id whatever its name is; by its name also where the link or the target is gone. */
	if (detach->target_id && old->link.target == detach->target_id)
		return true;
	/* Who asks for a map by its id means what hangs on that one, or on none. */
	if (detach->target_id && detach->by_id && old->link.target)
		return false;
	/* Names, not targets: of a cgroup whose path is too long its name has only a hash. */
	return detach->target &&
	       strcmp(old->name, state_attachment_name(arena, detach->target, old->kind)) == 0;
}

/* A program is also called DEPLOYMENT/PROGRAM. */
static bool runs(struct arena *arena, const struct state *state,
	const struct state_attachment *attachment, const char *called)
{
	const struct state_program *program =
		state_program_with_id(state, attachment->slot.program);
	size_t length = strlen(state->deployment);

	if (called && strncmp(called, state->deployment, length) == 0 && called[length] == '/')
		called += length + 1;
	return is_called(arena, called, attachment->slot.program, program ? program->name : "") ||
	       is_called(arena, called, attachment->dispatcher.id, "");
}

/* Of one that was detached the slot and the dispatcher are left: nothing to do again. */
static bool is_attached(const struct state *state, const struct state_attachment *attachment)
{
	if (attachment->kind->on_cgroup)
		return state_attachment_has_link(attachment) || attachment->dispatcher.id ||
		       attachment->slot.id;
	return state_attachment_has_link(attachment) ||
	       state_program_with_id(state, attachment->slot.program);
}

const struct plan *plan_detach(struct arena *arena, const struct state *state,
	const struct plan_detach *detach, struct diagnostics *diagnostics)
{
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct planner planner = { .arena = arena,
		.diagnostics = diagnostics,
		.state = state,
		.plan = plan,
		.forces = detach->forces };

	plan->deployment = state->deployment;
	plan->state = state;
	plan->partial = true;
	vec_each (attachment, &state->attachments)
		if (is_on_target(arena, detach, attachment) && is_attached(state, attachment) &&
			runs(arena, state, attachment, detach->program))
			plan_delete_attachment(&planner, attachment);
	if (plan->steps.count && plan_check_layout(&planner))
		plan_check_spares(&planner);
	return plan;
}

static void add_foreign(struct planner *planner, const struct plan_hook *hook,
	const struct state_holder *holder, const char *title)
{
	struct plan_step *step =
		plan_add_step(planner, PLAN_ATTACHMENT, PLAN_DELETE, title, mark_none);

	step->file = title;
	step->detail = state_holder_text(planner->arena, holder);
	step->hook = hook;
	step->foreign = holder;
}

/* Links last: what was attached without one can be attached again when a later step fails. */
static void add_holders(
	struct planner *planner, const struct plan_hook *hook, const char *called, bool links)
{
	const char *title = state_attachment_title(planner->arena, hook->target, hook->kind);

	vec_each (holder, &hook->holders)
		if ((holder->link != 0) == links &&
			is_called(planner->arena, called, holder->program, holder->name))
			add_foreign(planner, hook, holder, title);
}

const struct plan *plan_detach_foreign(struct arena *arena, const struct state *nothing,
	const plan_hooks *hooks, const char *program)
{
	struct plan *plan = arena_alloc(arena, sizeof(*plan));
	struct planner planner = { .arena = arena, .state = nothing, .plan = plan };

	plan->deployment = nothing->deployment;
	plan->state = nothing;
	plan->partial = true;
	for (int links = 0; links < 2; links++)
		vec_each (hook, hooks)
			add_holders(&planner, hook, program, links);
	return plan;
}

void plan_refuse_foreign(const struct plan *plan, struct diagnostics *diagnostics)
{
	vec_each (step, &plan->steps)
		diag_add(diagnostics, DIAG_E0409, mark_none,
			"%s is on %s, and sockform did not put it there%s", step->detail,
			step->name, step->foreign->link ? " (by a link)" : "")
			->hint = "--force takes it away all the same";
}
