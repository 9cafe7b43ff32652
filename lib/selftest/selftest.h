/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Whether the kernel keeps its word with data: bytes are sent through sockets on loopback, which are in
 * maps with programs on them, and what arrives is compared with what was sent.
 *
 * The programs are manifests, assembled, loaded and attached behind slots as those of users are. Nothing
 * is pinned; all goes with its descriptors. The room stands above the feeds and makes system calls, as
 * they do, on sockets: its own.
 */
#pragma once

#include "lib/kernel/kernel.h"

enum selftest_state {
	SELFTEST_OK,
	SELFTEST_FAULT,
	SELFTEST_LIMIT,   /* a fault that every kernel so far has */
	SELFTEST_SKIPPED, /* this kernel, or this machine, lacks what it takes */
	SELFTEST_STATE_COUNT,
};

struct selftest_result {
	const char *name;
	const char *group;
	enum selftest_state state;
	const char *detail;     /* what was moved, or seen, or is lacking; NULL */
	const char *means;      /* what the fault means for a user */
	const char *workaround; /* what can be done about it */
	double milliseconds;
};

typedef VEC(struct selftest_result) selftest_results;

/* Runs all of it, in at most SELFTEST_MS. What that leaves no time for is skipped. */
#define SELFTEST_MS 10000
void selftest_run(struct arena *arena, selftest_results *ret);

/* How many are faults; limits are none. */
size_t selftest_faults(const selftest_results *results);

/* How many were not skipped: where there are none, that there is no fault says nothing. */
size_t selftest_judged(const selftest_results *results);
