/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

/* What --name says, or the deployments of the manifests. */
static bool collect_targets(struct invocation *invocation, target_list *targets)
{
	desired_list desired = { 0 };

	if (invocation->name) {
		vec_add(&invocation->arena, targets)->name = invocation->name;
		return true;
	}
	if (!reconcile_load(&invocation->reconcile, invocation->operands, invocation->operand_count,
		    &desired))
		return false;
	vec_each (wanted, &desired)
		vec_add(&invocation->arena, targets)->name = wanted->manifest->name.text;
	return true;
}

int cmd_delete(struct invocation *invocation)
{
	const struct manifest_settings *settings = &invocation->reconcile.settings;
	target_list targets = { 0 };
	plan_list plans = { 0 };
	double started;

	if (!invocation->name == !invocation->operand_count)
		return usage_error(invocation, "give the manifest's FILE, or --name NAME");
	if (invocation->name && (settings->files.count || settings->sets.count))
		return usage_error(invocation,
			"--set and --values are for a FILE's parameters, and --name has none");
	if (invocation->name && !manifest_is_deployment_name(invocation->name))
		return usage_error(invocation, "a deployment's name is 1 to 63 of a-z, 0-9 and -");
	if (!collect_targets(invocation, &targets))
		return diag_exit_code(&invocation->diagnostics);
	started = clock_milliseconds();
	if (!reconcile_delete(
		    &invocation->reconcile, "delete", targets.items, targets.count, &plans))
		return diag_exit_code(&invocation->diagnostics);
	report_done(invocation, &plans, started);
	return EXIT_DONE;
}
