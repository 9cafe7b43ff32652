/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "lib/report/report.h"

#include "lib/report/result.h"

#include <string.h>

static const struct {
	const char *sign, *word, *planned, *done;
	enum sink_colour colour;
} actions[PLAN_ACTION_COUNT] = {
	[PLAN_KEEP] = { " ", "keep", "unchanged", "unchanged", COLOUR_NONE },
	[PLAN_CREATE] = { "+", "create", "to create", "created", COLOUR_GREEN },
	[PLAN_UPDATE] = { "~", "update", "to update", "updated", COLOUR_YELLOW },
	[PLAN_REPLACE] = { "!", "replace", "to replace", "replaced", COLOUR_RED },
	[PLAN_DELETE] = { "-", "delete", "to delete", "deleted", COLOUR_RED },
};

const char *result_action_at(size_t at)
{
	return at < PLAN_ACTION_COUNT ? actions[at].word : NULL;
}

const char *result_count_at(size_t at)
{
	return at < PLAN_ACTION_COUNT ? actions[at].done : NULL;
}

const char *result_object_at(size_t at)
{
	return at < PLAN_OBJECT_COUNT ? plan_object_word((enum plan_object)at) : NULL;
}

/* Wide enough for the longest name that is shown, so that the third column stands straight. */
static int name_width(const struct plan *plan)
{
	size_t width = 0;

	vec_each (step, &plan->steps)
		if (step->action != PLAN_KEEP && strlen(step->name) > width)
			width = strlen(step->name);
	return (int)(width < REPORT_NAME_WIDTH ? width : REPORT_NAME_WIDTH);
}

static void write_step(struct sink *sink, const struct plan_step *step, int width)
{
	sink_open_object(sink, NULL);
	sink_string(sink, "action", actions[step->action].word);
	sink_string(sink, "object", plan_object_word(step->object));
	sink_string(sink, "name", step->name);
	sink_string(sink, "detail", step->detail);
	sink_string(sink, "reason", step->reason);
	sink_close(sink);
	if (step->action == PLAN_KEEP)
		return;
	sink_coloured(sink, actions[step->action].colour, "  %s", actions[step->action].sign);
	if (step->detail)
		sink_text(sink, " %-10s  %-*s  %s\n", plan_object_word(step->object), width,
			step->name, step->detail);
	else
		sink_text(sink, " %-10s  %s\n", plan_object_word(step->object), step->name);
	if (step->reason)
		sink_text(sink, "      %s\n", step->reason);
}

/* What changes where no object does. */
static const char *summary_beside_objects(const struct plan *plan)
{
	if (plan->takes_strangers && plan->state->strangers.count)
		return "what sockform did not make goes";
	if (plan->state->leftovers.count)
		return "what an apply left half-way goes";
	return "what is remembered of it changes";
}

/* A deployment without anything in it is a folder and no step: still something to do. */
static const char *summary_without_steps(const struct plan *plan)
{
	if (plan->partial)
		return "nothing is attached";
	if (!plan->manifest)
		return plan->state->exists ? "nothing left in it" : "nothing to delete";
	if (plan_changes(plan) && plan->state->exists)
		return summary_beside_objects(plan);
	return plan_changes(plan) ? "nothing in it" : "unchanged";
}

static void write_stranger(struct sink *sink, const char *path)
{
	sink_open_object(sink, NULL);
	sink_string(sink, "path", path);
	sink_close(sink);
	sink_coloured(sink, actions[PLAN_DELETE].colour, "  %s", actions[PLAN_DELETE].sign);
	sink_text(sink, " %-10s  ", "file");
	sink_foreign(sink, COLOUR_NONE, path, strlen(path));
	sink_text(sink, "\n      sockform did not make it\n");
}

/* What goes without being an object of ours; there is no way back to it. */
static void write_strangers(struct sink *sink, const struct plan *plan)
{
	sink_open_array(sink, "strangers");
	if (plan->takes_strangers)
		vec_each (path, &plan->state->strangers)
			write_stranger(sink, *path);
	if (plan->takes_strangers && !plan->manifest)
		vec_each (path, &plan->state->outsiders)
			write_stranger(sink, *path);
	sink_close(sink);
}

static void write_plan(struct sink *sink, const struct plan *plan)
{
	bool steps = plan->counts[PLAN_KEEP] != plan->steps.count;
	int width = name_width(plan);

	sink_open_object(sink, NULL);
	sink_string(sink, "name", plan->deployment);
	sink_bool(sink, "changed", plan_changes(plan));
	sink_string(sink, "note", plan->note);
	for (enum plan_action action = 0; action < PLAN_ACTION_COUNT; action++)
		sink_number(sink, actions[action].done, plan->counts[action]);
	sink_coloured(sink, COLOUR_BOLD, "%s", plan->deployment);
	if (!steps)
		sink_text(sink, ": %s", summary_without_steps(plan));
	if (plan->note) {
		sink_text(sink, steps ? ": " : ", ");
		sink_foreign(sink, COLOUR_NONE, plan->note, strlen(plan->note));
	}
	sink_text(sink, "\n");
	sink_open_array(sink, "steps");
	vec_each (step, &plan->steps)
		write_step(sink, step, width);
	sink_close(sink);
	write_strangers(sink, plan);
	sink_close(sink);
}

static void write_totals(struct sink *sink, const struct plan *const *plans, size_t count,
	enum report_tense tense, double milliseconds)
{
	const char *separator = "";

	for (enum plan_action action = PLAN_CREATE; action < PLAN_ACTION_COUNT; action++) {
		size_t sum = 0;

		for (size_t i = 0; i < count; i++)
			sum += plans[i]->counts[action];
		if (!sum)
			continue;
		sink_text(sink, "%s%zu %s", separator, sum,
			tense == REPORT_DONE ? actions[action].done : actions[action].planned);
		separator = ", ";
	}
	if (!*separator)
		return;
	if (tense == REPORT_DONE)
		sink_text(sink, " in %.1f ms", milliseconds);
	sink_text(sink, "\n");
}

void report_plans(struct sink *sink, const struct plan *const *plans, size_t count,
	enum report_tense tense, double milliseconds)
{
	sink_open_object(sink, NULL);
	sink_open_array(sink, "deployments");
	for (size_t i = 0; i < count; i++)
		write_plan(sink, plans[i]);
	sink_close(sink);
	sink_bool(sink, "done", tense == REPORT_DONE);
	if (tense == REPORT_DONE)
		sink_real(sink, "milliseconds", milliseconds);
	sink_close(sink);
	write_totals(sink, plans, count, tense, milliseconds);
}
