/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What this kernel offers of what sockform uses, found out by asking for it: objects are made, looked
 * at and closed again, never pinned, and nothing but what was made for the question is touched. No
 * version number is read.
 */
#pragma once

#include "lib/kernel/kernel.h"

enum probe_state {
	PROBE_YES,
	PROBE_NO,
	PROBE_UNKNOWN, /* the question could not be asked; the detail says why */
	PROBE_STATE_COUNT,
};

/* One thing that the kernel, or this process, has or has not. */
struct probe_feature {
	const char *group; /* "maps"; the features of a group stand together */
	const char *name;
	const char *needed_by; /* which key of a manifest, or which verb */
	const char *costs;     /* what its absence means, one sentence, no full stop */
	enum probe_state state;
	const char *detail; /* where it is, why it is not known, what the kernel said; NULL */
	bool common;        /* one of many that only assembly asks for */
};

typedef VEC(struct probe_feature) probe_features;

/*
 * Asks everything, whatever privilege there is. The kernel's root is where kernel_open found bpffs, or
 * NULL.
 */
void kernel_probe(const struct kernel *kernel, probe_features *ret);
