/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: what this process may do. Capabilities are sets, a bit each. */
#pragma once

#include "lib/base/arena.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

#define NEEDS(capability) (UINT64_C(1) << (capability))
#define NEEDS_MAPS (NEEDS(CAP_BPF) | NEEDS(CAP_NET_ADMIN))

/* The effective ones; all of them where the kernel does not tell: then it is for each call to be refused. */
uint64_t privilege_read(void);

/* Whether one of them is it, or stands for it (bpf_capable, perfmon_capable, bpf_net_capable). */
bool privilege_has(uint64_t capabilities, unsigned int capability);

/* "CAP_BPF and CAP_NET_ADMIN": which of those that are needed are missing; "" for none. */
const char *privilege_missing(struct arena *arena, uint64_t capabilities, uint64_t needs);
