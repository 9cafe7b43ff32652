/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct form {
	const char *text;
	struct bpf_insn instructions[2];
	size_t count;
	bool foreign; /* no text of LLVM 19 */
};

extern const struct form forms[];
extern const size_t form_count;
