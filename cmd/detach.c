/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "cmd/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool parse_id(const char *text, uint32_t *ret)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	*ret = (uint32_t)value;
	return *text >= '0' && *text <= '9' && !*end && !errno && value && value <= UINT32_MAX;
}

/* "/sys/fs/bpf/map", "id:17" or "DEPLOYMENT/MAP". */
static bool parse_map(struct invocation *invocation, const char *text, struct reconcile_hooks *ret)
{
	const char *slash = strchr(text, '/');

	if (text[0] == '/') {
		ret->pin = text;
		return true;
	}
	if (strncmp(text, "id:", 3) == 0)
		return parse_id(text + 3, &ret->id);
	if (!slash || strchr(slash + 1, '/') || !slash[1] || slash[1] == '.')
		return false;
	ret->deployment = arena_copy(&invocation->arena, text, (size_t)(slash - text));
	ret->map = slash + 1;
	return manifest_is_deployment_name(ret->deployment);
}

static const char *hook_names(struct arena *arena, bool on_cgroup)
{
	const char *names = NULL;
	size_t count;
	const struct attach_kind *kinds = attach_kinds(&count);

	for (size_t i = 0; i < count; i++)
		if (kinds[i].on_cgroup == on_cgroup)
			names = names ? arena_printf(arena, "%s, %s", names, kinds[i].name)
				      : kinds[i].name;
	return names;
}

static int parse_hook(struct invocation *invocation, const char *text, struct reconcile_hooks *ret)
{
	bool on_cgroup = ret->cgroup;

	ret->kind = attach_kind_named(text);
	if (ret->kind && ret->kind->on_cgroup == on_cgroup)
		return EXIT_DONE;
	return usage_error(invocation, "%s has the hooks %s, not \"%s\"",
		on_cgroup ? "a cgroup" : "a map", hook_names(&invocation->arena, on_cgroup), text);
}

static int parse_target(struct invocation *invocation, struct reconcile_hooks *ret)
{
	const char *problem;

	if (!invocation->cgroup) {
		if (!invocation->operand_count)
			return usage_error(invocation, "give a MAP, or --cgroup PATH");
		if (!parse_map(invocation, invocation->operands[0], ret))
			return usage_error(invocation,
				"a MAP is DEPLOYMENT/MAP, the path of a pin or id:NUMBER, not "
				"\"%s\"",
				invocation->operands[0]);
		return EXIT_DONE;
	}
	problem = manifest_parse_cgroup(&invocation->arena, invocation->cgroup, &ret->cgroup);
	if (problem)
		return usage_error(invocation, "\"%s\" is no path of a cgroup: %s",
			invocation->cgroup, problem);
	return EXIT_DONE;
}

int cmd_detach(struct invocation *invocation)
{
	struct reconcile_hooks hooks = { .program = invocation->program,
		.force = invocation->reconcile.forces };
	size_t at = invocation->cgroup ? 0 : 1;
	int result = parse_target(invocation, &hooks);
	plan_list plans = { 0 };
	double started;

	if (!result && invocation->operand_count > at + 1)
		result = usage_error(invocation, "there is one operand too many: %s",
			invocation->operands[at + 1]);
	if (!result && invocation->operand_count > at)
		result = parse_hook(invocation, invocation->operands[at], &hooks);
	if (result)
		return result;
	started = clock_milliseconds();
	if (!reconcile_detach(&invocation->reconcile, "detach", &hooks, &plans))
		return diag_exit_code(&invocation->diagnostics);
	report_done(invocation, &plans, started);
	return EXIT_DONE;
}
