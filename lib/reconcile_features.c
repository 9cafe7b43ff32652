/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the kernel offers, and whether it keeps its word. Nothing that is deployed is looked at. */
#include "lib/reconcile.h"

/* Finds bpffs and makes the kernel room ready; makes nothing. */
static bool look(struct reconcile *reconcile)
{
	reconcile->kernel.arena = reconcile->arena;
	reconcile->kernel.diagnostics = reconcile->diagnostics;
	return kernel_open(&reconcile->kernel, false);
}

bool reconcile_features(struct reconcile *reconcile, probe_features *ret)
{
	if (!look(reconcile))
		return false;
	kernel_probe(&reconcile->kernel, ret);
	return true;
}

bool reconcile_self_test(struct reconcile *reconcile, const char *verb, selftest_results *ret)
{
	if (!look(reconcile) || !kernel_check_privilege(&reconcile->kernel, verb))
		return false;
	selftest_run(reconcile->arena, ret);
	return true;
}
