/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

static int show_features(struct invocation *invocation)
{
	probe_features features = { 0 };

	if (!reconcile_features(&invocation->reconcile, &features))
		return diag_exit_code(&invocation->diagnostics);
	report_features(&invocation->out, &invocation->arena, &features);
	return EXIT_DONE;
}

static int test_kernel(struct invocation *invocation)
{
	selftest_results results = { 0 };

	if (!reconcile_self_test(&invocation->reconcile, "features --self-test", &results))
		return diag_exit_code(&invocation->diagnostics);
	report_selftest(&invocation->out, &results);
	if (!selftest_judged(&results)) {
		diag_add(&invocation->diagnostics, DIAG_E0402, mark_none,
			"no trial could be made: nothing is known of this kernel");
		return EXIT_KERNEL;
	}
	return selftest_faults(&results) ? EXIT_DIFFERENCE : EXIT_DONE;
}

int cmd_features(struct invocation *invocation)
{
	return invocation->self_test ? test_kernel(invocation) : show_features(invocation);
}
