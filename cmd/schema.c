/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

#include <string.h>

static const struct {
	const char *name;
	void (*write)(struct sink *sink, struct arena *arena);
} schemas[] = {
	{ "manifest", report_schema },
	{ "plan", report_plan_schema },
	{ "status", report_status_schema },
};

int cmd_schema(struct invocation *invocation)
{
	const char *wanted = invocation->operand_count ? invocation->operands[0] : schemas[0].name;

	for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
		if (strcmp(schemas[i].name, wanted) == 0) {
			schemas[i].write(&invocation->out, &invocation->arena);
			return EXIT_DONE;
		}
	return usage_error(invocation,
		"there is a schema of manifest, plan and status, not of \"%s\"", wanted);
}
