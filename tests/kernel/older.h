/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What older kernels do not know, for what stands between a program and this one. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

/*
 * Whether a kernel would refuse that bpf() call that lacks this: "no-links", maps have none (before about
 * 6.10); "no-query", nor can they be asked what is attached to them (before about 5.18). Nothing else, and
 * NULL, lacks anything.
 */
bool older_refuses(const char *lacking, int command, const union bpf_attr *attr);
