/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

int cmd_schema(struct invocation *invocation)
{
	report_schema(&invocation->out, &invocation->arena);
	return EXIT_DONE;
}
