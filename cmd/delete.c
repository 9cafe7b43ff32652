/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

/* The names to delete: what --name says, or the deployments of the manifests. */
static bool collect_names(struct invocation *invocation, kernel_names *names)
{
	desired_list desired = { 0 };

	if (invocation->name) {
		*vec_add(&invocation->arena, names) = invocation->name;
		return true;
	}
	if (!reconcile_load(&invocation->reconcile, invocation->operands, invocation->operand_count,
		    &desired))
		return false;
	vec_each (wanted, &desired)
		*vec_add(&invocation->arena, names) = wanted->manifest->name.text;
	return true;
}

int cmd_delete(struct invocation *invocation)
{
	kernel_names names = { 0 };
	plan_list plans = { 0 };
	double started;

	if (!invocation->name == !invocation->operand_count) {
		sink_text(&invocation->err,
			"sockform delete: give the manifest's FILE, or --name NAME\n");
		return EXIT_USAGE;
	}
	if (invocation->name && !manifest_is_deployment_name(invocation->name)) {
		sink_text(&invocation->err,
			"sockform delete: a deployment's name is 1 to 63 of a-z, 0-9 and -\n");
		return EXIT_USAGE;
	}
	if (!collect_names(invocation, &names))
		return diag_exit_code(&invocation->diagnostics);
	started = milliseconds_now();
	if (!reconcile_delete(&invocation->reconcile, "delete", names.items, names.count, &plans))
		return diag_exit_code(&invocation->diagnostics);
	report_plans(&invocation->out, plans.items, plans.count, REPORT_DONE,
		milliseconds_now() - started);
	return EXIT_DONE;
}
