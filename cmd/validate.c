/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_validate(struct invocation *invocation)
{
	manifest_list manifests = { 0 };

	if (!reconcile_validate(&invocation->reconcile, invocation->operands,
		    invocation->operand_count, &manifests))
		return diag_exit_code(&invocation->diagnostics);
	report_valid(&invocation->out, manifests.items, manifests.count);
	return EXIT_DONE;
}
