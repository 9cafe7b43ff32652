/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_status(struct invocation *invocation)
{
	const char *name = invocation->operand_count ? invocation->operands[0] : NULL;
	status_list states = { 0 };
	bool drifted = false;

	if (name && !manifest_is_deployment_name(name))
		return usage_error(invocation, "a deployment's name is 1 to 63 of a-z, 0-9 and -");
	if (!reconcile_status(&invocation->reconcile, "status", name, &states))
		return diag_exit_code(&invocation->diagnostics);
	report_states(&invocation->out, states.items, states.count);
	/* One that was asked for and is not there is a difference too. */
	vec_each (status, &states)
		drifted = drifted || status->drifts.count || !status->state->exists;
	return drifted ? EXIT_DIFFERENCE : EXIT_DONE;
}
