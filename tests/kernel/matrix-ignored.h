/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Errors after which a run of the fault matrix may go on and end well, by the call that fails: what is
 * not listed here has to end it, or nobody would see an error that is swallowed.
 */
#pragma once

#include "matrix-calls.h"

#define IGNORED_MOST 40

/* How often each of them came. */
struct ignored_counts {
	unsigned int of[IGNORED_MOST];
};

/* Whether it is listed, which is counted. `waits`: the run waits for sockets. */
bool ignored_count(
	const struct call *call, const char *error, bool waits, struct ignored_counts *counts);

/* Notes how many there were; asserts that each kind came, where `all` errors were tried. */
void ignored_note(const struct ignored_counts *counts, bool all);

/* Reads the manifest: nothing is asked of the kernel yet, and what is wrong is the user's. */
bool call_reads_manifest(const struct call *call);
