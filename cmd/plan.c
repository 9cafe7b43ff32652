/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_plan(struct invocation *invocation)
{
	desired_list desired = { 0 };
	plan_list plans = { 0 };
	bool changes = false;

	/* Also what apply does only with --replace. */
	invocation->reconcile.replaces = true;
	if (!take_sources(invocation) ||
		!reconcile_load(&invocation->reconcile, invocation->operands,
			invocation->operand_count, &desired))
		return diag_exit_code(&invocation->diagnostics);
	if (!reconcile_plan(&invocation->reconcile, "plan", &desired, &plans))
		return diag_exit_code(&invocation->diagnostics);
	reconcile_warn(&invocation->reconcile, &desired);
	report_plans(&invocation->out, plans.items, plans.count, REPORT_PLANNED, 0);
	vec_each (plan, &plans)
		changes = changes || plan_changes(*plan);
	return changes && invocation->exit_code ? EXIT_DIFFERENCE : EXIT_DONE;
}
