/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Cgroups of the tests' own, and programs that somebody else attaches: a cgroup that the test made
 * is below the root of cgroup2, and goes with the test.
 */
#pragma once

#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>

#include "harness.h"
#include "shape.h"

/* Where cgroup2 is mounted; skips the test where it is not. Static buffer. */
const char *cgroup_mount(void);

/* Makes /sockform-test-NAME-PID; the path as a manifest writes it, in a static buffer. */
const char *cgroup_make(const char *name);

/* A descriptor of the cgroup at that path. */
int cgroup_open(const char *path);

/* Whether links of cgroups take BPF_F_PREORDER on this kernel, by making one. */
bool cgroup_has_preorder(void);

/* Moves this process there, "/" for the root. Sockets belong to where they are made. */
void cgroup_enter(const char *path);

/* Removes it; waits a moment for what ends asynchronously. */
void cgroup_remove(const char *path);

/* A test's fini, before harness_fini: out of the cgroups of this test, and away with them. */
void cgroup_fini(void);

/* All deployments, and what is on that cgroup, NULL for none: read past the program; malloc()ed. */
char *cgroup_shape(const char *path);

/* It is what it was, with what is in slots, on hooks and behind links, which pins and ids do not tell. */
#define assert_shape(before, path)                                                                 \
	do {                                                                                       \
		char *now_ = cgroup_shape(path);                                                   \
		cr_assert_str_eq(now_, before, "before:\n%snow:\n%s", before, now_);               \
		free(now_);                                                                        \
	} while (0)

/* Programs of other types than raw.h makes: returns `verdict` at once. */
int program_return(enum bpf_prog_type type, const char *name, int verdict);

/* The ids of the programs on a hook: the only one, 0 for none. */
uint32_t hook_program(int target, enum bpf_attach_type type);
