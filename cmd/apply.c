/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

static bool check(struct invocation *invocation, const desired_list *desired)
{
	plan_list plans = { 0 };

	if (!reconcile_check(&invocation->reconcile, "apply", desired, &plans))
		return false;
	reconcile_warn(&invocation->reconcile, desired);
	report_plans(&invocation->out, plans.items, plans.count, REPORT_PLANNED, 0);
	return true;
}

static bool apply(struct invocation *invocation, const desired_list *desired)
{
	double started = clock_milliseconds();
	plan_list plans = { 0 };

	if (!reconcile_apply(&invocation->reconcile, "apply", desired, &plans, NULL))
		return false;
	reconcile_warn(&invocation->reconcile, desired);
	report_done(invocation, &plans, started);
	return true;
}

int cmd_apply(struct invocation *invocation)
{
	desired_list desired = { 0 };
	bool done = take_sources(invocation) &&
		    reconcile_load(&invocation->reconcile, invocation->operands,
			    invocation->operand_count, &desired);

	if (done)
		done = invocation->dry_run ? check(invocation, &desired)
					   : apply(invocation, &desired);
	return done ? EXIT_DONE : diag_exit_code(&invocation->diagnostics);
}
