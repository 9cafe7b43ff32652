/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_build(struct invocation *invocation)
{
	desired_list desired = { 0 };
	struct report_build *builds;

	if (!reconcile_load(&invocation->reconcile, invocation->operands, invocation->operand_count,
		    &desired))
		return diag_exit_code(&invocation->diagnostics);
	builds = arena_alloc_array(&invocation->arena, desired.count, sizeof(*builds));
	for (size_t i = 0; i < desired.count; i++)
		builds[i] =
			(struct report_build){ desired.items[i].manifest, desired.items[i].codes };
	report_builds(&invocation->out, builds, desired.count);
	return EXIT_DONE;
}
