/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_validate(struct invocation *invocation)
{
	desired_list desired = { 0 };
	const struct manifest **manifests;

	if (!reconcile_load(&invocation->reconcile, invocation->operands, invocation->operand_count,
		    &desired))
		return diag_exit_code(&invocation->diagnostics);
	manifests = arena_alloc_array(&invocation->arena, desired.count, sizeof(*manifests));
	for (size_t i = 0; i < desired.count; i++)
		manifests[i] = desired.items[i].manifest;
	report_valid(&invocation->out, manifests, desired.count);
	return EXIT_DONE;
}
