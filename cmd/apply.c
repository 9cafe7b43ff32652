/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_apply(struct invocation *invocation)
{
	desired_list desired = { 0 };
	plan_list plans = { 0 };
	double started;

	if (!reconcile_load(&invocation->reconcile, invocation->operands, invocation->operand_count,
		    &desired))
		return diag_exit_code(&invocation->diagnostics);
	started = milliseconds_now();
	if (!reconcile_apply(&invocation->reconcile, "apply", &desired, &plans, NULL))
		return diag_exit_code(&invocation->diagnostics);
	reconcile_warn(&invocation->reconcile, &desired);
	report_done(invocation, &plans, started);
	return EXIT_DONE;
}
