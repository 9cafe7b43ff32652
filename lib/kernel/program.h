/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Inside the room: what loading for use and loading for an answer share. */
#pragma once

#include "lib/bpfasm/code.h"

/* A copy of the instructions with descriptors where the code has positions of maps. */
const struct bpf_insn *program_relocate(
	struct arena *arena, const struct bpfasm_code *code, const int *maps);

/* BPF_PROG_LOAD as `attr` says, called directly, see kernel_create_map: a descriptor, or -errno. */
int program_load(union bpf_attr *attr);
